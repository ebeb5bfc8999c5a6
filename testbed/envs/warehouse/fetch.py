"""The Fetch robot of gymnasium-robotics on a fixed base, as an `MjSpec` to put a scene around.

Its MJCF and meshes come from the installed package. Only the fingers and a box round the palm collide: the rest
of the arm is never where units or the coworker are, and convex meshes would cost most of a step.
"""

from __future__ import annotations

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mujoco

from testbed.errors import UserError

BASE = (0.6918, 0.7441, 0.0)
"""Where the base stands, as in gymnasium-robotics' FetchPickAndPlace [m]."""
HAND, FINGERS = "robot0:gripper_link", ("robot0:l_gripper_finger_link", "robot0:r_gripper_finger_link")
ARM = (
    "shoulder_pan", "shoulder_lift", "upperarm_roll", "elbow_flex", "forearm_roll", "wrist_flex", "wrist_roll",
)  # fmt: skip
"""The arm's joints, from the shoulder on."""
DOWN = (0.7071067811865476, 0.0, 0.7071067811865476, 0.0)
"""Orientation of a gripper that points down, its fingers apart along y (quaternion)."""
FINGER_OPEN = 0.036
"""Farthest that a finger opens [m]; the box between the fingers is then 74 mm wide."""
FINGER_GAP = 0.0018
"""Distance of the fingers' faces when both joints are at 0 [m]."""

FURNITURE, UNIT, ROBOT, COWORKER = 1, 2, 4, 8
"""Collision classes (bits of contype and conaffinity)."""


def asset_folder() -> Path:
    """Return where gymnasium-robotics keeps its models.

    Raises:
        UserError: if the package or the model is missing, naming the package and its version.
    """
    found = importlib.util.find_spec("gymnasium_robotics")
    if found is None or found.origin is None:
        raise UserError(
            "the Fetch robot comes with the package gymnasium-robotics, which is not installed: "
            "pip install 'gymnasium-robotics>=1.4'"
        )
    folder = Path(found.origin).parent / "envs" / "assets"
    for needed in ("fetch/pick_and_place.xml", "stls/fetch/gripper_link.stl"):
        if not (folder / needed).is_file():
            raise UserError(
                f"gymnasium-robotics {_version()} has no {needed} in {folder}: install it again, "
                "pip install --force-reinstall --no-deps 'gymnasium-robotics>=1.4'"
            )
    return folder


def _version() -> str:
    try:
        return version("gymnasium-robotics")
    except PackageNotFoundError:
        return "(of unknown version)"


def fetch() -> mujoco.MjSpec:
    """Return the robot alone: arm and fingers move, a mocap body welded to the gripper leads it.

    Raises:
        UserError: if the robot's files are missing or cannot be read.
    """
    file = asset_folder() / "fetch" / "pick_and_place.xml"
    try:
        spec = mujoco.MjSpec.from_file(str(file))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{file} of gymnasium-robotics {_version()} cannot be read ({reason}): install it again"
        ) from None
    for body in ("table0", "floor0", "object0"):
        spec.delete(spec.body(body))
    for item in (spec.geom("floor0"), spec.light("light0"), *spec.cameras):
        spec.delete(item)
    _fix_base(spec)
    _lead_by_mocap(spec)
    _soften_fingers(spec)
    _set_collisions(spec)
    return spec


def _fix_base(spec: mujoco.MjSpec) -> None:
    """Leave only the arm and the fingers movable; gymnasium-robotics holds the rest by huge damping."""
    for joint in ("slide0", "slide1", "slide2", "torso_lift_joint", "head_pan_joint", "head_tilt_joint"):
        spec.delete(spec.joint(f"robot0:{joint}"))
    spec.body("robot0:base_link").pos = BASE


def _lead_by_mocap(spec: mujoco.MjSpec) -> None:
    """Weld the gripper to its mocap body without an offset, as gymnasium-robotics' `reset_mocap_welds` does."""
    weld = spec.equalities[0]
    weld.data[:10] = 0.0
    weld.data[6] = 1.0
    mocap = spec.body("robot0:mocap")
    mocap.quat = DOWN
    for geom in mocap.geoms:  # long green lines
        spec.delete(geom)


def _soften_fingers(spec: mujoco.MjSpec) -> None:
    """Give the fingers gains with which they close in time and hold a unit by friction."""
    for side in "lr":
        joint = spec.joint(f"robot0:{side}_gripper_finger_joint")
        joint.armature, joint.damping = 10.0, _damping(joint.damping, 600.0)
        actuator = spec.actuator(f"robot0:{side}_gripper_finger_joint")
        actuator.gainprm[0], actuator.biasprm[1] = 5000.0, -5000.0
        actuator.ctrlrange = (0.0, FINGER_OPEN)


def _damping(old, value: float):
    """Return a damping coefficient in the form in which this MuJoCo keeps it (a number, or a polynomial)."""
    try:
        return [value] + [0.0] * (len(old) - 1)
    except TypeError:
        return value


def _set_collisions(spec: mujoco.MjSpec) -> None:
    for geom in spec.geoms:
        geom.contype = geom.conaffinity = 0
    for name in FINGERS:
        geom = spec.geom(name)
        geom.contype, geom.conaffinity = ROBOT, FURNITURE | UNIT | COWORKER
        geom.condim, geom.friction = 4, (1.0, 0.05, 0.01)
    spec.body(HAND).add_geom(
        name="palm",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=(0.06, 0.062, 0.035),
        pos=(-0.10, 0.0, 0.0),
        contype=ROBOT,
        conaffinity=COWORKER,
        rgba=(0, 0, 0, 0),
        mass=0.0,
    )
