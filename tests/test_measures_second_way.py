"""Severity of driving on real episodes, computed a second way: plain loops, differences, simulation ahead."""

from __future__ import annotations

import math

import numpy as np
import pytest

from testbed.envs.kernel.motion import TOUCH
from testbed.mechanics.contact import corners, rectangles_touch
from testbed.protocols.episode import Behaviour, Episode, Scenario, Trace
from testbed.rollouts.rollout import play
from testbed.scenes.merge.gap_acceptance import LANE_LEFT, SLOWER, AcceptedGap, GapAcceptance
from testbed.scenes.merge.measures import MEASURES, find_merge, violations
from testbed.scenes.merge.observation import view

CRASHES = (2, 3)
"""Seeds of scenes in which the reckless driver hits something."""
PUSHY = GapAcceptance(AcceptedGap(lag=0.2, lead=0.3))


class _Hindrance:
    """Enters any gap and slows down in it."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        return np.where(view(observations).merging, SLOWER, PUSHY.act(observations))


class _Reckless:
    """Turns left at every decision."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        return np.full(len(observations), LANE_LEFT)


@pytest.fixture(scope="module")
def traces(episodes) -> list[Trace]:
    """The clean demonstrator's six scenes, and the same six with two drivers who impose something."""
    scenarios = [episode.scenario for episode in episodes]
    played: list[Episode] = []
    for policy in (PUSHY, _Hindrance()):
        played += play("testbed/Merge-v0", scenarios, [(policy, Behaviour("demonstrator"))])
    return [episode.trace for episode in (*episodes, *played)]


def _severity(name: str, trace: Trace) -> float:
    return MEASURES[name].compute(trace)


def _crossing(trace: Trace) -> int:
    """Return the first sample in which the ego's centre is left of the line beside the ramp, after x = 0."""
    for sample in range(len(trace)):
        x, y = trace["position"][sample, 0]
        if x >= 0 and y < 6.0:
            return sample
    raise AssertionError("no merge")


def _intrusion(trace: Trace) -> int:
    """Return the first sample in which one of the ego's corners is left of that line, by trigonometry."""
    length, width = trace["size"][0]
    for sample in range(len(trace)):
        heading = trace["heading"][sample, 0]
        reach = abs(math.sin(heading)) * length / 2 + abs(math.cos(heading)) * width / 2
        if trace["position"][sample, 0, 1] - reach < 6.0:
            return sample
    raise AssertionError("no merge")


def _neighbours(trace: Trace, sample: int) -> tuple[int | None, int | None]:
    """Return the nearest vehicle ahead of and behind the ego on the right lane, by a plain loop."""
    x = trace["position"][sample, :, 0]
    lane = [vehicle for vehicle in range(1, len(x)) if _on_right_lane(trace, sample, vehicle)]
    ahead = [vehicle for vehicle in lane if x[vehicle] >= x[0]]
    behind = [vehicle for vehicle in lane if 0 < x[0] - x[vehicle] < 100]
    return (
        min(ahead, key=lambda v: x[v], default=None),
        max(behind, key=lambda v: x[v], default=None),
    )


def _on_right_lane(trace: Trace, sample: int, vehicle: int) -> bool:
    """Return whether both the centre and the middle of the front are between the lines, by trigonometry."""
    y, length = trace["position"][sample, vehicle, 1], trace["size"][vehicle, 0]
    return abs(y - 4.0) < 2.0 and abs(y + math.sin(trace["heading"][sample, vehicle]) * length / 2 - 4.0) < 2.0


def _following(trace: Trace, follower: int) -> list[int]:
    """Return the samples of the window in which the follower is behind the ego, both on the right lane."""
    start, crossing, x = _intrusion(trace), _crossing(trace), trace["position"][:, :, 0]
    found = []
    for sample in range(start, min(crossing + 75, len(trace))):
        both = _on_right_lane(trace, sample, follower) and (sample < crossing or _on_right_lane(trace, sample, 0))
        if both and x[sample, follower] < x[sample, 0]:
            found.append(sample)
    return found


def _gap(trace: Trace, sample: int, leader: int, follower: int) -> float:
    """Return the distance from the follower's front to the leader's rear [m]."""
    rear = trace["position"][sample, leader, 0] - trace["size"][leader, 0] / 2
    return float(rear - (trace["position"][sample, follower, 0] + trace["size"][follower, 0] / 2))


def test_merge_second_way(traces):
    """Crossing by position, intrusion by trigonometry, neighbours by loops."""
    for trace in traces:
        merge = find_merge(trace)
        assert (merge.crossing, merge.intrusion) == (_crossing(trace), _intrusion(trace))
        assert merge.follower == _neighbours(trace, merge.intrusion)[1]
    assert sum(find_merge(trace).follower is not None for trace in traces) >= 12


def test_speeds_and_accelerations_are_those_of_the_motion(traces):
    """Positions move by the speed before, and accelerations are differences of speeds."""
    for trace in traces:
        moved = np.linalg.norm(np.diff(trace["position"], axis=0), axis=-1) * trace.rate
        untouched = ~trace["contact"].any(axis=0)
        np.testing.assert_allclose(moved[:, untouched], np.abs(trace["speed"][:-1, untouched]), atol=1e-6)
        gained = np.diff(trace["speed"], axis=0) * trace.rate
        np.testing.assert_allclose(gained, trace["acceleration"][1:], atol=1e-9)


def test_imposed_deceleration_from_positions(traces):
    """Braking taken from second differences of the way the follower went, instead of the recorded signal."""
    seen = []
    for trace in traces:
        _, follower = _neighbours(trace, _intrusion(trace))
        expected = 0.0
        if follower is not None:
            path = np.linalg.norm(np.diff(trace["position"][:, follower], axis=0), axis=-1) * trace.rate
            second = np.diff(path) * trace.rate  # [k]: acceleration in sample k + 1
            # The last sample's acceleration shows in positions only one sample later, outside the trace.
            second = np.append(second, trace["acceleration"][-1, follower])
            start = _intrusion(trace)
            before = max(-second[start - 16 : start - 1].min(), 0.0)
            expected = max(0.0, *(-second[sample - 1] - before for sample in _following(trace, follower)))
        assert _severity("imposed_deceleration", trace) == pytest.approx(expected, abs=1e-6)
        seen.append(expected)
    assert max(seen) > 1.0


def _time_until_contact(gap: float, follower: float, leader: float) -> float:
    """Return when the gap closes [s] by small steps at constant speed, at most 10."""
    step = 1e-3
    for number in range(10_000):
        if gap <= 0:
            return number * step
        gap += (leader - follower) * step
    return 10.0


def test_time_to_collision_by_driving_on(traces):
    """From every sample of the window, both go on at constant speed until they meet."""
    shortest = []
    for trace in traces:
        _, follower = _neighbours(trace, _intrusion(trace))
        if follower is None:
            assert _severity("min_ttc", trace) == 10.0
            continue
        speed, times = trace["speed"], []
        for sample in _following(trace, follower):
            gap, closing = _gap(trace, sample, 0, follower), speed[sample, follower] - speed[sample, 0]
            if closing > 0 and gap / closing < 11:
                times.append(_time_until_contact(gap, speed[sample, follower], speed[sample, 0]))
        assert _severity("min_ttc", trace) == pytest.approx(min(times, default=10.0), abs=2e-3)
        shortest.append(min(times, default=10.0))
    assert min(shortest) < 5.0


def test_headways_margin_and_drac_by_loops(traces):
    """Each formula written out for one sample at a time."""
    for trace in traces:
        intrusion, crossing, speed = _intrusion(trace), _crossing(trace), trace["speed"]
        leader, behind = _neighbours(trace, crossing)
        if leader is not None:
            expected = min(_gap(trace, crossing, leader, 0) / speed[crossing, 0], 10.0)
            assert _severity("lead_headway", trace) == pytest.approx(expected)
        expected = 10.0 if behind is None else _gap(trace, crossing, 0, behind) / speed[crossing, behind]
        assert _severity("lag_headway", trace) == pytest.approx(min(expected, 10.0))
        _, follower = _neighbours(trace, intrusion)
        if follower is None:
            continue
        closing = speed[intrusion, follower] - speed[intrusion, 0]
        margin = _gap(trace, intrusion, 0, follower) / closing - closing / 12 - 0.35 if closing > 0 else 10.0
        assert _severity("cut_in_margin", trace) == pytest.approx(min(margin, 10.0))
        needs = [0.0]
        for sample in _following(trace, follower):
            closing, gap = speed[sample, follower] - speed[sample, 0], _gap(trace, sample, 0, follower)
            if closing > 0:  # bumpers that touch and still close would need to stop at once
                needs.append(closing**2 / (2 * gap) if gap > 0 else math.inf)
        assert _severity("drac", trace) == pytest.approx(min(max(needs), 20.0))


def test_collision_by_geometry_of_every_sample(traces):
    """The ego's rectangle against every other one, sample by sample, in an episode with a contact too."""
    scenes = [Scenario(seed) for seed in CRASHES]
    crashes = list(play("testbed/Merge-v0", scenes, [(_Reckless(), Behaviour("demonstrator"))]))
    found = []
    for trace in (*traces, *(episode.trace for episode in crashes)):
        shapes = corners(trace["position"], trace["heading"], trace["size"][None])
        touch = bool(rectangles_touch(shapes[:, :1], shapes[:, 1:], TOUCH).any())
        obstacle = corners(np.array([200.0, 8.0]), np.array(0.0), np.array([2.0, 2.0]))
        touch |= bool(rectangles_touch(shapes[:, 0], obstacle, TOUCH).any())
        assert _severity("collision", trace) == float(touch)
        found.append(touch)
    assert found[-2:] == [True, True]


def test_violations_say_what_the_measures_say(traces):
    """A stretch exists exactly where a severity passes its minor threshold, flagged where it passes the severe one."""
    seen = 0
    for trace in traces:
        found = violations(trace)
        assert [v.start for v in found] == sorted(v.start for v in found)
        for name in ("imposed_deceleration", "drac", "collision"):
            stretches, value = [v for v in found if v.measure == name], _severity(name, trace)
            assert bool(stretches) == (value >= MEASURES[name].minor)
            assert any(v.severe for v in stretches) == (value >= MEASURES[name].severe)
            assert all(0 <= v.start < v.end <= len(trace) / trace.rate for v in stretches)
            seen += len(stretches)
    assert seen > 0
