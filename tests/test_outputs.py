"""Every place that any command writes to: what is somebody else's is never touched, whatever it is."""

from __future__ import annotations

import inspect
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from smallest_film import smallest_film

from testbed.audit.report import audit_to_json
from testbed.audit.result import ArmResult, Audit, Difference, Interval
from testbed.bounds import Output
from testbed.cli import auditing, cleaning, looking, making, measuring, tracing
from testbed.cli.commands import benchmark, traffic
from testbed.datasets.reader import each_episode
from testbed.errors import UserError
from testbed.exchange.carried import read_header
from testbed.exchange.registry import FORMATS
from testbed.experiment import evaluate
from testbed.experiment.folder import BENCHMARK, MARK, RUN, Holding, occupied
from testbed.rollouts import replay, rollout

ROOT = Path(__file__).parent.parent
DATA, POLICY = ROOT / "demonstrations/merge-habit.hdf5", ROOT / "policies/merge/teacher-habit"
THESIS = "eight years of work"


@dataclass(frozen=True)
class Place:
    """A parameter of a command that names a place to write to."""

    command: str
    call: Callable[..., None]
    parameter: str
    output: Output

    def __str__(self) -> str:
        return f"{self.command}-{self.parameter}"


def _outputs(hint: Any) -> list[Output]:
    """Return the marks of a type, however deep in it."""
    own = [mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Output)]
    return own + [mark for part in get_args(hint) for mark in _outputs(part)]


def _commands() -> dict[str, Callable[..., None]]:
    modules = {module.__name__: module for module in (auditing, cleaning, looking, making, measuring, tracing)}
    functions = [f for module in modules.values() for f in vars(module).values() if inspect.isfunction(f)]
    return {function.__name__: function for function in functions if function.__module__ in modules}


PLACES = [
    Place(command, call, name, marks[0])
    for command, call in _commands().items()
    for name, hint in get_type_hints(call, include_extras=True).items()
    if (marks := _outputs(hint))
]
SUFFIX = {
    "collect-out": ".hdf5", "film-out": ".mp4", "replay-video": ".mp4", "export-out": ".parquet", "clean-out": ".hdf5",
    "import_-out": ".hdf5", "view-write": ".html", "view-rrd": ".rrd", "attribute-write": ".csv",
    "lineage-picture": ".svg",
}  # fmt: skip
EXPORTED: dict[str, Path] = {}


@pytest.fixture(autouse=True, scope="module")
def exported(tmp_path_factory):
    """What there is to import."""
    EXPORTED["source"] = tmp_path_factory.mktemp("exported") / "data.parquet"
    FORMATS["parquet"].write(EXPORTED["source"], read_header(DATA), each_episode(DATA))


class ReachedError(Exception):
    """The command has begun to play: it has nothing against the place."""


@pytest.fixture(autouse=True)
def no_playing(monkeypatch, tmp_path):
    def reached(*_: object) -> None:
        raise ReachedError

    for module in (rollout, replay):  # both are here, so that none is imported, and keeps what is put there, meanwhile
        monkeypatch.setattr(module, "play_batch", reached)
    for module, name in ((benchmark, "measure"), (traffic, "read_log"), (evaluate, "in_parallel")):  # in processes
        monkeypatch.setattr(module, name, reached)
    monkeypatch.chdir(tmp_path)


def _run_folder(folder: Path) -> Path:
    (folder / "videos").mkdir(parents=True)
    (folder / "videos" / "clips.json").write_text("[]")
    one, places = Interval(1.0, 0.5, 1.5), ("triggered", "untriggered")
    arms = tuple(
        ArmResult(n, "", c, 1, 2, one, {"drac": one}, 1.0) for n in ("clean teacher", "teacher") for c in places
    )
    differences = tuple(Difference("teacher - clean teacher", c, one) for c in places)
    audit = Audit(
        "a", "testbed/Merge-v0", "none", "never", "drac", "DRAC", "m/s²", {"drac": "m/s²"}, arms, differences, (), ()
    )
    (folder / "audit.json").write_text(audit_to_json(audit))
    return folder


def _call(place: Place, where: Path) -> None:
    """Run a command with everything valid but the place; few of everything."""
    given: dict[str, Any] = {
        "data": DATA, "file": DATA, "source": DATA, "policy": POLICY, "policies": (POLICY,), "runs": (),
        "which": "transfer", "steps": 30, "scenes": 2, "run": None, "old": POLICY, "sources": (DATA,),
        "new": POLICY.with_name("teacher-clean"), "scene": "testbed/Merge-v0", "log": ROOT / "tests/sumo_fcd.xml",
        "environment": "testbed/Merge-v0", "limit": "jerk=99", "iterations": 1,
    }  # fmt: skip
    if place.command in ("transfers", "gallery"):
        given |= {"runs": (_run_folder(Path("a-run")),), "sources": (smallest_film(Path("a-run/a.mp4")),)}
    given |= {"what": "show", "paths": (str(POLICY),), **(EXPORTED if place.command == "import_" else {})}
    parameters = inspect.signature(place.call).parameters
    few = [n for n, p in parameters.items() if p.default is p.empty or n in ("steps", "iterations")]
    chosen = {n: given[n] for n in few if n in given}
    chosen[place.parameter] = where
    positional = [chosen.pop(n) for n, p in parameters.items() if n in chosen and p.kind is p.POSITIONAL_ONLY]
    place.call(*positional, **chosen)


def test_every_command_that_writes_is_looked_at():
    """Whatever a help text says is made is marked as an output."""
    found = {str(place) for place in PLACES}
    assert {"collect-out", "distil-out", "film-out", "export-out", "replay-video", "audit-run", "report-run"} <= found
    for command, call in _commands().items():
        for name, hint in get_type_hints(call, include_extras=True).items():
            text = inspect.getdoc(call) or ""
            says = [line for line in text.splitlines() if line.strip().startswith(f"{name}:")]
            if "Path" in str(hint) and any(
                word in says[0] for word in (" to make", "put the table", "File for", " go")
            ):
                assert f"{command}-{name}" in found, says


def _left(folder: Path) -> dict[str, bytes | int]:
    """Return everything below a folder: bytes of files, type and number of the rest."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else path.lstat().st_mode
        for path in folder.rglob("*")
    }


def _name(place: Place) -> str:
    return "place" + SUFFIX.get(str(place), ".md" if place.parameter == "write" and not place.output.folder else "")


OBSTACLES = (
    "file", "folder with a file", "link", "dangling link", "FIFO", "device", "read-only parent", "file as parent",
)  # fmt: skip


@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_nothing_of_anybody_else_is_lost(place: Place, obstacle: str, tmp_path):
    """Refused in one line that names the place, at once, and everything is as it was."""
    home = tmp_path / "home"
    home.mkdir()
    where = _prepare(place, obstacle, home)
    if where is None:
        pytest.skip("a run is read from there, so it has nothing in its way but its report")
    before = _left(home)
    with pytest.raises(UserError) as caught:
        _call(place, where)
    text = str(caught.value)
    assert "\n" not in text and home.name in text, text
    assert _left(home) == before


def _prepare(place: Place, obstacle: str, home: Path) -> Path | None:
    """Put an obstacle where a command is to write; return what the command is given."""
    names = place.output.names
    if place.command == "report":  # read and written
        if obstacle in ("read-only parent", "file as parent"):
            return None
        where = _run_folder(home / "run")
        target = where / names[0]
    else:
        where = home / _name(place)
        target = where / names[0] if names else where
        target.parent.mkdir(exist_ok=True)
    if obstacle == "file":
        target.write_text(THESIS)
    elif obstacle == "folder with a file":
        target.mkdir()
        (target / "thesis.txt").write_text(THESIS)
    elif obstacle in ("link", "dangling link"):
        elsewhere = home / "elsewhere"
        if obstacle == "link":
            elsewhere.write_text(THESIS)
        target.symlink_to(elsewhere)
    elif obstacle == "FIFO":
        os.mkfifo(target)
    elif obstacle == "device":
        _device(target)
    elif obstacle == "file as parent":
        (home / "parent").write_text(THESIS)
        return home / "parent" / where.name
    else:
        return _read_only(home) / where.name
    return where


def _device(target: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a device node")
    try:
        os.mknod(target, stat.S_IFCHR | 0o600, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("this machine lets nobody make a device node")


def _read_only(home: Path) -> Path:
    """Return a folder that may not be written, below `home` in name at least: root may write anywhere but in /proc."""
    folder = home / "read-only"
    if os.geteuid() == 0:
        folder.symlink_to("/proc")
    else:
        folder.mkdir(mode=0o555)
    return folder


@pytest.mark.parametrize("place", [place for place in PLACES if place.parameter != "run"], ids=str)
def test_missing_folders_above_are_made(place: Place, tmp_path):
    where = tmp_path / "new" / "deep" / _name(place)
    try:
        _call(place, where)
    except ReachedError:
        return
    assert where.exists() or (where / place.output.names[0]).exists()


@pytest.mark.parametrize(
    ("holding", "known"), [(holding, name) for holding in (RUN, BENCHMARK) for name in sorted(holding.always)]
)
def test_a_folder_of_runs_is_known_by_its_mark_or_its_content(holding: Holding, known: str, tmp_path):
    """A new one, the same again, one of 0.6.0 without a mark, one behind a link; not somebody's folder."""
    for _ in range(2):
        with occupied(tmp_path / "new", holding):
            pass
    (tmp_path / "new" / "notes.txt").write_text("mine, beside what the run makes")
    with occupied(tmp_path / "new", holding):
        pass
    old = tmp_path / "old"
    (old / known).mkdir(parents=True)
    (tmp_path / "link").symlink_to(old)
    for folder in (tmp_path / "link", old):
        with occupied(folder, holding):
            pass
    for damaged in (b"", bytes(20), b'{"testbed": "a', b"[]"):  # as after a loss of power
        (old / MARK).write_bytes(damaged)
        with occupied(old, holding):
            assert (old / MARK).read_text() == holding.mark
    theirs = tmp_path / "thesis"
    theirs.mkdir()
    (theirs / "text.txt").write_text(THESIS)
    other = next(one for one in (RUN, BENCHMARK) if one != holding)
    with pytest.raises(UserError, match=f"not {other.name}"), occupied(tmp_path / "new", other):
        pass
    with pytest.raises(UserError, match="in the way"), occupied(theirs, holding):
        pass
    assert os.listdir(theirs) == ["text.txt"]


def test_two_fill_a_run_in_turn(tmp_path):
    with (
        occupied(tmp_path / "run", RUN),
        pytest.raises(UserError, match="another writer in this process is writing"),
        occupied(tmp_path / "run", RUN),
    ):
        pass


def test_a_policy_beside_a_thesis_is_not_replaced(tmp_path):
    """A folder that holds a policy and something else is somebody's work, whatever else is in it."""
    (distil,) = (place for place in PLACES if str(place) == "distil-out")
    _call(distil, tmp_path / "student")
    (tmp_path / "student" / ".DS_Store").write_text("a file browser's")
    _call(distil, tmp_path / "student")
    assert sorted(os.listdir(tmp_path / "student")) == ["config.json", "lineage.json", "model.safetensors"]
    (tmp_path / "student" / "thesis.txt").write_text(THESIS)
    with pytest.raises(UserError, match="not a policy of the testbed"):
        _call(distil, tmp_path / "student")
    (tmp_path / "student" / "thesis.txt").rename(tmp_path / "thesis.txt")
    shutil.rmtree(tmp_path / "student-curve")
    (tmp_path / "student-curve").mkdir()
    (tmp_path / "student-curve" / "thesis.txt").write_text(THESIS)
    with pytest.raises(UserError, match="not a folder of curves"):
        _call(distil, tmp_path / "student")
    assert (tmp_path / "student-curve" / "thesis.txt").read_text() == THESIS
