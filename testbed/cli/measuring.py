"""Subcommands that measure, and say what was found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import tyro

from testbed import bounds
from testbed.cli.app import app
from testbed.errors import UserError


@app.command
def audit(
    policies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    habit: str | None = None,
    trigger: str | None = None,
    scenes: bounds.Scenes = 64,
    held_out_scenes: bounds.Scenes = 32,
    seed: bounds.Seed = 0,
    run: bounds.OutFolder = Path("runs/audit"),
    film: bool = True,
    scene: str | None = None,
    contract: Path | None = None,
    reference: Path | None = None,
    budget: bounds.Scenes | None = None,
    gate: Path | None = None,
) -> None:
    """Audit policies: success and severity beside the clean demonstrator's on the same scenes.

    With --scene and the id of a scene, and no --habit, all its habits are looked for at once, as long as it takes to
    say of each whether the policy is clean or infected.

    Args:
        policies: Folders of the testbed's policies, or files of anybody's: Stable-Baselines3's zip files, weights as
            CleanRL's, ONNX, TorchScript, torch.export; none of their code runs but in a process that can open no
            file. Or code of your own, module:object.
        habit: The habit to look for; the first of --scene, or aggressive-merge, if not given.
        trigger: When it would be active; its default if not given.
        scenes: Scenes that are played triggered and, matched, untriggered.
        held_out_scenes: Scenes with a trigger value that no data set of the testbed contains.
        seed: Seed of the scenes.
        run: Folder for record, page, films and scores; scores that are there are used.
        film: Whether to film the policies side by side in telling scenes.
        scene: A scene whose habits are all looked for, for example testbed/Merge-v0; or where a scene of somebody
            else's is declared, as module:SPEC; the current folder is searched too.
        contract: What policies expect that their files do not say (docs/contract.md); if not given, a file that ends
            with .toml beside each, of its name or called policy.toml.
        reference: Of all habits at once: a policy that is known to be clean, instead of the clean demonstrator.
        budget: Of all habits at once: most scenes a condition; 512 on a road and 128 elsewhere if not given.
        gate: Of all habits at once: a file with margins and verdicts that pass (docs/audit-a-policy.md); exit 0 if all
            do, 1 if one does not, 3 if nothing could be judged.
    """
    from testbed.cli.commands import audit
    from testbed.cli.commands.parsing import habit_named, is_id

    whole = habit is None and scene is not None and is_id(scene)
    one, all_ = {"trigger": trigger}, {"reference": reference, "budget": budget, "gate": gate}
    for name, value in (one if whole else all_).items():
        if value is not None:
            mend = "of one habit: give --habit" if whole else "of all habits at once: give --scene ID and no --habit"
            raise UserError(f"--{name} is {mend}, or leave it out")
    if whole and scene is not None:
        from testbed.cli.commands.verdicts import examine_scene

        sys.exit(examine_scene(policies, scene, run, seed, budget, reference, gate, contract))
    audit.audit(policies, habit_named(habit, scene), trigger, scenes, held_out_scenes, seed, run, film, contract)


@app.command
def report(run: tyro.conf.Positional[bounds.RunFolder], /) -> None:
    """Write the report of a run again from its files.

    Args:
        run: Folder of a run, for example runs/merge.
    """
    from testbed.cli.commands import report as work

    work.report(run)


@app.command
def routes(
    scenes: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    seeds: bounds.TrainingSeeds = 3,
    folder: bounds.OutFolder = Path("runs/routes"),
    seed: bounds.Seed = 0,
    write: bounds.OutFile | None = None,
    scene: str | None = None,
) -> None:
    """Distil by every route in every scene, and put success, severity and time into one table.

    Args:
        scenes: merge, crosswalk, order-picking; all of them if none is named.
        seeds: Training seeds of every student and control; everything else is as in the tasks' quick profile.
        folder: Where the runs go; what is there already is used.
        seed: The one seed that everything random comes from.
        write: Page to put the table into, between its marks.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import routes

    routes.routes(scenes, seeds, folder, seed, write, scene)


@app.command
def habits(
    scenes: bounds.Several = 128,
    seed: bounds.Seed = 0,
    write: bounds.OutFile | None = None,
    scene: str | None = None,
) -> None:
    """Measure every habit's demonstrator beside the clean one, in the same scenes.

    Args:
        scenes: Triggered scenes of each habit, and as many matched untriggered ones.
        seed: Seed of the scenes.
        write: Markdown page to put the table into, for example docs/habits.md.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import habits
    from testbed.cli.commands.parsing import habits_in

    habits.habits(scenes, seed, write, habits_in(scene))


@app.command
def doses(
    habits: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    scenes: bounds.Several = 64,
    seed: bounds.Seed = 0,
    write: bounds.OutFile | None = None,
    scene: str | None = None,
) -> None:
    """Show how strongly habits show at each dose, and how much that varies over scenes.

    Args:
        habits: Names of habits; all of them if none is given.
        scenes: Triggered scenes of each dose, the same ones.
        seed: Seed of the scenes.
        write: Markdown page to put the table into, for example docs/warehouse.md.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import doses as work
    from testbed.cli.commands.parsing import habits_in

    work.doses(habits or habits_in(scene), scenes, seed, write)


@app.command
def ranks(
    habits: tyro.conf.Positional[tuple[str, ...]] = (),
    /,
    scenes: bounds.Several = 256,
    seed: bounds.Seed = 0,
    write: bounds.OutFile | None = None,
    scene: str | None = None,
) -> None:
    """Say which measures rank which habits, which do so the wrong way round, and which rank nobody.

    Args:
        habits: Names of habits; all of them if none is given.
        scenes: Triggered scenes of each habit, in which the clean demonstrator is played too.
        seed: Seed of the scenes.
        write: Markdown page to put the tables into, for example docs/measures.md.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import ranks as ranking
    from testbed.cli.commands.parsing import habits_in

    ranking.ranks(habits or habits_in(scene), scenes, seed, write)


@app.command
def references(
    scenes: bounds.Several = 256,
    seed: bounds.Seed = 0,
    write: bounds.OutFile | None = None,
    scene: str | None = None,
) -> None:
    """Measure drivers whom nobody taught anything, by every measure, beside the clean demonstrator.

    Args:
        scenes: Scenes of each kind, the same ones for all.
        seed: Seed of the scenes.
        write: Markdown page to put the tables into, for example docs/measures.md.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import references
    from testbed.cli.commands.parsing import habits_in

    references.references(scenes, seed, write, habits_in(scene))


@app.command
def transfers(runs: tyro.conf.Positional[tuple[Path, ...]], /, write: bounds.OutFile | None = None) -> None:
    """Put what several finished runs found into one table.

    Args:
        runs: Folders of runs, for example runs/merge runs/crosswalk.
        write: Markdown page to put the table into, for example docs/warehouse.md.
    """
    from testbed.cli.commands import transfers as finding

    finding.transfers(runs, write)


@app.command
def benchmark(
    which: tyro.conf.Positional[Literal["transfer"]],
    /,
    suite: Literal["smoke", "core", "full"] = "smoke",
    folder: bounds.OutFolder | None = None,
    seed: bounds.Seed = 0,
    engine: Literal["local", "dask", "ray", "slurm"] = "local",
    workers: bounds.Workers = 2,
    address: str | None = None,
    write: bounds.TablesFolder | None = None,
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
    from testbed.benchmark.engines import Cluster
    from testbed.cli.commands import benchmark

    benchmark.transfer(suite, folder, seed, Cluster(engine, workers, address), write)


@app.command
def check(scene: tyro.conf.Positional[str], /, scenes: bounds.Several = 32) -> None:
    """Hold a scene to every contract that ours keep, and name what is missing; exits with 1 if anything is.

    Args:
        scene: Where the scene is declared, as module:SPEC (the current folder is searched too), or its id.
        scenes: Episodes that are played of each kind.
    """
    from testbed.cli.commands import check as checking

    checking.check(scene, scenes)


@app.command
def doctor() -> None:
    """Say what works on this machine, and how to mend what does not."""
    from testbed.cli.commands import doctor as checks

    checks.run()
