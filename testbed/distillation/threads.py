"""How training uses the machine: on one thread, in memory that is kept."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread; also a decorator. To use more cores, train in more processes.

    Networks this small gain little from a second thread, and stall where others use the cores.
    """
    keep_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def keep_memory() -> None:
    """Have the C library keep what is freed, up to 256 MiB: every step asks for the same again, and new pages cost.

    For the whole process; does nothing where the C library is not GNU's (mallopt(3)).
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        trim_threshold, mmap_threshold = -1, -3
        library.mallopt(trim_threshold, 2**28)
        library.mallopt(mmap_threshold, 2**25)
