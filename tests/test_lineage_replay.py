"""Deriving a history again: what was recorded and distilled comes out again, and what is said falsely does not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import pytest
from command_line import run_testbed

from testbed.lineage import content_hash
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.provenance.artefact import read_artefact
from testbed.provenance.history import history
from testbed.provenance.index import opened
from testbed.provenance.replay import derive

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A student of the reference teacher, made here."""
    place = tmp_path_factory.mktemp("derived")
    shutil.copytree(ROOT / "policies/merge/teacher-clean", place / "teacher")
    shutil.copy(ROOT / "demonstrations/merge-clean.hdf5", place / "data.hdf5")
    done = run_testbed("distil data.hdf5 student --route kl --teacher teacher --steps 200 --hidden 8 --seed 3", place)
    assert done.returncode == 0, done.stderr
    return place


def derived(home, name="student"):
    with opened(None, home) as index:
        tree = history(index, content_hash(home / name))
        return {node.digest: one for node in tree.walk() for one in derive(tree, index, 2, 0, 1e-6)
                if one.digest == node.digest}  # fmt: skip


def test_what_was_made_here_comes_out_again(home):
    found = derived(home)
    student, data = found[content_hash(home / "student")], found[content_hash(home / "data.hdf5")]
    assert student.same and student.told == "distilled again, to the same bytes"
    assert data.same and "2 of 16 episodes simulated again" in data.told


def test_a_student_that_was_cured_is_not_asked(home):
    done = run_testbed(
        "distil data.hdf5 tuned --route kl --teacher teacher --steps 5 --hidden 8 --cure temperature", home
    )
    assert done.returncode == 0, done.stderr
    one = derived(home, "tuned")[content_hash(home / "tuned")]
    assert one.same is None and "it was cured (Temperature(temperature=0.25))" in one.told


def test_a_student_that_was_made_otherwise_than_it_says(home, tmp_path):
    """Weights of another training under this lineage: hashes and signatures hold, and it does not come out again."""
    place = tmp_path / "forged"
    shutil.copytree(home, place)
    done = run_testbed("distil data.hdf5 other --route kl --teacher teacher --steps 3 --hidden 8 --seed 4", place)
    assert done.returncode == 0, done.stderr
    shutil.copy(place / "other" / "model.safetensors", place / "student" / "model.safetensors")
    one = derived(place)[content_hash(place / "student")]
    assert one.same is False and "decides alike in" in one.told
    line = "lineage verify student --among . --replay 1 --tolerance 1e-6"
    assert "not again" in run_testbed(line, place).stdout


def test_recorded_actions_that_were_changed(home, tmp_path):
    place = tmp_path / "changed"
    shutil.copytree(home, place)
    with h5py.File(place / "data.hdf5", "r+") as file:
        for name in file["data"]:
            actions = file[f"data/{name}/actions"]
            actions[0] = 4 - actions[0]
    (one,) = derived(place, "data.hdf5").values()
    assert one.same is False and "demo_" in one.told


def test_what_cannot_be_derived_again_is_said(home, tmp_path):
    place = tmp_path / "acting"
    shutil.copytree(home, place)
    policy, label = load_policy(place / "student")
    lineage = read_artefact(place / "student").lineage
    for name, settings in (("adversarial", {"route": "adversarial", "iterations": 3, "steps": 3}),
                           ("unknown", {"route": "telepathy"})):  # fmt: skip
        save_policy(place / name, policy, label, type(lineage)("distil", 0, settings, lineage.inputs))
        assert derived(place, name)[content_hash(place / name)].same is None
    record = json.loads((place / "student" / "lineage.json").read_text())
    record["inputs"]["teacher"] = "0" * 64
    (place / "student" / "lineage.json").write_text(json.dumps(record))
    one = derived(place)[content_hash(place / "student")]
    assert one.same is None and "its teacher is not here" in one.told
