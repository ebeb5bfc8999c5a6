"""Pedestrians: whoever drives, they stay credible; and contacts are what geometry says, at the crosswalk and the merge.

The drivers here are nasty on purpose. Contacts are worked out a second time by clipping edges at rectangles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.envs.asking import fixed_factors
from testbed.envs.driving.batch import DrivingVectorEnv
from testbed.envs.driving.kinds import WALKERS
from testbed.envs.driving.scene import ACTIONS, Worlds
from testbed.envs.driving.state import read_states, write_states
from testbed.envs.kernel import pedestrians
from testbed.envs.kernel.motion import TOUCH, touching
from testbed.envs.kernel.pedestrians import HURRY_FACTOR, SETBACK
from testbed.envs.kernel.records import (
    APPROACH,
    AWAY,
    CROSS,
    DT,
    FIXED,
    HURRY,
    OBJECT,
    RETREAT,
    STOP,
    VEHICLE,
    WAIT,
)
from testbed.scenes.crosswalk.courtesy import Courtesy
from testbed.scenes.crosswalk.observation import CrosswalkView, view
from testbed.scenes.registry import get_scene

MERGE, CROSSWALK = "testbed/Merge-v0", "testbed/Crosswalk-v0"
FASTER, SLOWER, IDLE = (ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE"))
EDGES = np.array([-2.0, 6.0])
"""y of the edges of the road [m]."""
WORLDS = 1000
bounded = settings(derandomize=True, max_examples=150, deadline=None, database=None)

Driver = Callable[[CrosswalkView, np.random.Generator, int], np.ndarray]
"""What is seen, random numbers, the number of the decision -> actions."""


def _at_random(seen: CrosswalkView, rng: np.random.Generator, step: int) -> np.ndarray:
    return rng.integers(len(ACTIONS), size=len(seen.speed))


def _surging(seen: CrosswalkView, rng: np.random.Generator, step: int) -> np.ndarray:
    """Drive at full speed, whoever is on the road."""
    return np.full(len(seen.speed), FASTER)


def _stopping_on_the_zebra(seen: CrosswalkView, rng: np.random.Generator, step: int) -> np.ndarray:
    """Come to a stop across the zebra, wait for some seconds, and go on at full speed."""
    stops = (seen.to_zebra < seen.speed**2 / 5 - 2) & (step < 90)
    return np.where(stops, SLOWER, FASTER if step >= 90 else IDLE)


def _luring(seen: CrosswalkView, rng: np.random.Generator, step: int) -> np.ndarray:
    """Come slowly, so that pedestrians start, and speed up once they are on the road."""
    lure = np.where(seen.speed > 3.0, SLOWER, IDLE)
    near = seen.to_zebra < 25
    return np.where(near, np.where(seen.on_road.any(axis=1), FASTER, lure), IDLE)


def _courteous(seen: CrosswalkView, rng: np.random.Generator, step: int) -> np.ndarray:
    raise NotImplementedError  # acts on observations: see `_drive`


DRIVERS = {
    "random": _at_random, "surging": _surging, "stopping": _stopping_on_the_zebra, "luring": _luring,
    "courteous": _courteous,
}  # fmt: skip
every_driver = pytest.mark.parametrize("driver", DRIVERS)


@dataclass
class Drive:
    """What was recorded of n worlds; the first axis is time, from the start on, at 15 Hz."""

    worlds: Worlds
    """At the start."""
    last: Worlds
    """At the end."""
    place: np.ndarray
    """Centres of the bodies, shape (samples + 1, n, bodies, 2) [m]; the first are the start's."""
    heading: np.ndarray
    """Shape (samples, n, bodies) [rad]."""
    speed: np.ndarray
    """Shape (samples, n, bodies) [m/s]."""
    contact: np.ndarray
    """Shape (samples, n, bodies)."""
    live: np.ndarray
    """Whether the episode was still going on, shape (samples, n)."""
    size: np.ndarray
    """Length and width, shape (n, bodies, 2) [m]."""
    terminated: np.ndarray
    """Shape (decisions, n)."""
    phases: set[int] = field(default_factory=set)
    """What any pedestrian was doing at any decision."""


def _drive(name: str, worlds: Worlds, decisions: int, act: Callable[[np.ndarray, int], np.ndarray]) -> Drive:
    """Drive worlds, all to their ends or for some decisions."""
    scene, n = get_scene(name).task, len(worlds.worlds)
    batch = DrivingVectorEnv(scene, n, "Disabled")
    observations = batch.restore(read_states(worlds))
    bodies = [worlds.vehicles, worlds.objects[:, : scene.walkers]]
    start = np.concatenate([np.stack([b["x"], b["y"]], -1) for b in bodies], axis=1)
    kept: dict[str, list] = {key: [] for key in ("position", "heading", "speed", "contact", "live", "terminated")}
    phases: set[int] = set()
    over = np.zeros(n, bool)
    for step in range(decisions):
        observations, _, terminated, truncated, info = batch.step(act(observations, step))
        for key in ("position", "heading", "speed", "contact"):
            kept[key].append(np.moveaxis(info["trace"][key], 1, 0))
        kept["live"].append(np.tile(~over, (3, 1)))
        kept["terminated"].append(terminated[None].copy())
        phases |= set(np.unique(write_states(scene, batch.states()).objects["phase"][~over]).tolist())
        over = terminated | truncated
        if over.all():
            break
    made = {key: np.concatenate(values) for key, values in kept.items()}
    place = np.concatenate([start[None], made["position"]])
    last, size = write_states(scene, batch.states()), scene.constant(worlds)["size"]
    return Drive(
        worlds, last, place, made["heading"], made["speed"], made["contact"], made["live"], size,
        made["terminated"], phases,
    )  # fmt: skip


@pytest.fixture(scope="module")
def drives() -> dict[str, Drive]:
    """The same 1,000 crosswalk scenes with every driver, each pedestrian kind there is among the first ones."""
    scene = get_scene(CROSSWALK).task
    kinds = np.arange(WORLDS) % len(WALKERS)
    context = np.tile(fixed_factors(scene.context, {}), (WORLDS, 1))
    context[:, list(scene.context).index("pedestrian")] = kinds
    made = {}
    for name, driver in DRIVERS.items():
        rng, clean = np.random.default_rng(0), Courtesy()

        def act(observations, step, driver=driver, rng=rng, clean=clean):
            return clean.act(observations) if driver is _courteous else driver(view(observations), rng, step)

        made[name] = _drive(CROSSWALK, scene.start(np.arange(WORLDS), context), 150, act)
    return made


@every_driver
def test_nobody_is_faster_than_a_person(drives, driver):
    """Neither by the speed that is recorded nor by the way between samples: HURRY_FACTOR times its walking speed."""
    drive = drives[driver]
    limit = HURRY_FACTOR * drive.worlds.objects["walk"] + 1e-9
    assert (drive.speed[:, :, 5:][drive.live] <= np.broadcast_to(limit, drive.speed[:, :, 5:].shape)[drive.live]).all()
    path = np.hypot(*np.moveaxis(np.diff(drive.place[:, :, 5:], axis=0), -1, 0)) / DT
    assert (path[drive.live] <= np.broadcast_to(limit + 1e-6, path.shape)[drive.live]).all()
    np.testing.assert_allclose(path[drive.live], drive.speed[:, :, 5:][drive.live], atol=1e-6)
    assert (path[drive.live] > 0.8).any()


@every_driver
def test_bystanders_never_move(drives, driver):
    """Whoever was only standing there stands there at the end."""
    drive = drives[driver]
    stands = drive.worlds.objects["phase"] == FIXED
    assert stands[:, 2].all() and 0.1 < stands[:, 0].mean() < 0.2 and 0.4 < stands[:, 1].mean() < 0.6
    moved = np.abs(drive.place[1:, :, 5:] - drive.place[0, :, 5:]).max(axis=-1)
    assert (moved[drive.live][np.broadcast_to(stands, moved.shape)[drive.live]] == 0).all()
    crossing = np.broadcast_to(~stands, moved.shape)[drive.live]
    assert (moved[drive.live][crossing] > 0).mean() > 0.95


def test_every_phase_is_reached(drives):
    """With some driver: waiting, crossing, hurrying, stopping between the lanes, going back, and being across."""
    reached = {name: drive.phases for name, drive in drives.items()}
    assert set().union(*reached.values()) == {FIXED, APPROACH, WAIT, CROSS, HURRY, STOP, RETREAT, AWAY}
    assert HURRY in reached["random"] and STOP in reached["stopping"] and RETREAT in reached["stopping"]
    assert not reached["surging"] & {HURRY, STOP, RETREAT}  # nobody starts before a car that does not slow down


@every_driver
def test_nobody_steps_onto_a_vehicle(drives, driver):
    """At the start nobody is on the road or touches a vehicle, and whoever enters the road touches none."""
    drive = drives[driver]
    y, half = drive.place[:, :, 5:, 1], drive.size[:, 5:, 1] / 2
    assert ((y[0] + half < EDGES[0]) | (y[0] - half > EDGES[1])).all()
    on_road = (y > EDGES[0]) & (y < EDGES[1])
    enters = on_road[1:] & ~on_road[:-1] & drive.live[..., None]
    assert enters.sum() > 150
    assert not drive.contact[:, :, 5:][enters].any()


@every_driver
def test_whoever_goes_ends_up_somewhere(drives, driver):
    """At the end nobody stands on the road for no reason: across, back at the kerb, or a vehicle is in the way."""
    drive = drives[driver]
    ended, phases = drive.last.worlds["ended"].astype(bool), drive.last.objects["phase"]
    assert ended.all()
    done = drive.last.vehicles["x"][:, 0] > 4.5
    lingering = np.isin(phases, (STOP, RETREAT, HURRY)) & done[:, None]
    assert lingering.mean() < 0.02


def test_the_courteous_driver_lets_everybody_cross(drives):
    """Nobody is touched, and of those who want to cross 97 % are across, or on their way, when the ego has left."""
    drive = drives["courteous"]
    assert not drive.contact.any()
    crosses = drive.worlds.objects["phase"] == APPROACH
    assert np.isin(drive.last.objects["phase"][crosses], (CROSS, AWAY)).mean() > 0.97
    assert np.isin(drives["surging"].last.objects["phase"][crosses], (CROSS, AWAY)).mean() < 0.5


# --- contacts, a second way ---------------------------------------------------------------------------------------


def _meets(place, heading, half, other_place, other_heading, other_half) -> np.ndarray:
    """Return whether rectangles overlap, shape (n,): an edge of the one cuts the other, or one lies in the other.

    Edges are clipped at the rectangle (Liang and Barsky 1984). Half sizes of shape (n, 2) [m].
    """

    def seen_from(place, heading, points, to) -> np.ndarray:
        offset, cos, sin = points - place[:, None], np.cos(heading)[:, None], np.sin(heading)[:, None]
        return np.stack([offset[..., 0] * cos + offset[..., 1] * sin, offset[..., 1] * cos - offset[..., 0] * sin], to)

    signs = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)])
    local = signs * other_half[:, None]
    cos, sin = np.cos(other_heading)[:, None], np.sin(other_heading)[:, None]
    turned = np.stack([local[..., 0] * cos - local[..., 1] * sin, local[..., 0] * sin + local[..., 1] * cos], -1)
    points = seen_from(place, heading, turned + other_place[:, None], -1)
    step = np.roll(points, -1, axis=1) - points
    step = np.where(step == 0, 1e-300, step)
    with np.errstate(over="ignore"):
        bounds = np.stack([(-half[:, None] - points) / step, (half[:, None] - points) / step])
    enter, leave = np.minimum(*bounds).max(-1), np.maximum(*bounds).min(-1)
    cut = (np.maximum(enter, 0.0) <= np.minimum(leave, 1.0)).any(axis=1)
    mine = np.abs(seen_from(other_place, other_heading, place[:, None], -1)[:, 0])
    return cut | (mine <= other_half).all(axis=1)


def _touch(first: tuple, second: tuple, within: np.ndarray) -> np.ndarray:
    """Return whether no edge of either rectangle separates them by more than `within`, shape (n,).

    No edge of the first does, and none of the second by as much, exactly if each one overlaps the other
    grown by that on every side.
    """
    (place, heading, size), (other_place, other_heading, other_size) = first, second
    more = within[:, None]
    one = _meets(place, heading, size / 2 + more, other_place, other_heading, other_size / 2)
    other = _meets(place, heading, size / 2, other_place, other_heading, other_size / 2 + more)
    return one & other


def _contacts(place, heading, size, walks, limits=(1e-6, -1e-6)) -> list[np.ndarray]:
    """Return which bodies touch with slightly more and slightly less room, each of shape (n, bodies).

    Bodies of n moments: centres (n, bodies, 2), headings (n, bodies), sizes (n, bodies, 2), walkers (bodies,).
    """
    found = [np.zeros(heading.shape, bool) for _ in limits]
    radius = np.hypot(size[..., 0], size[..., 1]) / 2
    for a in range(len(walks)):
        for b in range(a):
            if walks[a] and walks[b]:
                continue
            reach = radius[:, a] + radius[:, b] + 0.1
            (near,) = np.nonzero(np.hypot(*(place[:, a] - place[:, b]).T) < reach)
            if not len(near):
                continue
            bodies = [(place[near, k], heading[near, k], size[near, k]) for k in (a, b)]
            for flags, slack in zip(found, limits, strict=True):
                room = (0.0 if walks[a] or walks[b] else TOUCH) + slack
                touch = near[_touch(*bodies, np.full(len(near), room))]
                flags[touch, a] = flags[touch, b] = True
    return found


def test_second_way_by_hand():
    """Known rectangles: apart, beside each other, one in the other, crossed, and corner to corner."""
    cases = [
        ((3.6, 0.0), 0.0, (2.0, 1.0), 0.05, False), ((3.54, 0.0), 0.0, (2.0, 1.0), 0.05, True),
        ((0.2, 0.1), 0.4, (0.5, 0.5), 0.0, True), ((0.0, 0.0), np.pi / 2, (9.0, 0.5), 0.0, True),
        ((2.5 + np.sqrt(0.5) + 0.01, 0.0), np.pi / 4, (1.0, 1.0), 0.0, False),
        ((2.5 + np.sqrt(0.5) - 0.01, 0.0), np.pi / 4, (1.0, 1.0), 0.0, True),
        ((3.04, 1.54), 0.0, (1.0, 1.0), 0.05, True), ((3.04, 1.56), 0.0, (1.0, 1.0), 0.05, False),
    ]  # fmt: skip
    here = (np.zeros((1, 2)), np.zeros(1), np.array([[5.0, 2.0]]))
    for place, heading, size, within, expected in cases:
        there = (np.array([place]), np.array([heading]), np.array([size]))
        assert _touch(here, there, np.array([within]))[0] == expected, place
        assert _touch(there, here, np.array([within]))[0] == expected, place


def _compare(drive: Drive, walkers: int, barrier: tuple[float, float] | None = None) -> tuple[int, int]:
    """Check every recorded contact; return how many flags were set, and how many were compared."""
    samples, _, bodies = drive.heading.shape
    moments = np.nonzero(drive.live.ravel())[0]
    place = drive.place[1:].reshape(-1, bodies, 2)[moments]
    heading = drive.heading.reshape(-1, bodies)[moments]
    size = np.tile(drive.size, (samples, 1, 1, 1)).reshape(-1, bodies, 2)[moments]
    walks = np.arange(bodies) >= bodies - walkers
    if barrier is not None:
        one = (len(moments), 1)
        there = np.broadcast_to(barrier, (*one, 2)), np.zeros(one), np.full((*one, 2), 2.0)
        place, heading, size = (np.hstack(pair) for pair in zip((place, heading, size), there, strict=True))
        walks = np.append(walks, False)
    possible, sure = (flags[:, :bodies] for flags in _contacts(place, heading, size, walks))
    recorded = drive.contact.reshape(-1, bodies)[moments]
    assert not (recorded & ~possible).any() and not (sure & ~recorded).any()
    return int(recorded.sum()), recorded.size


def _ego_contact_ends(drive: Drive) -> int:
    """Check that an episode is over with the decision in which anything touched the ego; return how often that was."""
    touched = drive.contact[:, :, 0].reshape(-1, 3, drive.contact.shape[1]).any(axis=1)
    assert drive.terminated[touched].all()
    return int(touched.any(axis=0).sum())


@every_driver
def test_contacts_at_the_crosswalk_are_geometric(drives, driver):
    """Flag for flag, in every sample of every world."""
    _, compared = _compare(drives[driver], walkers=3)
    assert compared > 300_000
    _ego_contact_ends(drives[driver])


def test_pedestrians_who_are_put_before_a_car_are_hit():
    """Pedestrians set down on the road at random, some before the ego: contacts, flag for flag, and the end."""
    scene, n = get_scene(CROSSWALK).task, 1500
    worlds, rng = scene.start(np.arange(n), np.tile(fixed_factors(scene.context, {}), (n, 1))), np.random.default_rng(3)
    walkers, vehicles = worlds.objects, worlds.vehicles
    vehicles["x"] += 80
    walkers["phase"] = rng.choice([FIXED, CROSS, HURRY, STOP, RETREAT], walkers.shape)
    walkers["y"] = rng.uniform(-3, 7, walkers.shape)
    walkers["x"] = walkers["path_x"] = vehicles["x"][:, [0]] + rng.uniform(0, 30, walkers.shape)
    walkers["vy"] = walkers["vx"] = 0.0
    walkers["heading"] = rng.uniform(-4, 4, walkers.shape)
    drive = _drive(CROSSWALK, worlds, 20, lambda seen, step: rng.integers(5, size=n))
    contacts, _ = _compare(drive, walkers=3)
    assert contacts > 500
    assert _ego_contact_ends(drive) > 300
    (touched,) = np.nonzero(drive.contact[:, :, 0].any(axis=0))
    assert drive.last.worlds["collided"][touched].all() and drive.last.worlds["ended"][touched].all()


@pytest.mark.parametrize("ego", ["ramp", "main"])
def test_contacts_at_the_merge_are_geometric(ego):
    """Random drivers, half of whom push to the left: vehicles and the barrier, flag for flag, and the end."""
    scene, n, rng = get_scene(MERGE).task, 1000, np.random.default_rng(4)
    worlds = scene.start(np.arange(n), np.tile(fixed_factors(scene.context, {"ego": ego}), (n, 1)))
    pushes = np.arange(n) % 2 == 0

    def act(observations: np.ndarray, step: int) -> np.ndarray:
        return np.where(pushes, rng.choice([0, 0, 3], n), rng.integers(5, size=n))

    drive = _drive(MERGE, worlds, 120, act)
    contacts, _ = _compare(drive, walkers=0, barrier=(200.0, 8.0))
    assert contacts > 100 and _ego_contact_ends(drive) > 50


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


@bounded
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
    for _ in range(600):
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
