"""What drives on the merge road, drawn from a seed."""

from __future__ import annotations

import numpy as np

from testbed.envs.asking import chosen
from testbed.envs.driving.kinds import KINDS
from testbed.envs.driving.placing import ego_target, place
from testbed.envs.kernel.records import CONTROLLED, FIXED, NOBODY, OBJECT, TRAFFIC, VEHICLE, WORLD
from testbed.protocols.number import Number
from testbed.scenes.merge.road import (
    BARRIER,
    LANES,
    LEFT_LANE_Y,
    MERGE_START,
    RAMP_BEND,
    RAMP_Y,
    RIGHT_LANE_Y,
    SPEED_LIMIT,
)
from testbed.seeding import Draws

TARGET_SPEEDS = np.linspace(0.0, 32.0, 17)
"""Speeds the ego can be set to [m/s]."""

HEADWAYS = {"light": (2.8, 4.4), "medium": (2.4, 3.6), "dense": (2.0, 3.0)}
"""Traffic density -> lowest and highest time headway between successive vehicles of the right lane [s]."""

CONTEXT = {"density": tuple(HEADWAYS), "leader": tuple(KINDS), "ego": ("ramp", "main")}
"""The factors of a merge scene and their values.

`leader` is the kind of the vehicle that leads the platoon, the first right-lane vehicle ahead of the ego; `bus` is
never drawn. `ego` says where the ego starts: on the `ramp`, from which it has to merge, or, never drawn, on the
`main` road, beside a vehicle that does."""

VEHICLES = 9
"""Vehicles in every scene: the ego, the leader, one before it, four more of the right lane, two of the left lane.
Where the ego is on the main road, the last of the four is on the ramp (RAMP_CAR)."""
RAMP_CAR = 6

NUMBERS = {
    "ramp_speed": Number(18.0, 24.0, "m/s", "speed at first of an ego on the ramp"),
    "main_speed": Number(20.0, 23.0, "m/s", "speed at first of the platoon on the right lane"),
    "place_in_gap": Number(0.0, 1.0, "", "where beside the platoon's gap an ego on the ramp begins, 0 at its front"),
    "leader_headway": Number(3.2, 4.4, "s", "headway at first of an ego on the main road: room for the ramp car"),
    "ramp_car_ahead": Number(0.0, 16.0, "m", "how far ahead of an ego on the main road the ramp car begins"),
}
"""What can be fixed of a merge beside its factors."""


def sample_initial(seeds: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return merge scenes as WORLD, VEHICLE and OBJECT records; see `Scene.sample_initial`.

    The same seed with another `leader` gives the same scene but for that one vehicle's kind: a matched pair.
    """
    draws, n = Draws(seeds, NUMBERS, fixed[:, len(CONTEXT) :]), len(seeds)
    context = np.stack([draws.choice((1 / 3, 1 / 3, 1 / 3)), draws.choice((0.25, 0.25, 0.5)), np.zeros(n, int)], 1)
    context = chosen(fixed, context)
    vehicles = np.zeros((n, VEHICLES), VEHICLE)
    on_ramp = context[:, 2] == 0
    _place_right_lane(draws, vehicles, context, on_ramp)
    _place_left_lane(draws, vehicles)
    _place_ramp(draws, vehicles, on_ramp)
    vehicles["driver"] = np.where(np.arange(VEHICLES) == 0, CONTROLLED, TRAFFIC)
    place(LANES, vehicles)
    vehicles["target_speed"][:, 0] = ego_target(TARGET_SPEEDS, vehicles["speed"][:, 0])
    worlds = np.zeros(n, WORLD)
    worlds["since"], worlds["context"][:, :3] = NOBODY, context
    return worlds, vehicles, _barrier(n)


def _place_right_lane(draws: Draws, vehicles: np.ndarray, context: np.ndarray, on_ramp: np.ndarray) -> None:
    """Draw the ego's start and a platoon on the right lane; its leader is the first vehicle ahead of the ego."""
    ego_x = RAMP_BEND + draws.uniform(-20.0, 20.0)
    ego_speed = draws.number("ramp_speed")
    speed = draws.number("main_speed")
    low, high = np.array(list(HEADWAYS.values()))[context[:, 0]].T[:, :, None]
    gaps = speed[:, None] * draws.uniform(low, high, 6)
    gaps[:, 0] = np.where(on_ramp, gaps[:, 0], speed * draws.number("leader_headway"))
    # Beside the ramp, the ego is somewhere in the gap behind the leader; on the main road, it follows it.
    phase = np.where(on_ramp, draws.number("place_in_gap"), 1.0)
    nearest = ego_x + phase * gaps[:, 0]
    first = np.where(on_ramp, nearest, ego_x)[:, None]
    behind = first - np.cumsum(np.where(on_ramp[:, None], gaps[:, [0, 2, 3, 4]], gaps[:, 2:]), axis=1)
    x = np.column_stack([ego_x, nearest, nearest + gaps[:, 1], behind])
    speeds = np.column_stack([np.where(on_ramp, ego_speed, speed), speed[:, None] + draws.uniform(-0.5, 0.5, 6)])
    kinds = draws.choice((0.8, 0.2), 6)
    kinds[:, 0] = context[:, 1]
    vehicles["x"][:, :7], vehicles["y"][:, :7], vehicles["speed"][:, :7] = x, RIGHT_LANE_Y, speeds
    vehicles["target_speed"][:, :7] = np.minimum(1.2 * speeds, SPEED_LIMIT)
    # On the main road the leader keeps its speed, so whoever wants to go faster has to follow it.
    vehicles["target_speed"][:, 1] = np.where(on_ramp, vehicles["target_speed"][:, 1], speeds[:, 1])
    vehicles["kind"][:, 1:7] = kinds


def _place_left_lane(draws: Draws, vehicles: np.ndarray) -> None:
    """Draw two faster, sparser vehicles on the left lane."""
    start = vehicles["x"][:, 0] + draws.uniform(-140.0, -60.0)
    vehicles["x"][:, 7:] = start[:, None] + np.cumsum(draws.uniform(70.0, 120.0, 2), axis=1)
    vehicles["y"][:, 7:], vehicles["speed"][:, 7:] = LEFT_LANE_Y, draws.uniform(24.0, 27.0, 2)
    vehicles["target_speed"][:, 7:] = np.minimum(1.1 * vehicles["speed"][:, 7:], SPEED_LIMIT)


def _place_ramp(draws: Draws, vehicles: np.ndarray, on_ramp: np.ndarray) -> None:
    """Put on the ramp who starts there: the ego, or a car beside the ego on the main road."""
    beside, speed = draws.number("ramp_car_ahead"), draws.uniform(-1.0, 1.0)
    car = vehicles[:, RAMP_CAR]
    car["x"] = np.where(on_ramp, car["x"], vehicles["x"][:, 0] + beside)
    car["speed"] = np.where(on_ramp, car["speed"], vehicles["speed"][:, 0] + speed)
    car["target_speed"] = np.where(on_ramp, car["target_speed"], 1.2 * car["speed"])
    for number, there in ((0, on_ramp), (RAMP_CAR, ~on_ramp)):
        row = vehicles[:, number]
        far = row["x"] < RAMP_BEND
        bend = next(lane for lane in LANES if lane.amplitude)
        along = row["x"] - bend.start
        angle = bend.pulsation * along + bend.phase
        on_bend = bend.y + bend.amplitude * np.sin(angle)
        heading = np.arctan(bend.amplitude * bend.pulsation * np.cos(angle))
        straight = bend.y + bend.amplitude
        after = row["x"] >= MERGE_START
        y = np.where(far, straight, np.where(after, RAMP_Y, on_bend))
        row["y"] = np.where(there, y, row["y"])
        row["heading"] = np.where(there & ~far & ~after, heading, 0.0)


def _barrier(n: int) -> np.ndarray:
    """Return the barrier at the end of the ramp, records OBJECT, shape (n, 1)."""
    barrier = np.zeros((n, 1), OBJECT)
    barrier["x"], barrier["y"], side = BARRIER
    barrier["length"] = barrier["width"] = side
    barrier["solid"], barrier["phase"] = 1, FIXED
    return barrier
