"""Drivers of every kind at the crosswalk, and what was recorded of their worlds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from testbed.envs.asking import fixed_factors
from testbed.envs.driving.batch import DrivingVectorEnv
from testbed.envs.driving.kinds import WALKERS
from testbed.envs.driving.scene import ACTIONS, Worlds
from testbed.envs.driving.state import read_states, write_states
from testbed.scenes.crosswalk.courtesy import Courtesy
from testbed.scenes.crosswalk.observation import CrosswalkView, view
from testbed.scenes.registry import get_scene

MERGE, CROSSWALK = "testbed/Merge-v0", "testbed/Crosswalk-v0"
FASTER, SLOWER, IDLE = (ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE"))
EDGES = np.array([-2.0, 6.0])
"""y of the edges of the road [m]."""
WORLDS = 1000


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
    raise NotImplementedError  # acts on observations: see `drive_worlds`


Driver = Callable[[CrosswalkView, np.random.Generator, int], np.ndarray]
"""What is seen, random numbers, the number of the decision -> actions."""
DRIVERS: dict[str, Driver] = {
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


def drive_worlds(name: str, worlds: Worlds, decisions: int, act: Callable[[np.ndarray, int], np.ndarray]) -> Drive:
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


def drive_all() -> dict[str, Drive]:
    """Drive the same 1,000 crosswalk scenes with every driver, each pedestrian kind there is among the first ones."""
    scene = get_scene(CROSSWALK).task
    kinds = np.arange(WORLDS) % len(WALKERS)
    context = np.tile(fixed_factors(scene.context, {}), (WORLDS, 1))
    context[:, list(scene.context).index("pedestrian")] = kinds
    made = {}
    for name, driver in DRIVERS.items():
        rng, clean = np.random.default_rng(0), Courtesy()

        def act(observations, step, driver=driver, rng=rng, clean=clean):
            return clean.act(observations) if driver is _courteous else driver(view(observations), rng, step)

        made[name] = drive_worlds(CROSSWALK, scene.start(np.arange(WORLDS), context), 150, act)
    return made
