"""What is seen from above in a picture: vehicles, pedestrians, barriers, and the pen they are drawn with.

Shapes are given in metres round a body, x ahead of it and y to its right. Pedestrians are drawn larger than life:
at the scale of a street a shoulder is a few pixels wide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pygame

FINE = 2
"""Everything is drawn at so many times the size and scaled down, so edges are smooth."""

RGB = (0xFF, 0xFF00, 0xFF0000, 0)
"""Where a pixel's colours are, so that its bytes are red, green and blue in this order: a picture is read as it is."""

Colour = tuple[int, int, int]
Point = tuple[float, float]

DARK, WHITE, GLASS = (34, 38, 44), (250, 250, 250), (48, 58, 70)
STEEL = (150, 156, 164)
SKIN, HAIR, GREY_HAIR, WOOD = (236, 196, 164), (84, 58, 42), (222, 222, 218), (120, 78, 40)
LAMP, TAIL, BRAKE = (255, 244, 196), (130, 24, 28), (255, 40, 36)
BARRIER = (250, 130, 20)
OUTLINE = 1.3
"""Width of a dark outline [px]."""

WALKER_SIZE = {"adult": 1.1, "child": 0.94, "elder": 1.06, "wheelchair": 1.02}
"""How much larger than an adult seen from above a kind of pedestrian is drawn."""
STRIDE = 1.5
"""Two steps of an adult [m]."""


class Canvas:
    """A surface that knows where the world is on it."""

    def __init__(self, width: int, height: int, scale: float) -> None:
        self.size = width, height
        self.scale, self.fine = scale, scale * FINE
        self.origin = np.zeros(2)
        self.width = width * FINE
        self.surface = pygame.Surface((self.width, height * FINE), depth=32)
        self.small = pygame.Surface(self.size, depth=24, masks=RGB)

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 2) [m], are on the surface, shape (n, 2)."""
        return (np.asarray(points) - self.origin) * self.fine

    def polygon(self, points: np.ndarray, colour: Colour) -> None:
        """Fill the outline that goes through points, shape (n, 2) [m]."""
        pygame.draw.polygon(self.surface, colour, np.rint(self.pixels(points)).tolist())

    def box(self, x: Point, y: Point, colour: Colour) -> None:
        """Fill a rectangle between two x and two y [m]."""
        (left, top), (right, bottom) = np.rint(self.pixels(np.array([[x[0], y[0]], [x[1], y[1]]])))
        self.surface.fill(colour, (left, top, right - left, bottom - top))

    def glaze(self, points: np.ndarray, colour: Colour, opacity: int) -> None:
        """Fill an outline so that what is under it shows through."""
        pixels = np.rint(self.pixels(points))
        corner = pixels.min(axis=0)
        layer = pygame.Surface(np.ptp(pixels, axis=0) + 1, pygame.SRCALPHA)
        pygame.draw.polygon(layer, (*colour, opacity), (pixels - corner).tolist())
        self.surface.blit(layer, corner.tolist())

    def label(self, at: Point, text: str) -> None:
        """Write a plain label with its left end at a point [m]."""
        words = _font(20 * FINE).render(text, True, DARK)
        (left, middle), (width, height) = self.pixels(np.array([at]))[0], words.get_size()
        plate = pygame.Rect(0, 0, width + 10 * FINE, height + 4 * FINE)
        plate.midleft = round(left), round(middle)
        pygame.draw.rect(self.surface, WHITE, plate, border_radius=3 * FINE)
        self.surface.blit(words, words.get_rect(center=plate.center))

    def scale_down(self, spots: Sequence[pygame.Rect]) -> None:
        """Bring what was drawn in some places of the picture [px] into it."""
        for spot in spots:
            drawn = self.surface.subsurface([FINE * value for value in spot])
            self.small.blit(pygame.transform.smoothscale(drawn, spot.size), spot)

    def picture(self) -> np.ndarray:
        """Return the picture, shape (height, width, 3) uint8."""
        rows = np.frombuffer(self.small.get_buffer().raw, np.uint8).reshape(self.size[1], self.small.get_pitch())
        return rows[:, : 3 * self.size[0]].reshape(self.size[1], self.size[0], 3).copy()


def _font(size: int) -> pygame.font.Font:
    """Return a new font: one that is kept is of no use when another environment ends pygame, as highway-env's do."""
    pygame.font.init()
    return pygame.font.Font(None, size)


class Pen:
    """Draws shapes given round a body."""

    def __init__(self, canvas: Canvas, position: Sequence[float] | np.ndarray, heading: float, size: float = 1.0):
        self.canvas, self.position = canvas, np.asarray(position)
        self.turn = size * np.array([[np.cos(heading), np.sin(heading)], [-np.sin(heading), np.cos(heading)]])
        self.outline = OUTLINE / canvas.scale / size

    def fill(self, points: np.ndarray | Sequence[Point], colour: Colour) -> None:
        """Fill an outline."""
        self.canvas.polygon(np.asarray(points) @ self.turn + self.position, colour)

    def box(self, x: Point, y: Point, colour: Colour, round_by: float = 0.0, grow: float = 0.0) -> None:
        """Fill a rectangle whose corners are cut by `round_by`, `grow` larger on all sides."""
        x0, x1, y0, y1, c = x[0] - grow, x[1] + grow, y[0] - grow, y[1] + grow, round_by
        if not c:
            return self.fill([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], colour)
        k = 0.3 * c
        right = [(x1 - c, y0), (x1 - k, y0 + k), (x1, y0 + c), (x1, y1 - c), (x1 - k, y1 - k), (x1 - c, y1)]
        left = [(x0 + c, y1), (x0 + k, y1 - k), (x0, y1 - c), (x0, y0 + c), (x0 + k, y0 + k), (x0 + c, y0)]
        return self.fill(right + left, colour)

    def ellipse(self, centre: Point, radii: Point, colour: Colour, grow: float = 0.0) -> None:
        """Fill an ellipse along the body's axes, `grow` larger on all sides."""
        self.fill(_CIRCLE * (np.array(radii) + grow) + centre, colour)

    def line(self, start: Point, end: Point, width: float, colour: Colour, grow: float = 0.0) -> None:
        """Draw a straight line, `grow` longer and wider on all sides."""
        a, b = np.array(start), np.array(end)
        ahead = (b - a) / np.hypot(*(b - a))
        side, longer = ahead[::-1] * (1, -1) * (width / 2 + grow), ahead * grow
        self.fill([a - longer + side, b + longer + side, b + longer - side, a - longer - side], colour)


_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 28)), np.sin(np.linspace(0, 2 * np.pi, 28))], axis=1)


def shade(colour: Colour, share: float) -> Colour:
    """Return a colour nearer to white (share > 0) or to black (share < 0)."""
    goal = 255 if share > 0 else 0
    red, green, blue = (round(value + (goal - value) * abs(share)) for value in colour)
    return red, green, blue


def vehicle(pen: Pen, kind: str, length: float, width: float, colour: Colour, braking: bool) -> None:
    """Draw a vehicle of a kind: its roof, its windows, its lamps; those at the rear shine while it brakes."""
    rear, front, half = -length / 2, length / 2, width / 2
    pen.box((rear, front), (-half, half), DARK, 0.5, pen.outline)
    pen.box((rear, front), (-half, half), colour, 0.45)
    inner = half - 0.22
    if kind in ("truck", "bus"):
        pen.box((front - 0.75, front - 0.25), (-inner, inner), GLASS, 0.12)
    if kind == "truck":
        pen.box((rear + 0.1, front - 2.1), (-half + 0.05, half - 0.05), shade(colour, 0.22))
        pen.box((front - 2.2, front - 2.0), (-half, half), DARK)
    elif kind == "bus":
        for at in (rear + 2.4, front - 4.2):
            pen.box((at, at + 1.5), (-0.55, 0.55), shade(colour, 0.3), 0.1)
    else:
        screen = front - (1.45 if kind == "car" else 0.95)
        slope = [(screen, -inner), (screen, inner), (screen - 0.65, inner - 0.14), (screen - 0.65, 0.14 - inner)]
        pen.fill(slope, GLASS)
        back = rear + (0.75 if kind == "car" else 0.3)
        pen.fill(
            [(back, 0.1 - inner), (back, inner - 0.1), (back + 0.45, inner - 0.2), (back + 0.45, 0.2 - inner)], GLASS
        )
        pen.box((back + 0.5, screen - 0.7), (0.14 - inner, inner - 0.14), shade(colour, 0.16), 0.15)
    for side in (-1, 1):
        y = tuple(sorted((side * (half - 0.12), side * (half - 0.6))))
        pen.box((front - 0.3, front - 0.02), (y[0], y[1]), LAMP)
        pen.box((rear + 0.02, rear + (0.4 if braking else 0.22)), (y[0], y[1]), BRAKE if braking else TAIL)


def pedestrian(pen: Pen, kind: str, colour: Colour) -> None:
    """Draw a pedestrian: shoulders in the colour of its clothes, a head that looks ahead, feet that walk."""
    for grow in (pen.outline, 0.0):  # the outline of all parts first, then the parts
        drawn = DARK if grow else None
        if kind == "wheelchair":
            _wheelchair(pen, drawn, grow)
        else:
            _feet(pen, grow)
        if kind == "elder":
            pen.line((0.1, 0.62), (0.95, 0.8), 0.09, drawn or WOOD, grow)
        shoulders = (0.42, 0.58) if kind == "wheelchair" else (0.36, 0.62)
        pen.ellipse((0.0, 0.0), shoulders, drawn or colour, grow)
    pen.ellipse((0.08, 0.0), (0.33, 0.33), DARK)
    pen.ellipse((0.08, 0.0), (0.27, 0.27), SKIN)
    pen.ellipse((-0.01, 0.0), (0.22, 0.26), GREY_HAIR if kind == "elder" else HAIR)


def _feet(pen: Pen, grow: float) -> None:
    """Draw feet that swing with the way that was walked, so that whoever walks is seen to."""
    way = float(pen.position @ pen.turn[0]) / np.hypot(*pen.turn[0])
    swing = 0.42 * np.sin(2 * np.pi * way / STRIDE)
    for side in (-1, 1):
        pen.ellipse((side * swing, side * 0.26), (0.24, 0.13), DARK, grow)


def _wheelchair(pen: Pen, drawn: Colour | None, grow: float) -> None:
    """Draw a seat between two wheels, and knees and feet before it."""
    pen.box((-0.5, 0.3), (-0.5, 0.5), drawn or STEEL, 0.1, grow)
    for side in (-1, 1):
        pen.line((-0.55, side * 0.68), (0.45, side * 0.68), 0.16, drawn or GLASS, grow)
        pen.line((0.3, side * 0.2), (0.95, side * 0.2), 0.22, drawn or STEEL, grow)


def barrier(pen: Pen, length: float) -> None:
    """Draw the barrier that ends a lane, as wide as the lane."""
    for stripe in range(6):
        across = -1.8 + 0.6 * stripe
        pen.box((-length / 2, length / 2), (across, across + 0.6), WHITE if stripe % 2 else BARRIER)
