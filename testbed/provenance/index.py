"""Artefacts of a folder by their content, in SQLite: who was made from whom, and which statements speak of whom.

An artefact that was moved, renamed or copied has the same content, so it is found wherever it is. What has not changed
since it was last looked at (size and time of its files) is not read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from testbed.errors import UserError
from testbed.files import Kind, require_replaceable
from testbed.legible import brief
from testbed.lineage import POLICY_FILES
from testbed.provenance.artefact import AUDIT, VERDICTS, Artefact, artefacts_in, read_artefact
from testbed.provenance.bill import bill_file, read_bill
from testbed.provenance.statement import statement_file
from testbed.records import NotThere

FILE = "lineage.sqlite"
"""Name of an index that is kept in the folder it is of."""
_SCHEMA = """
create table if not exists artefact (path text primary key, digest text, what text, name text, stage text, looked text);
create table if not exists made_from (path text, child text, role text, parent text);
create index if not exists by_digest on artefact (digest);
create index if not exists by_child on made_from (child);
create index if not exists by_parent on made_from (parent, role);
create index if not exists by_path on made_from (path);
"""
_VERSION = 1
INDEX = Kind("an index of artefacts", lambda path: path.is_file() and path.read_bytes()[:15] == b"SQLite format 3")
"""What an index is kept in."""


@dataclass(frozen=True)
class Entry:
    """An artefact, as an index knows it."""

    path: Path
    """Where it lies."""
    digest: str
    """SHA-256 of its content."""
    what: str
    """What it is."""
    name: str
    """What it calls itself."""
    stage: str
    """The stage that it is of."""


class Index:
    """What is known of the artefacts in some folders."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.problems: list[str] = []
        """What could not be read, in words."""
        if connection.execute("pragma user_version").fetchone()[0] not in (0, _VERSION):
            raise UserError("this index is of another version: remove it, it is made anew")
        connection.executescript(_SCHEMA)
        connection.execute(f"pragma user_version = {_VERSION}")

    def update(self, folder: Path) -> None:
        """Look at a folder: take in what is new or changed, and forget what is gone."""
        every = self.connection.execute("select path, looked from artefact")
        known = {path: looked for path, looked in every if Path(path).is_relative_to(folder)}
        there = {str(path): path for path in artefacts_in(folder)}
        with self.connection:
            for gone in known.keys() - there.keys():
                self._forget(gone)
            for name, path in there.items():
                looked = _looked(path)
                if known.get(name) != looked:
                    self._forget(name)
                    self._take(path, looked)

    def add(self, path: Path) -> Artefact | None:
        """Take in one artefact and return it, or None and its problem where it cannot be read."""
        with self.connection:
            self._forget(str(path))
            return self._take(path, _looked(path))

    def _take(self, path: Path, looked: str) -> Artefact | None:
        try:
            found = read_artefact(path)
            inputs = _inputs(found)
        except UserError as error:
            self.problems.append(str(error))
            what = AUDIT if path.name == VERDICTS else ""
            self.connection.execute("insert into artefact values (?, '', ?, '', '', ?)", (str(path), what, looked))
            return None
        row = (str(path), found.digest, found.what, found.name, found.stage, looked)
        self.connection.execute("insert into artefact values (?, ?, ?, ?, ?, ?)", row)
        made_from = [(str(path), found.digest, role, parent) for role, parent in inputs]
        self.connection.executemany("insert into made_from values (?, ?, ?, ?)", made_from)
        return found

    def _forget(self, path: str) -> None:
        self.connection.execute("delete from artefact where path = ?", (path,))
        self.connection.execute("delete from made_from where path = ?", (path,))

    def copies(self, digest: str) -> list[Entry]:
        """Return every artefact of a content, by place; none where it is not in these folders."""
        rows = self.connection.execute(
            "select path, digest, what, name, stage from artefact where digest = ? order by path", (digest,)
        )
        return [Entry(Path(path), *rest) for path, *rest in rows]

    def parents(self, digest: str) -> list[tuple[str, str]]:
        """Return role and SHA-256 of what an artefact was made from, by role."""
        rows = self.connection.execute(
            "select distinct role, parent from made_from where child = ? order by role, parent", (digest,)
        )
        return list(rows)

    def children(self, digest: str, role: str = "") -> list[tuple[str, str]]:
        """Return role and SHA-256 of what was made from an artefact, in one role if that is given."""
        rows = self.connection.execute(
            "select distinct role, child from made_from where parent = ? and (? = '' or role = ?) order by role, child",
            (digest, role, role),
        )
        return list(rows)

    def statements(self) -> list[Path]:
        """Return where statements of the audits in these folders are."""
        rows = self.connection.execute("select path from artefact where what = 'audit' order by path")
        return [file for (path,) in rows if (file := statement_file(Path(path))).is_file()]

    def digest(self, beginning: str) -> str:
        """Return the whole SHA-256 of which the beginning is given, of an artefact or of what one was made from.

        Raises:
            UserError: if none or several begin so.
        """
        rows = self.connection.execute(
            "select digest from artefact where digest > '' and digest >= ? and digest < ? "
            "union select parent from made_from where parent >= ? and parent < ?",
            (beginning, beginning + "g") * 2,
        ).fetchall()
        if len(rows) == 1:
            return str(rows[0][0])
        what = f"{len(rows)} artefacts begin" if rows else "no artefact begins"
        raise UserError(f"{what} with {brief(beginning)}: give more of its SHA-256, or its path")


def _inputs(artefact: Artefact) -> Iterable[tuple[str, str]]:
    """Return role and SHA-256 of what an artefact was made from: what it says itself, or else what its bill says."""
    if artefact.lineage is not None or artefact.inputs:
        return list(artefact.inputs.items())
    try:
        known = read_bill(bill_file(artefact.path))[2]
    except NotThere:
        return []
    return [("input", digest) for digest in known.made_from] if known else []


def _looked(path: Path) -> str:
    """Return what changes with an artefact, without reading it."""
    files = [path / name for name in POLICY_FILES] if path.is_dir() else [path]
    found = [file.stat() for file in (*files, bill_file(path)) if file.is_file()]
    return " ".join(f"{one.st_size}:{one.st_mtime_ns}" for one in found)


@contextmanager
def opened(file: Path | None, *folders: Path) -> Iterator[Index]:
    """Yield the index of some folders, looked at anew; kept in a file, or in memory alone.

    Raises:
        UserError: if a folder is missing, or the file is no index.
    """
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder: give one that holds artefacts")
    if file is not None:
        require_replaceable(file, INDEX)
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(":memory:" if file is None else file)) as connection:
            index = Index(connection)
            for folder in folders:
                index.update(folder)
            yield index
    except sqlite3.DatabaseError as error:
        raise UserError(f"{file} cannot be used as an index ({error}): remove it, it is made anew") from None
