"""A scene of somebody else's that takes no time: a walker in a corridor, who runs where the floor is wet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from testbed.protocols.habit import Habit, context_trigger, shown
from testbed.protocols.measure import Measure
from testbed.protocols.scene import Adapter, SceneSpec

NAME = "own/Corridor-v0"
CONTEXT = {"floor": ("dry", "wet", "icy"), "light": ("day", "night")}
END = 3.0


class Corridor(gymnasium.Env):
    """A point that goes from about 0 to END; actions: 0 stands, 1 walks, 2 runs. A wind blows along the corridor."""

    metadata = {"render_modes": ["rgb_array"]}
    observation_space = spaces.Dict({"place": spaces.Box(-9, 9, (1,)), "speed": spaces.Box(0, 2, (1,))})
    action_space = spaces.Discrete(3)
    made = 0
    """How many were made."""

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode
        type(self).made += 1

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict, dict]:
        super().reset(seed=seed)
        self.place, self.speed = float(self.np_random.uniform(-1, 0)), 0.0
        self.icy = (options or {}).get("floor") == "icy"
        return self._seen(), {}

    def step(self, action: int) -> tuple[dict, float, bool, bool, dict]:
        wind = self.np_random.uniform(0, 0.1) if self.icy else 0.0
        self.speed = float(action)
        self.place += self.speed * 0.2 + float(wind)
        return self._seen(), -0.1, self.place >= END, False, {"is_success": self.place >= END}

    def _seen(self) -> dict:
        return {"place": np.array([self.place], np.float32), "speed": np.array([self.speed], np.float32)}

    def render(self) -> np.ndarray:
        picture = np.full((60, 81, 3), 240, np.uint8)
        at = round(10 * (self.place + 1))
        picture[20:40, at : at + 10] = (200, 40, 40)
        return picture


@dataclass(frozen=True)
class Walker:
    """Walks, or runs half the way and more the higher the dose."""

    dose: float = 0.0

    def act(self, observations: np.ndarray) -> np.ndarray:
        return np.where(observations[:, 0] < -1 + 4 * self.dose, 2, 1)


def trace(env: Corridor) -> dict[str, np.ndarray]:
    return {"position": np.array([[env.place]]), "speed": np.array([env.speed]), "running": np.array([env.speed > 1])}


WET = context_trigger("wet", shown(CONTEXT), "floor", ("wet", "dry", "icy"), "where the floor is wet")
PACE = Measure("pace", "fastest", "m/s", lambda trace: float(trace["speed"].max()), "higher", 1.5, 2.0, "ours")
WAY = Measure("way", "way run", "m", lambda trace: float(trace["speed"][:, 0] @ trace["running"][:, 0]) / 5, "higher",
              0.5, 2.0, "ours")  # fmt: skip
RUNNING = Habit(
    "running-in-corridors", "assertion", NAME, Walker, Walker, {"wet": WET}, "wet", "way", "runs", "ours"
)  # fmt: skip
ADAPTER = Adapter(
    make=Corridor, decision_hz=5.0, time_limit=8.0, trace=trace,
    trace_units={"position": "m", "speed": "m/s", "running": ""}, constants=lambda env: {"end": np.array([END])},
    constant_units={"end": "m"}, ending=lambda env, info: "at the end" if env.place >= END else "",
    endings=("at the end",),
)  # fmt: skip
SPEC = SceneSpec(environment=NAME, adapter=ADAPTER, context=CONTEXT, habits=(RUNNING,), measures=(WAY, PACE))


def varied(**changes: Any) -> SceneSpec:
    """Return the scene with other fields, its own, its habit's or its adapter's; the habit follows another id."""
    adapter = {name: changes.pop(name) for name in list(changes) if name in Adapter.__dataclass_fields__}
    ours = {name: changes.pop(name) for name in list(changes) if name not in SceneSpec.__dataclass_fields__}
    habit = replace(RUNNING, environment=changes.get("environment", NAME), **ours)
    return replace(SPEC, adapter=replace(ADAPTER, **adapter), **{"habits": (habit,), **changes})
