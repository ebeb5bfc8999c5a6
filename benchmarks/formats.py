"""Data sets in other formats, read by the loaders of those who made these formats.

    python benchmarks/formats.py --write docs/data.md

Every set of `demonstrations/` is exported to every format and imported again: all of it comes back to the last bit. The
loaders of Minari, LeRobot and robomimic, each in an environment that this makes for it, once, give the same
observations, actions and rewards as we do. Exit code 1 if anything differs.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from peer.environment import prepare

import testbed  # noqa: F401  (registers the environments)
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command
from testbed.datasets.reader import each_episode, load_episodes
from testbed.errors import UserError
from testbed.exchange.carried import read_header
from testbed.exchange.registry import FORMATS, format_of
from testbed.protocols.episode import Episode

PEERS: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "minari": (("minari[hdf5]==0.5.4", "pillow"), "minari", ()),
    "lerobot": (("lerobot==0.4.4",), "lerobot.datasets.lerobot_dataset", ()),
    "robomimic": (("h5py", "psutil", "termcolor", "torch", "tqdm"), "robomimic.utils.dataset", ("robomimic==0.3.0",)),
}
"""Format -> what its loader is installed by, what must import then, and what is installed without what it asks for:
robomimic's simulators are not needed for reading."""
ENDING = {"minari": "-v0", "lerobot": "-lerobot", "parquet": ".parquet", "csv": ".csv"}


@dataclass(frozen=True)
class Options:
    """Export, import, and ask others' loaders."""

    folder: Path = Path("build")
    """Where the peers' environments are, or are made: `<peer>-venv`."""
    peers: tuple[str, ...] = tuple(PEERS)
    """Whose loaders are asked."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


@dataclass(frozen=True)
class Told:
    """What became of one set in one format."""

    source: str
    """The set."""
    name: str
    """The format."""
    size: float
    """Of the set in it, beside its HDF5 file."""
    seconds: float
    """Out and in [s]."""
    same: bool
    """Whether all of it came back to the last bit."""
    read: str
    """What its makers' loader gave: `same`, `differs`, or nothing where it was not asked."""


def same(one: Episode, other: Episode) -> bool:
    """Return whether two episodes are the same to the last bit."""
    arrays = ("observations", "actions", "rewards", "states")
    said = ("environment", "scenario", "terminated", "success", "behaviour", "ending", "simulator")
    traces = (
        (a.values, b.values) for part in ("signals", "constants")
        for a, b in zip(getattr(one.trace, part).values(), getattr(other.trace, part).values(), strict=True)
    )  # fmt: skip
    pairs = [(getattr(one, name), getattr(other, name)) for name in arrays]
    whole = all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in (*pairs, *traces))
    return whole and all(getattr(one, name) == getattr(other, name) for name in said)


def asked(python: Path, peer: str, path: Path, episodes: Sequence[Episode]) -> str:
    """Return whether a peer's loader gives what we do; raises `UserError` if it does not run."""
    with tempfile.TemporaryDirectory() as place:
        out, program = Path(place, "found.npz"), Path(__file__).parent / "peer" / "format_loaders.py"
        words = [str(word) for word in (python, "-I", "-W", "ignore", program, peer, path, out)]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"the loader of {peer} does not read {path}: {done.stderr.strip().splitlines()[-1:]}")
        with np.load(out) as found:
            given = [[found[f"{n}-{what}"] for what in ("seen", "done", "paid")] for n in range(len(found) // 3)]
    alike = len(given) == len(episodes)
    for (seen, chosen, paid), episode in zip(given, episodes, strict=False):
        alike &= np.array_equal(seen, episode.observations[: len(seen)]) and len(seen) >= len(episode)
        alike &= np.array_equal(chosen.reshape(len(episode), -1), episode.actions.reshape(len(episode), -1))
        alike &= np.allclose(paid, episode.rewards, rtol=1e-6)  # some give single precision
    return "same" if alike else "differs"


def exchanged(source: Path, name: str, pythons: dict[str, Path], place: Path) -> Told:
    """Export a set, import it, and ask who made the format."""
    out, episodes = place / f"{source.stem}{ENDING[name]}", load_episodes(source)
    begun = time.perf_counter()
    FORMATS[name].write(out, read_header(source), each_episode(source))
    header, back = format_of(out).read(out)
    whole = header == read_header(source) and all(same(a, b) for a, b in zip(episodes, back, strict=True))
    seconds = time.perf_counter() - begun
    files = [file for file in place.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / source.stat().st_size
    read = asked(pythons[name], name, out, episodes) if name in pythons else ""
    return Told(source.stem, name, size, seconds, whole, read)


def main(options: Options) -> None:
    """Do all of it and print a table."""
    require_page(options.write, "formats")
    pythons = {peer: prepare(options.folder / f"{peer}-venv", *PEERS[peer]) for peer in options.peers}
    told: list[Told] = []
    sources = sorted(Path("demonstrations").glob("*.hdf5"))
    for source in sources:
        for name in FORMATS:
            with tempfile.TemporaryDirectory() as place:
                told.append(exchanged(source, name, pythons, Path(place)))
        if "robomimic" in pythons:
            read = asked(pythons["robomimic"], "robomimic", source, load_episodes(source))
            told.append(Told(source.stem, "robomimic", 1.0, 0.0, True, read))
    text = table(told, len(sources))
    console.print(lines(text))
    if options.write:
        put(options.write, "formats", "\n".join(text))
    wrong = [f"{one.source} as {one.name}" for one in told if not one.same or one.read == "differs"]
    raise SystemExit(f"differs: {', '.join(wrong)}" if wrong else None)


def table(told: Sequence[Told], sets: int) -> list[str]:
    """Return the table, as Markdown."""
    rows = [
        f"`python benchmarks/formats.py`: the {sets} sets of `demonstrations/`; sizes and times are medians.", "",
        "| format | comes back to the last bit | its own loader reads the same | size beside HDF5 | out and in [s] |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in dict.fromkeys(one.name for one in told):
        mine = [one for one in told if one.name == name]
        read = [one.read for one in mine if one.read]
        loader = f"{sum(one == 'same' for one in read)} of {len(read)}" if read else "–"
        version = f" ({(*PEERS[name][2], *PEERS[name][0])[0]})" if read else ""
        size, seconds = np.median([one.size for one in mine]), np.median([one.seconds for one in mine])
        back = "as it is" if name == "robomimic" else f"{sum(one.same for one in mine)} of {len(mine)}"
        rows.append(f"| {name}{version} | {back} | {loader} | {size:.1f} | {seconds:.1f} |")
    return rows


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
