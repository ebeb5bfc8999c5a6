"""One H.264 video, encoded frame by frame by the ffmpeg that imageio brings along."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import numpy as np

from testbed.errors import UserError
from testbed.files import Kind, replacing

FPS = 15
"""Frames a second."""
CRF = 26
"""x264's quality: lower is better and larger."""
SMALL_CRF, SMALL_WIDTH = 34, 960
"""The same of films that are to be small, and their width at most [px]."""
THREADS = 1
"""Of the encoder, on any number of cores, so that a film is the same to the last byte; drawing a frame takes longer
than encoding one, and more threads cost an eighth more."""
AHEAD = 8
"""Frames that may wait for the encoder while the next ones are drawn."""
MARK = "made by testbed"
"""What the file says of itself, so that it is told from anybody else's film."""


def _is_film(path: Path) -> bool:
    return path.is_file() and (MARK.encode() in path.read_bytes() or (path.parent / "clips.json").is_file())


FILM = Kind("a film", _is_film)
"""What a new film replaces: one with the mark, or, as those of 0.6.0 have none, one among a run's clips."""
_STOPPED = "the encoder (ffmpeg) of {} ended early"
_AGAIN = "run the same command again; if it happens again, see that the disk has room"


@contextmanager
def video(path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Open a video for writing; it takes its name only when it is complete.

    Yields a function that appends one frame, shape (height, width, 3) uint8, even sizes.

    Raises:
        UserError: if it cannot be written; a file of that name stays as it was.
    """
    with replacing(Path(path), FILM) as temporary, _encoder(temporary, path) as append:
        yield append


@contextmanager
def _encoder(temporary: Path, path: Path) -> Iterator[Callable[[np.ndarray], None]]:
    """Yield what sends frames to ffmpeg, which writes the temporary file; say of the film `path` what goes wrong."""
    waiting: Queue[np.ndarray | None] = Queue(AHEAD)
    failed: list[str] = []
    sender: Thread | None = None

    def append(frame: np.ndarray) -> None:
        nonlocal sender
        if sender is None:
            sender = Thread(target=_send, args=(_started(temporary, frame, path), waiting, failed), daemon=True)
            sender.start()
        if failed:
            raise UserError(f"{_STOPPED.format(path)} ({failed[0]}); {_AGAIN}")
        waiting.put(np.ascontiguousarray(frame))

    try:
        yield append
    finally:
        if sender is not None:
            waiting.put(None)
            sender.join()
    if failed or not temporary.is_file() or not is_complete(temporary.read_bytes()):
        reason = f" ({failed[0]})" if failed else ""
        raise UserError(f"{_STOPPED.format(path)}{reason}; {_AGAIN}")


def _send(sending: Generator[None, np.ndarray], waiting: Queue[np.ndarray | None], failed: list[str]) -> None:
    """Send frames that wait until None comes, or until it fails; then they are thrown away."""
    while (frame := waiting.get()) is not None:
        try:
            if not failed:
                sending.send(frame)
        except Exception as error:  # whoever draws hears of it; else it would wait for ever
            failed.append(_said(error))
    sending.close()


def _started(temporary: Path, frame: np.ndarray, path: Path) -> Generator[None, np.ndarray]:
    try:
        from imageio_ffmpeg import write_frames  # takes a while, and only films need it

        height, width, _ = frame.shape
        quality = ["-crf", str(CRF), "-preset", "superfast", "-threads", str(THREADS)]
        options = [*quality, "-movflags", "+faststart", "-f", "mp4"]
        sending = write_frames(
            str(temporary), (width, height), fps=FPS, codec="libx264", quality=None, macro_block_size=2,
            ffmpeg_log_level="error", output_params=[*options, "-metadata", f"comment={MARK}"],
        )  # fmt: skip
        sending.send(None)
    except (OSError, RuntimeError, ImportError) as error:
        raise UserError(f"cannot start to film {path} ({_said(error)}): pip install imageio-ffmpeg") from error
    return sending


def _said(error: Exception) -> str:
    """Return the first line of what an error says."""
    return getattr(error, "strerror", None) or (str(error).strip().splitlines() or [type(error).__name__])[0]


def is_complete(data: bytes) -> bool:
    """Return whether an mp4's boxes add up to its size and its index is among them."""
    at, kinds = 0, set()
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:
            return False
        kinds.add(data[at + 4 : at + 8])
        at += size
    return at == len(data) and b"moov" in kinds


def compressed(film: Path, smaller: Path) -> None:
    """Write a film once more, narrower and a little less sharp, as long as the encoder likes to take.

    Raises:
        UserError: if ffmpeg was ended before it was done.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    options = ["-vf", f"scale='min({SMALL_WIDTH},iw)':-2", "-c:v", "libx264", "-crf", str(SMALL_CRF)]
    options += ["-preset", "veryslow", "-movflags", "+faststart"]
    options += ["-threads", str(THREADS), "-metadata", f"comment={MARK}", "-f", "mp4"]
    with replacing(smaller, FILM) as temporary:
        command = [get_ffmpeg_exe(), "-v", "error", "-i", str(film), *options, str(temporary)]
        if subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True).returncode:
            temporary.unlink(missing_ok=True)
            raise UserError(f"{_STOPPED.format(smaller)}; {_AGAIN}")


def write_still(film: Path, seconds: float, still: Path) -> None:
    """Write one frame of a video as a PNG beside it, whole or not at all.

    Args:
        film: The video.
        seconds: Time of the frame; the last one if the video is shorter [s].
        still: The PNG to make.

    Raises:
        UserError: if ffmpeg was ended before it was done.
    """
    from imageio_ffmpeg import count_frames_and_secs, get_ffmpeg_exe

    frame = min(round(seconds * FPS), count_frames_and_secs(str(film))[0] - 1)
    only = ["-vf", f"select=eq(n\\,{frame})", "-frames:v", "1", "-f", "image2", "-c:v", "png"]
    with replacing(still) as temporary:  # whose name does not say that it is a picture
        command = [get_ffmpeg_exe(), "-v", "error", "-i", str(film), *only, "-update", "1", f"file:{temporary}"]
        if subprocess.run(command, stdin=subprocess.DEVNULL).returncode:
            raise UserError(f"{_STOPPED.format(still)}; {_AGAIN}")
