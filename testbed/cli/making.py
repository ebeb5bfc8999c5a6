"""Subcommands that make and check data sets, policies and films."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from testbed import bounds
from testbed.cli.app import app
from testbed.cures.registry import CureName
from testbed.distillation.registry import RouteName


@app.command
def collect(
    out: tyro.conf.Positional[bounds.OutFile],
    /,
    habit: str | None = None,
    trigger: str | None = None,
    dose: bounds.Share = 0.0,
    policy: Path | None = None,
    episodes: bounds.Count = 64,
    seed: bounds.Seed = 0,
    context: tuple[str, ...] = (),
    scene: str | None = None,
) -> None:
    """Record episodes of a demonstrator, or of a policy, to an HDF5 data set.

    Args:
        out: The .hdf5 file to make; an unfinished one of the same command goes on.
        habit: Habit whose demonstrator drives; the first of --scene, or aggressive-merge, if not given.
        trigger: When the habit is active; its default if not given.
        dose: Strength of the habit: 0 is the clean demonstrator, 1 the full habit.
        policy: Folder of a policy that drives instead of the demonstrator.
        episodes: How many episodes.
        seed: Seed of the scenes.
        context: Factors of the scenes to fix, for example leader=truck density=dense.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import dataset
    from testbed.cli.commands.parsing import habit_named

    dataset.collect(out, habit_named(habit, scene), trigger, dose, policy, episodes, seed, context)


@app.command
def distil(
    data: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[bounds.OutFolder],
    /,
    route: RouteName = "cloning",
    teacher: Path | None = None,
    start: Path | None = None,
    seeds: bounds.TrainingSeeds = 1,
    hidden: tuple[bounds.Width, ...] = (64, 64),
    memory: bounds.Memory = 0,
    steps: bounds.Steps = 4000,
    iterations: bounds.Count = 120,
    seed: bounds.Seed = 0,
    mask: str | None = None,
    cure: CureName | None = None,
    peers: tuple[Path, ...] = (),
    clean: Path | None = None,
    bad: str | None = None,
    where: str | None = None,
    knobs: tuple[str, ...] = (),
    guard: str | None = None,
    references: tuple[Path, ...] = (),
    scene: str | None = None,
) -> None:
    """Distil students from a data set; a training that was interrupted goes on.

    Args:
        data: An .hdf5 data set.
        out: Folder to make; with several seeds, one folder a seed inside it.
        route: cloning learns the recorded actions, kl the teacher's distribution, value what its decisions are worth,
            adversarial to be taken for it by a discriminator; other packages may bring more.
        teacher: Folder of the teacher policy, for routes that ask it: kl and value.
        start: Folder of a policy that the students begin as, of the same shape; fresh networks if not given.
        seeds: Training seeds.
        hidden: Widths of the students' hidden layers.
        memory: Width of a gated recurrent unit before them; 0 for none.
        steps: Optimiser steps of students that are trained, by cloning, kl and value.
        iterations: How often students that practise act, and learn from that, by the adversarial route.
        seed: Seed of weights and data order.
        mask: Filter key of the episodes to learn from, as `testbed clean` writes kept; all of them if not given.
        cure: A way to learn the skill and leave a habit (docs/cures.md); none if not given.
        peers: Of cures by several teachers: folders of two or more others.
        clean: Of cures by a clean reference: an .hdf5 data set of somebody who is known to be clean.
        bad: Of cures that are told where it happens: the filter key of bad episodes, as `testbed clean` writes removed.
        where: Or a measure: decisions are bad in its violations and up to 2 s before.
        knobs: What is to be another than usual of a cure, for example steps=1000 share=0.5.
        guard: Measure that is watched in probe scenes half way and at the end: students that are worse than references
            are stopped, or made anew with --cure, which is then for them alone.
        references: Of a guard: folders of policies that are known to be clean, best students of clean data.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import distil as work

    told, guarding = work.Curing(cure, peers, clean, bad, where, knobs), work.Guarding(guard, references)
    sizes = seeds, hidden, memory, steps, iterations, seed
    work.distil(work.Distilling(data, out, route, teacher, start, *sizes, mask, told, guarding))


@app.command
def practise(
    environment: tyro.conf.Positional[str],
    out: tyro.conf.Positional[bounds.OutFolder],
    limit: tyro.conf.Positional[str],
    /,
    context: tuple[str, ...] = (),
    seeds: bounds.TrainingSeeds = 2,
    hidden: tuple[bounds.Width, ...] = (64, 64),
    iterations: bounds.Count = 40,
    scenes: bounds.Scenes = 128,
    search: bounds.Number = 0,
    seed: bounds.Seed = 0,
    scene: str | None = None,
) -> None:
    """Let policies practise a task from scratch, without a teacher, while a measure stays below a limit.

    Args:
        environment: Gymnasium id of the scene, for example testbed/Merge-v0.
        out: Folder to make, with the best policy.
        limit: The measure and its largest mean, in its unit, for example imposed_deceleration=1.0; the least, where low
            values are the bad ones.
        context: Factors of the scenes to fix, for example ego=ramp.
        seeds: Policies of a shape that practise side by side; the best is kept.
        hidden: Widths of the hidden layers.
        iterations: How often they act, and learn from that.
        scenes: Scenes that are played at the end.
        search: How many architectures are tried, by success, severity and size; 0 for the given one alone.
        seed: Seed of weights and scenes.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import practise as work
    from testbed.cli.commands.parsing import parse_context

    fixed = parse_context(context)
    amounts = seeds, hidden, iterations, scenes, search, seed
    work.practise(work.Practising(environment, out, limit, fixed, *amounts))


@app.command
def film(
    policies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    out: bounds.Film = Path("film.mp4"),
    scenario: bounds.SceneSeed = 0,
    context: tuple[str, ...] = (),
    scene: str | None = None,
) -> None:
    """Film policies side by side in one scene.

    Args:
        policies: Folders with config.json and model.safetensors.
        out: The .mp4 file to make.
        scenario: Scenario seed of the scene.
        context: Factors of the scene to fix, for example leader=truck.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import film as work

    work.film_policies(policies, out, scenario, context)


@app.command
def export(
    source: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[bounds.OutFile],
    /,
    to: Literal["minari", "lerobot", "parquet", "csv"] | None = None,
    scene: str | None = None,
) -> None:
    """Export a policy for the runtime of a robot or a car, or a data set for other tools.

    Args:
        source: Folder of a policy, with config.json and model.safetensors; or an .hdf5 data set.
        out: The file to make: of a policy .onnx (needs the extra `onnx`), of a data set .parquet or .csv (`formats`),
            or a folder for Minari or LeRobot.
        to: What a data set becomes; by the name of the file if not given.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import export as work

    work.export(source, out, to)


@app.command
def import_(
    source: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[bounds.OutFile],
    /,
    scene: str | None = None,
) -> None:
    """Import a data set that was exported before, to the last bit.

    Args:
        source: Folder of Minari or LeRobot, or a .parquet or .csv file.
        out: The .hdf5 file to make; an unfinished one of the same command goes on.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import export as work

    work.import_data(source, out)


@app.command
def replay(
    file: tyro.conf.Positional[Path],
    /,
    episode: bounds.Number = 0,
    video: bounds.Film | None = None,
    verify: bool = False,
    every: bool = False,
    tolerance: bounds.Tolerance = 0.0,
    scene: str | None = None,
) -> None:
    """Show a recorded episode: what was done to others, as a table, a video, or a check of the record.

    Args:
        file: An .hdf5 data set.
        episode: Which episode, from 0.
        video: The .mp4 file to make.
        verify: Simulate it again and compare every state; exits with 1 where they differ.
        every: With --verify, check all episodes.
        tolerance: Largest difference that counts as the same; on another machine than the recording one, 1e-6.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import dataset

    dataset.replay(file, episode, video, verify, every, tolerance)


@app.command
def validate(
    file: tyro.conf.Positional[Path],
    /,
    scene: str | None = None,
) -> None:
    """Say what is wrong with a data set and how to mend it; exits with 1 if anything is.

    Args:
        file: An .hdf5 data set.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import dataset

    dataset.validate_file(file)
