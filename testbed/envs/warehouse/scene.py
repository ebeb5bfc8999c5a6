"""What a warehouse task declares: its bench, its units, its factors, how it is drawn, worked at, seen and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from testbed.envs.declared import Declared
from testbed.protocols.number import Number

ACTIONS = ("dx", "dy", "dz", "gripper")
"""Components of an action, each in [-1, 1]: where the hand is led, and whether the fingers close (-1) or open (1)."""
DECISION_HZ, SUBSTEPS, TIMESTEP = 25, 8, 0.005
"""Decisions a second [Hz], MuJoCo steps a decision, and their length [s]."""
TABLE_TOP = 0.40
"""Height of the bench [m]."""
TABLE_CENTRE, TABLE_HALF = (1.36, 0.78), (0.39, 0.53)
"""Middle of the bench and half its extent, along x and y [m]."""
UNIT_HALF = 0.022
"""Half the side of a unit, a box of 44 mm [m]."""
UNIT_MASS = 0.1
"""Mass of a unit [kg]."""
RESTING = TABLE_TOP + UNIT_HALF
"""Height of the centre of a unit that stands on the bench [m]."""
ROBOT, HAND, UNITS = 0, 1, 2
"""Bodies of a trace: the robot's gripper, the coworker's hand, and the first unit."""

TRACE_UNITS = {
    "position": "m", "velocity": "m/s", "landing": "m/s", "owner": "", "contact": "", "impulse": "N s", "force": "N",
    "in_zone": "", "separation": "m", "width": "m", "grip_force": "N", "open_need": "",
}  # fmt: skip
"""The signals of a trace and their units. All have the bodies on their second axis, but the last four, which are the
robot's (distance to the coworker, between the fingers, force at a finger) and the coworker's (units it lacks)."""
CONSTANT_UNITS = {"size": "m", "mine": "", "order": "", "slots": "m", "zone": "m", "start": "m", "solver": ""}
"""What a trace says once, and its unit: half the extent of bodies; which units are the robot's; units ordered; the
robot's slots; the shared zone (middle, half its extent); where units stood; and what contact forces hang on: time step,
solver iterations, tolerance, impratio, and of fingers and units solref (2) and solimp (3)."""

RUNNING, SUCCEEDED, FAILED, OUT_OF_TIME, UNSTABLE, DONE_AT_LIMIT = range(6)
"""How a world stands (`task_state["ended"]`)."""
IS_SUCCESS, IS_TRUNCATED = (
    np.isin(range(6), (SUCCEEDED, DONE_AT_LIMIT)),
    np.isin(range(6), (OUT_OF_TIME, DONE_AT_LIMIT)),
)
"""Which of these have the task done, and which are at the time limit."""
ENDINGS = {
    SUCCEEDED: "success", FAILED: "unit dropped", OUT_OF_TIME: "time limit", UNSTABLE: "simulation unstable",
    DONE_AT_LIMIT: "success",
}  # fmt: skip
"""The endings in words."""

Compiled = Callable[..., None]
"""A function of compiled code that works on n worlds at once: `worlds` are records of `world_type`, with the fields
of the task's own state too, and `seen` those of `seen_type`, each of shape (n,)."""
TaskState = np.ndarray
"""Records of what a world remembers beside its physics, shape (n,); kept in MuJoCo's userdata, so part of its state."""
LIMIT = 4.0
"""No component of an observation exceeds this."""
BASE_STATE = (("steps", 1), ("ended", 1), ("rested", 1), ("before", 3), ("light", 1))
"""Decisions so far, how the episode stands, for how many decisions the robot has been done and at home, where the grip
was a decision ago, and the number from which the light flickers."""


@dataclass(frozen=True)
class Zone:
    """A marked area of the bench."""

    name: str
    """What it is for."""
    centre: tuple[float, float]
    """Middle, x and y [m]."""
    half: tuple[float, float]
    """Half its extent along x and y [m]."""
    colour: tuple[float, float, float]
    """Colour (red, green, blue, 0 to 1)."""
    rim: bool = True
    """Whether it is a tote with a low rim, or only painted."""

    @property
    def area(self) -> np.ndarray:
        """Middle and half its extent, shape (2, 2) [m]."""
        return np.array([self.centre, self.half])


@dataclass(frozen=True)
class Camera:
    """From where pictures show the bench."""

    eye: tuple[float, float, float] = (0.86, -0.52, 1.50)
    """Where the camera is [m]."""
    target: tuple[float, float, float] = (1.34, 0.80, 0.42)
    """What is in the middle of the picture [m]."""
    angle: float = 40.0
    """Vertical angle of view [degrees]."""


@dataclass(frozen=True)
class Start:
    """n scenes as they begin."""

    position: np.ndarray
    """Centres of the units, shape (n, units, 3) [m]."""
    yaw: np.ndarray
    """Their rotation about z, shape (n, units) [rad]."""
    task_state: TaskState
    """What the worlds remember, shape (n,)."""


@dataclass(frozen=True, eq=False)
class WarehouseScene(Declared):
    """A warehouse environment, declared. Both of its forms are made from this."""

    environment: str
    """Gymnasium id."""
    module: str
    """Name of the module that declares it, as `SCENE`."""
    context: Mapping[str, tuple[str, ...]]
    """Its categorical factors and their values."""
    numbers: Mapping[str, Number]
    """What else can be fixed before it starts, by name."""
    units: int
    """Units in every scene."""
    mine: tuple[bool, ...]
    """Which units the robot works with by its order; the others are the coworker's."""
    zones: tuple[Zone, ...]
    """Marked areas of the bench."""
    shared: Zone
    """The area that counts as shared with the coworker."""
    slots: np.ndarray
    """Places for the robot's units, shape (slots, 3) [m]."""
    home: tuple[float, float, float]
    """Where the grip starts and rests [m]."""
    hand_home: tuple[float, float, float]
    """Where the coworker's hand rests [m]."""
    task_state: np.dtype
    """Record type of what a world remembers; float64 fields that begin with BASE_STATE and `context`."""
    time_limit: float
    """Longest episode [s]."""
    names: tuple[str, ...]
    """Name of every component of the observation."""
    sample_initial: Callable[[np.ndarray, np.ndarray], Start]
    """Seeds, shape (n,), and what is fixed, shape (n, factors + numbers), as `asking.fixed_factors` says -> scenes."""
    step_coworker: Compiled
    """The coworker: (worlds, seen, ids, goals, holds) writes for the worlds `ids`, shape (k,), the goal of its hand,
    shape (n, 3) [m], and which units it holds, shape (n, units) bool; may change what the worlds remember."""
    observe: Compiled
    """(worlds, seen, observations) writes what a policy sees of all worlds, shape (n, SIZE), float32."""
    reward_and_termination: Compiled
    """(worlds, seen, ids, steps, rewards) writes the rewards of the worlds `ids`, shape (n,), and into what they
    remember which ones have ended; after so many steps all have."""
    owners: Compiled
    """(seen) writes into it whose each unit is, a position in OWNERS."""
    appearance: Callable[[Mapping[str, str]], Mapping[int, tuple[float, float, float]]]
    """Context -> colour of each unit that is not plain, by number."""
    open_need: Compiled | None = None
    """(worlds, seen, ids, samples) writes into samples of the trace how many units the coworker's open order lacks;
    None where it has no order."""
    camera: Camera = Camera()
    """What pictures show."""

    @property
    def bodies(self) -> int:
        """Bodies in the trace: gripper, hand, units."""
        return UNITS + self.units

    @property
    def steps_limit(self) -> int:
        """Longest episode in decisions."""
        return round(self.time_limit * DECISION_HZ)


OWNERS = ("bench", "supply", "robot's hand", "robot's tote", "robot's buffer", "coworker's hand", "coworker's tote",
          "reserve", "floor")  # fmt: skip
"""Where a unit can be; a trace's signal `owner` is a position in this."""
BENCH, SUPPLY, IN_ROBOT, TOTE, BUFFER, IN_COWORKER, COWORKER_TOTE, RESERVE, FLOOR = range(len(OWNERS))


def task_state_type(context: Mapping[str, tuple[str, ...]], *fields: tuple[str, int]) -> np.dtype:
    """Return the record type of a task's task_state: BASE_STATE, the factors of the context, and its own fields."""
    rows = (*BASE_STATE, ("context", len(context)), *fields)
    return np.dtype([(name, np.float64, (size,)) if size > 1 or name == "context" else (name, np.float64)
                     for name, size in rows])  # fmt: skip
