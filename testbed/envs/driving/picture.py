"""Pictures of the merge road: highway-env draws the vehicles and lines, on asphalt between meadows.

The camera follows the ego along x only. Everything is drawn at twice the size and scaled down, so edges are smooth.
"""

from __future__ import annotations

import numpy as np
import pygame
from highway_env.road.graphics import LaneGraphics, RoadGraphics, WorldSurface
from highway_env.road.lane import LineType, SineLane
from highway_env.road.road import Road

WIDTH, HEIGHT = 1280, 216
"""Size of a picture [px]."""
SCALE = 8.5
"""Pixels per metre; a picture shows 150 m of road."""
CENTRE_Y = 6.7
"""The y in the middle of the picture [m]: both main lanes, the ramp and a strip above for labels are visible."""
EGO_AT = 0.53
"""Where the ego is, as a share of the width: a little more is seen behind it, where others have to brake."""

MEADOW, ASPHALT, BARRIER = (191, 205, 178), (84, 88, 94), (250, 130, 20)
SHOULDER = 0.7
"""Asphalt beyond a lane's edge [m]."""
_FINE = 2


class _Canvas(WorldSurface):
    """highway-env's drawing surface with a meadow as ground; long vehicles stay until they are out of sight."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__(size, 0, pygame.Surface(size, depth=32))
        self.scaling = SCALE * _FINE
        self.centering_position = [EGO_AT, 0.5]

    def is_visible(self, vec: np.ndarray, margin: int = 250) -> bool:
        """Return whether a position is within `margin` [px] of the surface."""
        return super().is_visible(vec, margin)


class Picture:
    """Draws one road again and again."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.canvas = _Canvas((WIDTH * _FINE, HEIGHT * _FINE))
        self.lanes = road.network.lanes_list()

    def draw(self, x: float) -> np.ndarray:
        """Return the road and what is on it with the camera at x [m], shape (HEIGHT, WIDTH, 3) uint8."""
        self.canvas.move_display_window_to(np.array([x, CENTRE_Y]))
        self.canvas.fill(MEADOW)
        near = [lane for lane in self.lanes if self._in_sight(lane)]
        for lane in near:
            self._asphalt(lane)
        for lane in near:
            self._lines(lane)
        self._barrier()
        RoadGraphics.display_traffic(self.road, self.canvas, offscreen=True)
        small = pygame.transform.smoothscale(self.canvas, (WIDTH, HEIGHT))
        return np.frombuffer(pygame.image.tobytes(small, "RGB"), np.uint8).reshape(HEIGHT, WIDTH, 3)

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 2) [m], are in the last picture [px], shape (n, 2)."""
        return (np.asarray(position) - self.canvas.origin) * SCALE

    def _in_sight(self, lane) -> bool:
        left, start = self.canvas.origin[0], lane.position(0.0, 0.0)[0]
        return start < left + WIDTH / SCALE and start + lane.length > left

    def _seen(self, lane) -> np.ndarray:
        """Return distances along a lane [m] between which it may be drawn straight, for what is in sight of it."""
        if not isinstance(lane, SineLane):
            return np.array([0.0, lane.length])
        start = lane.position(0.0, 0.0)[0]
        low = np.floor((self.canvas.origin[0] - start) / 4) * 4 - 4
        return np.clip(np.arange(low, low + WIDTH / SCALE + 16, 4.0), 0.0, lane.length)

    def _edge(self, lane, along: np.ndarray, lateral: float) -> list[tuple[int, int]]:
        return [self.canvas.vec2pix(lane.position(s, lateral)) for s in along]

    def _asphalt(self, lane) -> None:
        along, half = self._seen(lane), lane.width_at(0) / 2 + SHOULDER
        outline = self._edge(lane, along, -half) + self._edge(lane, along[::-1], half)
        pygame.draw.polygon(self.canvas, ASPHALT, outline)

    def _lines(self, lane) -> None:
        """Draw both lines of a lane; solid ones follow its bend, which highway-env's own would cut short."""
        for side, kind in enumerate(lane.line_types):
            if kind == LineType.STRIPED:
                spacing = LaneGraphics.STRIPE_SPACING * 2
                first = max((self.canvas.origin[0] - lane.position(0.0, 0.0)[0]) // spacing, 0.0) * spacing
                count = int(WIDTH / SCALE / spacing) + 2
                starts = first + np.arange(count) * spacing
                ends, lats = starts + LaneGraphics.STRIPE_LENGTH, [(side - 0.5) * lane.width_at(0)] * count
                LaneGraphics.draw_stripes(lane, self.canvas, starts, ends, lats)
            elif kind != LineType.NONE:
                points = self._edge(lane, self._seen(lane), (side - 0.5) * lane.width_at(0))
                pygame.draw.lines(self.canvas, self.canvas.WHITE, False, points, self.canvas.pix(0.25))

    def _barrier(self) -> None:
        """Draw each obstacle as a striped barrier as wide as its lane."""
        for thing in self.road.objects:
            for stripe in range(6):
                corner = self.canvas.pos2pix(thing.position[0] - 1.0, thing.position[1] - 1.8 + 0.6 * stripe)
                colour = self.canvas.WHITE if stripe % 2 else BARRIER
                size = self.canvas.pix(thing.LENGTH), self.canvas.pix(0.6) + 1
                pygame.draw.rect(self.canvas, colour, (corner, size))
