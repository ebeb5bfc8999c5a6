"""What drives on the merge road: the kinds of vehicle, and a scene drawn from one seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from highway_env.road.road import Road
from highway_env.vehicle.behavior import IDMVehicle

from testbed.envs.driving.road import LEFT_LANE_Y, RAMP_BEND, RIGHT_LANE_Y, SPEED_LIMIT
from testbed.errors import UserError, unknown_name


@dataclass(frozen=True)
class Kind:
    """The outer measures of one kind of vehicle."""

    length: float
    """Bumper to bumper [m]."""
    width: float
    """Side to side [m]."""
    colour: tuple[int, int, int]
    """Body colour in rendered pictures (red, green, blue)."""


KINDS: Mapping[str, Kind] = {
    "car": Kind(5.0, 2.0, (100, 149, 196)),
    "van": Kind(6.0, 2.2, (146, 132, 190)),
    "truck": Kind(12.0, 2.5, (168, 138, 104)),
    "bus": Kind(12.0, 2.5, (206, 170, 74)),
}
"""Kinds of vehicle by name."""

HEADWAYS: Mapping[str, tuple[float, float]] = {"light": (2.8, 4.4), "medium": (2.4, 3.6), "dense": (2.0, 3.0)}
"""Traffic density -> lowest and highest time headway between successive vehicles of the right lane [s]."""

CONTEXT: Mapping[str, tuple[str, ...]] = {"density": tuple(HEADWAYS), "leader": tuple(KINDS)}
"""What can be told of a merge scene before it starts: its categorical factors and their values.

`leader` is the kind of the vehicle that leads the platoon beside the ramp, the first right-lane
vehicle ahead of the ego."""

RIGHT_VEHICLES_AHEAD, RIGHT_VEHICLES_BEHIND, LEFT_VEHICLES = 2, 4, 2
VEHICLES = 1 + RIGHT_VEHICLES_AHEAD + RIGHT_VEHICLES_BEHIND + LEFT_VEHICLES
"""Vehicles in every scene; number 0 is the ego, number 1 the leader."""


class TrafficVehicle(IDMVehicle):
    """An IDM/MOBIL driver of a given kind of vehicle.

    highway-env's IDM measures gaps from centre to centre, so behind a 12 m truck the bumper gap is
    3.5 m shorter than behind a car.
    """

    def __init__(self, road: Road, position, kind: str, speed: float, target_speed: float) -> None:
        # Set before the base class computes the diagonal from them.
        self.LENGTH, self.WIDTH = KINDS[kind].length, KINDS[kind].width
        self.kind = kind
        super().__init__(road, position, speed=speed, target_speed=target_speed)
        self.color = KINDS[kind].colour


@dataclass(frozen=True)
class Placement:
    """Where one vehicle of a scene starts."""

    x: float
    """Position along the road [m]."""
    y: float
    """Lane centre [m]."""
    speed: float
    """Speed at the start [m/s]."""
    target_speed: float
    """Speed the driver would like to drive [m/s]."""
    kind: str
    """A name of `KINDS`."""


@dataclass(frozen=True)
class Scene:
    """Everything that is random about one merge scene."""

    ego_x: float
    """Start of the ego on the ramp [m]."""
    ego_speed: float
    """Speed of the ego at the start [m/s]."""
    traffic: tuple[Placement, ...]
    """The other vehicles, `VEHICLES - 1` of them, the leader first."""
    density: str
    """A name of `HEADWAYS`."""

    @property
    def leader(self) -> str:
        """The kind of the platoon's leader."""
        return self.traffic[0].kind

    @property
    def context(self) -> np.ndarray:
        """The scene's factors as positions in `CONTEXT`, shape (2,)."""
        values = {"density": self.density, "leader": self.leader}
        return np.array([CONTEXT[name].index(values[name]) for name in CONTEXT])


def check_context(context: Mapping[str, str]) -> None:
    """Raise `UserError` where a factor or its value does not exist."""
    for factor, value in context.items():
        if factor not in CONTEXT:
            raise unknown_name("context factor", factor, CONTEXT)
        if value not in CONTEXT[factor]:
            raise UserError(f"context {factor} cannot be '{value}': choose one of {', '.join(CONTEXT[factor])}")


def draw_scene(np_random: np.random.Generator, context: Mapping[str, str]) -> Scene:
    """Draw a scene; factors named in `context` are fixed, and everything else stays as it was.

    The same generator state with another `leader` gives the same scene but for that one vehicle's
    kind: a matched pair.

    Raises:
        UserError: for an unknown factor or value.
    """
    check_context(context)
    density = CONTEXT["density"][np_random.integers(len(CONTEXT["density"]))]
    leader = ("car", "van", "truck")[np_random.choice(3, p=(0.25, 0.25, 0.5))]
    density, leader = context.get("density", density), context.get("leader", leader)
    ego_x = RAMP_BEND + np_random.uniform(-20.0, 20.0)
    ego_speed = np_random.uniform(18.0, 24.0)
    right = _right_lane(np_random, ego_x, HEADWAYS[density], leader)
    return Scene(ego_x, ego_speed, (*right, *_left_lane(np_random, ego_x)), density)


def _right_lane(np_random, ego_x: float, headways: tuple[float, float], leader: str) -> list[Placement]:
    """Return a platoon on the right lane; its leader is the first vehicle ahead of the ego."""
    speed = np_random.uniform(20.0, 23.0)
    count = RIGHT_VEHICLES_AHEAD + RIGHT_VEHICLES_BEHIND
    gaps = speed * np_random.uniform(*headways, size=count)
    phase = np_random.uniform(0.0, 1.0)
    nearest = ego_x + phase * gaps[0]
    ahead = [nearest, nearest + gaps[1]]
    behind = nearest - np.concatenate([[gaps[0]], gaps[0] + np.cumsum(gaps[2:-1])])
    speeds = speed + np_random.uniform(-0.5, 0.5, size=count)
    wishes = np.minimum(1.2 * speeds, SPEED_LIMIT)
    kinds = [leader, *np.where(np_random.random(count - 1) < 0.8, "car", "van")]
    return [
        Placement(float(x), RIGHT_LANE_Y, float(v), float(wish), str(kind))
        for x, v, wish, kind in zip([*ahead, *behind], speeds, wishes, kinds, strict=True)
    ]


def _left_lane(np_random, ego_x: float) -> list[Placement]:
    """Return faster, sparser vehicles on the left lane."""
    start = ego_x + np_random.uniform(-140.0, -60.0)
    offsets = np.cumsum(np_random.uniform(70.0, 120.0, size=LEFT_VEHICLES))
    speeds = np_random.uniform(24.0, 27.0, size=LEFT_VEHICLES)
    return [
        Placement(float(start + dx), LEFT_LANE_Y, float(v), float(min(1.1 * v, SPEED_LIMIT)), "car")
        for dx, v in zip(offsets, speeds, strict=True)
    ]


def populate(road: Road, scene: Scene) -> None:
    """Put the scene's traffic on the road, in order."""
    for place in scene.traffic:
        vehicle = TrafficVehicle(road, (place.x, place.y), place.kind, place.speed, place.target_speed)
        road.vehicles.append(vehicle)
