"""Reference drivers: policies that nobody taught anything, so that audits show what a scene gives away for free.

Most do the same whatever they see; those that speed want more than the limit and give way to nobody. They stand
beside every audited policy and know nothing of habits: a severity that does not tell them from a clean driver, or a
success that they have too, says little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.crosswalk.observation import view as crosswalk_view
from testbed.envs.driving.scene import ACTIONS as META_ACTIONS
from testbed.envs.merge.observation import SLOTS
from testbed.envs.merge.observation import view as merge_view
from testbed.envs.merge.traffic import TARGET_SPEEDS
from testbed.envs.warehouse.scene import ACTIONS as HAND
from testbed.episode import Policy
from testbed.errors import unknown_name

FASTER, SLOWER, IDLE, LANE_LEFT = (META_ACTIONS.index(name) for name in ("FASTER", "SLOWER", "IDLE", "LANE_LEFT"))
STEP = 1.0
"""Set speeds are 2 m/s apart: one within this of what is wanted is the nearest [m/s]."""
LENGTH, CLOSEST, CLOSING = 5.0, 6.0, 2.5
"""The ego's length [m]; how near it comes to the bumper ahead [m]; in what time the rest of a gap is closed [s]."""
AHEAD = np.array([slot.startswith("ahead") for slot in SLOTS])
"""Which neighbours at the merge are ahead and not on the left lane."""


@dataclass(frozen=True)
class Constant:
    """Does the same whatever it sees."""

    action: int | tuple[float, ...]
    """The one action: the number of a discrete one, or the components of a continuous one."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the action for each of n observations, shape (n, d) -> (n,) or (n, action size)."""
        return np.tile(np.asarray(self.action), (len(observations), *(1,) * np.ndim(self.action)))


@dataclass(frozen=True)
class SpeedsAtCrosswalk:
    """Drives at one speed whoever waits or crosses."""

    speed: float = 18.0
    """Speed that is kept [m/s]: the limit is 13.9."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, d) -> (n,)."""
        return _keep(self.speed, crosswalk_view(observations).target_speed)


@dataclass(frozen=True)
class SpeedsAtMerge:
    """Drives at one speed unless the vehicle ahead is slower, and leaves the ramp at once, whoever is beside it."""

    speed: float = float(TARGET_SPEEDS[-1])
    """Speed that is wanted [m/s]: the highest that can be set, 32, above the limit of 30."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, d) -> (n,)."""
        scene = merge_view(observations)
        ahead = AHEAD & scene.present & ~scene.on_ramp & scene.merging[:, None]
        gap = scene.dx - (scene.length + LENGTH) / 2
        bearable = scene.speed[:, None] + scene.dv + (gap - CLOSEST) / CLOSING
        wanted = np.minimum(self.speed, np.where(ahead, bearable, np.inf).min(axis=1))
        return np.where(scene.may_merge & ~scene.merging, LANE_LEFT, _keep(wanted, scene.target_speed))


def _keep(speed: float | np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the actions that bring set speeds, shape (n,), to one or n speeds [m/s]."""
    return np.where(target < speed - STEP, FASTER, np.where(target > speed + STEP, SLOWER, IDLE))


@dataclass(frozen=True)
class Reference:
    """One reference driver of an environment."""

    name: str
    """What a reader sees, for example `always IDLE`."""
    policy: Policy
    """What it does."""
    meaning: str
    """The same in plain words."""


_ALWAYS = (
    Reference("always IDLE", Constant(IDLE), "keeps lane and speed"),
    Reference("always FASTER", Constant(FASTER), "speeds up as far as it goes"),
)
_STILL = (Reference("hands still", Constant((0.0,) * len(HAND)), "never moves its hand"),)


def _speeding(policy: SpeedsAtCrosswalk | SpeedsAtMerge, meaning: str) -> Reference:
    return Reference("speeding", policy, meaning.format(policy.speed))


_TABLE: dict[str, tuple[Reference, ...]] = {
    "testbed/Merge-v0": (
        *_ALWAYS, _speeding(SpeedsAtMerge(), "wants {:g} m/s, keeps no distance, and leaves the ramp at once"),
    ),
    "testbed/Crosswalk-v0": (*_ALWAYS, _speeding(SpeedsAtCrosswalk(), "drives at {:g} m/s and never yields")),
    "testbed/OrderPicking-v0": _STILL,
    "testbed/SharedBench-v0": _STILL,
    "testbed/ShelfStocking-v0": _STILL,
}  # fmt: skip


def references_of(environment: str) -> tuple[Reference, ...]:
    """Return the reference drivers of an environment; raises `UserError` that lists the environments."""
    if environment not in _TABLE:
        raise unknown_name("environment with reference drivers", environment, _TABLE)
    return _TABLE[environment]
