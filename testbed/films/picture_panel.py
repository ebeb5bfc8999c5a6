"""A panel of a film that shows what an environment draws: who acts above it, what happens in plates at its foot."""

from __future__ import annotations

import math
import os
import sys
from typing import Any

import gymnasium
import numpy as np
from PIL import Image, ImageDraw

from testbed.envs.warehouse.backend import choose
from testbed.films import overlay
from testbed.films.clip import Annotation, Clip, colour_of, ranked
from testbed.films.video import FPS

ROOM = (640, 480)
"""Most that the picture is wide and high [px]."""
MARGIN, LINE = 14, 42
"""Room round plates, and from one to the next [px]."""
ROW = 24
"""Half the height of a line of the header [px]."""
MOST = 3
"""Plates that are shown at once."""


class PicturePanel:
    """One take: its environment's pictures, its header and what is marked.

    The episode is played again from seed and actions, as the film goes on.
    """

    def __init__(self, take: Clip, scene: Any) -> None:
        self.take, self.trace, self.scene = take, take.episode.trace, scene
        self._samples = len(self.trace) // len(take.episode)
        self._begin()
        _choose_renderer()
        self.size = self._picture(0).size
        self.header = _header(take, self.size[0])
        self.width, self.height = self.size[0], self.header.height + self.size[1]
        self.frames = math.ceil(len(self.trace) * FPS / self.trace.rate)
        self._ended: Image.Image | None = None

    @staticmethod
    def cannot_draw(environment: str) -> str:
        """Return why the scenes of an environment cannot be drawn on this machine, or an empty string."""
        try:
            scene: Any = gymnasium.make(environment, render_mode="rgb_array", disable_env_checker=True)
            scene.reset(seed=0)
            _choose_renderer()
            picture = np.asarray(scene.render())
            scene.close()
        except Exception as error:  # whatever draws is somebody else's
            return " ".join(f"{error}".split()) or type(error).__name__
        drawn = picture.ndim == 3 and np.ptp(picture) > 0
        return "" if drawn else f"{environment} renders nothing in mode rgb_array, or a picture of one colour"

    def paint(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, frame: int) -> None:
        """Draw what the take shows at a frame of the film, with the upper left corner at a place [px]."""
        sample = min(int(frame * self.trace.rate / FPS), len(self.trace) - 1)
        below, over = top + self.header.height, frame >= self.frames
        canvas.paste(self.header, (left, top))
        canvas.paste(self._still() if over else self._picture(sample), (left, below))
        time = f"{(sample + 1) / self.trace.rate:.1f} s"
        draw.text((left + self.size[0] - MARGIN, top + ROW), time, overlay.FAINT, overlay.font(22), anchor="rm")
        if over:
            overlay.chip(
                draw, left + MARGIN, below + self.size[1] - 34, f"ended: {self.take.episode.outcome}", overlay.PAPER, 26
            )
        else:
            self._point_out(draw, left, below, self._marks(sample))
        draw.line((left + self.size[0] - 1, top, left + self.size[0] - 1, below + self.size[1]), overlay.PAPER, 2)

    def _still(self) -> Image.Image:
        """Return the picture at the end, darker."""
        if self._ended is None:
            self._ended = self._picture(len(self.trace) - 1).point(lambda value: value * 11 // 20)
        return self._ended

    def _picture(self, sample: int) -> Image.Image:
        """Return what the environment draws after the decision that a sample belongs to."""
        decision = sample // self._samples
        if decision < self._taken - 1:
            self._begin()
        while self._taken <= decision:
            self.scene.step(self.take.episode.actions[self._taken])
            self._taken += 1
            self._drawn = None
        if self._drawn is None:
            picture = Image.fromarray(np.asarray(self.scene.render(), np.uint8)[:, :, :3])
            scale = min(ROOM[0] / picture.width, ROOM[1] / picture.height)
            size = (2 * round(picture.width * scale / 2), 2 * round(picture.height * scale / 2))
            self._drawn = picture if picture.size == size else picture.resize(size)
        return self._drawn

    def _begin(self) -> None:
        scenario = self.take.episode.scenario
        self.scene.reset(seed=scenario.seed, options={"context": dict(scenario.context)})
        self._taken, self._drawn = 0, None

    def _marks(self, sample: int) -> list[Annotation]:
        """Return what is marked at a sample, the severe marks first."""
        time = sample / self.trace.rate
        return ranked([mark for mark in self.take.marks if mark.start <= time + 1e-6 < mark.end])

    def _point_out(self, draw: ImageDraw.ImageDraw, left: int, top: int, marks: list[Annotation]) -> None:
        """Write what is marked at the foot of the picture, the severest lowest, with a frame round the picture."""
        texts = dict.fromkeys((mark.text, colour_of(mark)) for mark in marks)
        for number, (text, colour) in enumerate(list(texts)[:MOST]):
            overlay.chip(draw, left + MARGIN, top + self.size[1] - 34 - LINE * number, text, colour, 22)
        if marks:
            frame = (left, top, left + self.size[0] - 2, top + self.size[1] - 1)
            draw.rectangle(frame, outline=colour_of(marks[0]), width=overlay.FLASH - 3)

    def close(self) -> None:
        """Let the scene go."""
        self.scene.close()


def _choose_renderer() -> None:
    """Let what draws work without a screen: SDL for pygame, and for MuJoCo a back end that draws here.

    SDL's `dummy` will not do: highway-env draws nothing under it.
    """
    os.environ.setdefault("SDL_VIDEODRIVER", "offscreen")
    if "mujoco" in sys.modules:
        choose()


def _header(take: Clip, width: int) -> Image.Image:
    """Return what stays above the picture: who it is and what triggers it; how severe it was."""
    strip = Image.new("RGB", (width, 4 * ROW), overlay.PAPER)
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, 0, 13, strip.height), fill=take.colour)
    left, size = MARGIN + 14, 30
    draw.text((left, ROW), take.label, take.colour, overlay.font(size), anchor="lm", stroke_width=1,
              stroke_fill=take.colour)  # fmt: skip
    if take.trigger:
        start = left + overlay.font(size).getlength(take.label) + 18
        overlay.chip(draw, start, ROW, overlay.shortened(take.trigger, 16, width - start - 110), overlay.INK, 16)
    overlay.write(draw, left, 3 * ROW, overlay.shortened(take.caption, 22, width - 60), overlay.INK, 22)
    return strip
