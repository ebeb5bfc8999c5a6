"""Any name that a file system takes is a name: commands print it as it is, on one line, and read nothing in it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.cli import main
from testbed.cli.commands.labels import told_apart
from testbed.experiment import evaluate
from testbed.legible import legible

ROOT = Path(__file__).parent.parent
FEW = "--scenes", "2", "--held-out-scenes", "2", "--no-film"
"""Options of a short audit."""
NAMES = (
    "a[b]", "[/red]x", "[bold]y", ":smile: 'n' \"q\"", "x\x1b[2J\x1b]0;title\x07", "a\nb\tc", "\u202egnp", "😀 ü",
    os.fsdecode(b"\xff\xfe"),
)  # fmt: skip
SHOWN = re.compile(r"[^\n -~\u2500-\u257f✓✗²³😀ü▁-█]")
"""What may not be printed."""


@pytest.fixture(params=NAMES, ids=[legible(name) for name in NAMES])
def place(request, tmp_path, monkeypatch) -> str:
    """A name; in the current folder are a data set and a folder with policies of that name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(evaluate, "in_parallel", lambda work, items, title, total: [work(item) for item in items])
    try:
        shutil.copytree(ROOT / "policies/merge/student-kl-seed0", Path(request.param, request.param))
        shutil.copy(ROOT / "demonstrations/merge-habit.hdf5", f"{request.param}.hdf5")
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    return request.param


def run(capfd, *arguments: str) -> tuple[int, str]:
    """Return the exit code of a command and what a terminal gets of it."""
    code: object = 0
    try:
        main(arguments)
    except SystemExit as ended:
        code = ended.code
    printed = capfd.readouterr()
    assert not SHOWN.search(printed.out + printed.err)
    assert "Traceback" not in printed.err
    return int(str(code or 0)), printed.out + printed.err


def test_commands_that_read(place, capfd):
    shown = legible(place)
    code, said = run(capfd, "validate", f"{place}.hdf5")
    assert code == 0 and f"{shown}.hdf5: 16 episodes" in said
    code, said = run(capfd, "replay", f"{place}.hdf5", "--episode", "2")
    assert code == 0 and f"{Path(shown).name}.hdf5, episode 2" in said
    code, said = run(capfd, "audit", f"{place}/{place}", *FEW, "--run", f"{place}-run")
    assert code == 0 and f" {Path(shown).name} " in said and f"{shown}-run/audit.json  every number" in said


def test_commands_that_write(place, capfd):
    shown = legible(place)
    code, said = run(capfd, "collect", f"{place}-2.hdf5", "--episodes", "1")
    assert code == 0 and f"collect {Path(shown).name}-2.hdf5" in said and f"{shown}-2.hdf5 holds 1 episodes" in said
    code, said = run(capfd, "doses", "aggressive-merge", "--scenes", "2", "--write", f"{place}.md")
    assert code == 0 and f"{shown}.md  the same" in said
    code, said = run(capfd, "distil", f"{place}.hdf5", f"{place}-student", "--steps", "1", "--hidden", "4")
    assert code == 0 and f"{shown}-student  a student" in said


@pytest.mark.parametrize("command", ["validate", "replay", "audit", "report", "transfers", "film", "export"])
def test_a_name_that_is_not_there_is_one_line(command, place, capfd):
    missing = f"{place}-not"
    code, said = run(capfd, command, missing, *(["x.onnx"] if command == "export" else []))
    assert code in (1, 2) and legible(missing) in said and said.count("\n") == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "words", [("validate", "x.hdf5"), ("replay", "x", "--episode"), ("replay", "x", "--every"), ()]
)
def test_words_too_many_are_said_as_they_are(words, name, capfd):
    """As where a shell puts several names in the place of a pattern."""
    code, said = run(capfd, *words, name)
    assert code == 2 and said


@pytest.mark.parametrize("name", NAMES[:8])
def test_what_a_file_says_of_itself_is_no_mark_up(name, tmp_path, capfd):
    """Attributes come from strangers."""
    file = tmp_path / "data.hdf5"
    shutil.copy(ROOT / "demonstrations/merge-habit.hdf5", file)
    with h5py.File(file, "r+") as data:
        demonstration = data["data/demo_0"]
        changed = [key for key, value in demonstration.attrs.items() if value == "demonstrator"]
        assert changed
        for key in changed:
            demonstration.attrs[key] = name
    code, said = run(capfd, "replay", str(file))
    if name.isprintable():
        assert code == 0 and name in said
    else:  # no name of a policy
        assert code == 2 and said.count("\n") == 1


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join), min_size=1, max_size=6))
def test_folders_are_told_apart_by_as_little_as_can_be(names):
    folders = [Path(name) for name in names]
    found = told_apart(folders)
    for folder, name in zip(folders, found, strict=True):
        assert str(folder.absolute()).endswith(name)
        assert {other for other, its in zip(folders, found, strict=True) if its == name} == {folder}
        if "/" in name:  # a shorter end is another's too
            shorter = name.split("/", 1)[1]
            others = [str(other.absolute()) for other in folders if other != folder]
            assert any(f"/{other}".endswith(f"/{shorter}") for other in others)


def test_folders_of_one_name_differ_in_a_table(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        shutil.copytree(ROOT / "policies/merge/student-kl-seed0", tmp_path / folder / "student")
    code, said = run(capfd, "audit", "one/student", "two/student", *FEW)
    assert code == 0 and said.count(" one/student ") == said.count(" two/student ") == 3
    monkeypatch.chdir(tmp_path / "one/student")
    code, said = run(capfd, "audit", ".", *FEW, "--run", "../run")
    assert code == 0 and said.count(" policy student ") == 3
