"""Episodes in a page."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.audit.deeds import as_scene
from testbed.console import console, tracked
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.errors import UserError, suggested
from testbed.exchange.foreign import deeds, is_foreign
from testbed.experiment.stored import EPISODES, VIDEOS
from testbed.files import require_replaceable
from testbed.protocols.episode import Episode
from testbed.protocols.scene import SceneSpec
from testbed.scenes.registry import get_scene
from testbed.viewing.page import PAGE, write_view
from testbed.viewing.rrd import RRD, write_rrd
from testbed.viewing.shown import Shown, shown


def view(sources: Sequence[Path], wanted: Sequence[int], most: int, out: Path | None, rrd: Path | None) -> None:
    """Write the page of some episodes, or a recording; see `testbed view --help`."""
    if not sources:
        raise UserError("give a data set (.hdf5), or the folder of a run or an audit")
    sets = [found for source in sources for found in _sets(source)]
    if rrd is not None and out is not None:
        raise UserError("--rrd makes a recording in place of the page of --write: give one of them")
    out = (
        rrd
        or out
        or (
            sources[0] / "view.html"
            if sources[0].is_dir() and not is_foreign(sources[0])
            else sources[0].with_suffix(".html")
        )
    )
    require_replaceable(out, PAGE if rrd is None else RRD)
    count = _count(sets, wanted)
    if not count:
        raise UserError(f"{sets[0][0]} holds no episode: collect some")
    title = ", ".join(source.absolute().name for source in sources)
    scene, kept = _kept(sets, wanted, most, count)
    if rrd is None:
        write_view(out, scene, title, [one.shown for one in kept])
    else:
        write_rrd(out, scene, title, _again(kept))
    left = f"the {len(kept)} worst of {count} episodes" if len(kept) < count else f"{len(kept)} episodes"
    how = "open it in a browser" if rrd is None else f"look at it with: {suggested('rerun', out)}"
    console.print(f"{out}  {left}, {out.stat().st_size / 1e6:.1f} MB; {how}")


def write_page(file: Path, out: Path, title: str) -> None:
    """Write the page of all episodes of a data set."""
    count = len(episode_numbers(file))
    scene, kept = _kept([(file, "")], (), count, count)
    write_view(out, scene, title, [one.shown for one in kept])


@dataclass(frozen=True)
class _Kept:
    """An episode that is shown."""

    file: Path
    """Its data set."""
    number: int
    """Its number there."""
    shown: Shown
    """As a page holds it."""

    @property
    def name(self) -> str:
        """What it is called among others."""
        return f"{self.shown.row['source']} {self.number}"


def _again(kept: Sequence[_Kept]) -> Iterator[tuple[str, Episode]]:
    """Yield names and episodes of what is shown, file by file."""
    for file in dict.fromkeys(one.file for one in kept):
        names = {one.number: one.name for one in kept if one.file == file}
        for _, number, episode in _episodes(file, list(names)):
            yield names[number], episode


def _count(sets: Sequence[tuple[Path, str]], wanted: Sequence[int]) -> int:
    return sum(len(wanted or _numbers(file)) for file, _ in sets)


def _numbers(file: Path) -> list[int]:
    return list(range(sum(1 for _ in deeds(file)))) if is_foreign(file) else episode_numbers(file)


def _sets(source: Path) -> list[tuple[Path, str]]:
    """Return the data sets that a source stands for, and what each is called."""
    if not source.is_dir() or is_foreign(source):
        return [(source, source.stem)]
    found = sorted(source.rglob(f"{VIDEOS}/{EPISODES}"))
    if not found:
        raise UserError(
            f"{source} holds no filmed scene ({VIDEOS}/{EPISODES}): give the folder of a run or an audit with films, "
            "or a data set (.hdf5)"
        )
    return [(file, file.parents[1].name) for file in found]


def _kept(
    sets: Sequence[tuple[Path, str]], wanted: Sequence[int], most: int, count: int
) -> tuple[SceneSpec, list[_Kept]]:
    """Return the scene, and what is shown of it, in order; no more than that is in memory."""
    scenes: dict[str, SceneSpec] = {}

    def each() -> Iterator[tuple[float, int, _Kept]]:
        place = 0
        for file, name in sets:
            for scene, number, episode in _episodes(file, wanted):
                scenes.setdefault(episode.environment, scene)
                if len(scenes) > 1:
                    raise UserError(f"{file} is of {episode.environment}, others are not: a page shows one scene")
                one = shown(scene, episode, number, name)
                yield _badness(scene, one), -place, _Kept(file, number, one)
                place += 1

    found = heapq.nlargest(most, tracked(each(), "measure episodes", count), key=lambda item: item[:2])
    (scene,) = scenes.values()
    return scene, [one for _, _, one in sorted(found, key=lambda item: -item[1])]


def _episodes(file: Path, wanted: Sequence[int]) -> Iterator[tuple[SceneSpec, int, Episode]]:
    """Yield scene, number and episode of those of a data set that are wanted, or all."""
    if is_foreign(file):
        scene, found = as_scene(file)
        yield from ((scene, number, one) for number, one in enumerate(found) if not wanted or number in wanted)
        return
    numbers = wanted or episode_numbers(file)
    for number, episode in zip(numbers, each_episode(file, wanted or None), strict=True):
        yield get_scene(episode.environment), number, episode


def _badness(scene: SceneSpec, one: Shown) -> float:
    value = one.row["values"][scene.primary]
    if value is None:
        return float("inf")
    return value if scene.measures[scene.primary].worse == "higher" else -value
