"""Films: recorded episodes one above the other, as an H.264 video that any browser plays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from PIL import Image, ImageDraw

from testbed.demonstrations import overlay
from testbed.demonstrations.video import FPS, video
from testbed.episode import Episode
from testbed.errors import UserError


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
        picture = self._picture(sample, marks)
        canvas.paste(self.header, (0, top))
        canvas.paste(picture, (0, top + overlay.HEADER))
        overlay.clock(draw, top, float(self.trace["speed"][sample, 0]), (sample + 1) / self.trace.rate)
        self._point_out(draw, top + overlay.HEADER, picture.height, sample, marks)
        if over:
            panel = canvas.crop((0, top + overlay.HEADER, overlay.WIDTH, top + self.height))
            canvas.paste(panel.point(lambda value: value * 9 // 20), (0, top + overlay.HEADER))
            overlay.ending(draw, top + self.height - 42, f"ended: {_ending(self.take.episode)}")
        if marks:
            overlay.flash(draw, top, top + self.height, any(mark.severe for mark in marks))

    def _picture(self, sample: int, marks: Sequence[Mark]) -> Image.Image:
        colours = {0: self.take.colour}
        colours |= {mark.body: overlay.RED for mark in marks if mark.body is not None}
        shown = self.scene.show(self.trace["position"][sample], self.trace["heading"][sample], colours)
        picture = Image.fromarray(shown)
        height = round(picture.height * overlay.WIDTH / picture.width)
        return picture if picture.width == overlay.WIDTH else picture.resize((overlay.WIDTH, height))

    def _point_out(self, draw: ImageDraw.ImageDraw, top: int, height: int, sample: int, marks: Sequence[Mark]) -> None:
        """Label the ego, below the road where there is room, and what is marked above it."""
        places = self.scene.project(self.trace["position"][sample]) + np.array([0, top])
        ego = places[0]
        below = top + height - 27
        fits = ego[1] + 40 < below  # on the ramp's bend there is no room below, so the label goes above
        point, plate = (ego[1] + 10, below) if fits else (ego[1] - 10, ego[1] - 48)
        overlay.pointer(draw, (ego[0], point), plate, self.take.label, self.take.colour, 18)
        left = overlay.FLASH + 10.0
        for mark in _distinct(marks):
            colour = overlay.RED if mark.severe else overlay.AMBER
            if mark.body is None or mark.body == 0:
                left = overlay.chip(draw, left, top + height - 30, mark.text, colour) + 10
            else:
                x, y = places[mark.body]
                overlay.pointer(draw, (x, y - 10), top + 24, mark.text, colour)

    def close(self) -> None:
        """Let the scene go."""
        self.env.close()


def _distinct(marks: Sequence[Mark]) -> list[Mark]:
    """Return the marks with a place of their own: of several on one body the severest, of those the first."""
    ranked = sorted(marks, key=lambda mark: not mark.severe)
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
