"""Where the grip is, from the arm's joint angles: MuJoCo's own positions are those before the last simulation step."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

SITE = "robot0:grip"


@dataclass(frozen=True)
class Link:
    """One hinge of the arm and where it sits on the link before."""

    place: np.ndarray
    """Of the link in the frame before, shape (3,) [m]."""
    axis: int
    """Which of the link's axes it turns about: 0, 1 or 2."""


@dataclass(frozen=True)
class Arm:
    """The chain of hinges from the fixed base to the grip."""

    links: tuple[Link, ...]
    """From the base on."""
    tip: np.ndarray
    """The grip in the last link's frame, shape (3,) [m]."""

    def grip(self, angles: np.ndarray) -> np.ndarray:
        """Return where the grip is, shape (n, links) [rad] -> (n, 3) [m]."""
        cosine, sine = np.cos(angles), np.sin(angles)
        point = np.tile(self.tip, (len(angles), 1))
        for number in range(len(self.links) - 1, -1, -1):
            link = self.links[number]
            one, other = (link.axis + 1) % 3, (link.axis + 2) % 3
            a, b, c, s = point[:, one].copy(), point[:, other], cosine[:, number], sine[:, number]
            point[:, one], point[:, other] = c * a - s * b, s * a + c * b
            point += link.place
        return point


def arm_of(model: mujoco.MjModel, joints: list[int]) -> Arm:
    """Return the chain of some hinges, from the base on, to the grip.

    Raises:
        ValueError: if a link is turned against the one before, or a hinge is not along an axis: not this robot.
    """
    links, site = [], model.site(SITE)
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
            links.append((Link(place, int(axis.argmax())), body))
            place = np.zeros(3)
        elif not links:  # fixed on the last link
            tip, place = tip + place, np.zeros(3)
        body = int(model.body_parentid[body])
    first = Link(links[-1][0].place + place, links[-1][0].axis)
    return Arm((first, *(link for link, _ in links[-2::-1])), tip)
