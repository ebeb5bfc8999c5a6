"""A panel of a film that shows a bench: who works there above it, what happens in plates at its foot."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image, ImageDraw

from testbed.films import overlay
from testbed.films.clip import Annotation, Clip, colour_of, ranked
from testbed.films.video import FPS

SIZE = (640, 480)
"""Width and height of the picture [px]."""
MARGIN, LINE = 14, 42
"""Room round plates, and from one to the next [px]."""
ROW = 24
"""Half the height of a line of the header [px]."""
MOST = 3
"""Plates that are shown at once."""


class BenchPanel:
    """One take: its bench, its header and what is marked."""

    def __init__(self, take: Clip, scene: Any) -> None:
        self.take, self.trace, self.scene = take, take.episode.trace, scene
        scenario = take.episode.scenario
        scene.reset(seed=scenario.seed, options={"context": dict(scenario.context)})
        self.header = _header(take)
        self.width, self.height = SIZE[0], self.header.height + SIZE[1]
        self.frames = math.ceil(len(self.trace) * FPS / self.trace.rate)
        self._ended: Image.Image | None = None

    def paint(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, frame: int) -> None:
        """Draw what the take shows at a frame of the film, with the upper left corner at a place [px]."""
        sample = min(int(frame * self.trace.rate / FPS), len(self.trace) - 1)
        below, over = top + self.header.height, frame >= self.frames
        canvas.paste(self.header, (left, top))
        canvas.paste(self._still() if over else self._picture(sample), (left, below))
        time = f"{(sample + 1) / self.trace.rate:.1f} s"
        draw.text((left + SIZE[0] - MARGIN, top + ROW), time, overlay.FAINT, overlay.font(22), anchor="rm")
        if over:
            overlay.chip(
                draw, left + MARGIN, below + SIZE[1] - 34, f"ended: {self.take.episode.outcome}", overlay.PAPER, 26
            )
        else:
            self._point_out(draw, left, below, self._marks(sample))
        draw.line((left + SIZE[0] - 1, top, left + SIZE[0] - 1, below + SIZE[1]), overlay.PAPER, 2)

    def _still(self) -> Image.Image:
        """Return the bench at the end, darker."""
        if self._ended is None:
            self._ended = self._picture(len(self.trace) - 1).point(lambda value: value * 11 // 20)
        return self._ended

    def _picture(self, sample: int) -> Image.Image:
        """Return the bench after a sample; the gripper has its driver's colour, what is marked that of its mark."""
        colours = {0: self.take.colour}
        colours |= {mark.body: colour_of(mark) for mark in reversed(self._marks(sample)) if mark.body}
        return Image.fromarray(self.scene.show(self.take.episode.states[sample + 1], colours))

    def _marks(self, sample: int) -> list[Annotation]:
        """Return what is marked at a sample, the severe marks first."""
        time = sample / self.trace.rate
        return ranked([mark for mark in self.take.marks if mark.start <= time + 1e-6 < mark.end])

    def _point_out(self, draw: ImageDraw.ImageDraw, left: int, top: int, marks: list[Annotation]) -> None:
        """Write what is marked at the foot of the picture, the severest lowest, with a frame round the picture."""
        texts = dict.fromkeys((mark.text, colour_of(mark)) for mark in marks)
        for number, (text, colour) in enumerate(list(texts)[:MOST]):
            overlay.chip(draw, left + MARGIN, top + SIZE[1] - 34 - LINE * number, text, colour, 22)
        if marks:
            frame = (left, top, left + SIZE[0] - 2, top + SIZE[1] - 1)
            draw.rectangle(frame, outline=colour_of(marks[0]), width=overlay.FLASH - 3)

    def close(self) -> None:
        """Let the scene go."""
        self.scene.close()


def _header(take: Clip) -> Image.Image:
    """Return what stays above the picture: who it is and what triggers it; how severe it was."""
    strip = Image.new("RGB", (SIZE[0], 4 * ROW), overlay.PAPER)
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, 0, 13, strip.height), fill=take.colour)
    left, size = MARGIN + 14, 30
    draw.text((left, ROW), take.label, take.colour, overlay.font(size), anchor="lm", stroke_width=1,
              stroke_fill=take.colour)  # fmt: skip
    if take.trigger:
        start = left + overlay.font(size).getlength(take.label) + 18
        overlay.chip(draw, start, ROW, overlay.shortened(take.trigger, 16, SIZE[0] - start - 110), overlay.INK, 16)
    overlay.write(draw, left, 3 * ROW, overlay.shortened(take.caption, 22, SIZE[0] - 60), overlay.INK, 22)
    return strip
