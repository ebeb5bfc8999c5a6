"""The bench and everything on it, put around the robot: units, totes, the coworker's hand, lights, camera."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import mujoco
import numpy as np

from testbed.envs.warehouse import fetch
from testbed.envs.warehouse.digest import physics_digest
from testbed.envs.warehouse.fetch import COWORKER, FINGER_OPEN, FURNITURE, HAND, ROBOT, UNIT
from testbed.envs.warehouse.scene import (
    TABLE_CENTRE,
    TABLE_HALF,
    TABLE_TOP,
    TIMESTEP,
    UNIT_HALF,
    UNIT_MASS,
    Camera,
    WarehouseScene,
    Zone,
)

HAND_MASS = 2.0
"""Effective mass of the coworker's forearm and hand [kg], ISO/TS 15066 table A.3 (lower arm and wrist)."""
HAND_STIFFNESS, HAND_DAMPING = 800.0, 80.0
"""Of the spring that leads the coworker's hand [N/m, N s/m]: critically damped."""
GRASP = 0.045
"""How far below the coworker's hand a unit hangs that it holds [m]."""
GRIP_DROP = 0.02
"""How far below the gripper link's origin the grip is [m]."""
TOUCH = ("touch_left", "touch_right")
"""Sensors of the force at each finger."""
NET_FORCE = [1 << int(mujoco.mjtConDataField.mjCONDATA_FORCE), 3, 1]
"""What a contact sensor says: one force, the sum over all its contacts."""
PARKED = (0.9, 2.5, -0.5)
"""Where the model's reference keeps units; every scene puts them somewhere else [m]."""


@dataclass(frozen=True)
class Bench:
    """A compiled scene and where things are in it."""

    model: mujoco.MjModel
    """The model."""
    digest: str
    """What determines its physics, as a hash: states of another one are refused at replay."""
    home: np.ndarray
    """qpos with the robot at home, shape (nq,)."""
    arm: np.ndarray
    """Positions of arm and fingers in qpos."""
    fingers: np.ndarray
    """Positions of the fingers in qpos."""
    hand: np.ndarray
    """Positions of the coworker's hand in qpos, shape (3,)."""
    units: np.ndarray
    """Positions of the units' centres in qpos, shape (units, 3)."""
    hand_dofs: np.ndarray
    """Positions of the coworker's hand in qvel, shape (3,)."""
    unit_dofs: np.ndarray
    """Positions of the units' velocities in qvel, shape (units, 3)."""
    welds: np.ndarray
    """Numbers of the welds by which the coworker holds units, shape (units,)."""


@cache
def bench(scene: WarehouseScene) -> Bench:
    """Return a scene compiled, with the robot brought to its home; made once a process."""
    spec = _build(scene)
    model = spec.compile()
    address = [model.joint(f"unit{u}").qposadr[0] for u in range(scene.units)]
    dofs = [model.joint(f"unit{u}").dofadr[0] for u in range(scene.units)]
    hand = [model.joint(f"hand_{axis}") for axis in "xyz"]
    arm = [model.joint(f"robot0:{name}_joint").qposadr[0] for name in fetch.ARM]
    fingers = [model.joint(f"robot0:{side}_gripper_finger_joint").qposadr[0] for side in "lr"]
    return Bench(
        model=model,
        digest=physics_digest(model),
        home=_home(model, scene),
        arm=np.array([*arm, *fingers]),
        fingers=np.array(fingers),
        hand=np.array([joint.qposadr[0] for joint in hand]),
        units=np.array(address)[:, None] + np.arange(3),
        hand_dofs=np.array([joint.dofadr[0] for joint in hand]),
        unit_dofs=np.array(dofs)[:, None] + np.arange(3),
        welds=np.array([model.equality(f"carry{u}").id for u in range(scene.units)]),
    )


def _build(scene: WarehouseScene) -> mujoco.MjSpec:
    spec = fetch.fetch()
    _options(spec, scene)
    _room(spec, scene.camera)
    for layer, zone in enumerate(scene.zones):
        _mark(spec, zone, TABLE_TOP + 0.0004 * layer)
    for number in range(scene.units):
        _unit(spec, number)
    for number in range(len(scene.context)):
        _label(spec, number)
    _coworker(spec, scene)
    _sensors(spec, scene)
    return spec


def _options(spec: mujoco.MjSpec, scene: WarehouseScene) -> None:
    """Pin the solver: contact forces mean nothing without its settings, so traces carry them."""
    option = spec.option
    option.timestep, option.integrator = TIMESTEP, mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone, option.solver = mujoco.mjtCone.mjCONE_PYRAMIDAL, mujoco.mjtSolver.mjSOL_NEWTON
    option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP
    option.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET  # an unstable world must not start anew by itself
    spec.nuserdata = scene.task_state.itemsize // 8
    visual = spec.visual
    visual.quality.offsamples, visual.quality.shadowsize = 0, 2048
    visual.global_.offwidth, visual.global_.offheight = 1280, 960
    visual.headlight.ambient, visual.headlight.diffuse = (0.42, 0.40, 0.38), (0.30, 0.29, 0.27)
    visual.headlight.specular = (0.0, 0.0, 0.0)
    visual.map.znear, visual.map.zfar = 0.02, 12.0


def _box(body, name: str, pos, half, rgba, solid: int = 0, **more):
    return body.add_geom(
        name=name, type=mujoco.mjtGeom.mjGEOM_BOX, pos=pos, size=half, rgba=(*rgba, 1.0)[:4], contype=solid,
        conaffinity=0, **more,
    )  # fmt: skip


def _room(spec: mujoco.MjSpec, camera: Camera) -> None:
    """Floor, walls with shelving, the bench, warm light, the camera."""
    for texture in spec.textures:
        if texture.type == mujoco.mjtTexture.mjTEXTURE_SKYBOX:
            texture.rgb1, texture.rgb2 = (0.90, 0.87, 0.82), (0.62, 0.58, 0.54)
    spec.add_texture(
        name="tiles", type=mujoco.mjtTexture.mjTEXTURE_2D, builtin=mujoco.mjtBuiltin.mjBUILTIN_CHECKER,
        rgb1=(0.60, 0.59, 0.57), rgb2=(0.56, 0.55, 0.53), width=256, height=256,
    )  # fmt: skip
    tiles = spec.add_material(name="tiles", texrepeat=(8, 8), texuniform=True)
    tiles.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "tiles"
    world = spec.worldbody
    world.add_geom(
        name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=(4, 4, 0.1), material="tiles", contype=FURNITURE,
        conaffinity=0,
    )  # fmt: skip
    (x, y), (deep, wide) = TABLE_CENTRE, TABLE_HALF
    _box(world, "bench", (x, y, TABLE_TOP - 0.02), (deep, wide, 0.02), (0.80, 0.66, 0.48), FURNITURE)
    leg = TABLE_TOP / 2 - 0.02
    for side in (-1, 1):
        for end in (-1, 1):
            place = (x + side * (deep - 0.04), y + end * (wide - 0.04), leg)
            _box(world, "", place, (0.025, 0.025, leg), (0.35, 0.36, 0.38))
    _shelving(world)
    sun = mujoco.mjtLightType.mjLIGHT_DIRECTIONAL
    world.add_light(name="lamp", type=sun, pos=(1.0, 0.2, 2.6), dir=(0.25, 0.25, -1), castshadow=True,
                    diffuse=(0.55, 0.50, 0.42), specular=(0.1, 0.1, 0.1), ambient=(0, 0, 0))  # fmt: skip
    _camera(world, camera)


def _shelving(world) -> None:
    """Shelves with cartons behind the coworker."""
    for number, level in enumerate((0.3, 0.9, 1.5)):
        _box(world, "", (2.75, 0.78, level), (0.25, 1.6, 0.015), (0.45, 0.47, 0.50))
        for place in range(6):
            size, tone = 0.10 + 0.03 * ((7 * place + 3 * number) % 4), 0.55 + 0.06 * ((5 * place + number) % 3)
            carton = (2.72, -0.6 + 0.52 * place, level + 0.015 + size)
            _box(world, "", carton, (0.15, 0.18, size), (tone, tone * 0.80, tone * 0.58))
    for end in (-0.85, 2.4):
        _box(world, "", (2.75, end, 0.95), (0.25, 0.02, 0.95), (0.25, 0.38, 0.60))


def _camera(world, camera: Camera) -> None:
    """Look at the bench from the robot's right and above, so that both its sides and both hands are seen."""
    eye, target = np.array(camera.eye), np.array(camera.target)
    back = (eye - target) / np.linalg.norm(eye - target)
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    world.add_camera(name="bench", pos=eye, fovy=camera.angle, xyaxes=np.concatenate([right, np.cross(back, right)]))


def _mark(spec: mujoco.MjSpec, zone: Zone, height: float) -> None:
    """Paint an area on the bench at a height of its own, a tote with a low rim. Nothing of it collides with fingers."""
    world, (x, y), (hx, hy) = spec.worldbody, zone.centre, zone.half
    _box(world, zone.name, (x, y, height + 0.0008), (hx, hy, 0.0008), zone.colour)
    if zone.rim:
        dark = tuple(0.72 * value for value in zone.colour)
        for side in (-1, 1):
            _box(world, "", (x + side * hx, y, height + 0.012), (0.004, hy + 0.004, 0.012), dark)
            _box(world, "", (x, y + side * hy, height + 0.012), (hx + 0.004, 0.004, 0.012), dark)
    else:
        for side in (-1, 1):
            _box(world, "", (x + side * hx, y, height + 0.0012), (0.006, hy + 0.006, 0.0012), (0.95, 0.80, 0.10))
            _box(world, "", (x, y + side * hy, height + 0.0012), (hx + 0.006, 0.006, 0.0012), (0.95, 0.80, 0.10))


def _unit(spec: mujoco.MjSpec, number: int) -> None:
    x, y, z = PARKED
    body = spec.worldbody.add_body(name=f"unit{number}", pos=(x, y + 0.2 * number, z))
    body.add_freejoint(name=f"unit{number}")
    body.add_geom(
        name=f"unit{number}", type=mujoco.mjtGeom.mjGEOM_BOX, size=(UNIT_HALF,) * 3, mass=UNIT_MASS, condim=4,
        friction=(1.0, 0.005, 0.0001), contype=UNIT, conaffinity=FURNITURE | UNIT | ROBOT, rgba=(0.72, 0.53, 0.33, 1),
    )  # fmt: skip
    _box(body, f"tape{number}", (0, 0, UNIT_HALF * 0.02), (UNIT_HALF * 1.004, 0.005, UNIT_HALF), (0.90, 0.84, 0.70),
         mass=0.0)  # fmt: skip


def _label(spec: mujoco.MjSpec, number: int) -> None:
    """A board at the far edge of the bench whose colour shows a factor of the context."""
    x, y = TABLE_CENTRE[0] + TABLE_HALF[0] - 0.03, TABLE_CENTRE[1] + TABLE_HALF[1] - 0.10 - 0.16 * number
    _box(spec.worldbody, "", (x, y, TABLE_TOP + 0.05), (0.006, 0.006, 0.05), (0.3, 0.3, 0.3))
    _box(spec.worldbody, f"label{number}", (x, y, TABLE_TOP + 0.14), (0.006, 0.065, 0.045), (0.9, 0.9, 0.9))


def _coworker(spec: mujoco.MjSpec, scene: WarehouseScene) -> None:
    """A hand and forearm on three slides, led by a spring; a weld for every unit it may hold."""
    body = spec.worldbody.add_body(name="hand", pos=(0, 0, 0), gravcomp=1.0)
    for axis, direction in zip("xyz", np.eye(3), strict=True):
        body.add_joint(name=f"hand_{axis}", type=mujoco.mjtJoint.mjJNT_SLIDE, axis=direction)
        actuator = spec.add_actuator(
            name=f"hand_{axis}", target=f"hand_{axis}", trntype=mujoco.mjtTrn.mjTRN_JOINT,
            gaintype=mujoco.mjtGain.mjGAIN_FIXED, biastype=mujoco.mjtBias.mjBIAS_AFFINE,
        )  # fmt: skip
        actuator.gainprm[0] = HAND_STIFFNESS
        actuator.biasprm[1:3] = -HAND_STIFFNESS, -HAND_DAMPING
    solid = {"contype": COWORKER, "conaffinity": ROBOT}
    skin, sleeve = (0.86, 0.66, 0.52, 1), (0.93, 0.45, 0.10, 1)
    body.add_geom(name="hand", type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=(0.05, 0.038, 0.022), pos=(0.01, 0, 0),
                  rgba=skin, mass=0.6, **solid)  # fmt: skip
    body.add_geom(name="forearm", type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=(0.06, 0, 0.01, 0.30, 0, 0.10),
                  size=(0.036, 0, 0), rgba=sleeve, mass=HAND_MASS - 0.6, **solid)  # fmt: skip
    body.add_geom(name="", type=mujoco.mjtGeom.mjGEOM_CAPSULE, fromto=(0.30, 0, 0.10, 0.52, 0, 0.42),
                  size=(0.045, 0, 0), rgba=sleeve, mass=0.0, contype=0, conaffinity=0)  # fmt: skip
    for finger in (-1, 0, 1):
        body.add_geom(name="", type=mujoco.mjtGeom.mjGEOM_CAPSULE, size=(0.009, 0, 0), rgba=skin, mass=0.0, contype=0,
                      fromto=(-0.03, 0.02 * finger, 0, -0.045, 0.024 * finger, -0.03), conaffinity=0)  # fmt: skip
    for number in range(scene.units):
        weld = spec.add_equality(
            name=f"carry{number}", type=mujoco.mjtEq.mjEQ_WELD, objtype=mujoco.mjtObj.mjOBJ_BODY, name1="hand",
            name2=f"unit{number}", active=False, solref=(0.03, 1.0),
        )  # fmt: skip
        weld.data[:] = 0.0
        weld.data[3:7], weld.data[10] = (0.0, 0.0, -GRASP, 1.0), 1.0


def _sensors(spec: mujoco.MjSpec, scene: WarehouseScene) -> None:
    """Net contact force at each finger, and between the gripper and the coworker's hand and each unit [N]."""
    body = mujoco.mjtObj.mjOBJ_BODY
    for name, finger in zip(TOUCH, fetch.FINGERS, strict=True):
        spec.add_sensor(name=name, objtype=body, objname=finger, type=mujoco.mjtSensor.mjSENS_CONTACT, intprm=NET_FORCE)
    for name in ("hand", *(f"unit{u}" for u in range(scene.units))):
        spec.add_sensor(
            name=f"force_{name}", objtype=mujoco.mjtObj.mjOBJ_XBODY, objname=HAND, reftype=body, refname=name,
            type=mujoco.mjtSensor.mjSENS_CONTACT, intprm=NET_FORCE,
        )  # fmt: skip


def _home(model: mujoco.MjModel, scene: WarehouseScene) -> np.ndarray:
    """Return qpos after the arm was led to its home and came to rest there."""
    data = mujoco.MjData(model)
    data.mocap_pos[0] = (*scene.home[:2], scene.home[2] + GRIP_DROP)
    data.ctrl[:2] = FINGER_OPEN
    data.ctrl[2:] = scene.hand_home
    for axis, value in zip("xyz", scene.hand_home, strict=True):
        data.joint(f"hand_{axis}").qpos[0] = value
    for _ in range(600):
        mujoco.mj_step(model, data)
    return data.qpos.copy()
