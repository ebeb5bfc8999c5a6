"""Where it happens, read from traces: by hand, and over all habits."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from testbed.cli import main
from testbed.cures.where import badness
from testbed.datasets.reader import load_episode, load_episodes
from testbed.errors import UserError
from testbed.protocols.episode import Behaviour
from testbed.scenes.registry import get_habit, get_scene

HOME = Path(__file__).parents[1]
DATA = HOME / "demonstrations" / "merge-habit.hdf5"
MEASURE = "imposed_deceleration"


def test_an_episode_by_hand():
    """Its follower brakes with 6 m/s², which is severe, from 3.87 to 4.67 s; there are five decisions a second."""
    episode = load_episode(DATA, 1)
    (found,) = get_scene(episode.environment).violations(episode.trace)
    assert (round(found.start, 2), round(found.end, 2), found.severe) == (3.87, 4.67, True)
    bad = badness([episode], MEASURE)
    assert set(np.flatnonzero(bad)) == set(range(9, 24)) and set(bad) == {0, 1}
    assert not badness([episode], "merger_delay").all()


def test_only_the_trace_is_read():
    episode = load_episode(DATA, 1)
    other = replace(episode, behaviour=Behaviour("somebody"), rewards=-episode.rewards)
    np.testing.assert_array_equal(badness([other], MEASURE), badness([episode], MEASURE))


@pytest.mark.parametrize("stem", ["merge", "crosswalk", "order-picking", "shared-bench", "shelf-stocking"])
def test_habits_are_bad_in_more_places_than_clean_demonstrations(stem):
    kinds = [list(load_episodes(HOME / "demonstrations" / f"{stem}-{kind}.hdf5")) for kind in ("habit", "clean")]
    measure = get_habit(kinds[0][0].behaviour.habit).measure
    habitual, clean = ((badness(episodes, measure) > 0).mean() for episodes in kinds)
    assert habitual > clean


def test_a_measure_without_stretches_or_thresholds():
    episode = load_episode(DATA, 1)
    contact = episode.trace.signals["contact"]
    everywhere = {**episode.trace.signals, "contact": replace(contact, values=np.ones_like(contact.values))}
    touched = replace(episode, trace=replace(episode.trace, signals=everywhere))
    assert badness([touched], "collision").all() and not badness([episode], "collision").any()
    with pytest.raises(UserError, match="measure with thresholds 'tailgating': choose one of collision"):
        badness([episode], "tailgating")


def test_a_student_is_cured_by_a_measure_and_says_so(tmp_path, capsys):
    out = tmp_path / "student"
    main(["distil", str(DATA), str(out), "--steps", "5", "--cure", "unlikelihood", "--where", MEASURE, "--knobs",
          "steps=7", "weight=0.5"])  # fmt: skip
    told = json.loads((out / "lineage.json").read_text())["settings"]
    assert told["cure"] == "Unlikelihood(steps=7, learning_rate=0.001, weight=0.5)" and told["where"] == MEASURE


def test_the_page_s_commands_run(tmp_path, monkeypatch, capsys):
    """As they stand, but for fewer steps."""
    blocks = re.findall(r"```sh\n(.+?)```", (HOME / "docs/cures.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for folder in ("demonstrations", "policies"):
        (tmp_path / folder).symlink_to(HOME / folder)
    lines = [shlex.split(line) for block in blocks for line in block.splitlines() if line.startswith("testbed ")]
    for _, *words in lines:
        steps = ["--steps", "800" if {"guarded", "known"} & set(words) else "20"]
        if words[0] not in ("benchmark", "practise"):  # the one runs for minutes, the other has tests of its own
            main([*words, *steps] if words[0] == "distil" else words)
    made = {one.parent.name for one in tmp_path.glob("**/model.safetensors")}
    assert len(lines) == 9 and made == {"cured", "tuned", "sharp", "yielding", "guarded", "seed0", "seed1", "seed2"}
