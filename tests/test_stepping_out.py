"""When a pedestrian starts to cross, and how far apart they keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from walking import (
    CROSSWALK,
    EDGES,
)

from testbed.envs.asking import fixed_factors
from testbed.envs.kernel import pedestrians
from testbed.envs.kernel.motion import touching
from testbed.envs.kernel.pedestrians import HURRY_FACTOR, SETBACK
from testbed.envs.kernel.records import (
    APPROACH,
    AWAY,
    CROSS,
    DT,
    HURRY,
    OBJECT,
    RETREAT,
    STOP,
    VEHICLE,
    WAIT,
)
from testbed.scenes.registry import get_scene

bounded = settings(derandomize=True, max_examples=150, deadline=None, database=None)


# --- worlds made by hand ------------------------------------------------------------------------------------------


def _walker(side: int, path_x: float = 0.0, phase: int = WAIT, **changes) -> np.ndarray:
    """Return one adult at the kerb, records OBJECT, shape (1,)."""
    row = np.zeros(1, OBJECT)
    values = {"side": side, "path_x": path_x, "x": path_x, "phase": phase, "walk": 1.4, "margin": 2.0, "length": 0.6}
    values |= {"width": 0.6, "y": EDGES[0] - SETBACK if side > 0 else EDGES[1] + SETBACK, "heading": side * np.pi / 2}
    for name, value in (values | changes).items():
        row[name] = value
    return row


def _cars(*cars: tuple[float, float, float], acceleration: float = 0.0) -> np.ndarray:
    """Return cars of x, y [m] and speed [m/s], records VEHICLE."""
    rows = np.zeros(len(cars), VEHICLE)
    for row, (x, y, speed) in zip(rows, cars, strict=True):
        row["x"], row["y"], row["speed"], row["acceleration"] = x, y, speed, acceleration
    rows["length"], rows["width"] = 5.0, 2.0
    return rows


def _phase_after(walker: np.ndarray, cars: np.ndarray) -> int:
    pedestrians.decide(walker, cars, EDGES)
    return int(walker["phase"][0])


@pytest.mark.parametrize("side", [1, -1])
def test_empty_road_is_crossed_at_once(side):
    """The next decision is to go; it is across in the time its walking speed says, and does not stop on the way."""
    walker, nobody = _walker(side), _cars()
    assert _phase_after(walker, nobody) == CROSS
    steps, phases = 0, set()
    while walker["phase"][0] != AWAY:
        pedestrians.walk(walker, EDGES)
        phases.add(_phase_after(walker, nobody))
        steps += 1
    assert phases == {CROSS, AWAY}
    # 1.2 m to the edge and 8 m over the road at 1.4 m/s, and half a second to get going.
    assert steps * DT == pytest.approx(9.2 / 1.4 + 0.5, abs=0.1)
    for _ in range(150):
        pedestrians.walk(walker, EDGES)
    end = EDGES[1] + 4 if side > 0 else EDGES[0] - 4
    assert walker["y"][0] == pytest.approx(end, abs=0.1)


def test_cars_that_have_passed_do_not_matter():
    """Behind the path a car is nobody; on it, it is in the way, on either lane, and so is one far off but fast."""
    assert _phase_after(_walker(1), _cars((3.1, 0.0, 10.0), (4.0, 4.0, 10.0))) == CROSS
    assert _phase_after(_walker(1), _cars((2.0, 0.0, 10.0))) == WAIT
    assert _phase_after(_walker(1), _cars((0.0, 4.0, 0.0))) == WAIT
    assert _phase_after(_walker(1), _cars((-80.0, 4.0, 12.0))) == WAIT
    assert _phase_after(_walker(1), _cars((-160.0, 4.0, 12.0))) == CROSS


def test_a_slow_car_that_yields_lets_start():
    """It is slow, does not gain speed and has room to stop; each of the three is needed."""
    yields = _cars((-10.0, 4.0, 3.0), acceleration=-1.0)
    assert _phase_after(_walker(1), yields) == CROSS
    assert _phase_after(_walker(1), _cars((-10.0, 4.0, 3.0), acceleration=1.0)) == WAIT
    assert _phase_after(_walker(1), _cars((-10.0, 4.0, 6.0), acceleration=-1.0)) == WAIT
    assert _phase_after(_walker(1), _cars((-4.0, 4.0, 3.0), acceleration=-1.0)) == WAIT
    # Whoever comes up behind the car that yields is held up by it, however fast; not so on the other lane.
    assert _phase_after(_walker(1), _cars((-10.0, 4.0, 0.0), (-30.0, 4.0, 13.0))) == CROSS
    assert _phase_after(_walker(1), _cars((-10.0, 4.0, 0.0), (-30.0, 0.0, 13.0))) == WAIT


def test_gap_by_hand():
    """An adult of 1.4 m/s needs (1.2 + 7.5) / 1.4 s to be past a car on the far lane, and 2 s more to be content."""
    needed = (SETBACK + 2 + 4 + 1 + 0.5) / 1.4 + 2.0
    for speed in (5.0, 10.0, 15.0):
        front = -0.5 - 2.5 - speed * needed
        assert _phase_after(_walker(1), _cars((front - 0.05, 4.0, speed))) == CROSS
        assert _phase_after(_walker(1), _cars((front + 0.05, 4.0, speed))) == WAIT
        # After ten seconds at the kerb half of the margin is enough.
        front += speed * 1.0
        assert _phase_after(_walker(1, waited=10.0), _cars((front - 0.05, 4.0, speed))) == CROSS
        assert _phase_after(_walker(1, waited=10.0), _cars((front + 0.05, 4.0, speed))) == WAIT


LANE_CARS = st.lists(st.floats(3.0, 120.0), max_size=3)
ALL_PAST = (150 + 3 * 125 + 10) / 4 + 30
"""By then the slowest of the last cars below is past, and whoever waited for it has walked across [s]."""


@bounded
@example(  # 38 s of cars
    side=-1,
    path_x=0.0,
    walk=0.8515625,
    margin=1.0,
    waited=0.0,
    speeds=(6.5, 4.0),
    lanes=([54.0, 71.0, 3.0], [107.0, 3.0]),
    first=(0.0, 0.0),
)
@given(
    side=st.sampled_from([1, -1]), path_x=st.floats(-1.7, 1.7), walk=st.floats(0.85, 1.5), margin=st.floats(1.0, 3.5),
    waited=st.floats(0.0, 30.0), speeds=st.tuples(st.floats(4.0, 20.0), st.floats(4.0, 20.0)),
    lanes=st.tuples(LANE_CARS, LANE_CARS), first=st.tuples(st.floats(-150.0, 0.0), st.floats(-150.0, 0.0)),
)  # fmt: skip
def test_cars_at_constant_speed_never_reach_somebody_who_started(
    side, path_x, walk, margin, waited, speeds, lanes, first
):
    """Cars that neither brake nor speed up: whoever starts is past each of them before it comes, and is never hit."""
    cars = []
    for y, speed, gaps, x in zip((0.0, 4.0), speeds, lanes, first, strict=True):
        for gap in gaps:
            cars.append((x, y, speed))
            x -= 5.0 + gap
    vehicles = _cars(*cars)
    walker = _walker(side, path_x, walk=walk, margin=margin, waited=waited)
    near = EDGES[0] if side > 0 else EDGES[1]
    started = False
    for _ in range(round(ALL_PAST / DT)):
        before = int(walker["phase"][0])
        pedestrians.decide(walker, vehicles, EDGES)
        if before == WAIT and walker["phase"][0] == CROSS:
            started = True
            for car in vehicles:
                reach = (path_x - 0.3 - car["x"] - 2.5) / car["speed"]
                way = side * (car["y"] - near) + 1.0 + 0.3 - side * (walker["y"][0] - near)
                assert car["x"] - 2.5 > path_x + 0.3 or reach >= way / walk
        pedestrians.walk(walker, EDGES)
        vehicles["x"] += vehicles["speed"] * DT
        for car in vehicles:
            assert not touching(car, walker[0], 0.0)
        if walker["phase"][0] == AWAY:
            break
    assert started and walker["phase"][0] == AWAY  # all cars are past in the end


@bounded
@given(
    phases=st.lists(st.sampled_from([APPROACH, WAIT, CROSS, HURRY, STOP, RETREAT, AWAY]), min_size=3, max_size=3),
    places=st.lists(st.tuples(st.floats(-3, 3), st.floats(-9, 13)), min_size=3, max_size=3),
    velocity=st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)), walk=st.floats(0.85, 1.5),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_speed_limit_holds_whatever_happens(phases, places, velocity, walk, seed):
    """Any phase, place and push, among cars that jump about: finite, and never too fast."""
    rng = np.random.default_rng(seed)
    walkers = np.concatenate([
        _walker(1 if k % 2 else -1, x, phase, y=y, x=x + 0.1, walk=walk, vx=velocity[0], vy=velocity[1])
        for k, (phase, (x, y)) in enumerate(zip(phases, places, strict=True))
    ])  # fmt: skip
    for _ in range(60):
        vehicles = _cars(*((rng.uniform(-20, 5), rng.choice([0.0, 4.0]), rng.uniform(0, 20)) for _ in range(2)))
        before = walkers.copy()
        pedestrians.decide(walkers, vehicles, EDGES)
        pedestrians.walk(walkers, EDGES)
        speed = np.hypot(walkers["x"] - before["x"], walkers["y"] - before["y"]) / DT
        assert (speed <= HURRY_FACTOR * walk + 1e-9).all()
        np.testing.assert_allclose(speed, walkers["speed"], atol=1e-9)


@pytest.mark.parametrize(("apart", "closest"), [(0.8, 0.8), (0.5, 0.53), (0.3, 0.35)])
def test_pedestrians_keep_apart(apart, closest):
    """Two who come towards each other on paths so far apart [m] swerve; their centres stay `closest` [m] apart.

    In a scene paths are 0.8 m apart at least. On the very same path the force is too weak to turn them aside.
    """
    walkers, nobody = np.concatenate([_walker(1, 0.0), _walker(-1, apart)]), _cars()
    nearest, swerve, meet = np.inf, 0.0, 0.0
    for _ in range(200):
        pedestrians.decide(walkers, nobody, EDGES)
        pedestrians.walk(walkers, EDGES)
        away = float(np.hypot(walkers["x"][0] - walkers["x"][1], walkers["y"][0] - walkers["y"][1]))
        if away < nearest:
            nearest, meet = away, float(walkers["x"][1] - walkers["x"][0])
        swerve = max(swerve, -float(walkers["x"][0]))
    assert nearest >= closest and meet > apart and swerve > 0.05
    assert (walkers["phase"] == AWAY).all()
    np.testing.assert_allclose(walkers["x"], [0.0, apart], atol=0.1)  # and come back to their paths


def test_paths_in_scenes_are_far_enough_apart():
    """Those who cross in one scene do so 0.8 m apart at least; what the test above says holds for them."""
    scene = get_scene(CROSSWALK).task
    walkers = scene.start(np.arange(5000), np.tile(fixed_factors(scene.context, {}), (5000, 1))).objects
    crosses = walkers["phase"] == APPROACH
    both = crosses[:, 0] & crosses[:, 1]
    assert both.mean() > 0.3 and (walkers["path_x"][both, 1] - walkers["path_x"][both, 0] >= 0.8).all()
    assert (np.abs(walkers["path_x"][crosses]) + 0.3 <= 2.01).all()  # on the zebra
