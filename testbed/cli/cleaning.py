"""Subcommands that say which episodes taught a student what it does, and set episodes aside."""

from __future__ import annotations

from pathlib import Path

import tyro

from testbed import bounds
from testbed.cli.app import app


@app.command
def attribute(
    policy: tyro.conf.Positional[Path],
    data: tyro.conf.Positional[Path],
    /,
    scenes: bounds.Several = 64,
    context: tuple[str, ...] = (),
    seeds: bounds.TrainingSeeds = 5,
    steps: bounds.Steps = 2000,
    retrain: bounds.Memory = 0,
    seed: bounds.Seed = 0,
    write: bounds.Table | None = None,
    scene: str | None = None,
) -> None:
    """Say which episodes of a data set taught a policy what it does where it does harm.

    The policy plays; what it decides from 2 s before each severe violation on is what is asked about. Students cloned
    from the data say, by influence functions, which episodes make such decisions likelier.

    Args:
        policy: Whose harm is asked about: a policy of the testbed or of others, as of `testbed audit`.
        data: The .hdf5 data set that it was taught by.
        scenes: Scenes that it plays.
        context: Factors of these scenes to fix, for example leader=truck.
        seeds: Students that are cloned, of the shape that tasks use.
        steps: Optimiser steps of each.
        retrain: So many more students are cloned from random halves of the episodes: what each episode really
            changes, and how well influence and severity predict that, on students that were not looked at; 0 for none.
        seed: Seed of scenes and students.
        write: CSV file for every episode.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import attribute as work

    work.attribute(work.Attributing(policy, data, scenes, context, seeds, steps, retrain, seed, write))


@app.command
def clean(
    data: tyro.conf.Positional[Path],
    out: tyro.conf.Positional[bounds.OutFile],
    /,
    by: str = "severity",
    remove: bounds.Share = 0.1,
    seed: bounds.Seed = 0,
    scene: str | None = None,
) -> None:
    """Set the most suspicious episodes of a data set aside: a copy of it with the filter keys `kept` and `removed`.

    `testbed distil OUT student --mask kept` learns from what is left; so does whoever reads robomimic's filter keys.

    Args:
        data: The .hdf5 data set.
        out: The .hdf5 file to make; an unfinished one of the same command goes on.
        by: What is suspicious: severity (the scene's primary measure), any measure by its name, random, or a column of
            a table, where high is suspicious, as in attribution.csv:influence.
        remove: Share of the episodes that is set aside.
        seed: Seed of random.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import clean as work

    work.clean(data, out, by, remove, seed)
