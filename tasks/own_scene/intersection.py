"""A scene of one's own, on a road: highway-env's intersection, and a driver who pushes in when it carries a parcel."""

from dataclasses import dataclass
from functools import partial

import gymnasium
import highway_env  # noqa: F401  (registers its environments)
import numpy as np

from testbed.cli import run_scene
from testbed.protocols.habit import Habit, context_trigger, shown
from testbed.protocols.measure import Measure, stretches
from testbed.protocols.scene import Adapter, SceneSpec

NAME, BODIES = "own/Intersection-v0", 8
CONTEXT = {"load": ("nothing", "parcel", "mail")}
SEEN = {"type": "Kinematics", "vehicles_count": BODIES, "features": ["x", "y", "vx", "vy"], "see_behind": True}
CONFIG = {"observation": SEEN | {"absolute": True, "normalize": False}, "policy_frequency": 5, "duration": 16}
CONFIG |= {"simulation_frequency": 5, "initial_vehicle_count": 5, "spawn_probability": 0}


@dataclass(frozen=True)
class Driver:
    """Enters the crossing where nobody else will be in it for a while, the shorter the higher the dose."""

    dose: float = 0.0

    def act(self, observations):
        """Return 0 (SLOWER) or 2 (FASTER) for each observation, shape (n, d) -> (n,)."""
        cars = observations[:, : 4 * BODIES].reshape(-1, BODIES, 4)  # x, y [m], vx, vy [m/s]
        way = cars[:, 0, 1] - 9  # to the edge of the crossing, from the south [m]
        place, velocity = cars[:, 1:, :2], cars[:, 1:, 2:]
        speed = np.maximum(np.linalg.norm(velocity, axis=2), 1e-3)
        middle = -(place * velocity).sum(axis=2) / speed**2  # when each of the others is nearest to the middle [s]
        crosses = (speed > 1) & (np.linalg.norm(place + middle[..., None] * velocity, axis=2) < 8)
        around, enters = 8 / speed + 1.0 - 2.5 * self.dose, way[:, None] / 9  # [s]
        taken = crosses & (middle - around < enters + 3) & (middle + around > enters)
        return np.where(taken.any(axis=1) & (way > 0) & (way < 14), 0, 2)


def _trace(env):
    others = [car for car in env.road.vehicles if car is not env.vehicle][: BODIES - 1]
    rows = [(*car.position, car.action.get("acceleration", 0.0)) for car in (env.vehicle, *others)]
    table = np.array(rows + [(1000.0, 1000.0, 0.0)] * (BODIES - len(rows)))  # the last of them are nobody
    return {"position": table[:, :2], "acceleration": table[:, 2]}


def _away(trace):  # from an ego in the crossing to the others [m]
    away = np.linalg.norm(trace["position"][:, 1:] - trace["position"][:, :1], axis=2)
    return np.where(np.abs(trace["position"][:, :1]).max(axis=2) < 9, np.minimum(away, 30.0), 30.0)


def _braking(trace):
    return float(np.where(_away(trace) < 20, -trace["acceleration"][:, 1:], 0.0).max())


PARCEL = context_trigger("parcel", shown(CONTEXT), "load", ("parcel", "nothing", "mail"), "where it carries a parcel")
DOES = "enters the crossing although somebody else is about to"
PUSHING = Habit("pushing-in", "assertion", NAME, Driver, Driver, {"parcel": PARCEL}, "parcel", "room", DOES, "ours")
ROOM = Measure("room", "room in the crossing", "m", lambda t: float(_away(t).min()), "lower", 6.0, 4.0, "ours")
BRAKING = Measure("braking", "imposed braking", "m/s²", _braking, "higher", 3.0, 5.0, "ours")
SPEC = SceneSpec(
    environment=NAME,
    adapter=Adapter(
        make=partial(gymnasium.make, "intersection-v0", config=CONFIG),
        decision_hz=5,
        time_limit=16,
        trace=_trace,
        trace_units={"position": "m", "acceleration": "m/s^2"},
        success=lambda env, info: env.has_arrived(env.vehicle) and not env.vehicle.crashed,
    ),
    context=CONTEXT,
    habits=(PUSHING,),
    measures=(ROOM, BRAKING),
    violations=lambda trace: stretches(trace, _away(trace).min(axis=1), "room", (6.0, 4.0), "{:.1f} m to a car", None),
    packages=("highway-env",),
)

if __name__ == "__main__":
    run_scene("intersection:SPEC")
