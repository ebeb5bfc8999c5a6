"""Where machine code is kept, that no stranger can put any there, and when a user is told that it is being made."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest

import testbed
from testbed.envs import cache, compiling
from testbed.envs.kernel.step import step_worlds

STRANGER = 54321
"""A user who is nobody here."""
root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to somebody else")


@pytest.fixture
def shared(tmp_path, monkeypatch) -> Path:
    """Return a folder for temporary files that everybody may write, and let nothing else be written."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    (tmp_path / "file").write_text("no folder can be made in here")
    sources = tmp_path / "sources"
    for room in cache.COMPILED:
        (sources / room).mkdir(parents=True)
        (sources / room / "one.py").write_text("1")
    (sources / "__pycache__").write_text("nor in here")
    monkeypatch.setattr(cache, "SOURCES", sources)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder))
    return folder


def test_the_folder_is_the_users_own(shared):
    folder = cache.cache_folder()
    assert folder is not None and folder.parent == shared and str(os.getuid()) in folder.name
    assert folder.stat().st_mode & 0o777 == 0o700 and folder.stat().st_uid == os.getuid()
    assert cache.cache_folder() == folder
    for room in cache.COMPILED:
        (cache.SOURCES / room / "one.py").write_text("2")
        assert cache.cache_folder() != folder
        folder = cache.cache_folder()


def test_whatever_is_compiled_is_in_the_key():
    """A module of the package that compiles lies in a room whose sources name the folder; others have one of theirs."""
    compiled = [file for file in cache.SOURCES.rglob("*.py") if "\n@compiled" in file.read_text()]
    assert len(compiled) >= 8
    assert {file.relative_to(cache.SOURCES).parts[0] for file in compiled} == set(cache.COMPILED)


def test_code_of_another_scene_is_kept_apart_and_made_anew_after_an_edit_beside_it(tmp_path):
    (tmp_path / "own.py").write_text("def f():\n    return 1\n")
    own = _imported(tmp_path / "own.py", "own").f
    first = cache.folder_of(own, tmp_path / "kept")
    assert first.parent == tmp_path / "kept" and first == cache.folder_of(own, tmp_path / "kept")
    (tmp_path / "beside.py").write_text("1")
    assert cache.folder_of(own, tmp_path / "kept") != first
    assert cache.folder_of(cache.cache_folder, tmp_path / "kept") == tmp_path / "kept"


def _spoil(folder: Path, how: str) -> None:
    """Make of a folder what somebody else could have put there, or can change."""
    if how == "a link":
        folder.rename(folder.with_name("theirs"))
        folder.symlink_to(folder.with_name("theirs"))
    elif how == "a dangling link":
        folder.rmdir()
        folder.symlink_to("nowhere")
    elif how == "a file":
        folder.rmdir()
        folder.write_text("")
    elif how == "a stranger's":
        os.chown(folder, STRANGER, STRANGER)
    else:
        folder.chmod({"writable for a group": 0o770, "writable for all": 0o707}[how])


@pytest.mark.parametrize(
    "how",
    [
        "a link",
        "a dangling link",
        "a file",
        "writable for a group",
        "writable for all",
        pytest.param("a stranger's", marks=root),
    ],
)
def test_what_a_stranger_could_have_put_there_is_not_used(shared, how, tmp_path, monkeypatch):
    """There is no other place, so nothing is kept; with a home there is one."""
    folder = cache.cache_folder()
    _spoil(folder, how)
    assert cache.cache_folder() is None
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.cache_folder() == tmp_path / ".cache" / "testbed" / folder.name


@pytest.mark.parametrize("how", ["everybody may rename in it", pytest.param("it is a stranger's", marks=root)])
def test_a_folder_that_a_stranger_could_swap_is_not_used(shared, how):
    shared.chmod(0o777)
    if how == "it is a stranger's":
        shared.chmod(0o755)
        os.chown(shared, STRANGER, STRANGER)
    assert cache.cache_folder() is None


def test_without_home_and_temporary_folder_there_is_none(shared, monkeypatch):
    """As in a container whose user is in no table: importing must not fail."""

    def nobody(*_):
        raise RuntimeError("Could not determine home directory.")

    def nowhere():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(Path, "home", nobody)
    assert cache.cache_folder().parent == shared
    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert cache.cache_folder() is None


def test_a_folder_of_ones_choice_comes_first_and_old_versions_beside_the_sources_go(shared, tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    chosen = cache.cache_folder()
    assert chosen is not None and chosen.parent == tmp_path / "chosen"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    beside = cache.SOURCES / "__pycache__"
    beside.unlink()
    (beside / "testbed-kernel-0123").mkdir(parents=True)
    assert cache.cache_folder() == beside / chosen.name
    assert [folder.name for folder in beside.iterdir()] == [chosen.name]


def _imported(file: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def trial(tmp_path, monkeypatch) -> Path:
    """Return a module with a compiled function, whose machine code goes into a folder of its own."""
    file = tmp_path / "trial.py"
    head = "from testbed.envs.compiling import compiled\n\n\n@compiled\ndef twice(x):\n    return x + x\n"
    file.write_text(head + "\n\n@compiled\ndef thrice(x):\n    return twice(x) + x\n")
    folder = tmp_path / "machine code"
    folder.mkdir()
    monkeypatch.setattr(compiling, "_FOLDER", folder)
    monkeypatch.setattr(compiling._ANNOUNCER, "told", False)
    return file


def test_it_is_said_when_something_is_compiled_and_once(trial, capsys, monkeypatch):
    """Loading says nothing, nor does somebody else's code; a process of the same run says nothing again."""
    assert numba.njit(lambda x: 3 * x)(2) == 6
    assert capsys.readouterr().err == ""
    module = _imported(trial, "testbed.trial")
    assert module.thrice(2) == 6 and module.twice(1.5) == 3.0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith("compiling the simulation, once on this machine")
    compiling._ANNOUNCER.told = False
    assert _imported(trial, "testbed.trial").thrice(2) == 6  # from the folder
    assert capsys.readouterr().err == "" and not compiling._ANNOUNCER.told
    assert _imported(trial, "testbed.trial").thrice(2.5) == 7.5  # compiles, but another process has said so
    assert capsys.readouterr().err == "" and compiling._ANNOUNCER.told


def test_without_a_folder_it_compiles_and_says_what_would_help(trial, capsys, monkeypatch):
    monkeypatch.setattr(compiling, "_FOLDER", None)
    assert _imported(trial, "testbed.trial").thrice(2) == 6
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "NUMBA_CACHE_DIR" in said
    assert compiling._FOLDER is None and not list(trial.parent.rglob("*.nbi"))


def test_the_kernel_itself_is_kept():
    """What the scenes call is in the folder that was chosen when the package was imported."""
    folder = compiling._FOLDER
    assert folder is not None and cache._is_private(folder)
    testbed.scenes.registry.make_batch("testbed/Merge-v0", num_envs=1).reset(seed=0)
    env = testbed.scenes.registry.make_batch("testbed/Merge-v0", num_envs=1)
    env.reset(seed=0)
    env.step(np.array([1]))
    assert list(folder.rglob("*.nbi")) and step_worlds.stats.cache_path.startswith(str(folder))
