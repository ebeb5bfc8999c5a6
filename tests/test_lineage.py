"""What an artefact was made from: told apart in words, and what is damaged is nobody's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage

HERE = Lineage("distil", 3, {"steps": 400, "dagger": {"rounds": 4, "episodes": 96}, "hidden": [8, 8]}, {"data": "ab"})
TORCH = HERE.versions["torch"]


def changed(**parts) -> str:
    return replace(HERE, **parts).to_json()


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
        (None, "made from nothing that is recorded"),
    ],
)  # fmt: skip
def test_a_difference_is_told_in_words(recorded, says):
    """Of versions only where they alone differ."""
    assert HERE.difference(recorded) == says
    assert HERE.same_recipe(recorded) == (not says)


def spoilt(**parts) -> str:
    return json.dumps({**json.loads(HERE.to_json()), **parts})


@pytest.mark.parametrize(
    "recorded",
    ["", "{", "[]", "null", "3", '"x"', "{}", "[" * 90_000, '{"a":' * 90_000, "\0" * 30,
     spoilt(seed="3"), spoilt(settings=[]), spoilt(more=1), spoilt(versions=None),
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
