"""Write a data set episode by episode, so that a crash costs at most the episode being written.

While it grows, a data set is an index that links to one small file an episode, in a folder beside
it; both are written under a temporary name and renamed, so the index opens at every moment. It is
written anew for every twentieth part that comes to it, so that many episodes cost no more each than
few do; whoever goes on with a data set counts the small files. `finish` copies all of them into one
file and renames that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import h5py

from testbed.console import console, styled
from testbed.datasets import layout
from testbed.datasets.disk import new_file
from testbed.datasets.reader import count_episodes, is_complete, is_whole_part, stored_lineage
from testbed.errors import UserError
from testbed.files import remove, replacing, require_plain, sweep
from testbed.lineage import Copied, Lineage
from testbed.locks import Lock, lock_file, locked
from testbed.protocols.episode import Episode

SHARE = 1.05
"""The index is written anew when it would name so many times what it names."""


class DatasetWriter:
    """Appends episodes to a data set; opening one that was cut short goes on with it.

    `len(writer)` episodes are in it already; `writer.complete` says that nothing is left to do. An unfinished one is
    locked against other writers until it is finished or closed. Nothing is written before the first episode.

    Args:
        path: The .hdf5 file.
        environment: Gymnasium id of its scene.
        lineage: What it is made from.
        renewing: Whether one that another testbed made in the same way is made again, and not left alone.

    Raises:
        UserError: if another file is in the way, another process writes it, or the folder cannot be written.
    """

    def __init__(self, path: Path, environment: str, lineage: Lineage | Copied, renewing: bool = False) -> None:
        self.path, self.environment, self.lineage, self.renewing = path, environment, lineage, renewing
        self.parts = path.with_name(path.name + ".parts") if path.name else path
        require_plain(path)
        self.complete, self._count, self._listed, self._lock = self._is_complete(), 0, 0, None
        if self.complete:
            self._count = count_episodes(path)
            self._tidy()
        else:
            self._lock = Lock(path)
            self._begin()

    def _begin(self) -> None:
        """Take up what is there, now that nobody else writes it."""
        try:
            self.complete = self._is_complete()  # by another process, just before
            if self._outdated():
                self._clear()
            self._count = self._whole_parts()
            sweep(self.parts, alone=True)
        except UserError:
            self.close()
            raise
        if self.complete:
            self.close()
        self._index = _in_memory()
        self._start(self._index, complete=False)
        for number in range(self._count):
            self._link(number)
        self._listed = self._count

    def _tidy(self) -> None:
        """Remove what one that was killed at its very end left beside the data set, unless somebody is at it."""
        if not self.parts.exists() and not lock_file(self.path).exists():
            return
        with suppress(UserError), locked(self.path):
            if self._are_parts():
                remove(self.parts)

    def _outdated(self) -> str:
        """Return in words what made the data set that is there, if it is another testbed and that one is renewed."""
        return self.lineage.outdated(stored_lineage(self.path)) if self.renewing and self.path.exists() else ""

    def _clear(self) -> None:
        """Remove what another testbed made, and say so."""
        console.print(styled(f"{self.path.name} was {self._outdated()}: made again", "yellow"))
        if self._are_parts():
            remove(self.parts)
        remove(self.path)

    def _is_complete(self) -> bool:
        """Return whether the finished data set is there; raises `UserError` for anything else that is in the way."""
        if not self.path.exists():
            if self.parts.exists() and not self._are_parts():
                raise UserError(f"{self.parts} is in the way: give another file, or move it away")
            return False
        if self._outdated():
            return False
        difference = self.lineage.difference(stored_lineage(self.path))
        if difference:
            raise UserError(
                f"{self.path} is in the way: it was {difference}. Give another place, or move it away to make it anew"
            )
        return is_complete(self.path)

    def _are_parts(self) -> bool:
        """Return whether the folder beside the file holds parts and nothing else."""
        names = [part.name for part in self.parts.iterdir()] if self.parts.is_dir() else ["?"]
        return all(name.startswith(("demo_", ".demo_")) for name in names)

    def _whole_parts(self) -> int:
        """Return how many episodes are whole without a gap; one that is gone or damaged, and what comes after it, is
        collected again."""
        if self.complete or not self.path.exists():
            return 0
        number = 0
        while is_whole_part(self.parts / f"demo_{number}.hdf5", self.environment):
            number += 1
        return number

    def __len__(self) -> int:
        return self._count

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, episode: Episode) -> None:
        """Add one episode; when this returns, it is on the disk for good, and in the index at the latest on closing.

        Raises:
            UserError: if it cannot be written, or no more belong there; what was there before still is.
        """
        if self.complete:
            raise UserError(
                f"{self.path} is finished and yet holds {self._count} episodes only: some were removed from it. "
                "Move it away to collect all of them anew"
            )
        part = self.parts / f"demo_{self._count}.hdf5"
        _write_whole(part, lambda file: layout.write_episode(file.create_group("episode"), episode))
        self._link(self._count)
        self._count += 1
        if self._count >= SHARE * self._listed:
            self._list()

    def _list(self) -> None:
        """Write the index of all that is there."""
        _write_image(self.path, self._index)
        self._listed = self._count

    def finish(self, masks: Mapping[str, Sequence[int]] | None = None) -> None:
        """Make one file of the index and its parts, and let others write.

        Args:
            masks: Filter keys that somebody chose, name -> numbers of episodes; those of the layout if not given.
        """
        if not self.complete:
            with replacing(self.path) as temporary, new_file(temporary) as file:
                self._copy_parts(masks, file)
            self.complete = True
        if self._are_parts():
            remove(self.parts)
        self.close()

    def close(self) -> None:
        """Let others write; safe to call twice."""
        if self._lock is None:
            return
        if not self.complete and self._listed < self._count:
            with suppress(UserError):  # what is not in the index is on the disk all the same
                self._list()
        self._lock.release()

    def _link(self, number: int) -> None:
        """Have the index, which stays in memory, name one more episode."""
        name = f"demo_{number}"
        self._index["data"][name] = h5py.ExternalLink(f"{self.parts.name}/{name}.hdf5", "/episode")

    def _copy_parts(self, masks: Mapping[str, Sequence[int]] | None, file: h5py.File) -> None:
        data = self._start(file, complete=True)
        try:
            for number in range(self._count):
                with h5py.File(self.parts / f"demo_{number}.hdf5", "r") as part:
                    part.copy("episode", data, name=f"demo_{number}")
        except (OSError, KeyError, RuntimeError) as error:  # a part that is gone, or no part any more
            reason = " ".join(str(error).split())
            raise UserError(
                f"the parts of {self.path} in {self.parts.name} changed while it was written ({reason}): run the "
                "same command again; what is gone is collected again"
            ) from None
        data.attrs["total"] = sum(int(data[name].attrs["num_samples"]) for name in layout.demo_names(data))
        if masks is None:
            layout.write_masks(file, [(name, data[name].attrs) for name in layout.demo_names(data)])
        else:
            layout.write_given_masks(file, masks)

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
    file.flush()
    with replacing(path) as temporary:
        temporary.write_bytes(file.id.get_file_image())
