"""A finished run's records, read from its folder and from nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from testbed.audit.report import AGAIN, audit_from_json, clips_from_json
from testbed.audit.result import Audit, Video
from testbed.errors import UserError
from testbed.films.video import is_complete
from testbed.records import NotThere, read_bytes

AUDIT, VIDEOS, CLIPS, EPISODES = "audit.json", "videos", "clips.json", "episodes.hdf5"
"""Names in a run's folder; the clips' own and what they show are in that of the videos."""
Record = TypeVar("Record")


def read_audit(run: Path) -> Audit:
    """Return what a run found; raises `UserError` where that is not there, damaged, or no file of the run's own."""
    return _read(run, run / AUDIT, audit_from_json)


def read_clips(run: Path) -> tuple[Video, ...]:
    """Return a run's clips, whose videos are there and whole; raises `UserError` as `read_audit`, for them too."""
    folder = run / VIDEOS
    clips = _read(run, folder / CLIPS, lambda data: clips_from_json(data, folder))
    for clip in clips:
        _require_own(clip.video, run)
        if not is_complete(read_bytes(clip.video, AGAIN)):
            raise NotThere(f"{clip.video} is damaged (it is no whole film): {AGAIN}")
    return clips


def _read(run: Path, file: Path, made_from: Callable[[bytes], Record]) -> Record:
    _require_own(file, run)
    if not os.path.lexists(file):
        raise NotThere(f"{run} is not a finished run (no {file.relative_to(run)}): run the task's script again")
    try:
        return made_from(read_bytes(file, AGAIN))
    except ValueError as error:
        raise NotThere(f"{file} is damaged and cannot be read ({error}): {AGAIN}") from None


def _require_own(file: Path, run: Path) -> None:
    """Raise `UserError` where a file, or a folder between it and its run's, is a link: it may lead anywhere."""
    for place in (file, *file.parents):
        if place == run:
            return
        if os.path.islink(place):  # of any path; it raises nothing
            raise UserError(f"{place} is a link, and what it leads to is not the run's: remove it, and {AGAIN}")
