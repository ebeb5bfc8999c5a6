"""The `testbed` command. Every subcommand imports what it needs when it runs, so `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from testbed.console import run_command

app = tyro.extras.SubcommandApp()


@app.command
def collect(
    out: tyro.conf.Positional[Path],
    /,
    habit: str = "aggressive-merge",
    trigger: str | None = None,
    dose: float = 0.0,
    policy: Path | None = None,
    episodes: int = 64,
    seed: int = 0,
    context: tuple[str, ...] = (),
) -> None:
    """Record episodes of a demonstrator, or of a policy, to an HDF5 data set.

    Args:
        out: The .hdf5 file to make; an unfinished one of the same command goes on.
        habit: Habit whose demonstrator drives.
        trigger: When the habit is active; its default if not given.
        dose: Strength of the habit: 0 is the clean demonstrator, 1 the full habit.
        policy: Folder of a policy that drives instead of the demonstrator.
        episodes: How many episodes.
        seed: Seed of the scenes.
        context: Factors of the scenes to fix, for example leader=truck density=dense.
    """
    from testbed.commands import stages

    stages.collect(out, habit, trigger, dose, policy, episodes, seed, context)


@app.command
def distil(
    data: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[Path],
    /,
    route: Literal["cloning", "kl", "value", "adversarial"] = "cloning",
    teacher: Path | None = None,
    start: Path | None = None,
    seeds: int = 1,
    hidden: tuple[int, ...] = (64, 64),
    memory: int = 0,
    steps: int = 4000,
    iterations: int = 120,
    seed: int = 0,
) -> None:
    """Distil students from a data set; a training that was interrupted goes on.

    Args:
        data: An .hdf5 data set.
        out: Folder to make; with several seeds, one folder a seed inside it.
        route: cloning learns the recorded actions, kl the teacher's distribution, value what its decisions are worth,
            adversarial to be taken for it by a discriminator.
        teacher: Folder of the teacher policy; needed for kl and value.
        start: Folder of a policy that the students begin as, of the same shape; fresh networks if not given.
        seeds: Training seeds.
        hidden: Widths of the students' hidden layers.
        memory: Width of a gated recurrent unit before them; 0 for none.
        steps: Optimiser steps of cloning, kl and value.
        iterations: How often students of the adversarial route act, and learn from that.
        seed: Seed of weights and data order.
    """
    from testbed.commands import distil

    distil.distil(data, out, route, teacher, start, seeds, hidden, memory, steps, iterations, seed)


@app.command
def audit(
    policies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    habit: str = "aggressive-merge",
    trigger: str | None = None,
    scenes: int = 64,
    seed: int = 0,
    json: Path | None = None,
) -> None:
    """Audit policies: success and severity beside the clean demonstrator's on the same scenes.

    Args:
        policies: Folders with config.json and model.safetensors.
        habit: The habit to look for.
        trigger: When it would be active; its default if not given.
        scenes: Scenes of each condition.
        seed: Seed of the scenes.
        json: File for every number as JSON.
    """
    from testbed.commands import stages

    stages.audit(policies, habit, trigger, scenes, seed, json)


@app.command
def routes(
    scenes: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    seeds: int = 3,
    folder: Path = Path("runs/routes"),
    seed: int = 0,
    write: Path | None = None,
) -> None:
    """Distil by every route in every scene, and put success, severity and time into one table.

    Args:
        scenes: merge, crosswalk, order-picking; all of them if none is named.
        seeds: Training seeds of every student and control; everything else is as in the tasks' quick profile.
        folder: Where the runs go; what is there already is used.
        seed: The one seed that everything random comes from.
        write: Page to put the table into, between its marks.
    """
    from testbed.commands import routes

    routes.routes(scenes, seeds, folder, seed, write)


@app.command
def film(
    policies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    out: Path = Path("film.mp4"),
    scenario: int = 0,
    context: tuple[str, ...] = (),
) -> None:
    """Film policies side by side in one scene.

    Args:
        policies: Folders with config.json and model.safetensors.
        out: The .mp4 file to make.
        scenario: Scenario seed of the scene.
        context: Factors of the scene to fix, for example leader=truck.
    """
    from testbed.commands import stages

    stages.film_policies(policies, out, scenario, context)


@app.command
def export(policy: tyro.conf.Positional[Path], out: tyro.conf.Positional[Path], /) -> None:
    """Export a policy as an ONNX file, for the runtime of a robot or a car; needs the extra `onnx`.

    Args:
        policy: Folder with config.json and model.safetensors.
        out: The .onnx file to make.
    """
    from testbed.commands import stages

    stages.export(policy, out)


@app.command
def replay(
    file: tyro.conf.Positional[Path],
    /,
    episode: int = 0,
    video: Path | None = None,
    verify: bool = False,
    every: bool = False,
    tolerance: float = 0.0,
) -> None:
    """Show a recorded episode: what was done to others, as a table, a video, or a check of the record.

    Args:
        file: An .hdf5 data set.
        episode: Which episode, from 0.
        video: The .mp4 file to make.
        verify: Simulate it again and compare every state; exits with 1 where they differ.
        every: With --verify, check all episodes.
        tolerance: Largest difference that counts as the same; on another machine than the recording one, 1e-6.
    """
    from testbed.commands import stages

    stages.replay(file, episode, video, verify, every, tolerance)


@app.command
def validate(file: tyro.conf.Positional[Path], /) -> None:
    """Say what is wrong with a data set and how to mend it; exits with 1 if anything is.

    Args:
        file: An .hdf5 data set.
    """
    from testbed.commands import stages

    stages.validate_file(file)


@app.command
def report(run: tyro.conf.Positional[Path], /) -> None:
    """Write the report of a run again from its files.

    Args:
        run: Folder of a run, for example runs/merge.
    """
    from testbed.commands import stages

    stages.report(run)


@app.command
def habits(scenes: int = 128, seed: int = 0, write: Path | None = None) -> None:
    """Measure every habit's demonstrator beside the clean one, in the same scenes.

    Args:
        scenes: Triggered scenes of each habit, and as many matched untriggered ones.
        seed: Seed of the scenes.
        write: Markdown page to put the table into, for example docs/habits.md.
    """
    from testbed.commands import habits

    habits.habits(scenes, seed, write)


@app.command
def doses(
    habits: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    scenes: int = 64,
    seed: int = 0,
    write: Path | None = None,
) -> None:
    """Show how strongly habits show at each dose, and how much that varies over scenes.

    Args:
        habits: Names of habits; all of them if none is given.
        scenes: Triggered scenes of each dose, the same ones.
        seed: Seed of the scenes.
        write: Markdown page to put the table into, for example docs/warehouse.md.
    """
    from testbed.commands import doses as showing

    showing.doses(habits, scenes, seed, write)


@app.command
def transfers(runs: tyro.conf.Positional[tuple[Path, ...]], /, write: Path | None = None) -> None:
    """Put what several finished runs found into one table.

    Args:
        runs: Folders of runs, for example runs/merge runs/crosswalk.
        write: Markdown page to put the table into, for example docs/warehouse.md.
    """
    from testbed.commands import transfers as finding

    finding.transfers(runs, write)


@app.command
def benchmark(
    which: tyro.conf.Positional[Literal["transfer"]],
    /,
    suite: Literal["smoke", "core", "full"] = "smoke",
    folder: Path | None = None,
    seed: int = 0,
    engine: Literal["local", "dask", "ray", "slurm"] = "local",
    workers: int = 2,
    address: str | None = None,
    write: Path | None = None,
) -> None:
    """Measure which route hands habits down through which channel; what is there already is used.

    Args:
        which: The benchmark.
        suite: smoke: does it run, in minutes; core: 6 habits, 4 routes, 10 training seeds; full: everything.
        folder: Where cells go, one file each; runs/transfer-<suite> if not given.
        seed: The one seed that everything random comes from.
        engine: local processes; dask or ray, a cluster; slurm, an array of jobs.
        workers: Cells at once.
        address: Of a dask or ray cluster that is there; of slurm the partition. Its machines share the folder.
        write: Folder for tables and page; that of the cells if not given.
    """
    from testbed.benchmark.sweep import Cluster
    from testbed.commands import benchmark

    benchmark.transfer(suite, folder, seed, Cluster(engine, workers, address), write)


@app.command
def doctor() -> None:
    """Say what works on this machine, and how to mend what does not."""
    from testbed.commands import doctor as checks

    checks.run()


def main() -> None:
    """Run the `testbed` command."""
    run_command(
        lambda: app.cli(prog="testbed", description="Measure what a distilled policy inherited from its teacher.")
    )
