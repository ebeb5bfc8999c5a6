"""One H.264 video, encoded frame by frame by the ffmpeg that imageio brings along."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from testbed.errors import UserError

FPS = 15
"""Frames a second."""
CRF = 26
"""x264's quality: lower is better and larger."""
_MEND = "give another place or make room on the disk; without ffmpeg, `pip install imageio-ffmpeg`"


@contextmanager
def video(path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Open a video for writing; it takes its name only when it is complete.

    Yields a function that appends one frame, shape (height, width, 3) uint8, even sizes.

    Raises:
        UserError: if it cannot be written; a file of that name stays as it was.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    try:
        import imageio  # takes a while, and only films need it

        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(b"")
        options = ["-crf", str(CRF), "-preset", "superfast", "-movflags", "+faststart"]
        with imageio.get_writer(
            temporary, format="FFMPEG", mode="I", fps=FPS, codec="libx264", pixelformat="yuv420p", quality=None,
            macro_block_size=2, ffmpeg_log_level="error", output_params=options,
        ) as writer:  # fmt: skip
            yield writer.append_data
        if not _is_complete(temporary):
            raise OSError("the encoder stopped early")
        os.replace(temporary, path)
    except (OSError, RuntimeError, ImportError) as error:
        reason = getattr(error, "strerror", None) or (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"cannot write the film {path}: {reason}; {_MEND}") from error
    finally:
        _remove(temporary)


def _is_complete(file: Path) -> bool:
    """Return whether an mp4's boxes add up to its size and its index is among them."""
    data, at, kinds = file.read_bytes(), 0, []
    while at + 8 <= len(data):
        kinds.append(data[at + 4 : at + 8])
        at += max(int.from_bytes(data[at : at + 4], "big"), 8)
    return at == len(data) and b"moov" in kinds


def _remove(file: Path) -> None:
    with suppress(OSError):  # the folder itself may be missing
        file.unlink(missing_ok=True)


def write_still(film: Path, seconds: float, still: Path) -> None:
    """Write one frame of a video as a PNG beside it, whole or not at all.

    Args:
        film: The video.
        seconds: Time of the frame; the last one if the video is shorter [s].
        still: The PNG to make.
    """
    import imageio

    with imageio.get_reader(film, format="FFMPEG") as reader:
        frame = reader.get_data(min(round(seconds * FPS), reader.count_frames() - 1))
    temporary = still.with_name(f".{still.stem}.{os.getpid()}.part.png")
    try:
        imageio.imwrite(temporary, frame)
        os.replace(temporary, still)
    finally:
        _remove(temporary)
