"""What an audit of all habits covers of a scene, by hand."""

from __future__ import annotations

from testbed.experiment.coverage import Coverage, coverage, not_looked_at
from testbed.scenes.registry import BUILT_IN


def test_at_the_merge_by_hand():
    """Three habits, all with truck, car and bus: one on the ramp, two on the main road. 5 of 3 + 4 + 2 values, and each
    of the three leaders with each of the two places: 6 of 3 x 4 + 3 x 2 + 4 x 2 pairs."""
    assert coverage("testbed/Merge-v0") == Coverage((5, 9), (6, 26))


def test_it_is_told_of_every_scene():
    for scene in BUILT_IN:
        found, first = coverage(scene), not_looked_at(scene)[0]
        assert 0 < found.values[0] <= found.values[1] and found.pairs[0] <= found.pairs[1]
        assert f"{found.values[0]} of {found.values[1]} values of factors" in first
