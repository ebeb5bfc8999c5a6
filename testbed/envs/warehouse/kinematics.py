"""Where the grip is, from the arm's joint angles: MuJoCo's own positions are those before the last simulation step."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

from testbed.envs.compiling import compiled

SITE = "robot0:grip"


@dataclass(frozen=True)
class Arm:
    """The chain of hinges from the fixed base to the grip."""

    places: np.ndarray
    """Of the links, each in the frame of the one before, from the base on, shape (links, 3) [m]."""
    axes: np.ndarray
    """Which of its axes each link turns about: 0, 1 or 2; shape (links,)."""
    tip: np.ndarray
    """The grip in the last link's frame, shape (3,) [m]."""


@compiled
def grip_of(cosine, sine, places, axes, tip, grip):
    """Write where the grip is, shape (3,) [m], for cosines and sines of the hinges, shape (links,); see `Arm`."""
    grip[:] = tip
    for link in range(len(axes) - 1, -1, -1):
        one, other = (axes[link] + 1) % 3, (axes[link] + 2) % 3
        a, b, c, s = grip[one], grip[other], cosine[link], sine[link]
        grip[one], grip[other] = c * a - s * b, s * a + c * b
        for axis in range(3):
            grip[axis] += places[link, axis]


def arm_of(model: mujoco.MjModel, joints: list[int]) -> Arm:
    """Return the chain of some hinges, from the base on, to the grip.

    Raises:
        ValueError: if a link is turned against the one before, or a hinge is not along an axis: not this robot.
    """
    site, links = model.site(SITE), list[tuple[np.ndarray, int]]()
    body, tip = int(site.bodyid[0]), np.array(site.pos)
    bodies = {int(model.jnt_bodyid[joint]): joint for joint in joints}
    place = np.zeros(3)
    while body:
        if abs(model.body_quat[body][0]) < 1 - 1e-12:
            raise ValueError(f"link {model.body(body).name} is turned against the one before")
        place = place + model.body_pos[body]
        if body in bodies:
            axis = model.jnt_axis[bodies[body]]
            if not np.isclose(axis.max(), 1.0):
                raise ValueError(f"the hinge of {model.body(body).name} does not turn about an axis of its link")
            links.append((place, int(axis.argmax())))
            place = np.zeros(3)
        elif not links:  # fixed on the last link
            tip, place = tip + place, np.zeros(3)
        body = int(model.body_parentid[body])
    links[-1] = (links[-1][0] + place, links[-1][1])
    places, axes = zip(*reversed(links), strict=True)
    return Arm(np.array(places), np.array(axes), tip)
