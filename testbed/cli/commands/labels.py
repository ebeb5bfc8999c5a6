"""What folders are called in tables and films."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def told_apart(folders: Sequence[Path]) -> list[str]:
    """Return the shortest end of each path that no other one of them has, for example `a/student` and `b/student`."""
    whole = [Path(os.path.abspath(folder)).parts for folder in folders]
    return ["/".join(parts[-_needed(parts, set(whole) - {parts}) :]) for parts in whole]


def _needed(parts: tuple[str, ...], others: set[tuple[str, ...]]) -> int:
    ends = range(1, len(parts))
    return next((n for n in ends if all(other[-n:] != parts[-n:] for other in others)), len(parts))
