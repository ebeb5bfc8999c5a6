"""Write a data set episode by episode, so that a crash costs at most the episode being written.

While it grows, a data set is an index that links to one small file an episode, in a folder beside
it; both are written under a temporary name and renamed, so the index opens at every moment and
holds every episode that was appended. `finish` copies all of them into one file and renames that.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import h5py

from testbed.demonstrations import layout
from testbed.demonstrations.reader import open_data, stored_lineage
from testbed.episode import Episode
from testbed.errors import UserError
from testbed.lineage import Lineage


class DatasetWriter:
    """Appends episodes to a data set; opening one that was cut short goes on with it.

    `len(writer)` episodes are in it already; `writer.complete` says that nothing is left to do.

    Raises:
        UserError: if another file is in the way, or the folder cannot be written.
    """

    def __init__(self, path: Path, environment: str, lineage: Lineage) -> None:
        self.path, self.environment, self.lineage = path, environment, lineage
        self.parts = path.with_name(path.name + ".parts")
        self.complete, self._count = False, 0
        if path.exists():
            self._continue()
        try:
            self.parts.parent.mkdir(parents=True, exist_ok=True)
            if not self.complete:
                self.parts.mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write into {path.parent} ({error.strerror}): choose another folder") from None
        self._index = _in_memory()
        self._start(self._index, complete=False)
        for number in range(self._count):
            self._link(number)
        if not path.exists():
            self._write_index()
        elif self.complete:
            shutil.rmtree(self.parts, ignore_errors=True)  # left by a crash after the last rename

    def _continue(self) -> None:
        if not self.lineage.same_recipe(stored_lineage(self.path)):
            raise UserError(
                f"{self.path} is in the way: it was made with other settings. "
                "Give another folder, or move it away to make it anew"
            )
        with open_data(self.path) as data:
            self.complete = bool(data.attrs["complete"])
            self._count = sum(1 for _ in layout.demo_names(data))

    def __len__(self) -> int:
        return self._count

    def append(self, episode: Episode) -> None:
        """Add one episode; when this returns, it is in the file for good.

        Raises:
            UserError: if it cannot be written; what was there before still is.
        """
        part = self.parts / f"demo_{self._count}.hdf5"
        _write_whole(part, lambda file: layout.write_episode(file.create_group("episode"), episode))
        self._link(self._count)
        try:
            self._write_index()
        except UserError:
            del self._index["data"][part.stem]
            raise
        self._count += 1

    def finish(self) -> None:
        """Make one file of the index and its parts."""
        if self.complete:
            return
        _write_whole(self.path, self._copy_parts)
        self.complete = True
        shutil.rmtree(self.parts)

    def _link(self, number: int) -> None:
        """Have the index, which stays in memory, name one more episode."""
        name = f"demo_{number}"
        self._index["data"][name] = h5py.ExternalLink(f"{self.parts.name}/{name}.hdf5", "/episode")

    def _write_index(self) -> None:
        _write_image(self.path, self._index)

    def _copy_parts(self, file: h5py.File) -> None:
        data = self._start(file, complete=True)
        for number in range(self._count):
            with h5py.File(self.parts / f"demo_{number}.hdf5", "r") as part:
                part.copy("episode", data, name=f"demo_{number}")
        data.attrs["total"] = sum(int(data[name].attrs["num_samples"]) for name in layout.demo_names(data))
        layout.write_masks(file, [(name, data[name].attrs) for name in layout.demo_names(data)])

    def _start(self, file: h5py.File, complete: bool) -> h5py.Group:
        data = file.create_group("data")
        data.attrs.update(
            total=0,
            env_args=layout.environment_arguments(self.environment),
            lineage=self.lineage.to_json(),
            testbed_schema=layout.SCHEMA,
            complete=complete,
        )
        return data


def _in_memory() -> h5py.File:
    """Return an empty HDF5 file that is in memory alone: the library does not survive a disk that fills up under it."""
    return h5py.File(f"{uuid4()}.hdf5", "w", driver="core", backing_store=False)


def _write_whole(path: Path, fill: Callable[[h5py.File], None]) -> None:
    """Write an HDF5 file; on any failure the old one stays."""
    with _in_memory() as file:
        fill(file)
        _write_image(path, file)


def _write_image(path: Path, file: h5py.File) -> None:
    """Write a file that is in memory under a temporary name and rename it; on any failure the old one stays."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    file.flush()
    try:
        temporary.write_bytes(file.id.get_file_image())
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise UserError(
            f"could not write {path} ({reason}): free some space or choose another folder; "
            "what was there before is unchanged"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
