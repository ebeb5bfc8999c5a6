"""A file on the disk as the HDF5 library writes it, which a full disk does not harm.

The library (2.0) does not survive a write that fails under it: it keeps what it could not write, and the process ends
with that. So here a write never fails: what the disk refuses is dropped, and raised once the library is done.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py


@contextmanager
def new_file(path: Path) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that is written to the disk piece by piece.

    Raises:
        OSError: at the end of the block, if the disk did not take all of it.
    """
    with path.open("w+b", buffering=0) as file:
        disk = _Disk(file.fileno())
        try:
            with h5py.File(disk, "w") as hdf5:
                yield hdf5
        finally:
            if disk.refused is not None:
                raise disk.refused from None


class _Disk(io.RawIOBase):
    """What `h5py` writes to and reads from."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.at, self.end = descriptor, 0, 0
        self.refused: OSError | None = None

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self.at, io.SEEK_END: self.end}[whence]
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer) -> int:
        view = memoryview(buffer).cast("B")
        found = os.pread(self.descriptor, len(view), self.at)
        view[: len(found)] = found
        view[len(found) :] = bytes(len(view) - len(found))  # of what was never written, or was dropped
        self.at += len(view)
        return len(view)

    def write(self, data) -> int:
        view, place = memoryview(data).cast("B"), self.at
        size = len(view)
        self.at += size
        self.end = max(self.end, self.at)
        while view and self.refused is None:
            try:
                done = os.pwrite(self.descriptor, view, place)
                view, place = view[done:], place + done
            except OSError as error:
                self.refused = error
        return size

    def truncate(self, size: int | None = None) -> int:
        self.end = self.at if size is None else size
        if self.refused is None:
            try:
                os.ftruncate(self.descriptor, self.end)
            except OSError as error:
                self.refused = error
        return self.end

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
