"""What an artefact was made from: told apart in words, and what is damaged is nobody's."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import testbed
from testbed import sources
from testbed.datasets.reader import count_episodes, load_episode
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.experiment.reuse import is_there, say_outdated
from testbed.lineage import Lineage, content_hash
from testbed.policies.checkpoint import save_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour
from testbed.sources import CodeVersion, code_version, source_hash
from testbed.version import VERSION

HERE = Lineage("distil", 3, {"steps": 400, "dagger": {"rounds": 4, "episodes": 96}, "hidden": [8, 8]}, {"data": "ab"})
TORCH = HERE.versions["torch"]


def changed(**parts) -> str:
    return replace(HERE, **parts).to_json()


def before_0_8(recorded: str) -> str:
    """As lineages were, which said nothing of the code that made an artefact."""
    return json.dumps({name: value for name, value in json.loads(recorded).items() if name != "code"})


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        (changed(), ""),
        (changed(seed=4), "made with other settings (seed 4 where here is 3)"),
        (changed(kind="collect"), "made with other settings (kind collect where here is distil)"),
        (changed(settings={**HERE.settings, "steps": 9}), "made with other settings (steps 9 where here is 400)"),
        (changed(settings={"steps": 400, "dagger": {"rounds": 4, "episodes": 2}, "hidden": [8, 8]}),
         "made with other settings (dagger episodes 2 where here is 96)"),
        (changed(settings={"steps": 400, "hidden": [8], "more": "a\nb"}),
         'made with other settings (dagger nothing where here is {"episodes": 96, "rounds": 4}, hidden [8] where here '
         'is [8, 8], more "a\\nb" where here is nothing)'),
        (changed(inputs={"data": "cd"}), "made with other settings (other content of 'data')"),
        (changed(versions={**HERE.versions, "torch": "2.12"}),
         f"made with torch 2.12 where here is {TORCH} (the settings are the same)"),
        (changed(seed=4, versions={**HERE.versions, "torch": "2.12"}),
         "made with other settings (seed 4 where here is 3)"),
        (changed(settings=dict.fromkeys("abcdefg", 1)),
         "made with other settings (a 1 where here is nothing, b 1 where here is nothing, c 1 where here is nothing, "
         "d 1 where here is nothing, and 6 more)"),
        (changed(code=CodeVersion("0.7.9", "ab")), f"made by testbed 0.7.9, this is {VERSION}"),
        (changed(code=CodeVersion("0.7.9", "ab"), inputs={}, versions={}), f"made by testbed 0.7.9, this is {VERSION}"),
        (changed(code=CodeVersion(VERSION, "ab")),
         f"made by testbed {VERSION} with other sources (ab), this is {VERSION} with {code_version().sources}"),
        (changed(seed=4, code=CodeVersion("0.7.9", "ab")), "made with other settings (seed 4 where here is 3)"),
        (before_0_8(changed()), f"made by testbed 0.7.0 or older, this is {VERSION}"),
        (None, "made from nothing that is recorded"),
    ],
)  # fmt: skip
def test_a_difference_is_told_in_words(recorded, says):
    """Of versions only where nothing that was chosen differs: then a run makes the artefact again."""
    assert HERE.difference(recorded) == says
    assert HERE.same_recipe(recorded) == (not says)
    chosen = not says or "made with other settings" in says or "nothing that is recorded" in says
    assert HERE.outdated(recorded) == ("" if chosen else says)


def spoilt(**parts) -> str:
    return json.dumps({**json.loads(HERE.to_json()), **parts})


@pytest.mark.parametrize(
    "recorded",
    ["", "{", "[]", "null", "3", '"x"', "{}", "[" * 90_000, '{"a":' * 90_000, "\0" * 30,
     spoilt(seed="3"), spoilt(settings=[]), spoilt(more=1), spoilt(versions=None), spoilt(code=None),
     spoilt(code={"testbed": 8, "sources": ""}), spoilt(code={"testbed": "0.8.0"}),
     json.dumps({"kind": "distil", "seed": 3})],
)  # fmt: skip
def test_a_damaged_lineage_is_no_recipe(recorded):
    assert not HERE.same_recipe(recorded)
    assert HERE.difference(recorded).startswith("left with a damaged lineage (")
    assert HERE.difference(recorded).isprintable()


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
nested = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.text(max_size=60), nested)
def test_anything_that_is_recorded_is_told_in_one_line(text, value):
    """Also what has the shape of a lineage, with anything in it."""
    for recorded in (text, json.dumps(value), spoilt(settings={text: value})):
        assert HERE.difference(recorded).isprintable() and len(HERE.difference(recorded)) < 2000


def test_a_data_set_of_another_version_says_so(tmp_path: Path, episodes):
    """The file, both versions and what to do; nothing of it is touched."""
    file = tmp_path / "set.hdf5"
    with DatasetWriter(file, "testbed/Merge-v0", replace(HERE, versions={**HERE.versions, "torch": "2.12"})) as writer:
        writer.append(episodes[0])
        writer.finish()
    before = file.read_bytes()
    with pytest.raises(UserError) as caught:
        DatasetWriter(file, "testbed/Merge-v0", HERE)
    assert str(caught.value) == (
        f"{file} is in the way: it was made with torch 2.12 where here is {TORCH} (the settings are the same). "
        "Give another place, or move it away to make it anew"
    )
    with pytest.raises(UserError, match=r"made with other settings .seed 3 where here is 4."):
        DatasetWriter(file, "testbed/Merge-v0", replace(HERE, seed=4))
    assert file.read_bytes() == before


PACKAGE = Path(testbed.__file__).parent


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A copy of the package's sources."""
    copy = tmp_path_factory.mktemp("copy") / "testbed"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@pytest.mark.parametrize(
    ("edited", "episodes", "scores"),
    [
        ("envs/kernel/motion.py", True, True), ("scenes/merge/task.py", True, True), ("seeding.py", True, True),
        ("distillation/stacked.py", True, True), ("distillation/routes/fifth.py", True, True),
        ("scenes/merge/measures.py", False, True), ("severity/handling.py", False, True),
        ("cli/commands/pages.py", False, False), ("films/film.py", False, False), ("audit/report.py", False, False),
        ("console.py", False, False),
    ],
)  # fmt: skip
def test_an_edit_outdates_what_hangs_on_it_and_nothing_else(edited, episodes, scores, package):
    before = [source_hash(package, judging) for judging in (False, True)]
    assert before == [code_version(judging).sources for judging in (False, True)]
    file = package / edited
    kept = file.read_bytes() if file.exists() else None
    file.write_bytes((kept or b"") + b"# more\n")
    assert [source_hash(package, j) != was for j, was in zip((False, True), before, strict=True)] == [episodes, scores]
    file.unlink() if kept is None else file.write_bytes(kept)


def test_a_runs_data_set_of_an_older_testbed_is_made_again(tmp_path: Path, episodes, capsys):
    """It is read until then, one line says so, and what comes is what was there; where nobody asked, it stays."""

    def written(lineage: Lineage, **how) -> bool:
        with DatasetWriter(tmp_path / "set.hdf5", "testbed/Merge-v0", lineage, **how) as writer:
            begun = len(writer)
            for episode in episodes[begun : 1 if writer.complete else 2]:
                writer.append(episode)
            writer.finish()
        return begun == 0

    file = tmp_path / "set.hdf5"
    assert written(HERE)
    whole = content_hash(file)
    with h5py.File(file, "r+") as opened:
        opened["data"].attrs["lineage"] = before_0_8(HERE.to_json())
    assert count_episodes(file) == 2 and load_episode(file, 1).success == episodes[1].success
    with pytest.raises(UserError, match=r"set.hdf5 is in the way: it was made by testbed 0.7.0 or older, this is"):
        written(HERE)
    assert capsys.readouterr().out == "" and written(HERE, renewing=True)
    assert capsys.readouterr().out == f"set.hdf5 was made by testbed 0.7.0 or older, this is {VERSION}: made again\n"
    assert content_hash(file) == whole and not written(HERE, renewing=True) and capsys.readouterr().out == ""
    with pytest.raises(UserError, match="made with other settings"):
        written(replace(HERE, seed=4, code=CodeVersion("0.7.9", "")), renewing=True)


def test_a_runs_policies_of_an_older_testbed_are_told_in_one_line(tmp_path: Path, capsys):
    config = PolicyConfig("testbed/Merge-v0", 5, 3, (4,))
    policy = NetworkPolicy(config, random_arrays(config, np.random.default_rng(0)))
    made = [(tmp_path / name, replace(HERE, code=CodeVersion("0.7.9", "ab"))) for name in "abc"]
    for folder, lineage in made[:2]:
        save_policy(folder, policy, Behaviour("student"), lineage)
    assert is_there(*made[0]) and not is_there(*made[2])
    wanted = [(folder, HERE) for folder, _ in made]
    assert not any(is_there(*one) for one in wanted)
    say_outdated("kl", wanted)
    assert capsys.readouterr().out == f"2 policies by kl were made by testbed 0.7.9, this is {VERSION}: made again\n"
    say_outdated("kl", wanted[2:])
    say_outdated("teacher-clean", wanted[:1])
    assert capsys.readouterr().out == f"teacher-clean was made by testbed 0.7.9, this is {VERSION}: made again\n"


def test_sources_of_others_that_take_part_count_as_well(tmp_path, monkeypatch):
    """A scene or a route of somebody else's: one file, or the folder of its package; other files beside it do not."""
    package = tmp_path / "peers_of_ours"
    package.mkdir()
    files = [tmp_path / "peers_alone.py", package / "__init__.py", package / "scene.py", package / "task.py"]
    for file in files:
        file.write_text("A = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def found() -> list[str]:
        sources._code_version.cache_clear()
        return [
            code_version(modules=[name]).sources for name in ("peers_alone", "peers_of_ours.scene", "testbed.lineage")
        ]

    before = found()
    assert before[2] == code_version().sources and len(set(before)) == 3
    for file, changed in zip((*files, tmp_path / "other.py"), (0, 1, 1, 1, None), strict=True):
        file.write_text("A = 2\n")
        assert [one == other for one, other in zip(before, found(), strict=True)] == [n != changed for n in range(3)]
        before = found()
