"""What is written over the pictures of a film: headers, labels, flashes. Sizes are in pixels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

WIDTH = 1280
TITLE, HEADER, PROGRESS = 44, 64, 8
"""Heights of the title line, of a panel's header and of the progress line."""
PAPER, INK, FAINT, BAR = (250, 250, 248), (28, 32, 38), (104, 110, 118), (226, 228, 230)
AMBER, RED, WHITE = (245, 158, 11), (220, 30, 38), (255, 255, 255)
FLASH = 9
"""Thickness of the frame round a panel."""

RAISED = {"²": "2", "³": "3"}

GAP = 6.0
"""Least distance between two plates on one row."""

Colour = tuple[int, int, int]
Span = tuple[float, float]


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own typeface in a size."""
    return ImageFont.load_default(size=size)


def width_of(text: str, size: int) -> float:
    """Return how wide a text is."""
    return sum(font(part_size).getlength(part) for part, part_size in _parts(text, size))


def write(draw: ImageDraw.ImageDraw, left: float, middle: float, text: str, colour: Colour, size: int) -> None:
    """Write a text on one line; Pillow's typeface lacks raised figures, so they are small ones set higher."""
    for part, part_size in _parts(text, size):
        raised = 0 if part_size == size else 0.28 * size
        draw.text((left, middle - raised), part, colour, font(part_size), anchor="lm")
        left += font(part_size).getlength(part)


def _parts(text: str, size: int) -> list[tuple[str, int]]:
    """Return the pieces of a text with their sizes, raised figures as small ordinary ones."""
    pieces = re.split("([²³])", text)
    return [(RAISED.get(piece, piece), round(0.62 * size) if piece in RAISED else size) for piece in pieces if piece]


def title_line(draw: ImageDraw.ImageDraw, title: str, width: int = WIDTH) -> None:
    """Write the title at the very top."""
    draw.rectangle((0, 0, width, TITLE - 1), fill=INK)
    write(draw, 20, TITLE / 2, shortened(title, 24, width - 40), WHITE, 24)


def header(label: str, colour: Colour, trigger: str, caption: str) -> Image.Image:
    """Return the part of a panel's header that stays: who it is, what triggers it, how severe it was."""
    strip = Image.new("RGB", (WIDTH, HEADER), PAPER)
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, 0, 19, HEADER), fill=colour)
    label = shortened(label, 34, 420)
    draw.text((36, HEADER / 2), label, colour, font(34), anchor="lm", stroke_width=1, stroke_fill=colour)
    left = 36 + font(34).getlength(label) + 24
    if trigger:
        room = max(930 - left - width_of(caption, 22) - 34, 120)
        left = chip(draw, left, HEADER / 2, shortened(trigger, 18, room), INK, 18) + 16
    write(draw, left, HEADER / 2, shortened(caption, 22, 930 - left), INK, 22)
    return strip


def clock(draw: ImageDraw.ImageDraw, top: float, speed: float, time: float) -> None:
    """Write the speed [m/s] and the time [s] at the right of a header."""
    middle = top + HEADER / 2
    draw.text((1085, middle), f"{3.6 * speed:.0f} km/h", INK, font(30), anchor="rm")
    draw.text((1097, middle + 2), f"{speed:.1f} m/s", FAINT, font(20), anchor="lm")
    draw.text((WIDTH - 20, middle + 2), f"{time:.1f} s", FAINT, font(20), anchor="rm")


def chip(draw: ImageDraw.ImageDraw, left: float, middle: float, text: str, colour: Colour, size: int = 20) -> float:
    """Write a text on a rounded plate; return the plate's right edge."""
    right = left + width_of(text, size) + size
    height = size * 0.8
    draw.rounded_rectangle((left, middle - height, right, middle + height), radius=size * 0.4, fill=colour)
    write(draw, left + size / 2, middle, text, _readable_on(colour), size)
    return right


def pointer(
    draw: ImageDraw.ImageDraw,
    at: tuple[float, float],
    reach: tuple[float, float],
    middle: float,
    text: str,
    colour: Colour,
    size: int = 20,
    taken: Sequence[Span] = (),
) -> Span:
    """Write a text on a plate at the height `middle`, with a line to the thing it speaks of.

    The plate keeps out of what is `taken` on its row; its own span, from left to right, is returned.

    Args:
        draw: Draws.
        at: The middle of the thing.
        reach: From there to its sides and to its top.
        middle: Height of the plate's middle.
        text: What is written.
        colour: Of plate and line.
        size: Of the text.
        taken: Spans of the row in which no plate may be.
    """
    half = (width_of(text, size) + size) / 2
    place = free(at[0], half, taken)
    if abs(at[1] - middle) < reach[1]:  # it is beside the plate
        x, y = at[0] + (reach[0] if place > at[0] else -reach[0]), at[1]
    else:
        x, y = at[0], at[1] + (reach[1] if middle > at[1] else -reach[1])
    x = min(max(x, FLASH), WIDTH - FLASH)
    near = min(max(x, place - 0.7 * half), place + 0.7 * half)
    draw.line((x, y, near, middle), colour, 3)
    return place - half, chip(draw, place - half, middle, text, colour, size)


def free(wish: float, half: float, taken: Sequence[Span]) -> float:
    """Return where the middle of something `2 * half` wide lies nearest to `wish` and overlaps nothing that is taken.

    Where there is no room at all, it overlaps.
    """
    low, high = half + FLASH + 4, WIDTH - half - FLASH - 4
    beside = [side for left, right in taken for side in (left - half - GAP, right + half + GAP)]
    places = [min(max(wish, low), high), *(place for place in beside if low <= place <= high)]
    clear = [p for p in places if all(p + half <= left or p - half >= right for left, right in taken)]
    return min(clear or places[:1], key=lambda place: abs(place - wish))


def flash(draw: ImageDraw.ImageDraw, top: float, bottom: float, severe: bool) -> None:
    """Draw a thick frame round a panel."""
    draw.rectangle((0, top, WIDTH - 1, bottom - 1), outline=RED if severe else AMBER, width=FLASH)


def ending(draw: ImageDraw.ImageDraw, middle: float, text: str) -> None:
    """Write across a panel that its episode is over."""
    chip(draw, ending_span(text)[0], middle, text, PAPER, 30)


def ending_span(text: str) -> Span:
    """Return from where to where an ending is written."""
    left = WIDTH - 70 - width_of(text, 30)
    return left, WIDTH - 40


def progress(draw: ImageDraw.ImageDraw, top: float, share: float, width: int = WIDTH) -> None:
    """Draw the line at the bottom that says how much of the film has passed."""
    draw.rectangle((0, top, width, top + PROGRESS), fill=BAR)
    draw.rectangle((0, top, width * share, top + PROGRESS), fill=INK)


def shortened(text: str, size: int, room: float) -> str:
    """Return a text that fits into `room`, cut with three dots if it has to be."""
    while text and width_of(text, size) > room:
        text = text.removesuffix("...")[:-1].rstrip() + "..." if len(text) > 4 else ""
    return text


def _readable_on(colour: Colour) -> Colour:
    brightness = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return INK if brightness > 150 else WHITE
