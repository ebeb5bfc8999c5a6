"""What driving policies see."""

from __future__ import annotations

import numpy as np
from roads import CROSSWALK, MERGE, Random, begun, every

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.scene import Worlds
from testbed.envs.driving.state import write_states
from testbed.envs.kernel.observing import GRAIN
from testbed.envs.kernel.records import FIXED
from testbed.scenes.crosswalk import observation as crosswalk_observation
from testbed.scenes.merge import observation as merge_observation
from testbed.scenes.registry import get_scene


def _seen(name: str, steps: int) -> tuple[np.ndarray, Worlds]:
    """Return observations after some random driving and the worlds they are of."""
    batch, observations = begun(name, 400, seed=60)
    driver = Random(steps)
    for _ in range(steps):
        observations, *_ = batch.step(driver.act(observations))
    return observations, write_states(batch.scene, batch.states())


@every
def test_observations_are_rounded_and_limited(name):
    """Multiples of GRAIN in [-4, 4], without a negative zero; the context one-hot."""
    scene = get_scene(name).task
    for steps in (0, 10, 40):
        observations, worlds = _seen(name, steps)
        assert (observations / GRAIN % 1 == 0).all() and np.abs(observations).max() <= 4
        assert not np.signbit(observations[observations == 0]).any()
        start = len(scene.names) - sum(map(len, scene.context.values()))
        for k, (factor, values) in enumerate(scene.context.items()):
            assert scene.names[start : start + len(values)] == tuple(f"{factor}={value}" for value in values)
            expected = np.eye(len(values))[worlds.worlds["context"][:, k]]
            np.testing.assert_array_equal(observations[:, start : start + len(values)], expected)
            start += len(values)


def test_merge_observation_says_where_the_others_are():
    """The three nearest ahead and behind on the right and the ramp, one each on the left, found by sorting."""
    for steps in (0, 15, 45):
        observations, worlds = _seen(MERGE, steps)
        view = merge_observation.view(observations)
        near = {"atol": 4e-3}
        for number, vehicles in enumerate(worlds.vehicles):
            ego, others = vehicles[0], vehicles[1:]
            own = (view.speed, view.lateral + 4, view.target_speed, 200 - view.to_ramp_end)
            expected = (ego["speed"], ego["y"], ego["target_speed"], ego["x"])
            np.testing.assert_allclose([value[number] for value in own], expected, atol=0.02)
            assert view.may_merge[number] == (0 <= ego["x"] < 200 and ego["y"] > 6)
            others = others[np.abs(others["x"] - ego["x"]) <= 150]
            left, ahead = others["y"] < 2, others["x"] >= ego["x"]
            right = ((~left & ahead, (0, 1, 2)), (~left & ~ahead, (3, 4, 5)))
            for where, slots in (*right, (left & ahead, (6,)), (left & ~ahead, (7,))):
                there = others[where]
                there = there[np.argsort(np.abs(there["x"] - ego["x"]))][: len(slots)]
                slots = np.array(slots)
                assert view.present[number, slots].tolist() == (np.arange(len(slots)) < len(there)).tolist()
                slots = slots[: len(there)]
                np.testing.assert_allclose(view.dx[number, slots], there["x"] - ego["x"], **near)
                np.testing.assert_allclose(view.dv[number, slots], there["speed"] - ego["speed"], **near)
                np.testing.assert_allclose(view.length[number, slots], there["length"], **near)
                assert view.on_ramp[number, slots].tolist() == (there["y"] > 6).tolist()


def test_crosswalk_observation_says_where_the_pedestrians_are():
    """First those on the road, then those at a kerb, then the others by their distance; else by their number."""
    seen = set()
    for steps in (0, 25, 50, 70):
        observations, worlds = _seen(CROSSWALK, steps)
        view = crosswalk_observation.view(observations)
        outside = np.maximum(np.maximum(-2 - worlds.objects["y"], worlds.objects["y"] - 6), 0.0)
        rank = np.where(outside == 0, 0.0, np.where(outside <= 1.8, 1.0, 1 + outside))
        order = np.argsort(rank, axis=1, kind="stable")
        walkers = np.take_along_axis(worlds.objects, order, axis=1)
        ego = worlds.vehicles[:, 0]
        np.testing.assert_allclose(view.lateral, walkers["y"] - 4, atol=1e-3)
        np.testing.assert_allclose(view.across, walkers["vy"], atol=1e-3)
        np.testing.assert_array_equal(view.on_road, (walkers["y"] >= -2) & (walkers["y"] <= 6))
        at_kerb = ((walkers["y"] >= -3.8) & (walkers["y"] < -2)) | ((walkers["y"] > 6) & (walkers["y"] <= 7.8))
        np.testing.assert_array_equal(view.at_kerb, at_kerb)
        np.testing.assert_allclose(view.speed, ego["speed"], atol=1e-3)
        front = np.clip(-2 - ego["x"] - 2.5, -200, 200)
        np.testing.assert_allclose(view.to_zebra, front, atol=4e-3)
        seen |= {("road", bool(there)) for there in view.on_road.ravel()}
        seen |= {("kerb", bool(there)) for there in view.at_kerb.ravel()}
        assert (worlds.objects["phase"][:, 2] == FIXED).all()  # the third one is always a bystander
    assert len(seen) == 4  # there were some on the road, and some at the kerb
