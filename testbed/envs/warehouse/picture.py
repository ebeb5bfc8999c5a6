"""Pictures of a bench, drawn by MuJoCo's renderer from a recorded state."""

from __future__ import annotations

from collections.abc import Mapping

import mujoco
import numpy as np

from testbed.envs.warehouse.backend import MEND, choose
from testbed.envs.warehouse.furniture import bench
from testbed.envs.warehouse.labels import LABELS
from testbed.envs.warehouse.scene import HAND, ROBOT, TABLE_TOP, UNITS, WarehouseScene
from testbed.errors import UserError

SIZE = (640, 480)
"""Width and height of a picture [px]."""
COSTLY = (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION, mujoco.mjtRndFlag.mjRND_HAZE)
"""What is left out: a software renderer needs three quarters of its time for it."""
SHADED = TABLE_TOP + 0.008
"""Height of the patches that stand for shadows, just over what is painted on the bench [m]."""
ROBOT_LOOK = ("robot0:gripper_link", "robot0:wrist_flex_link", "robot0:elbow_flex_link", "robot0:shoulder_lift_link")
"""Geoms of the robot that take the colour of who drives it."""


class BenchPicture:
    """Draws one scene again and again."""

    def __init__(self, scene: WarehouseScene) -> None:
        choose()
        self.scene, self.model = scene, bench(scene).model
        self._data = mujoco.MjData(self.model)
        try:
            self._renderer = mujoco.Renderer(self.model, SIZE[1], SIZE[0])
        except (RuntimeError, ImportError, AttributeError, mujoco.FatalError) as error:
            raise UserError(f"MuJoCo cannot draw here ({str(error).splitlines()[0]}): {MEND}") from None
        for flag in COSTLY:
            self._renderer.scene.flags[flag] = 0
        self._colours = self.model.geom_rgba.copy()
        self._over = [self.model.site("robot0:grip").id, self.model.body("hand").id]
        self._camera = self.model.camera("bench").id
        self._colours[self._unseen(), 3] = 0.0

    def _unseen(self) -> np.ndarray:
        """Return the geoms that stand still, as the camera does, and are hidden by others that do, shape (k,).

        Without them every picture is the same, and quicker: of some hundred geoms one in five is never in sight.
        """
        model, renderer = self.model, self._renderer
        still = model.body_weldid[model.geom_bodyid] == 0
        model.geom_rgba[~still | (model.geom_rgba[:, 3] < 1), 3] = 0.0
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_camlight(model, self._data)
        renderer.update_scene(self._data, camera=self._camera)
        renderer.enable_segmentation_rendering()
        number, kind = np.moveaxis(renderer.render(), -1, 0)
        renderer.disable_segmentation_rendering()
        model.geom_rgba[:] = self._colours
        seen = np.unique(number[kind == mujoco.mjtObj.mjOBJ_GEOM])
        return np.setdiff1d(np.flatnonzero(still), seen)

    def draw(
        self,
        state: np.ndarray,
        look: Mapping[int, tuple[float, float, float]],
        context: Mapping[str, str],
        colours: Mapping[int, tuple[int, int, int]],
    ) -> np.ndarray:
        """Return a picture, shape (height, width, 3) uint8.

        Args:
            state: The world, as `Physics.states` lays it out, shape (size,).
            look: Colours of units by number, 0 to 1.
            context: The factors of the scene, which the labels show.
            colours: Colours of bodies by their number in the trace, 0 to 255; they win.
        """
        data, nq = self._data, self.model.nq
        data.qpos[:] = state[1 : 1 + nq]
        mujoco.mj_kinematics(self.model, data)
        mujoco.mj_camlight(self.model, data)
        self._paint(look, context, colours)
        self._renderer.update_scene(data, camera=self._camera)
        self._shade(data.site_xpos[self._over[0]], data.xpos[self._over[1]])
        return self._renderer.render().copy()

    def _paint(
        self,
        look: Mapping[int, tuple[float, float, float]],
        context: Mapping[str, str],
        colours: Mapping[int, tuple[int, int, int]],
    ) -> None:
        rgba = self.model.geom_rgba
        rgba[:] = self._colours
        for number, (factor, values) in enumerate(self.scene.context.items()):
            if factor in context:
                rgba[self.model.geom(f"label{number}").id, :3] = LABELS[values.index(context[factor])]
        for unit, colour in look.items():
            rgba[self.model.geom(f"unit{unit}").id, :3] = colour
        for body, given in colours.items():
            names = {ROBOT: ROBOT_LOOK, HAND: ("hand", "forearm")}.get(body, (f"unit{body - UNITS}",))
            for name in names:
                rgba[self.model.geom(name).id, :3] = np.array(given) / 255

    def _shade(self, *places: np.ndarray) -> None:
        """Put a soft dark patch on the bench under places, shape (3,) [m], which shows where a hand is and how high."""
        scene = self._renderer.scene
        for place in places:
            spread = 1 + 1.5 * max(float(place[2]) - SHADED, 0.0)
            for part in (1.0, 0.75, 0.5):
                mujoco.mjv_initGeom(
                    scene.geoms[scene.ngeom],
                    mujoco.mjtGeom.mjGEOM_ELLIPSOID,
                    np.array([0.06 * part * spread, 0.07 * part * spread, 0.0005]),
                    np.array([place[0], place[1], SHADED]),
                    np.eye(3).ravel(),
                    np.array([0.0, 0.0, 0.0, 0.14], np.float32),
                )
                scene.ngeom += 1

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 3) [m], are in a picture [px from its top left corner], shape (n, 2)."""
        eye, axes = self._data.cam_xpos[self._camera], self._data.cam_xmat[self._camera].reshape(3, 3)
        seen = (np.asarray(position) - eye) @ axes
        scale = SIZE[1] / 2 / np.tan(np.radians(self.model.cam_fovy[self._camera]) / 2)
        depth = np.maximum(-seen[:, 2], 1e-3)
        return np.column_stack([SIZE[0] / 2 + scale * seen[:, 0] / depth, SIZE[1] / 2 - scale * seen[:, 1] / depth])

    def close(self) -> None:
        """Let the renderer go."""
        self._renderer.close()
