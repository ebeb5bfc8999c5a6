"""Pedestrians: whoever drives, they stay credible; and contacts are what geometry says, at the crosswalk and the merge.

The drivers here are nasty on purpose. Contacts are worked out a second time by clipping edges at rectangles.
"""

from __future__ import annotations

import numpy as np
import pytest
from walking import CROSSWALK, EDGES, MERGE, Drive, drive_all, drive_worlds, every_driver

from testbed.envs.asking import fixed_factors
from testbed.envs.kernel.motion import TOUCH
from testbed.envs.kernel.pedestrians import HURRY_FACTOR
from testbed.envs.kernel.records import APPROACH, AWAY, CROSS, DT, FIXED, HURRY, RETREAT, STOP, WAIT
from testbed.scenes.registry import get_scene


@pytest.fixture(scope="module")
def drives() -> dict[str, Drive]:
    """The same 1,000 crosswalk scenes with every driver."""
    return drive_all()


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
    drive = drive_worlds(CROSSWALK, worlds, 20, lambda seen, step: rng.integers(5, size=n))
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

    drive = drive_worlds(MERGE, worlds, 120, act)
    contacts, _ = _compare(drive, walkers=0, barrier=(200.0, 8.0))
    assert contacts > 100 and _ego_contact_ends(drive) > 50
