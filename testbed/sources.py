"""Which testbed this is: its version, and a hash of those of its sources that an artefact hangs on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from testbed.legible import brief
from testbed.version import VERSION

PACKAGE = Path(__file__).parent
SHOWING = ("cli", "films", "viewing", "audit", "benchmark", "traffic", "exchange", "forensics", "provenance",
           "scenes/*/courses.py", "envs/*/ground.py", "protocols/ground.py", "experiment/film_run.py",
           "experiment/summary.py", "console.py", "legible.py")  # fmt: skip
"""Sources that ask, compare and show: no data set and no policy hangs on them."""
JUDGING = ("severity", "scenes/*/measures.py", "scenes/merge/following.py", "scenes/crosswalk/encounter.py",
           "audit/score.py", "benchmark/channels.py", "benchmark/residue.py", "benchmark/run_cell.py",
           "benchmark/teachers.py")  # fmt: skip
"""Sources that what is found of an episode hangs on, and the episode does not."""


@dataclass(frozen=True)
class CodeVersion:
    """Which testbed made something."""

    testbed: str
    """Its version."""
    sources: str
    """Hash of the sources that the artefact hangs on, 16 hexadecimal digits."""

    def difference(self, recorded: object) -> str:
        """Return which other testbed made something, in words that follow `it was `, or nothing.

        Args:
            recorded: What is recorded of it: these fields, or the version alone, as 0.7.0 did.
        """
        there = recorded if isinstance(recorded, dict) else {"testbed": recorded, "sources": ""}
        if there == asdict(self):
            return ""
        was, now = f"testbed {brief(there.get('testbed', '?'))}", self.testbed
        if there.get("testbed") == now:
            was, now = f"{was} with other sources ({brief(there.get('sources', '?'))})", f"{now} with {self.sources}"
        return f"made by {was}, this is {now}"


OLDER = CodeVersion("0.7.0 or older", "")
"""What made an artefact whose lineage does not say."""


def code_version(judging: bool = False, modules: Iterable[str] = ()) -> CodeVersion:
    """Return which testbed this is; found out once a process, in some 20 ms.

    Args:
        judging: Whether it is for scores, which hang on measures too: data sets and policies outlive an edited measure.
        modules: Modules that declare what takes part, a scene or a route. Those of other packages are sources as well.
    """
    return _code_version(judging, tuple(sorted({name for name in modules if name.split(".")[0] != "testbed"})))


@cache
def _code_version(judging: bool, outside: tuple[str, ...]) -> CodeVersion:
    found = source_hash(PACKAGE, judging)
    if outside:
        parts = [found, *(_hash_of(_sources_of(name)) for name in outside)]
        found = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    return CodeVersion(VERSION, found)


def source_hash(package: Path, judging: bool) -> str:
    """Return the hash of the sources in a package's folder that artefacts hang on, by place and content."""
    return _hash_of(_sources(package, judging))


def _hash_of(sources: Iterable[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, file in sorted(sources):
        digest.update(f"{name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return digest.hexdigest()[:16]


def _sources(package: Path, judging: bool) -> Iterator[tuple[str, Path]]:
    """Yield name and place of each source that artefacts hang on; those of scores too, if it is for them."""
    judges, shows = set(_within(package, JUDGING)), set(_within(package, SHOWING))
    for file in package.rglob("*.py"):
        if judging if file in judges else file not in shows:
            yield file.relative_to(package).as_posix(), file


def _within(package: Path, places: Sequence[str]) -> Iterator[Path]:
    """Yield the sources at some places in a package, files and folders."""
    for found in (found for place in places for found in package.glob(place)):
        yield from found.rglob("*.py") if found.is_dir() else (found,)


def _sources_of(module: str) -> Iterator[tuple[str, Path]]:
    """Yield name and place of the sources of a module elsewhere: its file, or the folder of the package it is in."""
    found = find_spec(module)
    if found is None or found.origin is None or not found.origin.endswith(".py"):
        return
    file = Path(found.origin)
    packaged = "." in module or found.submodule_search_locations is not None
    for source in file.parent.rglob("*.py") if packaged else [file]:
        yield source.relative_to(file.parent).as_posix(), source
