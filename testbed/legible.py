"""Text that any terminal shows and none obeys, and a stream that printing cannot fail on."""

from __future__ import annotations

import codecs
import json
import os
import sys
from contextlib import suppress
from typing import TextIO
from unicodedata import category

STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that steer a terminal or turn the text around, or that are none (half a surrogate pair)."""
LONGEST = 60
"""A value is told in no more characters."""
JOINER = "\u200d"
"""Joins emoji to one; harmless."""
PLAIN = {
    "✓": "ok", "✗": "x", "×": "x", "·": ".", "²": "2", "³": "3", "µ": "u", "…": "...", "†": "+",
    **{bar: str(height) for height, bar in enumerate("▁▂▃▄▅▆▇█", 1)},
}  # fmt: skip
"""What the testbed prints beyond ASCII -> the same where an encoding has no such character."""


def legible(text: str) -> str:
    r"""Return a text as one line that a terminal shows and does not obey.

    >>> print(legible("a[b]" + chr(10) + chr(27) + "[2J"))
    a[b]\n\x1b[2J
    """
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if category(c) in STEERING and c != JOINER else c for c in text)


def brief(value: object) -> str:
    """Return a value as a few words of one line."""
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Say in ASCII what an encoding has no characters for (an error handler of `codecs`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lost), error.end


codecs.register_error("testbed-plainly", _plainly)


class Steady:
    """Standard output or error as it is at the moment; writing to it never raises.

    What its encoding lacks is said in ASCII. Where nobody reads on (a closed pipe, a full disk), the rest goes nowhere,
    and the work goes on.

    Args:
        name: `stdout` or `stderr`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.lost: Exception | None = None
        """Why nothing is written any more."""

    @property
    def _stream(self) -> TextIO | None:
        stream = getattr(sys, self._name)
        return getattr(stream, "rich_proxied_file", stream)  # what a moving bar of rich has put itself before

    @property
    def encoding(self) -> str:
        """Name of the stream's encoding."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return whether somebody looks on."""
        try:
            return self._stream is not None and self._stream.isatty()
        except ValueError:  # closed
            return False

    def fileno(self) -> int:
        """Return the number of the file; raises OSError where there is none."""
        if self._stream is None:
            raise OSError(f"no {self._name}")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write a text, as well as it can be."""
        if self._stream is not None and not self.lost:
            plain = text.encode(self.encoding, "testbed-plainly").decode(self.encoding)
            try:
                self._stream.write(plain)
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        if self._stream is not None and not self.lost:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Let everything that is still to be written go nowhere, so that Python's own flush at the end succeeds."""
        self.lost = error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
