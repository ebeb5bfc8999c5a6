"""What is written over the pictures of a film: headers, labels, flashes. Sizes are in pixels."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageDraw, ImageFont

WIDTH = 1280
TITLE, HEADER, PROGRESS = 44, 64, 8
"""Heights of the title line, of a panel's header and of the progress line."""
PAPER, INK, FAINT, BAR = (250, 250, 248), (28, 32, 38), (104, 110, 118), (226, 228, 230)
AMBER, RED, WHITE = (245, 158, 11), (220, 30, 38), (255, 255, 255)
FLASH = 9
"""Thickness of the frame round a panel."""

Colour = tuple[int, int, int]


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own typeface in a size."""
    return ImageFont.load_default(size=size)


def title_line(draw: ImageDraw.ImageDraw, title: str) -> None:
    """Write the title at the very top."""
    draw.rectangle((0, 0, WIDTH, TITLE - 1), fill=INK)
    draw.text((20, TITLE / 2), shortened(title, 24, WIDTH - 40), WHITE, font(24), anchor="lm")


def header(label: str, colour: Colour, trigger: str, caption: str) -> Image.Image:
    """Return the part of a panel's header that stays: who it is, what triggers it, how severe it was."""
    strip = Image.new("RGB", (WIDTH, HEADER), PAPER)
    draw = ImageDraw.Draw(strip)
    draw.rectangle((0, 0, 13, HEADER), fill=colour)
    label = shortened(label, 34, 420)
    draw.text((28, HEADER / 2), label, colour, font(34), anchor="lm", stroke_width=1, stroke_fill=colour)
    left = 28 + font(34).getlength(label) + 24
    if trigger:
        left = chip(draw, left, HEADER / 2, shortened(trigger, 20, 220), INK) + 16
    draw.text((left, HEADER / 2), shortened(caption, 22, 900 - left), INK, font(22), anchor="lm")
    return strip


def clock(draw: ImageDraw.ImageDraw, top: float, speed: float, time: float) -> None:
    """Write the speed [m/s] and the time [s] at the right of a header."""
    middle = top + HEADER / 2
    draw.text((1085, middle), f"{3.6 * speed:.0f} km/h", INK, font(30), anchor="rm")
    draw.text((1097, middle + 2), f"{speed:.1f} m/s", FAINT, font(20), anchor="lm")
    draw.text((WIDTH - 20, middle + 2), f"{time:.1f} s", FAINT, font(20), anchor="rm")


def chip(draw: ImageDraw.ImageDraw, left: float, middle: float, text: str, colour: Colour, size: int = 20) -> float:
    """Write a text on a rounded plate; return the plate's right edge."""
    right = left + font(size).getlength(text) + size
    height = size * 0.8
    draw.rounded_rectangle((left, middle - height, right, middle + height), radius=size * 0.4, fill=colour)
    draw.text(((left + right) / 2, middle), text, _readable_on(colour), font(size), anchor="mm")
    return right


def pointer(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], middle: float, text: str, colour: Colour, size: int = 20
) -> None:
    """Write a text on a plate at the height `middle`, with a line to the point it speaks of."""
    half = (font(size).getlength(text) + size) / 2
    left = min(max(at[0], half + FLASH + 4), WIDTH - half - FLASH - 4) - half
    draw.line((min(max(at[0], FLASH), WIDTH - FLASH), at[1], min(max(at[0], FLASH), WIDTH - FLASH), middle), colour, 3)
    chip(draw, left, middle, text, colour, size)


def flash(draw: ImageDraw.ImageDraw, top: float, bottom: float, severe: bool) -> None:
    """Draw a thick frame round a panel."""
    draw.rectangle((0, top, WIDTH - 1, bottom - 1), outline=RED if severe else AMBER, width=FLASH)


def ending(draw: ImageDraw.ImageDraw, middle: float, text: str) -> None:
    """Write across a panel that its episode is over."""
    width = font(34).getlength(text) + 34
    chip(draw, (WIDTH - width) / 2, middle, text, PAPER, 34)


def progress(draw: ImageDraw.ImageDraw, top: float, share: float) -> None:
    """Draw the line at the bottom that says how much of the film has passed."""
    draw.rectangle((0, top, WIDTH, top + PROGRESS), fill=BAR)
    draw.rectangle((0, top, WIDTH * share, top + PROGRESS), fill=INK)


def shortened(text: str, size: int, room: float) -> str:
    """Return a text that fits into `room`, cut with an ellipsis if it has to be."""
    while text and font(size).getlength(text) > room:
        text = text.rstrip("…")[:-1].rstrip() + "…" if len(text) > 1 else ""
    return text


def _readable_on(colour: Colour) -> Colour:
    brightness = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return INK if brightness > 150 else WHITE
