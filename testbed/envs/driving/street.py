"""The street round a zebra: pavements, kerbs, the zebra itself, the line before it, and who watches it."""

from __future__ import annotations

import numpy as np

from testbed.envs.driving.glyphs import DARK, GLASS, STEEL, WHITE, Canvas, Pen, shade, vehicle

PAVING, JOINT, KERB, ASPHALT = (214, 209, 199), (200, 194, 183), (158, 156, 150), (84, 88, 94)
PAVEMENT = 4.0
"""Width of the pavement along the road [m]."""
PLAZA = 11.0
"""How far from the middle of the zebra the ground is paved as far as one sees [m]."""
SLAB = 2.0
"""Side of a paving slab [m]."""
KERBSTONE = 0.3
"""Width of a kerb [m]."""
YIELD_LINE = 1.0, 1.7
"""Where the teeth of the line at which one waits end and begin, before the zebra [m]."""

OBSERVER = {"police": (13.5, 1.8), "camera": (5.0, 1.3), "covered-camera": (5.0, 1.3)}
"""Who watches -> where: past the middle of the zebra and beyond the right edge of the road [m]."""
SIGHT = 16.0
"""How far the beam is drawn that shows where a camera looks [m]."""
BLUE, BAG, BEAM = (30, 84, 178), (112, 92, 72), (255, 246, 180)


def ground(canvas: Canvas, zebra: np.ndarray, x: tuple[float, float], y: tuple[float, float]) -> None:
    """Pave what is beside the road in the part of the world that is seen, between two x and two y [m]."""
    middle, (top, bottom) = zebra[0].mean(), zebra[1]
    for near, far, end in ((top, top - PAVEMENT, y[0]), (bottom, bottom + PAVEMENT, y[1])):
        areas = [(x, near, far)]
        if abs(end - near) > PAVEMENT:
            areas.append(((middle - PLAZA, middle + PLAZA), far, end))
        for (left, right), start, stop in areas:
            low, high = min(start, stop), max(start, stop)
            canvas.box((left, right), (low, high), PAVING)
            line = 0.5 / canvas.scale
            for at in np.arange(np.ceil(left / SLAB), right / SLAB) * SLAB:
                canvas.box((at - line, at + line), (low, high), JOINT)
            for at in np.arange(start, stop, np.sign(stop - start) * SLAB):
                canvas.box((left, right), (at - line, at + line), JOINT)


def crossing(canvas: Canvas, zebra: np.ndarray, x: tuple[float, float]) -> None:
    """Draw the kerbs, the zebra, whose bars lie along the road, and the teeth of the line before it."""
    (x0, x1), (y0, y1) = zebra
    for edge, out in ((y0, -1), (y1, 1)):
        kerb = sorted((edge, edge + out * KERBSTONE))
        canvas.box(x, (kerb[0], kerb[1]), KERB)
    far, near = x0 - YIELD_LINE[1], x0 - YIELD_LINE[0]
    canvas.box((far - 0.4, x1 + 0.6), (y0, y1), ASPHALT)
    for bar in np.arange(y0 + 0.25, y1 - 0.25, 1.0):
        canvas.box((x0, x1), (bar, bar + 0.5), WHITE)
    for tooth in np.arange(y0 + 0.2, y1 - 0.2, 0.8):
        canvas.polygon(np.array([(near, tooth), (near, tooth + 0.6), (far, tooth + 0.3)]), WHITE)


def observer(canvas: Canvas, zebra: np.ndarray, who: str) -> None:
    """Draw who watches the zebra, with a label; nobody for `none`."""
    if who not in OBSERVER:
        return
    ahead, beside = OBSERVER[who]
    x, y = zebra[0].mean() + ahead, zebra[1, 1] + beside
    if who == "police":
        _police_car(Pen(canvas, (x, y), np.pi))
        canvas.label((x + 3.0, y), "police")
    else:
        _camera(canvas, x, y, covered=who == "covered-camera")
        canvas.label((x + 1.6, y), "camera" if who == "camera" else "camera, covered")


def _police_car(pen: Pen) -> None:
    vehicle(pen, "car", 5.0, 2.0, (244, 246, 248), braking=False)
    for side in (-1, 1):
        y = sorted((side * 0.98, side * 0.55))
        pen.box((0.95, 2.1), (y[0], y[1]), BLUE)
        pen.box((-2.2, -1.75), (y[0], y[1]), BLUE)
        y = sorted((side * 0.98, side * 0.76))
        pen.box((-2.2, 2.1), (y[0], y[1]), BLUE)
    pen.box((-0.45, 0.15), (-0.85, 0.85), DARK, 0.1)
    for side in (-1, 1):
        y = sorted((side * 0.75, side * 0.2))
        pen.box((-0.35, 0.05), (y[0], y[1]), (40, 120, 255))
    pen.box((-0.35, 0.05), (-0.14, 0.14), WHITE)


def _camera(canvas: Canvas, x: float, y: float, covered: bool) -> None:
    """Draw a camera on a pole, from the side, that looks at those who come; over a covered one there is a bag."""
    pen = Pen(canvas, (x, y), 0.0)
    if not covered:
        angle = np.radians(np.linspace(178.0, 204.0, 12))
        far = np.stack([np.cos(angle), np.sin(angle)], axis=1) * SIGHT + (x, y)
        canvas.glaze(np.concatenate([[(x - 1.1, y)], far]), BEAM, 56)
    for grow in (pen.outline, 0.0):
        drawn = DARK if grow else None
        pen.ellipse((0.0, 1.5), (0.55, 0.22), drawn or STEEL, grow)
        pen.box((-0.11, 0.11), (0.3, 1.5), drawn or STEEL, 0.0, grow)
        if covered:
            pen.fill(np.array(_BAG) * (1.1 if grow else 1.0), drawn or BAG)
        else:
            pen.box((-1.15, -0.7), (-0.34, 0.34), drawn or GLASS, 0.08, grow)
            pen.box((-0.85, 0.85), (-0.5, 0.5), drawn or WHITE, 0.12, grow)
    if covered:
        pen.line((-0.5, 0.72), (0.5, 0.72), 0.14, DARK)
        for fold in (-0.35, 0.35):
            pen.line((fold, -0.3), (fold * 0.6, 0.6), 0.07, shade(BAG, -0.35))
    else:
        pen.ellipse((0.45, 0.0), (0.17, 0.17), (220, 30, 38))


_BAG = ((-0.9, -0.55), (-0.5, -0.85), (0.5, -0.85), (0.9, -0.55), (0.95, 0.3), (0.45, 0.7), (0.62, 1.1), (-0.62, 1.1),
        (-0.45, 0.7), (-0.95, 0.3))  # fmt: skip
"""Outline of a bag pulled over a camera and tied below [m]."""
