"""Where it happens: how bad each decision of an episode is, by a measure of its trace."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from testbed.errors import unknown_name
from testbed.protocols.episode import Episode
from testbed.scenes.registry import get_scene

LEAD = 2.0
"""Decisions up to so long before a violation lead to it [s]."""
MINOR, SEVERE = 0.5, 1.0
"""How bad they are."""


def badness(episodes: Iterable[Episode], measure: str) -> np.ndarray:
    """Return how bad each decision is, shape (decisions,): 1 in a stretch in which a measure is past its severe
    threshold, or shortly before, a half where it is past the minor one, else 0.

    Where a scene points out no stretches of a measure, all decisions of an episode are as bad as its value. It reads
    traces alone.

    Raises:
        UserError: if the scene has no such measure, or it has no thresholds.
    """
    return np.concatenate([_of_episode(one, measure) for one in episodes])


def _of_episode(episode: Episode, name: str) -> np.ndarray:
    scene, trace = get_scene(episode.environment), episode.trace
    if name not in scene.measures:
        raise unknown_name("measure", name, scene.measures)
    measure, bad = scene.measures[name], np.zeros(len(episode))
    if measure.minor is None or measure.severe is None:
        bounded = [one for one in scene.measures if scene.measures[one].minor is not None]
        raise unknown_name("measure with thresholds", name, bounded)
    value, sign = measure.compute(trace), 1 if measure.worse == "higher" else -1
    if sign * value < sign * measure.minor:
        return bad
    found = [one for one in scene.violations(trace) if one.measure == name]
    second = len(episode) / (len(trace) / trace.rate)
    for one in found:
        part = slice(max(int((one.start - LEAD) * second), 0), int(np.ceil(one.end * second)))
        bad[part] = np.maximum(bad[part], SEVERE if one.severe else MINOR)
    return bad if found else np.full(len(episode), SEVERE if sign * value >= sign * measure.severe else MINOR)
