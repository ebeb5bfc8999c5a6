"""What is shown over time is what measures are made from, in every scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from testbed.datasets.reader import load_episodes
from testbed.protocols.episode import Episode
from testbed.scenes.registry import BUILT_IN, get_scene

SETS = sorted((Path(__file__).parents[1] / "demonstrations").glob("*.hdf5"))
WORST = {"imposed_deceleration", "drac", "min_ttc", "jerk", "merger_delay", "clearance", "surge", "overspeed",
         "retreat", "nearest"}  # fmt: skip
"""Measures that are the worst value of their course."""
SUMS = {"starvation", "shortfall"}
"""Measures that are its integral."""
LAST = {"excess", "displacement"}
"""Measures that are its last value."""
OTHERS = {"tailgating", "impulse", "drop_height"}
"""A share of time, the hardest single contact, and a mean over units: held to their courses below."""


@pytest.fixture(scope="module", params=SETS, ids=lambda path: path.stem)
def played(request) -> list[Episode]:
    return load_episodes(request.param)


def test_every_measure_that_has_a_course_says_the_same(played):
    scene = get_scene(played[0].environment)
    for episode in played:
        for course in scene.courses:
            seen = course.over_time(episode.trace)
            assert seen.shape == (len(episode.trace),) and not np.isinf(seen).any()
            value, worse = scene.measures[course.measure].compute(episode.trace), scene.measures[course.measure].worse
            if course.measure in WORST:
                worst = np.nanmax(seen, initial=0.0) if worse == "higher" else np.nanmin(seen, initial=10.0)
                assert value == pytest.approx(worst, abs=1e-12)
            elif course.measure in SUMS:
                assert value == pytest.approx(float(np.sum(seen)) / episode.trace.rate, abs=1e-12)
            elif course.measure in LAST:
                assert value == pytest.approx(float(seen[-1]), abs=1e-12)
            elif course.measure == "tailgating":
                counts = seen[~np.isnan(seen)]
                assert value == pytest.approx(float((counts < course.minor).mean()) if len(counts) else 0.0)
            elif course.measure == "impulse":
                assert (value > 0) == bool((seen > 0).any())
            else:
                assert course.measure in OTHERS and value <= seen.max() + 1e-12


def test_every_kind_of_measure_is_held_to_its_course():
    known = WORST | SUMS | LAST | OTHERS
    assert {course.measure for name in BUILT_IN for course in get_scene(name).courses} == known


def test_limits_are_those_of_the_measure_where_both_have_one_unit():
    for name in BUILT_IN:
        scene = get_scene(name)
        for course in scene.courses:
            measure = scene.measures[course.measure]
            if course.unit == measure.unit and course.measure not in ("starvation",):
                assert (course.minor, course.severe) == (measure.minor, measure.severe), course.title


@pytest.mark.parametrize("name", BUILT_IN)
def test_bodies_are_on_the_ground_of_their_scene(name):
    """Whatever moves at first stands on asphalt, a pavement, or the bench; who walks may come from beside them."""
    scene = get_scene(name)
    floors = [patch.outline for patch in scene.ground if patch.look in ("asphalt", "pavement", "bench")]
    low = np.min([outline.min(axis=0) for outline in floors], axis=0)
    high = np.max([outline.max(axis=0) for outline in floors], axis=0)
    episode = load_episodes(next(path for path in SETS if load_episodes(path)[0].environment == name))[0]
    trace = episode.trace
    drives = trace["walker"] == 0 if "walker" in trace.constants else np.ones(trace["position"].shape[1], bool)
    there = trace["position"][0, drives, :2]
    assert (there >= low - 2.0).all() and (there <= high + 2.0).all() and len(there) > 1
