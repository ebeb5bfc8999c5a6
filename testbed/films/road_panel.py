"""A panel of a film that shows a road from above: the picture over the whole width, labels pointing at vehicles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from testbed.films import overlay
from testbed.films.clip import Annotation, Clip, colour_of, ranked
from testbed.films.overlay import Span
from testbed.films.video import FPS

LOW = 0.65
"""What is farther down in the picture than this share of its height is labelled below the road, the rest above."""
LEAST, PLATE, FAR = 16.0, 34.0, 60.0
"""Half the room that even a small body takes, the height of a plate that keeps out of its way, and how far beside
what it speaks of a plate may begin [px]."""


class RoadPanel:
    """One take: its scene, its header and what is drawn over them."""

    def __init__(self, take: Clip, scene: Any) -> None:
        self.take, self.trace, self.width, self.scene = take, take.episode.trace, overlay.WIDTH, scene
        scenario = take.episode.scenario
        scene.reset(seed=scenario.seed, options={"context": dict(scenario.context)})
        self.header = overlay.header(take.label, take.colour, take.trigger, take.caption)
        self.height = overlay.HEADER + self._picture(0, ()).height
        self.frames = math.ceil(len(self.trace) * FPS / self.trace.rate)
        self._ended: Image.Image | None = None

    @staticmethod
    def cannot_draw(environment: str) -> str:
        """Return an empty string: roads need nothing of the machine."""
        return ""

    def paint(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, frame: int) -> None:
        """Draw what the take shows at a frame of the film, from `top` [px] downwards; it begins at the left edge."""
        if frame < self.frames:
            self._paint(canvas, draw, top, frame)
        elif self._ended is None:  # nothing changes from here on
            self._paint(canvas, draw, top, frame)
            self._ended = canvas.crop((0, top, overlay.WIDTH, top + self.height))
        else:
            canvas.paste(self._ended, (0, top))

    def _paint(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, top: int, frame: int) -> None:
        sample = min(int(frame * self.trace.rate / FPS), len(self.trace) - 1)
        time, over = sample / self.trace.rate, frame >= self.frames
        marks = [mark for mark in self.take.marks if mark.start <= time + 1e-6 < mark.end]
        canvas.paste(self.header, (0, top))
        canvas.paste(self._picture(sample, marks), (0, top + overlay.HEADER))
        overlay.clock(draw, top, float(self.trace["speed"][sample, 0]), (sample + 1) / self.trace.rate)
        ending = f"ended: {self.take.episode.outcome}" if over else ""
        self._point_out(draw, top + overlay.HEADER, sample, marks, [overlay.ending_span(ending)] if over else [])
        if over:
            panel = canvas.crop((0, top + overlay.HEADER, overlay.WIDTH, top + self.height))
            canvas.paste(panel.point(lambda value: value * 9 // 20), (0, top + overlay.HEADER))
            overlay.ending(draw, top + self.height - 42, ending)
        if marks:
            overlay.flash(draw, top, top + self.height, any(mark.severe for mark in marks))

    def _picture(self, sample: int, marks: Sequence[Annotation]) -> Image.Image:
        colours = {0: self.take.colour}
        colours |= {mark.body: colour_of(mark) for mark in reversed(ranked(marks)) if mark.body is not None}
        position, heading, acceleration = (self.trace[name][sample] for name in ("position", "heading", "acceleration"))
        picture = Image.fromarray(self.scene.show(position, heading, colours, acceleration))
        height = round(picture.height * overlay.WIDTH / picture.width)
        return picture if picture.width == overlay.WIDTH else picture.resize((overlay.WIDTH, height))

    def _point_out(
        self, draw: ImageDraw.ImageDraw, top: int, sample: int, marks: Sequence[Annotation], taken: list[Span]
    ) -> None:
        """Label the ego below the road, where there is room, and what is marked on the side where it was at first.

        What is marked of the ego itself is written below, on the left. Nothing covers a body or what is `taken` of
        the row below.
        """
        bottom = top + self.height - overlay.HEADER
        places, sizes = self._bodies(sample)
        places = np.clip(places, (-np.inf, 0), (np.inf, bottom - top)) + np.array([0, top])
        above, below = top + 26.0, bottom - 27.0
        rows = {middle: _covered(places, sizes, middle) for middle in (above, below)}
        rows[below] += taken
        marks = _distinct(marks)
        left = overlay.FLASH + 10.0
        for mark in marks:
            if not mark.body:
                half = (overlay.width_of(mark.text, 20) + 20) / 2
                left = overlay.free(left + half, half, rows[below]) - half
                rows[below].append((left, overlay.chip(draw, left, below, mark.text, colour_of(mark))))
                left = rows[below][-1][1] + 10
        for mark in marks:
            if mark.body:
                at, reach = _pair(places[mark.body]), _pair(sizes[mark.body])
                began = min(round(mark.start * self.trace.rate), len(self.trace) - 1)
                high = self._bodies(began)[0][mark.body, 1] < LOW * (bottom - top)
                row = _nearest(at[0], mark.text, rows, (above, below) if high else (below, above))
                rows[row].append(overlay.pointer(draw, at, reach, row, mark.text, colour_of(mark), 20, rows[row]))
        ego = _pair(places[0])
        row, spans = (below, rows[below]) if ego[1] + 40 < below else (ego[1] - 48, [])  # on the ramp there is no room
        overlay.pointer(draw, ego, _pair(sizes[0]), row, self.take.label, self.take.colour, 18, spans)

    def _bodies(self, sample: int) -> tuple[np.ndarray, np.ndarray]:
        """Return where bodies are in the picture and half their length and width there, each shape (bodies, 2) [px]."""
        position = self.trace["position"][sample]
        places = self.scene.project(position)
        sizes = self.scene.project(position + self.trace["size"] / 2) - places
        return places, np.maximum(sizes, LEAST)

    def close(self) -> None:
        """Let the scene go."""
        self.scene.close()


def _covered(places: np.ndarray, sizes: np.ndarray, middle: float) -> list[Span]:
    """Return from where to where bodies are on a row of plates."""
    on_row = np.abs(places[:, 1] - middle) < sizes[:, 1] + PLATE / 2
    return [(x - half, x + half) for x, half in zip(places[on_row, 0], sizes[on_row, 0], strict=True)]


def _nearest(x: float, text: str, rows: Mapping[float, list[Span]], wish: Sequence[float]) -> float:
    """Return the first of two rows unless a plate there would be far from what it speaks of."""
    half = (overlay.width_of(text, 20) + 20) / 2
    away = [abs(overlay.free(x, half, rows[row]) - x) for row in wish]
    return wish[1] if away[0] > half + FAR and away[1] < away[0] else wish[0]


def _pair(values: np.ndarray) -> tuple[float, float]:
    return float(values[0]), float(values[1])


def _distinct(marks: Sequence[Annotation]) -> list[Annotation]:
    """Return the marks with a place of their own: of several on one body the severest, of those the first."""
    ordered = ranked(marks)
    bodies = [mark.body for mark in ordered]
    return [mark for i, mark in enumerate(ordered) if mark.body in (None, 0) or mark.body not in bodies[:i]]
