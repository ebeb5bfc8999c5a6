"""The stage that makes teachers: what both begin as is made once, whoever is faster, and stays what it is."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from testbed.distillation.config import Dagger, FineTuning, PPOConfig, Training
from testbed.experiment import train_teachers as teaching
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import Experiment, Run, TeacherConfig
from testbed.lineage import content_hash
from testbed.policies.checkpoint import load_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.pair import Pair

SMALL = Experiment(
    teacher=TeacherConfig(
        demonstrations=4, episodes=4, hidden=(16,), fine_tuning=FineTuning(0.01),
        dagger=Dagger(0, 4, Training(steps=20), Training(steps=20)),
        practice=PPOConfig(iterations=1, worlds=8, steps=32, batch=64, epochs=1),
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def demonstrations(tmp_path_factory) -> Pair[Path]:
    return collect_demonstrations(Run(SMALL, tmp_path_factory.mktemp("shown") / "run"))


def kinds(folder: Path) -> dict[str, str]:
    """Return how each policy of a run was made."""
    files = sorted(folder.glob("policies/*/lineage.json"))
    return {file.parent.name: json.loads(file.read_text())["kind"] for file in files}


@pytest.mark.parametrize(("teacher", "clean"), [("reward", "reward"), ("fine-tuning", "dagger")])
def test_teachers_are_the_same_whichever_is_made_first(teacher, clean, demonstrations, tmp_path):
    """A run that makes the clean one first, one that makes it last, and a run that finds all of it."""
    experiment, made = replace(SMALL, teacher=replace(SMALL.teacher, method=teacher)), []
    for name, order in (("one/run", (False, True)), ("two/run", (True, False)), ("two/again", (False, True))):
        run = Run(experiment, tmp_path / name)
        for habitual in order:
            teaching._give(teaching._Lesson(run, habitual, demonstrations))
        folders, _ = teaching.teach(run, demonstrations, at_once=False)
        assert kinds(run.folder) == {"teacher-base": "dagger", "teacher-clean": clean, "teacher-habit": teacher}
        assert folders.map(lambda folder: folder.name) == Pair("teacher-clean", "teacher-habit")
        made.append({name: content_hash(run.folder / "policies" / name) for name in kinds(run.folder)})
    assert made[0] == made[1] == made[2]
    assert (made[0]["teacher-base"] == made[0]["teacher-clean"]) == (teacher == "fine-tuning")


def test_a_teacher_that_two_want_at_once_is_made_once(tmp_path):
    """The second waits for the first. Were both to make it, they would meet."""
    config = PolicyConfig("testbed/Merge-v0", 5, 3, (4,))
    policy = NetworkPolicy(config, random_arrays(config, np.random.default_rng(0)))
    run, makes, both = Run(SMALL, tmp_path / "run"), [], threading.Barrier(2)

    def make() -> NetworkPolicy:
        makes.append(1)
        with suppress(threading.BrokenBarrierError):
            both.wait(1)
        return policy

    folders: list[Path] = []
    lineage = run.lineage("dagger")
    threads = [
        threading.Thread(target=lambda: folders.append(teaching._kept(run, "teacher-base", False, lineage, make)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(makes) == 1 and folders == [run.folder / "policies" / "teacher-base"] * 2
    assert load_policy(folders[0])[0].config == config
    assert [path.name for path in (tmp_path / "teachers").iterdir() if path.name.startswith(".")] == []
