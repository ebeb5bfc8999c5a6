"""Episodes in a page."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path

from testbed.console import console, tracked
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.errors import UserError
from testbed.experiment.stored import EPISODES, VIDEOS
from testbed.files import require_replaceable
from testbed.protocols.scene import SceneSpec
from testbed.scenes.registry import get_scene
from testbed.viewing.page import PAGE, write_view
from testbed.viewing.shown import Shown, shown


def view(sources: Sequence[Path], wanted: Sequence[int], most: int, out: Path | None) -> None:
    """Write the page of some episodes; see `testbed view --help`."""
    if not sources:
        raise UserError("give a data set (.hdf5), or the folder of a run or an audit")
    sets = [found for source in sources for found in _sets(source)]
    out = out or (sources[0] / "view.html" if sources[0].is_dir() else sources[0].with_suffix(".html"))
    require_replaceable(out, PAGE)
    count = _count(sets, wanted)
    if not count:
        raise UserError(f"{sets[0][0]} holds no episode: collect some")
    kept = write_page(sets, wanted, out, ", ".join(source.absolute().name for source in sources), most)
    left = f"the {kept} worst of {count} episodes" if kept < count else f"{kept} episodes"
    console.print(f"{out}  {left}, {out.stat().st_size / 1e6:.1f} MB; open it in a browser")


def write_page(sets: Sequence[tuple[Path, str]], wanted: Sequence[int], out: Path, title: str, most: int = 1000) -> int:
    """Write the page of data sets, each with what it is called, and return how many episodes it holds."""
    scene, kept = _kept(sets, wanted, most, _count(sets, wanted))
    write_view(out, scene, title, kept)
    return len(kept)


def _count(sets: Sequence[tuple[Path, str]], wanted: Sequence[int]) -> int:
    return sum(len(wanted or episode_numbers(file)) for file, _ in sets)


def _sets(source: Path) -> list[tuple[Path, str]]:
    """Return the data sets that a source stands for, and what each is called."""
    if not source.is_dir():
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
) -> tuple[SceneSpec, list[Shown]]:
    """Return the scene, and what the page holds, in order; no more than that is in memory."""
    scenes: dict[str, SceneSpec] = {}

    def each() -> Iterator[tuple[float, int, Shown]]:
        place = 0
        for file, name in sets:
            for number, episode in zip(
                wanted or episode_numbers(file), each_episode(file, wanted or None), strict=True
            ):
                scene = scenes.setdefault(episode.environment, get_scene(episode.environment))
                if len(scenes) > 1:
                    raise UserError(f"{file} is of {episode.environment}, others are not: a page shows one scene")
                one = shown(scene, episode, number, name)
                yield _badness(scene, one), -place, one
                place += 1

    found = heapq.nlargest(most, tracked(each(), "measure episodes", count), key=lambda item: item[:2])
    (scene,) = scenes.values()
    return scene, [one for _, _, one in sorted(found, key=lambda item: -item[1])]


def _badness(scene: SceneSpec, one: Shown) -> float:
    value = one.row["values"][scene.primary]
    if value is None:
        return float("inf")
    return value if scene.measures[scene.primary].worse == "higher" else -value
