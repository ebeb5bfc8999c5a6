"""Numbers as text, with their intervals; plain, so that whoever shows them escapes what it must."""

from __future__ import annotations

import math

from testbed.audit.result import Interval

LARGEST = 1e12
"""Nothing is shown as further from 0."""


def number(value: float, scale: float | None = None) -> str:
    """Return a number to three significant digits of `scale`, or by default of its own size (two below 1)."""
    if not math.isfinite(value):
        return "n/a"
    size = abs(value) * (10 if abs(value) < 1 else 1) if scale is None else abs(scale)
    digits = 2 if size == 0 else min(4, max(0, 2 - math.floor(math.log10(min(size, LARGEST)))))
    text = f"{value:.{digits}f}"
    return text.replace("-", "\u2212" if float(text) else "")


def interval(value: Interval) -> str:
    """Return an estimate and its interval, all to two significant digits of the interval's width."""
    width = value.high - value.low
    scale = 10 * width if 1e-9 < width < math.inf else None  # less is a sum's last digits
    return f"{number(value.value, scale)} [{number(value.low, scale)}, {number(value.high, scale)}]"


def percent(value: Interval) -> str:
    """Return a share or ratio and its interval in whole per cent."""
    mid, low, high = (number(100 * end, 100) for end in (value.value, value.low, value.high))
    return f"{mid} % [{low}, {high}]"


def two_decimals(value: Interval) -> str:
    """Return `1.23 [1.00, 1.50]`, as tables in a terminal have it."""
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"
