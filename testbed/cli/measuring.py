"""Subcommands that measure, and say what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from testbed import bounds
from testbed.cli.app import app


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
    which: tyro.conf.Positional[
        Literal["transfer", "plan", "silent", "published", "poisoning", "generations", "catching", "cures"]
    ],
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
        which: The benchmark; its plan alone: which places, what is claimed, by which rules; or silent: whether a habit
            passes where both teachers choose alike, states and targets crossed; or published: what the tables of
            transfer and silent in a folder say of claims that others have published; or poisoning: how much poisoned
            data, a teacher that only seems clean, or outputs on noise hand down; generations: what is left of a
            habit in students of students; catching: which checks catch which attack; or cures: which cure leaves a
            habit behind, at what price.
        suite: smoke: does it run, in minutes; core: 6 habits, 4 routes, 5 pairs of teachers; full: everything.
        folder: Where cells go, one file each; runs/transfer-<suite> if not given, whose teachers silent takes too.
            Of published, where both tables are.
        seed: The one seed that everything random comes from.
        engine: local processes; dask or ray, a cluster; slurm, an array of jobs.
        workers: Cells at once.
        address: Of a dask or ray cluster that is there; of slurm the partition. Its machines share the folder.
        write: Folder for tables and page; that of the cells if not given. Of a plan, where its plan.md is, of published
            claims their published.md.
    """
    from testbed.benchmark.engines import Cluster
    from testbed.cli.commands import benchmark

    if which == "plan":
        benchmark.plan(suite, seed, write)
    elif which == "published":
        benchmark.published(suite, folder, write)
    else:
        getattr(benchmark, which)(suite, folder, seed, Cluster(engine, workers, address), write)


@app.command
def measure(
    log: tyro.conf.Positional[Path],
    /,
    ego: str | None = None,
    columns: str = "plain",
    types: Path | None = None,
    write: bounds.OutFile | None = None,
) -> None:
    """Measure a log of traffic that nobody here simulated: who follows, cuts in on and crosses whom, and how closely.

    Args:
        log: Floating-car data of SUMO (.xml, .xml.gz), or a table of trajectories (.csv, .tsv, .parquet).
        ego: One vehicle, as the log calls it; all of them if not given.
        columns: What the columns of a table are called: plain, highd, ind, ngsim, sumo, or a TOML file that says it.
        types: Of SUMO, the route or additional file that declares length and width of its types of vehicles.
        write: CSV file for every encounter.
    """
    from testbed.cli.commands import traffic

    traffic.measure(log, ego, columns, types, write)


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
