"""What a driving scene declares: its road, its factors, how it is drawn, seen and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from testbed.envs.declared import Declared
from testbed.envs.driving.layout import Lane, lane_table
from testbed.envs.kernel.records import FRAMES, OBJECT, SAMPLE, VEHICLE, WORLD
from testbed.protocols.number import Number

ACTIONS = ("LANE_LEFT", "IDLE", "LANE_RIGHT", "FASTER", "SLOWER")
"""highway-env's discrete meta-actions, in its order."""

TRACE_UNITS = {"position": "m", "heading": "rad", "speed": "m/s", "acceleration": "m/s^2", "lane": "", "contact": ""}
"""The signals of a trace and their units, each per simulation step and body."""


@dataclass(frozen=True)
class Worlds:
    """n worlds as records (`testbed.envs.kernel.records`), and what their last step said."""

    worlds: np.ndarray
    """Shape (n,)."""
    vehicles: np.ndarray
    """Shape (n, V), the ego first."""
    objects: np.ndarray
    """Shape (n, O)."""
    trace: np.ndarray
    """Shape (n, FRAMES, bodies)."""
    observations: np.ndarray
    """Shape (n, SIZE), float32."""
    rewards: np.ndarray
    """Shape (n,), float64."""

    @classmethod
    def empty(cls, n: int, scene: Scene) -> Worlds:
        """Return n worlds of zeros."""
        return cls(
            np.zeros(n, WORLD),
            np.zeros((n, scene.vehicles), VEHICLE),
            np.zeros((n, scene.objects), OBJECT),
            np.zeros((n, FRAMES, scene.bodies), SAMPLE),
            np.zeros((n, len(scene.names)), np.float32),
            np.zeros(n),
        )

    def put(self, index: np.ndarray, other: Worlds) -> None:
        """Replace the worlds at an index or mask by others that have just started or were restored."""
        self.worlds[index], self.vehicles[index], self.objects[index] = other.worlds, other.vehicles, other.objects

    def some(self, index: np.ndarray) -> Worlds:
        """Return copies of the worlds at an index or mask."""
        return Worlds(*(getattr(self, field.name)[index] for field in fields(self)))

    def ended(self, how: int) -> np.ndarray:
        """Return which worlds ended in one of some ways (bits of `records`), shape (n,) bool."""
        return (self.worlds["ended"] & how) > 0


@dataclass(frozen=True)
class Scene(Declared):
    """A driving environment, declared. Both of its forms, highway-env's and the kernel's, are made from this."""

    environment: str
    """Gymnasium id."""
    module: str
    """Name of the module that declares it, as `SCENE`."""
    lanes: tuple[Lane, ...]
    """The road."""
    context: Mapping[str, tuple[str, ...]]
    """What can be told of a scene before it starts: its categorical factors and their values."""
    vehicles: int
    """Vehicles in every scene; number 0 is the ego."""
    objects: int
    """Obstacles and pedestrians in every scene."""
    walkers: int
    """How many of the objects are pedestrians; 0 or all of them."""
    zebra: np.ndarray
    """Where pedestrians cross: [[x0, x1], [y0, y1]], the latter the edges of the road, shape (2, 2) [m]."""
    lane_lines: tuple[float, ...]
    """Lines between the lanes where they run side by side, y [m]."""
    target_speeds: np.ndarray
    """Speeds the ego can be set to [m/s]."""
    time_limit: float
    """Longest episode [s]."""
    names: tuple[str, ...]
    """Name of every component of the observation."""
    limit: float
    """No component of the observation exceeds this."""
    sample_initial: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
    """Seeds, shape (n,), and what is fixed, shape (n, factors + numbers), as `asking.fixed_factors` says -> WORLD,
    VEHICLE and OBJECT records."""
    reward_and_termination: Callable
    """Compiled: (worlds, vehicles, trace, rewards, start, stop) writes rewards and ends of worlds that were stepped."""
    observe: Callable
    """Compiled: (lanes, worlds, vehicles, objects, observations, start, stop) writes observations."""
    numbers: Mapping[str, Number]
    """What else can be fixed before it starts, by name."""
    constants: Mapping[str, str]
    """What a trace says once, and its unit: of `size`, `walker`, `zebra` and `lane_line`."""

    @property
    def bodies(self) -> int:
        """Bodies in the trace: the vehicles, then the pedestrians."""
        return self.vehicles + self.walkers

    @cached_property
    def lane_table(self) -> np.ndarray:
        """The road as records LANE."""
        return lane_table(self.lanes)

    def start(self, seeds: Sequence[int] | np.ndarray, contexts: np.ndarray) -> Worlds:
        """Return the worlds of scenario seeds, shape (n,), with what is fixed, shape (n, factors + numbers)."""
        worlds = Worlds.empty(len(seeds), self)
        worlds.worlds[:], worlds.vehicles[:], worlds.objects[:] = self.sample_initial(np.asarray(seeds), contexts)
        return worlds

    def constant(self, worlds: Worlds) -> dict[str, np.ndarray]:
        """Return what a trace of each world says once, by name, first axis n."""
        n = len(worlds.worlds)
        bodies = [worlds.vehicles, worlds.objects[:, : self.walkers]]
        known = {
            "size": np.stack([np.concatenate([b[name] for b in bodies], axis=1) for name in ("length", "width")], -1),
            "walker": np.tile(np.arange(self.bodies) >= self.vehicles, (n, 1)).astype(np.int8),
            "zebra": np.tile(self.zebra, (n, 1, 1)),
            "lane_line": np.tile(self.lane_lines, (n, 1)),
        }
        return {name: known[name] for name in self.constants}
