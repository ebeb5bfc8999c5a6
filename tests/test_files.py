"""Writing: whole or not at all, over nothing but one's own kind, and one writer at a time."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed import files
from testbed.errors import UserError
from testbed.files import Kind, replacing, require_replaceable, sweep, temporary_beside, write_bytes, write_text
from testbed.locks import Lock, locked

NOTE = Kind("a note", lambda path: path.is_file() and path.read_bytes().startswith(b"note"))
BOX = Kind("a box", lambda path: path.is_dir() and (path / "lid").is_file())


def _refused(call, *words: str) -> None:
    with pytest.raises(UserError) as caught:
        call()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text


def test_only_an_artefact_of_the_same_kind_is_replaced(tmp_path):
    note = tmp_path / "deep" / "er" / "a.txt"
    write_text(note, "note 1", NOTE)
    write_text(note, "note 2", NOTE)
    assert note.read_text() == "note 2"
    note.write_text("a thesis")
    _refused(lambda: write_text(note, "note 3", NOTE), str(note), "not a note", "move it away")
    assert note.read_text() == "a thesis" and os.listdir(note.parent) == ["a.txt"]


def test_a_folder_is_replaced_only_by_its_kind_and_an_empty_one_always(tmp_path):
    folder = tmp_path / "box"
    for lid in ("one", "two"):
        if lid == "one":
            folder.mkdir()
        with replacing(folder, BOX) as temporary:
            temporary.mkdir()
            (temporary / "lid").write_text(lid)
        assert (folder / "lid").read_text() == lid and os.listdir(tmp_path) == ["box"]
    (folder / "lid").rename(folder / "thesis")
    _refused(lambda: require_replaceable(folder, BOX), "not a box")


@pytest.mark.parametrize("what", ["link", "dangling link", "FIFO", "socket", "device"])
def test_what_is_no_regular_file_is_never_replaced(tmp_path, what):
    place, elsewhere = tmp_path / "x", tmp_path / "note"
    elsewhere.write_text("note")
    if what == "link":
        place.symlink_to(elsewhere)
    elif what == "dangling link":
        place.symlink_to(tmp_path / "gone")
    elif what == "FIFO":
        os.mkfifo(place)
    elif what == "socket":
        os.mknod(place, stat.S_IFSOCK | 0o600)
    else:
        place = Path("/dev/null")
    before = place.lstat()
    _refused(lambda: write_bytes(place, b"note", NOTE), str(place), "place")
    assert place.lstat().st_ino == before.st_ino and place.lstat().st_mode == before.st_mode


def test_a_path_without_a_name_is_refused():
    for path in (Path("."), Path("/"), Path("")):
        _refused(lambda path=path: write_text(path, "x"), "names no file or folder")


@pytest.mark.parametrize(
    ("number", "mend"),
    [(errno.ENOSPC, "free some space"), (errno.EACCES, "you may write"), (errno.EIO, "another place")],
)
def test_a_failure_says_its_own_reason_and_leaves_what_was_there(tmp_path, monkeypatch, number, mend):
    place = tmp_path / "a.txt"
    write_text(place, "note 1")

    def fail(source, target):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        _refused(lambda: write_text(place, "note 2"), os.strerror(number), mend, "unchanged")
    assert place.read_text() == "note 1" and os.listdir(tmp_path) == ["a.txt"]


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Power may fail at any moment: the content is synced before the rename, the folder after it."""
    told: list[str] = []
    sync, rename = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        told.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda a, b: (told.append("rename"), rename(a, b)))
    write_text(tmp_path / "a.txt", "note")
    assert told == ["file", "rename", "folder"]


def _ended() -> int:
    """Return the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_a_killed_process_left_is_swept_and_a_folder_put_aside_comes_back(tmp_path):
    dead, mine = f"{files.HOST}-{_ended()}-", f"{files.HOST}-{os.getpid()}-"
    left = [tmp_path / f".a.json.{dead}{'0' * 12}.tmp", tmp_path / "sub" / f".b.{dead}{'1' * 12}.tmp"]
    kept = [temporary_beside(tmp_path / "c"), tmp_path / f".d.elsewhere-{_ended()}-{'2' * 12}.tmp", tmp_path / ".e.tmp"]
    (tmp_path / "sub").mkdir()
    for path in [*left, *kept]:
        path.write_text("x")
    aside, replaced = (tmp_path / f".{name}.{dead}{'3' * 12}.old" for name in ("lost", "there"))
    for folder in (aside, replaced, tmp_path / "there"):
        folder.mkdir()
    assert mine in kept[0].name
    sweep(tmp_path)
    assert not any(path.exists() for path in [*left, aside, replaced]) and all(path.exists() for path in kept)
    assert (tmp_path / "lost").is_dir()
    sweep(tmp_path, alone=True)
    assert not kept[0].exists() and kept[1].exists()


def test_a_folder_is_there_at_every_moment_of_its_replacement(tmp_path, monkeypatch):
    """Killed between the two renames, the old one lies aside and is put back by the next sweep."""
    folder = tmp_path / "box"
    folder.mkdir()
    (folder / "lid").write_text("old")
    renames = iter([os.rename, None])
    rename = os.rename

    def killed(source, target):
        if next(renames) is None:
            raise KeyboardInterrupt
        rename(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "rename", killed)
        with replacing(folder, BOX) as temporary:
            temporary.mkdir()
    assert not folder.exists()
    sweep(tmp_path, alone=True)
    assert (folder / "lid").read_text() == "old" and os.listdir(tmp_path) == ["box"]


def test_one_writer_at_a_time_and_the_other_is_told_who(tmp_path):
    program = "import sys; from pathlib import Path; from testbed.locks import Lock; lock = Lock(Path(sys.argv[1])); "
    command = [sys.executable, "-c", program + "print('held', flush=True); input()", str(tmp_path / "a.hdf5")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        _refused(lambda: Lock(tmp_path / "a.hdf5"), f"another process ({other.pid}, on ", str(tmp_path / "a.hdf5"))
        other.kill()
    with locked(tmp_path / "a.hdf5"):
        _refused(lambda: Lock(tmp_path / "a.hdf5"), "another writer in this process")
    assert os.listdir(tmp_path) == []


def test_a_lock_that_is_let_go_while_one_waits_is_had(tmp_path):
    first = Lock(tmp_path / "a")
    start = time.monotonic()
    _refused(lambda: Lock(tmp_path / "a", patience=0.3), "is writing")
    assert time.monotonic() - start >= 0.3
    first.release()
    second = Lock(tmp_path / "a")
    _refused(lambda: Lock(tmp_path / "a"), "is writing")
    second.release()
