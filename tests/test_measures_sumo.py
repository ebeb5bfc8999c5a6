"""DRAC, TTC and PET of twenty episodes as SUMO's SSM device found them, played again here.

`python benchmarks/ssm.py --answers tests/sumo_ssm.json` makes the known answers, and compares some 2,300 values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from testbed.mechanics import conflict
from testbed.protocols.episode import Behaviour, Scenario, Trace
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.crosswalk.courtesy import Courtesy
from testbed.scenes.crosswalk.encounter import conflict_time
from testbed.scenes.merge import measures as merge
from testbed.scenes.merge.gap_acceptance import SLOWER, AcceptedGap, GapAcceptance
from testbed.scenes.merge.observation import view

KNOWN = json.loads((Path(__file__).parent / "sumo_ssm.json").read_text())["episodes"]
MERGES = [row for row in KNOWN if "merging" in row]
PASSAGES = [row for row in KNOWN if "crossing" in row]


@dataclass(frozen=True)
class _Merging:
    """Merges as a driver with a gap does, and may slow down then."""

    driver: GapAcceptance
    slows: bool

    def act(self, observations: np.ndarray) -> np.ndarray:
        slower = self.slows & view(observations).merging
        return np.where(slower, SLOWER, self.driver.act(observations))


def _driver(row: dict) -> Policy:
    if "crossing" in row:
        return Courtesy(**row["crossing"])
    return _Merging(GapAcceptance(AcceptedGap(**row["merging"]["gap"])), row["merging"]["slows"])


def _trace(environment: str, row: dict) -> Trace:
    (episode,) = play(environment, [Scenario(row["seed"])], [(_driver(row), Behaviour("driver"))])
    return episode.trace


def _ends_early(trace: Trace) -> bool:
    """Return whether the follower's centre leaves the new lane before the end of the window."""
    made = merge.find_merge(trace)
    return bool((trace["lane"][made.intrusion : made.end, made.follower] != made.lane).any())


@pytest.mark.parametrize("row", MERGES, ids=lambda row: f"seed{row['seed']}")
def test_conflict_of_a_merge_is_what_sumo_says(row):
    trace = _trace("testbed/Merge-v0", row)
    assert merge.drac(trace) == pytest.approx(row["DRAC"], rel=0.01)
    assert merge.min_ttc(trace) == pytest.approx(row["TTC"], rel=0.01)


def test_half_of_the_merges_are_left_by_their_followers():
    """There, whoever went on measuring would find an ego that stands in front of a vehicle that has long passed it."""
    traces = [_trace("testbed/Merge-v0", row) for row in MERGES]
    assert [_ends_early(trace) for trace in traces] == [True] * 6 + [False] * 6
    for trace in traces[:6]:
        made, x, speed = merge.find_merge(trace), trace["position"][:, :, 0], trace["speed"]
        gap = conflict.net_gap(x[:, 0], trace["size"][0, 0], x[:, made.follower], trace["size"][made.follower, 0])
        needed = conflict.deceleration_to_avoid_crash(gap, speed[:, made.follower], speed[:, 0])
        assert needed[made.intrusion : made.end].max() > 20 > 50 * merge.drac(trace)


@pytest.mark.parametrize("row", PASSAGES, ids=lambda row: f"seed{row['seed']}-body{row['body']}")
def test_post_encroachment_time_is_what_sumo_says(row):
    """Its device has no pedestrians: it was given a vehicle of the pedestrian's size on a lane of its width."""
    assert conflict_time(_trace("testbed/Crosswalk-v0", row), row["body"]) == pytest.approx(row["PET"], rel=0.01)
