"""Subcommands that make and check data sets, policies and films."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from testbed.cli.app import app
from testbed.cli.outputs import OutFile, OutFolder


@app.command
def collect(
    out: tyro.conf.Positional[OutFile],
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
    out: tyro.conf.Positional[OutFolder],
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
def film(
    policies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    out: OutFile = Path("film.mp4"),
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
def export(policy: tyro.conf.Positional[Path], out: tyro.conf.Positional[OutFile], /) -> None:
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
    video: OutFile | None = None,
    verify: bool = False,
    every: bool = False,
    tolerance: float = 0.0,
) -> None:
    """Show a recorded episode: what was done to others, as a table, a video, or a check of the record.

    Args:
        file: An .hdf5 data set.
        episode: Number of the episode: 4 is demo_4.
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
