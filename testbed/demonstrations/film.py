"""Films: recorded episodes one above the other, as an H.264 video that any browser plays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from PIL import Image, ImageDraw

from testbed.demonstrations import overlay
from testbed.demonstrations.overlay import Span
from testbed.demonstrations.video import FPS, video
from testbed.episode import Episode
from testbed.errors import UserError

LOW = 0.65
"""What is farther down in the picture than this share of its height is labelled below the road, the rest above."""
LEAST, PLATE, FAR = 16.0, 34.0, 60.0
"""Half the room that even a small body takes, the height of a plate that keeps out of its way, and how far beside
what it speaks of a plate may begin [px]."""


@dataclass(frozen=True)
class Mark:
    """A stretch of an episode that a viewer should look at."""

    start: float
    """Beginning, from the start of the episode [s]."""
    end: float
    """End [s]."""
    text: str
    """What happens, with number and unit."""
    severe: bool
    """Red rather than amber."""
    body: int | None
    """The body it happens to, or None."""


@dataclass(frozen=True)
class Take:
    """One episode as a film shows it."""

    label: str
    """Who drives, for example `teacher`."""
    colour: tuple[int, int, int]
    """Colour of the label and of body 0 (red, green, blue)."""
    episode: Episode
    """What is shown."""
    caption: str
    """Its severity with unit, for example `imposed deceleration 5.8 m/s²`."""
    trigger: str
    """What in the scene triggers a habit, for example `truck leads`, or an empty string."""
    marks: tuple[Mark, ...]
    """What to point out."""


def film(path: Path, takes: Sequence[Take], *, title: str = "", on_frame: Callable[[], None] | None = None) -> float:
    """Write a video of some episodes and return its duration [s].

    Args:
        path: Where the mp4 goes; a file there is replaced once the new one is complete.
        takes: What is shown, from top to bottom; a shorter episode waits for the longest.
        title: The line at the top.
        on_frame: Called after every frame; there are as many as the longest trace has samples at 15 Hz.

    Raises:
        UserError: if nothing is to be shown or the video cannot be written.
    """
    if not takes:
        raise UserError("a film needs at least one episode: name at least one policy")
    panels = [_Panel(take) for take in takes]
    try:
        frames = max(panel.frames for panel in panels)
        size = overlay.WIDTH, _even(overlay.TITLE + sum(panel.height for panel in panels) + overlay.PROGRESS)
        with video(path) as append:
            for frame in range(frames):
                append(_compose(panels, size, title, frame, frames))
                if on_frame:
                    on_frame()
    finally:
        for panel in panels:
            panel.close()
    return frames / FPS


def _compose(panels: Sequence[_Panel], size: tuple[int, int], title: str, frame: int, frames: int) -> np.ndarray:
    """Return one frame, shape (height, width, 3) uint8."""
    canvas = Image.new("RGB", size, overlay.PAPER)
    draw, top = ImageDraw.Draw(canvas), overlay.TITLE
    overlay.title_line(draw, title)
    for panel in panels:
        panel.paint(canvas, draw, top, frame)
        top += panel.height
    overlay.progress(draw, size[1] - overlay.PROGRESS, (frame + 1) / frames)
    return np.asarray(canvas)


class _Panel:
    """One take: its scene, its header and what is drawn over them."""

    def __init__(self, take: Take) -> None:
        self.take, self.trace = take, take.episode.trace
        self.env = gymnasium.make(take.episode.environment, render_mode="rgb_array")
        scenario = take.episode.scenario
        self.env.reset(seed=scenario.seed, options={"context": dict(scenario.context)})
        self.scene: Any = self.env.unwrapped
        self.header = overlay.header(take.label, take.colour, take.trigger, take.caption)
        self.height = overlay.HEADER + self._picture(0, ()).height
        self.frames = math.ceil(len(self.trace) * FPS / self.trace.rate)

    def paint(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, top: int, frame: int) -> None:
        """Draw what the take shows at a frame of the film, from `top` [px] downwards."""
        sample = min(int(frame * self.trace.rate / FPS), len(self.trace) - 1)
        time, over = sample / self.trace.rate, frame >= self.frames
        marks = [mark for mark in self.take.marks if mark.start <= time + 1e-6 < mark.end]
        canvas.paste(self.header, (0, top))
        canvas.paste(self._picture(sample, marks), (0, top + overlay.HEADER))
        overlay.clock(draw, top, float(self.trace["speed"][sample, 0]), (sample + 1) / self.trace.rate)
        ending = f"ended: {_ending(self.take.episode)}" if over else ""
        self._point_out(draw, top + overlay.HEADER, sample, marks, [overlay.ending_span(ending)] if over else [])
        if over:
            panel = canvas.crop((0, top + overlay.HEADER, overlay.WIDTH, top + self.height))
            canvas.paste(panel.point(lambda value: value * 9 // 20), (0, top + overlay.HEADER))
            overlay.ending(draw, top + self.height - 42, ending)
        if marks:
            overlay.flash(draw, top, top + self.height, any(mark.severe for mark in marks))

    def _picture(self, sample: int, marks: Sequence[Mark]) -> Image.Image:
        colours = {0: self.take.colour}
        colours |= {mark.body: _colour(mark) for mark in reversed(_ranked(marks)) if mark.body is not None}
        position, heading, acceleration = (self.trace[name][sample] for name in ("position", "heading", "acceleration"))
        picture = Image.fromarray(self.scene.show(position, heading, colours, acceleration))
        height = round(picture.height * overlay.WIDTH / picture.width)
        return picture if picture.width == overlay.WIDTH else picture.resize((overlay.WIDTH, height))

    def _point_out(
        self, draw: ImageDraw.ImageDraw, top: int, sample: int, marks: Sequence[Mark], taken: list[Span]
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
                rows[below].append((left, overlay.chip(draw, left, below, mark.text, _colour(mark))))
                left = rows[below][-1][1] + 10
        for mark in marks:
            if mark.body:
                at, reach = _pair(places[mark.body]), _pair(sizes[mark.body])
                began = min(round(mark.start * self.trace.rate), len(self.trace) - 1)
                high = self._bodies(began)[0][mark.body, 1] < LOW * (bottom - top)
                row = _nearest(at[0], mark.text, rows, (above, below) if high else (below, above))
                rows[row].append(overlay.pointer(draw, at, reach, row, mark.text, _colour(mark), 20, rows[row]))
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
        self.env.close()


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


def _colour(mark: Mark) -> tuple[int, int, int]:
    return overlay.RED if mark.severe else overlay.AMBER


def _ranked(marks: Sequence[Mark]) -> list[Mark]:
    return sorted(marks, key=lambda mark: not mark.severe)


def _distinct(marks: Sequence[Mark]) -> list[Mark]:
    """Return the marks with a place of their own: of several on one body the severest, of those the first."""
    ranked = _ranked(marks)
    bodies = [mark.body for mark in ranked]
    return [mark for i, mark in enumerate(ranked) if mark.body in (None, 0) or mark.body not in bodies[:i]]


def _ending(episode: Episode) -> str:
    """Return in words how an episode ended."""
    if episode.success:
        return "success"
    if "contact" in episode.trace.signals and episode.trace["contact"][:, 0].any():
        return "contact"
    return "by its own rules" if episode.terminated else "time limit"


def _even(number: int) -> int:
    return number + number % 2
