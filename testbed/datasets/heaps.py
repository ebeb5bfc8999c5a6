"""Look at the texts of an HDF5 file before the library does: two kinds of damage to them end badly inside it.

The library (2.0) walks a heap of texts object by object, for ever where an object takes no room; and it takes as much
memory as a text says it is long, up to 4 GB, before it finds that the heap holds less. Both are seen in the bytes.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

HEAP, OBJECT = struct.Struct("<8xQ"), struct.Struct("<H6xQ")
"""Header of a heap: its size. Header of an object in it: its number (0: the room that is free) and size."""
HEAP_MARK = b"GCOL\x01"
TEXT_MARK = bytes.fromhex("10000000 10000000 01000000 00000800")
"""How the type of a text of any length goes on in an attribute: its size, and that of a character, of 8 bits."""
LENGTH_AFTER, LENGTH = 28, struct.Struct("<I")
"""Where, from there, the attribute's value begins: with the length of the text."""


def damaged_text(path: Path, longest: int) -> str:
    """Return what is wrong with the texts of a file, in words, or an empty string.

    Args:
        path: A regular file that is not empty.
        longest: No text is longer [bytes].
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        if not all(_ends(image, start) for start in _places(image, HEAP_MARK)):
            return "a heap of texts in it has no end"
        lengths = (_number(image, start + LENGTH_AFTER) for start in _places(image, TEXT_MARK))
        return f"a text in it claims to be longer than {longest:,} bytes" if max(lengths, default=0) > longest else ""


def _places(image: mmap.mmap, mark: bytes) -> Iterator[int]:
    place = image.find(mark)
    while place >= 0:
        yield place
        place = image.find(mark, place + 1)


def _number(image: mmap.mmap, place: int) -> int:
    return LENGTH.unpack_from(image, place)[0] if place + LENGTH.size <= len(image) else 0


def _ends(image: mmap.mmap, start: int) -> bool:
    """Return whether a walk through the objects of a heap comes to an end."""
    if start + HEAP.size > len(image):
        return True
    end = min(start + HEAP.unpack_from(image, start)[0], len(image))
    place = start + HEAP.size
    while place + OBJECT.size <= end:
        number, size = OBJECT.unpack_from(image, place)
        if number == 0 and size == 0:
            return False
        place += size if number == 0 else OBJECT.size + (size + 7) // 8 * 8
    return True
