"""What compiled code at the bench works on: MuJoCo's own arrays as records, what is seen, and a sample of the trace.

The batch keeps a world as one row of numbers. Its record names those that the testbed reads and writes, where they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import mujoco
import numpy as np

from testbed.envs.warehouse.furniture import TOUCH, Bench

Field = tuple[str, int, tuple[int, ...]]
"""Name, position of its first number in the row, shape."""
_WHOLE = int(mujoco.mjtState.mjSTATE_INTEGRATION)
POSE, TWIST = 7, 6
"""Numbers of a free body in qpos (place and quaternion) and in qvel (speed and turning)."""


def seen_type(units: int) -> np.dtype:
    """Return the record type of what a world looks like: all that observations, the coworker and the judge may use.

    `grip` is the point between the fingertips, `speed` its velocity, `lead` where the hand is led to from there (3)
    [m, m/s, m]; `width` the distance between the fingers' faces [m]; `touch` the force at each finger (2) [N]; `units`
    their centres (units, 3) [m]; `hand` and `hand_speed` the coworker's (3) [m, m/s]; `separation` the distance between
    the robot's gripper and the coworker's hand and arm [m]; `held` and `carried` say which unit is between closed
    fingers and in the coworker's hand, `owner` whose each one is, a position in OWNERS (units).
    """
    return np.dtype([
        ("grip", "f8", (3,)), ("speed", "f8", (3,)), ("lead", "f8", (3,)), ("width", "f8"), ("touch", "f8", (2,)),
        ("units", "f8", (units, 3)), ("hand", "f8", (3,)), ("hand_speed", "f8", (3,)), ("separation", "f8"),
        ("held", "i1", (units,)), ("carried", "i1", (units,)), ("owner", "i1", (units,)),
    ], align=True)  # fmt: skip


@cache
def sample_type(bodies: int, flag: str = "i1") -> np.dtype:
    """Return the record type of a sample of the trace: the signals of TRACE_UNITS.

    Compiled code has no flags in records, so `contact` and `in_zone` are numbers there, and flags (`?`) to all others.
    """
    return np.dtype([
        ("position", "f8", (bodies, 3)), ("velocity", "f8", (bodies, 3)), ("landing", "f8", (bodies,)),
        ("impulse", "f8", (bodies,)), ("force", "f8", (bodies,)), ("separation", "f8", (1,)), ("width", "f8", (1,)),
        ("grip_force", "f8", (1,)), ("owner", "i1", (bodies,)), ("contact", flag, (bodies,)),
        ("in_zone", flag, (bodies,)), ("open_need", "i1", (1,)),
    ], align=True)  # fmt: skip


def world_type(bench: Bench, task_state: np.dtype) -> np.dtype:
    """Return the record type of a row of `Batch.state`: parts of MuJoCo's state and all that the task remembers.

    Beside the fields of `position_type` and `velocity_type`: `finger_targets` (2) and `hand_target` (3), to which the
    controls lead [m]; `carries`, which welds hold a unit in the coworker's hand (units); `leads_to`, the point that
    leads the gripper's link (3) [m].
    """
    qpos, qvel, ctrl, welds, mocap, memory = (
        _span(bench.model, part)[0] for part in ("QPOS", "QVEL", "CTRL", "EQ_ACTIVE", "MOCAP_POS", "USERDATA")
    )
    fields: list[Field] = [
        *_positions(bench, qpos),
        *_velocities(bench, qvel),
        ("finger_targets", ctrl, (2,)),
        ("hand_target", ctrl + 2, (3,)),
        ("carries", welds + _first(bench.welds), bench.welds.shape),
        ("leads_to", mocap, (3,)),
        *((name, memory + offset // 8, dtype.shape) for name, (dtype, offset, *_) in (task_state.fields or {}).items()),
    ]
    return _records(mujoco.mj_stateSize(bench.model, _WHOLE), fields)


def columns(model: mujoco.MjModel, parts: Iterable[str]) -> np.ndarray:
    """Return which columns of `Batch.state` parts of the state are, by MuJoCo's names in capitals, shape (size,)."""
    return np.concatenate([np.arange(*_span(model, part)) for part in parts])


def position_type(bench: Bench) -> np.dtype:
    """Return the record type of qpos: `arm` (7) [rad], `fingers` (2) [m], `poses` of units (units, 7), `hand` (3)."""
    return _records(bench.model.nq, _positions(bench, 0))


def velocity_type(bench: Bench) -> np.dtype:
    """Return the record type of qvel: `twists` of the units (units, 6), `hand_speed` (3) [m/s]."""
    return _records(bench.model.nv, _velocities(bench, 0))


def sensor_type(bench: Bench, units: int) -> np.dtype:
    """Return the record type of sensordata: `touch` (2, 3), and the `forces` on hand and units (1 + units, 3) [N]."""
    model = bench.model
    touch = [model.sensor(name).adr[0] for name in TOUCH]
    forces = [model.sensor(name).adr[0] for name in ("force_hand", *(f"force_unit{u}" for u in range(units)))]
    fields = [("touch", _first(touch, 3), (2, 3)), ("forces", _first(forces, 3), (1 + units, 3))]
    return _records(model.nsensordata, fields)


def _span(model: mujoco.MjModel, part: str) -> tuple[int, int]:
    """Return where a part of the state begins and ends in a row of `Batch.state`."""
    bit = int(getattr(mujoco.mjtState, f"mjSTATE_{part}"))
    start = mujoco.mj_stateSize(model, _WHOLE & (bit - 1))
    return start, start + mujoco.mj_stateSize(model, bit)


def _positions(bench: Bench, start: int) -> list[Field]:
    arm, fingers = len(bench.arm) - 2, sorted(bench.fingers)
    return [
        ("arm", start + _first(bench.arm[:arm]), (arm,)),
        ("fingers", start + _first(fingers), (2,)),
        ("poses", start + _first(bench.units[:, 0], POSE), (len(bench.units), POSE)),
        ("hand", start + _first(bench.hand), (3,)),
    ]


def _velocities(bench: Bench, start: int) -> list[Field]:
    return [
        ("twists", start + _first(bench.unit_dofs[:, 0], TWIST), (len(bench.unit_dofs), TWIST)),
        ("hand_speed", start + _first(bench.hand_dofs), (3,)),
    ]


def _first(places: Iterable[int], width: int = 1) -> int:
    """Return where parts begin that lie one after the other; raises ValueError where they do not."""
    found = [int(place) for place in places]
    if found != [found[0] + width * number for number in range(len(found))]:
        raise ValueError(f"MuJoCo keeps the numbers {found} of the bench apart: its parts were made in another order")
    return found[0]


def _records(size: int, fields: Iterable[Field]) -> np.dtype:
    """Return the record type of a row of `size` numbers of which some have names."""
    names, firsts, shapes = zip(*fields, strict=True)
    return np.dtype({
        "names": names, "formats": [(np.float64, shape) if shape else np.float64 for shape in shapes],
        "offsets": [8 * first for first in firsts], "itemsize": 8 * size,
    })  # fmt: skip
