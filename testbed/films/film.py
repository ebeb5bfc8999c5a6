"""Films: recorded episodes beside each other, as an H.264 video that any browser plays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import gymnasium
import numpy as np
from PIL import Image, ImageDraw

from testbed.errors import UserError
from testbed.films import overlay
from testbed.films.clip import Clip
from testbed.films.style import COLOURS, clip_of
from testbed.films.video import FPS, video
from testbed.protocols.episode import Episode
from testbed.protocols.scene import place
from testbed.scenes.registry import get_scene


class Panel(Protocol):
    """The part of a film that shows one take."""

    width: int
    """[px]."""
    height: int
    """[px]."""
    frames: int
    """How many frames of the film the take lasts."""

    @staticmethod
    def cannot_draw(environment: str) -> str:
        """Return why the scenes of an environment cannot be drawn on this machine, or an empty string."""
        ...

    def paint(self, canvas: Image.Image, draw: ImageDraw.ImageDraw, left: int, top: int, frame: int) -> None:
        """Draw a frame with the upper left corner at a place [px]."""

    def close(self) -> None:
        """Let go of what draws."""


def film(
    path: str | Path, takes: Sequence[Clip | Episode], *, title: str = "", on_frame: Callable[[], None] | None = None
) -> float:
    """Write a video of some episodes and return its duration [s].

    Roads are shown one above the other, benches side by side; a shorter episode waits for the longest.

    Args:
        path: Where the mp4 goes; a film there is replaced once the new one is complete.
        takes: What is shown, in order; an episode is shown under the name of its policy, with its primary measure.
        title: The line at the top.
        on_frame: Called after every frame; there are as many as the longest trace lasts at 15 Hz.

    Raises:
        UserError: if nothing is to be shown, nothing here can draw it, or the video cannot be written.

    Examples:
        >>> import testbed
        >>> episode = testbed.load_episode("demonstrations/merge-habit.hdf5", 1)
        >>> f"{testbed.film('truck.mp4', [episode], title='a truck leads'):.1f} s"
        '9.2 s'
    """
    if not takes:
        raise UserError("a film needs at least one episode: name at least one policy")
    palette = list(COLOURS.values())
    panels: list[Panel] = []
    try:
        for number, take in enumerate(takes):
            whole = take if isinstance(take, Clip) else clip_of(take, take.behaviour.policy, palette[number % 5])
            panels.append(_panel(whole))
        places, size = _arranged(panels)
        frames = max(panel.frames for panel in panels)
        with video(Path(path)) as append:
            for frame in range(frames):
                append(_compose(panels, places, size, title, frame, frames))
                if on_frame:
                    on_frame()
    finally:
        for panel in panels:
            panel.close()
    return frames / FPS


def _panel(take: Clip) -> Panel:
    name = take.episode.environment
    panel = place(get_scene(name).panel)  # before Gymnasium is asked: no name of anybody else's reaches it
    return panel(take, gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True).unwrapped)


def _arranged(panels: Sequence[Panel]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """Return where the panels begin, and the size of the film [px]; what is narrow goes side by side."""
    places, left, top = [], 0, overlay.TITLE
    beside = panels[0].width < overlay.WIDTH
    for panel in panels:
        places.append((left, top))
        left, top = (left + panel.width, top) if beside else (left, top + panel.height)
    if beside:
        top += max(panel.height for panel in panels)
    return places, (left if beside else overlay.WIDTH, _even(top + overlay.PROGRESS))


def _compose(
    panels: Sequence[Panel],
    places: Sequence[tuple[int, int]],
    size: tuple[int, int],
    title: str,
    frame: int,
    frames: int,
) -> np.ndarray:
    """Return one frame, shape (height, width, 3) uint8."""
    canvas = Image.new("RGB", size, overlay.PAPER)
    draw = ImageDraw.Draw(canvas)
    overlay.title_line(draw, title, size[0])
    for panel, (left, top) in zip(panels, places, strict=True):
        panel.paint(canvas, draw, left, top, frame)
    overlay.progress(draw, size[1] - overlay.PROGRESS, (frame + 1) / frames, size[0])
    return np.asarray(canvas)


def _even(number: int) -> int:
    return number + number % 2
