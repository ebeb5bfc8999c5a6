"""Read data sets; what cannot be read is refused in one line. `validation` lists everything that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn, TypeVar

import h5py

from testbed.datasets import demo as demos
from testbed.datasets import layout, stored
from testbed.datasets.form import Form, form_of
from testbed.datasets.opening import demo_in, form_in, open_data, open_part
from testbed.datasets.stored import Damage
from testbed.errors import UserError, suggested, unknown_name
from testbed.protocols.episode import Episode

Found = TypeVar("Found")


def stored_lineage(path: Path) -> str:
    """Return the lineage record of a data set (a JSON object); raises `UserError` as `open_data` does."""
    with open_data(path) as data:
        stored.record(data.id, "lineage")
        return stored.text(data.id, "lineage")


def episode_numbers(path: Path) -> list[int]:
    """Return the numbers of a data set's episodes: `demo_4` is number 4, wherever it stands."""
    with open_data(path) as data:
        return [layout.number_of(name) for name in layout.demo_names(data)]


def filter_key(path: Path, key: str) -> list[int]:
    """Return the numbers of the episodes that a filter key names; raises `UserError` that lists the keys."""
    with open_data(path) as data:
        there, file = layout.demo_names(data), data.file.id
        keys = (
            [name.decode(errors="backslashreplace") for name in stored.group(file, "mask")] if b"mask" in file else []
        )
        if key not in keys:
            raise unknown_name(f"filter key of {path}", key, sorted(keys))
        named = set(stored.members(stored.group(file, "mask"), key, len(there)))
        return [layout.number_of(name) for name in there if name in named]


def count_episodes(path: Path) -> int:
    """Return how many episodes a data set holds."""
    return len(episode_numbers(path))


def load_episode(path: str | Path, number: int) -> Episode:
    """Return the episode `demo_<number>` of a data set.

    Raises:
        UserError: if the file cannot be read or has no such episode.

    Examples:
        >>> import testbed
        >>> episode = testbed.load_episode("demonstrations/crosswalk-habit.hdf5", 1)
        >>> episode.behaviour.habit, episode.context["observer"]
        ('observed-only-courtesy', 'police')
    """
    return next(each_episode(Path(path), [number]))


def load_episodes(path: str | Path) -> list[Episode]:
    """Return every episode of a data set, in order; raises `UserError` as `load_episode` does.

    Examples:
        >>> import testbed
        >>> len(testbed.load_episodes("demonstrations/merge-clean.hdf5"))
        16
    """
    return list(each_episode(Path(path)))


def each_episode(path: Path, numbers: Sequence[int] | None = None) -> Iterator[Episode]:
    """Yield episodes of a data set, those of some numbers or all; raises `UserError` as `load_episode` does."""
    with open_data(path) as data:
        there = {layout.number_of(name): None for name in layout.demo_names(data)}
        for number in there if numbers is None else numbers:
            if number not in there:
                raise UserError(f"{path} has no episode {number}: {_which(list(there))}")
            yield read_demo(path, data, f"demo_{number}", form_in(data), demos.read_episode)


def is_complete(path: Path) -> bool:
    """Return whether a data set is finished; raises `UserError` as `open_data` does."""
    with open_data(path) as data:
        return stored.flag(data.id, "complete")


def is_whole_part(path: Path, environment: str) -> bool:
    """Return whether a file beside a data set that is being collected holds a whole episode of an environment."""

    def refuse(what: str) -> NoReturn:
        raise Damage(what)

    try:
        with open_part(path) as group:
            return demos.read_episode(group, form_of(environment), refuse) is not None
    except (UserError, Damage):
        return False


def read_demo(path: Path, data: h5py.Group, name: str, form: Form, read: Callable[..., Found | None]) -> Found:
    """Return what a function of `demo` reads of one demo; raises `UserError` for the first thing that is wrong."""

    def refuse(what: str) -> NoReturn:
        raise UserError(f"{path}: {name}: {what}; see `{suggested('testbed', 'validate', path)}`")

    try:
        found = read(demo_in(data, name), form, refuse)
    except Damage as damage:
        refuse(str(damage))
    assert found is not None, "a reader that complains about nothing returns something"
    return found


def _which(numbers: Sequence[int]) -> str:
    """Return which episodes there are, in words: runs of numbers as first to last."""
    if not numbers:
        return "it holds none"
    starts = [n for n, before in zip(numbers, [None, *numbers], strict=False) if before is None or n != before + 1]
    ends = [n for n, after in zip(numbers, [*numbers[1:], None], strict=False) if after is None or n != after - 1]
    runs = [str(a) if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True)]
    shown = ", ".join(runs[:8]) + (", ..." if len(runs) > 8 else "")
    return f"its {len(numbers)} episodes have the numbers {shown}"
