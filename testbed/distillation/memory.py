"""How training uses memory: what is freed is kept for the next step."""

from __future__ import annotations

import ctypes
import sys


def keep_memory() -> None:
    """Have the C library keep what is freed, up to 256 MiB: every step asks for the same again, and new pages cost.

    For the whole process; does nothing where the C library is not GNU's (mallopt(3)).
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3
        library.mallopt(trim_threshold, 2**28)
        library.mallopt(mmap_threshold, 2**25)
