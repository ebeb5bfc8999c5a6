"""`validate` is the judge: what it passes every reader accepts; what it complains of is refused, or a mere warning."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import numpy as np
import pytest
from alterations import ALTERATIONS
from PIL import Image, ImageDraw

from testbed.cli.commands import dataset as stages
from testbed.cli.commands.distil import Distilling, distil
from testbed.datasets.reader import episode_numbers, load_episode, load_episodes, stored_lineage
from testbed.datasets.validation import Problem, validate
from testbed.errors import UserError
from testbed.films.style import clip_of
from testbed.protocols.scene import place
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import get_scene

ROOT = Path(__file__).parent.parent
BASES = ("merge", "shelf-stocking")


@pytest.fixture(scope="module", params=BASES)
def small(request, tmp_path_factory) -> Path:
    """Two episodes of a reference data set."""
    path = tmp_path_factory.mktemp("small") / f"{request.param}.hdf5"
    with h5py.File(ROOT / f"demonstrations/{request.param}-clean.hdf5") as whole, h5py.File(path, "w") as part:
        data = part.create_group("data")
        data.attrs.update(whole["data"].attrs)
        for name in ("demo_0", "demo_1"):
            whole.copy(f"data/{name}", data)
        data.attrs["total"] = sum(int(demo.attrs["num_samples"]) for demo in data.values())
        for key in ("train", "clean"):
            part[f"mask/{key}"] = np.array([b"demo_0", b"demo_1"])
    assert validate(path) == []
    return path


@pytest.fixture(scope="module")
def scene(small) -> Iterator[Any]:
    """The environment of the data set, which draws; starting its renderer takes longest of all."""
    with closing(gymnasium.make(load_episode(small, 0).environment, render_mode="rgb_array")) as made:
        yield made.unwrapped


def _refused(read, *arguments) -> bool:
    """Return whether a reader refuses, which it may do in one line alone."""
    try:
        read(*arguments)
    except UserError as error:
        assert "\n" not in str(error), error
        return True
    return False


@pytest.mark.parametrize("alteration", ALTERATIONS, ids=lambda alteration: alteration.name)
def test_the_judge_and_the_readers_agree(small, scene, tmp_path, alteration):
    """An alteration of the one set is drawn with another seed than the same one of the other."""
    file, seed = Path(shutil.copy(small, tmp_path / "altered.hdf5")), BASES.index(small.stem)
    with h5py.File(file, "r+") as opened:
        alteration.change(opened, np.random.default_rng([seed, seed]))
    problems = _audited(file)
    assert problems or not alteration.spoils
    refusing = [_refused(read, file) for read in (load_episodes, load_transitions, stored_lineage)]
    assert any(refusing) == any(problem.hinders for problem in problems), (problems, refusing)
    if not any(refusing):
        _use(file, scene, tmp_path / "student")


def _audited(file: Path) -> list[Problem]:
    """Return what is wrong with a file, each in one line; that it cannot be opened at all is one problem too."""
    try:
        problems = validate(file)
    except UserError as error:
        problems = [Problem("data", str(error), "")]
    assert not any("\n" in f"{problem.where}{problem.what}{problem.mend}" for problem in problems)
    return problems


def _use(file: Path, scene: Any, student: Path) -> None:
    """Do with a file all that can be done with one: show it, play it again, paint it, learn from it."""
    numbers = episode_numbers(file)
    for number in numbers:
        stages.replay(file, number, None, verify=False, every=False, tolerance=0.0)
        take = clip_of(load_episode(file, number), "who", (0, 0, 0))
        panel = place(get_scene(take.episode.environment).panel)(take, scene)
        canvas = Image.new("RGB", (panel.width, panel.height))
        panel.paint(canvas, ImageDraw.Draw(canvas), 0, 0, panel.frames // 2)
    stages.replay(file, numbers[0], None, verify=True, every=True, tolerance=sys.float_info.max)
    distil(Distilling(file, student, hidden=(4,), steps=1, iterations=1))
