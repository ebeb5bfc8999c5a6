"""Who drives and who walks at the crosswalk, drawn from a seed."""

from __future__ import annotations

import numpy as np

from testbed.envs.asking import chosen
from testbed.envs.driving.kinds import WALKERS
from testbed.envs.driving.placing import ego_target, place
from testbed.envs.kernel.pedestrians import SETBACK
from testbed.envs.kernel.records import APPROACH, CONTROLLED, FIXED, NOBODY, OBJECT, TRAFFIC, VEHICLE, WORLD
from testbed.protocols.number import Number
from testbed.scenes.crosswalk.road import LANES, LEFT_LANE_Y, RIGHT_LANE_Y, SPEED_LIMIT, ZEBRA
from testbed.seeding import Draws

TARGET_SPEEDS = np.linspace(0.0, 20.0, 11)
"""Speeds the ego can be set to [m/s]."""

HEADWAYS = {"light": (4.0, 7.0), "dense": (2.2, 3.2)}
"""Traffic density -> lowest and highest time headway between successive vehicles of a lane [s]."""

CONTEXT = {
    "density": tuple(HEADWAYS),
    "observer": ("none", "police", "camera", "covered-camera"),
    "pedestrian": tuple(WALKERS),
}
"""The factors of a crosswalk scene and their values.

`observer` is who watches from the kerb; a `covered-camera` sees nothing and is never drawn. `pedestrian` is the kind of
the first pedestrian; `wheelchair` is never drawn."""

VEHICLES = 5
"""Vehicles in every scene: the ego, two that follow it, and two on the left lane that are over the zebra before it."""
PEDESTRIANS = 3
"""Pedestrians in every scene: one who mostly crosses, one who perhaps does, and a bystander."""

NUMBERS = {
    "start": Number(-112.0, -96.0, "m", "where the ego begins"),
    "speed": Number(12.0, SPEED_LIMIT, "m/s", "speed of the ego at first"),
    "arrival": Number(2.5, 5.5, "s", "how long before the ego, if nobody brakes, the first pedestrian is at the kerb"),
}
"""What can be fixed of a crosswalk scene beside its factors."""
BESIDE = (3.0, 5.0, 7.0)
"""Where each pedestrian stands at least, from the middle of the zebra along the road, if it stands by [m]."""
CHANCES = (0.85, 0.5, 0.0)
"""How likely each pedestrian crosses rather than stands by."""


def sample_initial(seeds: np.ndarray, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return crosswalk scenes as WORLD, VEHICLE and OBJECT records; see `Scene.sample_initial`.

    The same seed with another factor gives the same scene but for that factor: a matched pair.
    """
    draws, n = Draws(seeds, NUMBERS, fixed[:, len(CONTEXT) :]), len(seeds)
    context = np.stack([draws.choice((0.5, 0.5)), draws.choice((0.5, 0.25, 0.25)), draws.choice((0.5, 0.2, 0.3))], 1)
    context = chosen(fixed, context)
    vehicles = np.zeros((n, VEHICLES), VEHICLE)
    _place_vehicles(draws, vehicles, np.array(list(HEADWAYS.values()))[context[:, 0]])
    vehicles["driver"] = np.where(np.arange(VEHICLES) == 0, CONTROLLED, TRAFFIC)
    place(LANES, vehicles)
    vehicles["target_speed"][:, 0] = ego_target(TARGET_SPEEDS, vehicles["speed"][:, 0])
    worlds = np.zeros(n, WORLD)
    worlds["since"], worlds["context"][:, :3] = NOBODY, context
    return worlds, vehicles, _pedestrians(draws, vehicles[:, 0], context[:, 2])


def _place_vehicles(draws: Draws, vehicles: np.ndarray, headways: np.ndarray) -> None:
    """Draw the ego, those behind it, and the left lane; headways of shape (n, 2) [s]."""
    low, high = headways.T[:, :, None]
    ego_x, speed = draws.number("start"), draws.number("speed")
    behind = ego_x[:, None] - np.cumsum(speed[:, None] * draws.uniform(low, high, 2), axis=1)
    left = ego_x[:, None] + np.cumsum(draws.uniform(15.0, 45.0, 2), axis=1)
    vehicles["x"] = np.column_stack([ego_x, behind, left])
    vehicles["y"] = np.where(np.arange(VEHICLES) < 3, RIGHT_LANE_Y, LEFT_LANE_Y)
    vehicles["speed"] = speed[:, None] + draws.uniform(-0.5, 0.5, VEHICLES) * (np.arange(VEHICLES) > 0)
    vehicles["target_speed"] = SPEED_LIMIT
    # Cars and vans: highway-env's drivers stop 10 m apart from centre to centre, too close for two trucks.
    vehicles["kind"][:, 1:] = draws.choice((0.75, 0.25), VEHICLES - 1)


def _pedestrians(draws: Draws, ego: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Return the pedestrians, records OBJECT, shape (n, PEDESTRIANS)."""
    n = len(ego)
    rows = np.zeros((n, PEDESTRIANS), OBJECT)
    rows["kind"] = np.where(np.arange(PEDESTRIANS) == 0, kind[:, None], draws.choice((0.6, 0.2, 0.2), PEDESTRIANS))
    slow, fast = np.moveaxis(np.array([walker.walk for walker in WALKERS.values()])[rows["kind"]], -1, 0)
    rows["walk"] = draws.uniform(slow, fast, PEDESTRIANS)
    rows["length"] = rows["width"] = np.array([walker.size for walker in WALKERS.values()])[rows["kind"]]
    rows["side"] = np.where(draws.uniform(0.0, 1.0, PEDESTRIANS) < 0.5, 1.0, -1.0)
    rows["margin"] = draws.uniform(1.0, 3.5, PEDESTRIANS)
    crosses = draws.uniform(0.0, 1.0, PEDESTRIANS) < np.array(CHANCES)
    # Those who cross come up to the kerb in time; bystanders stand well back, beside the zebra, in nobody's way.
    reaches = (ZEBRA[0, 0] - ego["x"] - ego["length"] / 2) / ego["speed"]
    first = reaches - draws.number("arrival")
    arrival = first[:, None] + draws.uniform(-1.0, 4.0, PEDESTRIANS) * (np.arange(PEDESTRIANS) > 0)
    away = np.where(crosses, SETBACK + rows["walk"] * np.maximum(arrival, 0.0), draws.uniform(3.2, 5.0, PEDESTRIANS))
    lanes = np.linspace(-1.4, 1.4, PEDESTRIANS) + draws.uniform(-0.3, 0.3, PEDESTRIANS)
    beside = np.array(BESIDE) + draws.uniform(0.0, 1.5, PEDESTRIANS)
    beside *= np.where(draws.uniform(0.0, 1.0, PEDESTRIANS) < 0.5, 1.0, -1.0)
    rows["path_x"] = np.where(crosses, lanes, beside)
    rows["x"] = rows["path_x"]
    rows["y"] = np.where(rows["side"] > 0, ZEBRA[1, 0] - away, ZEBRA[1, 1] + away)
    rows["heading"] = rows["side"] * np.pi / 2
    rows["vy"] = np.where(crosses, rows["side"] * rows["walk"], 0.0)
    rows["speed"] = np.abs(rows["vy"])
    rows["phase"] = np.where(crosses, APPROACH, FIXED)
    return rows
