"""Pictures of a driving scene from above: its road on a meadow or in a street, and who is on it.

The camera follows the ego along x only; at a zebra it stands still while the ego is near.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pygame
from highway_env.road.lane import LineType, SineLane
from highway_env.road.road import Road

from testbed.envs.driving import glyphs, street
from testbed.envs.driving.glyphs import FINE, WHITE, Canvas, Colour, Pen
from testbed.envs.driving.scene import Scene

WIDTH = 1280
"""Width of a picture [px]."""
MEADOW, EGO = (191, 205, 178), (50, 200, 0)
SHOULDER = 0.7
"""Asphalt beyond a lane's edge, where there is no kerb [m]."""
BRAKING = 1.0
"""A vehicle that slows down harder than this shows its brake lights [m/s2]."""
LINE, DASH, SPACING = 0.25, 3.0, 8.66
"""Width of a lane line, length of a dash, and from one dash to the next: highway-env's [m]."""


@dataclass(frozen=True)
class View:
    """What part of a scene a picture shows."""

    height: int
    """Height of the picture [px]."""
    scale: float
    """Pixels per metre."""
    centre: float
    """The y in the middle of the picture [m]."""
    left: Callable[[float], float]
    """x of the ego -> x at the left edge of the picture [m]."""


ROAD_SCALE, EGO_AT = 8.5, 0.53
"""Pixels per metre on an open road, which show 150 m; where the ego is there, as a share of the width: a little more is
seen behind it, where others have to brake."""
OPEN_ROAD = View(216, ROAD_SCALE, 6.7, lambda x: x - EGO_AT * WIDTH / ROAD_SCALE)
"""Both main lanes of the merge, the ramp and a strip above for labels."""

STREET_SCALE = 15.0
"""Pixels per metre in a street, which show 85 m."""
BEFORE = 62.0
"""How much of the street before the middle of the zebra is seen while the camera stands [m]."""
BEHIND, AHEAD = 12.0, 16.0
"""The ego is never nearer to the left and to the right edge of the picture [m]."""
ROOM = 1.2
"""A body's glyph reaches no further than this beyond its corners [m]."""
SOFT = 8.0
"""The camera starts and stops within twice this way of the ego [m]."""


def street_view(zebra: np.ndarray) -> View:
    """Return the view of a zebra: the camera stands, but for an ego that is not yet or no more near."""
    stand = zebra[0].mean() - BEFORE
    most = WIDTH / STREET_SCALE - AHEAD
    return View(
        300, STREET_SCALE, zebra[1].mean() - 0.2, lambda x: stand - _soft(stand + BEHIND - x) + _soft(x - most - stand)
    )


def _soft(way: float) -> float:
    """Return a way where it is positive and 0 where it is not, with a smooth bend between."""
    return way if way > SOFT else max(way + SOFT, 0.0) ** 2 / (4 * SOFT)


class RoadPicture:
    """Draws one road again and again."""

    def __init__(self, scene: Scene, road: Road, context: np.ndarray) -> None:
        self.road, self.walkers, self.zebra = road, scene.walkers, scene.zebra
        self.in_street = bool(np.ptp(scene.zebra) > 0)
        self.view = street_view(scene.zebra) if self.in_street else OPEN_ROAD
        values = dict(zip(scene.context.items(), context, strict=False))
        self.observer = next((names[at] for (factor, names), at in values.items() if factor == "observer"), "none")
        self.canvas = Canvas(WIDTH, self.view.height, self.view.scale)
        self.lanes = road.network.lanes_list()
        self._pieces: dict[int, pygame.Surface] = {}
        self._strips: dict[tuple[int, int], pygame.Surface] = {}

    def draw(
        self, position: np.ndarray, heading: np.ndarray, colours: Mapping[int, Colour], braking: Collection[int]
    ) -> np.ndarray:
        """Return the road with its bodies, vehicles before pedestrians, as a picture, shape (h, WIDTH, 3) uint8.

        Args:
            position: Centres, shape (bodies, 2) [m].
            heading: Headings, shape (bodies,) [rad].
            colours: Body number -> colour, for those that differ from their own.
            braking: Numbers of the vehicles whose brake lights shine.
        """
        view, canvas = self.view, self.canvas
        left, top = view.left(float(position[0][0])), view.centre - view.height / view.scale / 2
        pixels = round(left * canvas.fine)
        self._lay_ground(pixels, top)
        canvas.origin = np.array([left, top])
        spots = self._spots(position)
        for spot in spots:
            self._clear(spot, pixels, top)
        self._bodies(position, heading, colours, braking)
        canvas.scale_down(spots)
        return canvas.picture()

    def _lay_ground(self, pixels: int, top: float) -> None:
        """Put what lies under the bodies into the picture, whose left edge is at some pixels of the drawing."""
        number, shift = divmod(pixels // FINE, self.canvas.size[0])
        for place in (number, number + 1):
            strip = self._strip(place, pixels % FINE, top)
            self.canvas.small.blit(strip, ((place - number) * self.canvas.size[0] - shift, 0))

    def _strip(self, number: int, phase: int, top: float) -> pygame.Surface:
        """Return a piece of the ground as it is in pictures that begin at an even or odd pixel; each is made once."""
        if (number, phase) not in self._strips:
            pieces = [self._ground(place, top) for place in (number, number + 1)]
            for place, piece in enumerate(pieces):
                self.canvas.surface.blit(piece, (place * self.canvas.width - phase, 0))
            small = pygame.transform.smoothscale(self.canvas.surface, self.canvas.size)
            self._strips[number, phase] = small.convert(self.canvas.small)
        return self._strips[number, phase]

    def _spots(self, position: np.ndarray) -> list[pygame.Rect]:
        """Return where bodies are in the picture [px], with room round them."""
        bodies = [*self.road.vehicles, *self.road.objects[: self.walkers]]
        room = np.array([np.hypot(body.LENGTH, body.WIDTH) / 2 + ROOM for body in bodies])[:, None]
        places = np.asarray(position)[: len(bodies)]
        low, high = (np.floor(self.project(places + side * room)).astype(int) for side in (-1, 1))
        whole = pygame.Rect((0, 0), self.canvas.size)
        extents = zip(low.tolist(), (high - low + 1).tolist(), strict=True)
        spots = [pygame.Rect(corner, extent) for corner, extent in extents]
        return [spot.clip(whole) for spot in spots if spot.colliderect(whole)]

    def _clear(self, spot: pygame.Rect, pixels: int, top: float) -> None:
        """Put the ground of a spot onto the drawing."""
        first, area = pixels // self.canvas.width, pygame.Rect(*(FINE * value for value in spot))
        for number in (first, first + 1):
            left = number * self.canvas.width - pixels
            self.canvas.surface.blit(self._ground(number, top), area.topleft, area.move(-left, 0))

    def _ground(self, number: int, top: float) -> pygame.Surface:
        """Return a piece of what lies under the bodies, as wide as the picture; pieces are drawn once."""
        if number not in self._pieces:
            self.canvas.origin = np.array([number * self.canvas.width / self.canvas.fine, top])
            self._draw_ground()
            self._pieces[number] = self.canvas.surface.copy()
        return self._pieces[number]

    def _draw_ground(self) -> None:
        """Draw everything but the bodies."""
        canvas = self.canvas
        self.right, bottom = canvas.origin + np.array(canvas.size) / self.view.scale
        x, y = (canvas.origin[0], self.right), (canvas.origin[1], bottom)
        canvas.surface.fill(MEADOW)
        if self.in_street:
            street.ground(canvas, self.zebra, x, y)
        near = [lane for lane in self.lanes if self._in_sight(lane)]
        for lane in near:
            self._asphalt(lane)
        for lane in near:
            self._lines(lane)
        if self.in_street:
            street.crossing(canvas, self.zebra, x)
            street.observer(canvas, self.zebra, self.observer)
        for thing in self.road.objects[self.walkers :]:
            glyphs.barrier(Pen(canvas, thing.position, thing.heading), thing.LENGTH)

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 2) [m], are in the last picture [px], shape (n, 2)."""
        return (np.asarray(position) - self.canvas.origin) * self.view.scale

    def _bodies(
        self, position: np.ndarray, heading: np.ndarray, colours: Mapping[int, Colour], braking: Collection[int]
    ) -> None:
        vehicles = self.road.vehicles
        for number, body in enumerate([*vehicles, *self.road.objects[: self.walkers]]):
            if not _holds(self.canvas, position[number], body.LENGTH):
                continue
            colour = colours.get(number, getattr(body, "color", None) or EGO)
            pen = Pen(self.canvas, position[number], float(heading[number]))
            if number < len(vehicles):
                kind = getattr(body, "kind", "car")
                glyphs.vehicle(pen, kind, body.LENGTH, body.WIDTH, colour, number in braking)
            else:
                pen = Pen(self.canvas, position[number], float(heading[number]), glyphs.WALKER_SIZE[body.kind])
                glyphs.pedestrian(pen, body.kind, colour)

    def _in_sight(self, lane) -> bool:
        start = lane.position(0.0, 0.0)[0]
        return start < self.right and start + lane.length > self.canvas.origin[0]

    def _seen(self, lane) -> np.ndarray:
        """Return distances along a lane [m] between which it may be drawn straight, for what is in sight of it."""
        start, left = lane.position(0.0, 0.0)[0], self.canvas.origin[0]
        if not isinstance(lane, SineLane):
            return np.clip(np.array([left - 1.0, self.right + 1.0]) - start, 0.0, lane.length)
        low = np.floor((left - start) / 4) * 4 - 4
        return np.clip(np.arange(low, low + self.right - left + 16, 4.0), 0.0, lane.length)

    def _band(self, lane, along: np.ndarray, low: float, high: float, colour: Colour) -> None:
        """Fill what is between two distances to the right of a lane's centre."""
        edges = [lane.position(s, low) for s in along] + [lane.position(s, high) for s in along[::-1]]
        self.canvas.polygon(np.array(edges), colour)

    def _asphalt(self, lane) -> None:
        half = lane.width_at(0) / 2 + (0.0 if self.in_street else SHOULDER)
        self._band(lane, self._seen(lane), -half, half, street.ASPHALT)

    def _lines(self, lane) -> None:
        """Draw both lines of a lane; where there is a kerb, none."""
        for side, kind in enumerate(lane.line_types):
            lateral = (side - 0.5) * lane.width_at(0)
            if self.in_street and np.isclose(lane.position(0.0, lateral)[1], self.zebra[1]).any():
                continue
            pieces = [self._seen(lane)] if kind != LineType.NONE else []
            if kind == LineType.STRIPED:
                pieces = self._dashes(lane)
            for piece in pieces:
                self._band(lane, piece, lateral - LINE / 2, lateral + LINE / 2, WHITE)

    def _dashes(self, lane) -> list[np.ndarray]:
        """Return where the dashes of a lane begin and end; they go on from one lane to the next."""
        start, seen = lane.position(0.0, 0.0)[0], self._seen(lane)
        first = np.arange(np.floor((seen[0] + start) / SPACING), (seen[-1] + start) / SPACING) * SPACING - start
        return [np.clip([at, at + DASH], 0.0, lane.length) for at in first if -DASH < at < lane.length]


def _holds(canvas: Canvas, position: np.ndarray, length: float) -> bool:
    """Return whether a body at a position may be on the canvas."""
    at, room = (position - canvas.origin) * canvas.scale, (length + 1.0) * canvas.scale
    return bool((at > -room).all() and (at < np.array(canvas.size) + room).all())
