"""What may have a history: data sets, policies, audits, films and exported networks, each known by its content."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

from testbed.datasets.reader import stored_lineage
from testbed.errors import UserError
from testbed.lineage import CONFIG, LINEAGE, POLICY_FILES, WEIGHTS, Lineage, content_hash
from testbed.records import decoded, read_bytes, record_or_none
from testbed.sources import OLDER

POLICY, DATA, AUDIT, FILM, NETWORK, FOREIGN = "policy", "data set", "audit", "film", "network", "foreign policy"
"""What an artefact is; a foreign policy is one that the testbed did not make."""
VERDICTS = "verdicts.json"
"""File of an audit of policies."""
SUFFIXES = {".hdf5": DATA, ".mp4": FILM, ".onnx": NETWORK, ".zip": FOREIGN, ".pt": FOREIGN, ".pth": FOREIGN}
STAGES = {
    "collect": "demonstrations", "save": "demonstrations", "clean": "demonstrations", "dagger": "teacher",
    "reward": "teacher", "fine-tuning": "teacher", "other bases": "teacher", "base": "teacher", "distil": "student",
    "practise": "student",
}  # fmt: skip
"""What was done to make an artefact -> the stage that it is of; everything else is `other`."""
UNKNOWN = "unknown"
MEND = "give a policy's folder, a data set, a film, an exported network, or the verdicts.json of an audit"


@dataclass(frozen=True)
class Artefact:
    """One artefact, read."""

    path: Path
    """Where it lies."""
    what: str
    """`policy`, `data set`, `audit`, `film`, `network` or `foreign policy`."""
    name: str
    """What it calls itself: of a policy what its label says; never the name of its file, which anybody may change."""
    digest: str
    """SHA-256 of its content, by which lineages name it."""
    files: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each of its own files; one file has no name."""
    lineage: Lineage | None = None
    """What it says of how it was made; None where it says nothing."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Role -> SHA-256 of what it was made from or is about."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What else it says of itself."""

    @property
    def stage(self) -> str:
        """`demonstrations`, `teacher`, `student`, `audit`, `film`, `network`, `other`, or `unknown`."""
        if self.lineage is None:
            return self.what if self.what in (AUDIT, FILM, NETWORK) else UNKNOWN
        return STAGES.get(self.lineage.kind, "other")


def read_artefact(path: Path) -> Artefact:
    """Return the artefact at a path.

    Raises:
        UserError: if there is none, or it cannot be read.
    """
    if is_policy(path):
        return _policy(path)
    what = AUDIT if path.name == VERDICTS else SUFFIXES.get(path.suffix)
    if what is None or path.is_dir():
        raise UserError(f"{path} is no artefact: {MEND}")
    if not path.is_file():
        raise UserError(f"{path} is missing: {MEND}")
    digest = _hashed(path)
    whole = (("", digest),)
    if what == DATA:
        lineage = _lineage(stored_lineage(path), path)
        return Artefact(path, what, _data_name(lineage), digest, whole, lineage, lineage.inputs, {})
    if what == AUDIT:
        subjects = _subjects(path)
        return Artefact(path, what, "behavioural audit", digest, whole, None, subjects, {})
    return Artefact(path, what, what, digest, whole)


def is_policy(path: Path) -> bool:
    """Return whether a folder holds a policy of the testbed."""
    return (path / CONFIG).is_file() and (path / WEIGHTS).is_file()


def artefacts_in(folder: Path) -> Iterator[Path]:
    """Yield the artefacts in a folder and in those below it, by name; what is hidden, and links, are left out."""
    for path in sorted(folder.iterdir(), key=lambda one: one.name):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            if is_policy(path):
                yield path
            else:
                yield from artefacts_in(path)
        elif path.name == VERDICTS or path.suffix in SUFFIXES:
            yield path


def _policy(path: Path) -> Artefact:
    files = tuple((name, _hashed(path / name)) for name in POLICY_FILES if (path / name).is_file())
    config = record_or_none(path / CONFIG, dict[str, Any])
    if config is None:
        raise UserError(f"{path / CONFIG} is damaged: copy the policy anew, or train it again")
    label, shape = config.get("behaviour") or {}, config.get("policy") or {}
    facts = {f"behaviour.{name}": _said(value) for name, value in sorted(label.items())}
    facts |= {f"network.{name}": _said(value) for name, value in sorted(shape.items())}
    text = read_bytes(path / LINEAGE, MEND).decode(errors="replace") if (path / LINEAGE).is_file() else None
    lineage = None if text is None else _lineage(text, path / LINEAGE)
    name = str(label.get("policy", "policy"))
    return Artefact(path, POLICY, name, content_hash(path), files, lineage, lineage.inputs if lineage else {}, facts)


def _lineage(text: str, path: Path) -> Lineage:
    try:
        there = {"code": asdict(OLDER), **decoded(text, dict[str, Any])}
        return decoded(json.dumps(there), Lineage)
    except ValueError as error:
        raise UserError(f"{path} has a damaged lineage ({error}): make it again, or copy it anew") from None


def _data_name(lineage: Lineage) -> str:
    said = lineage.settings.get("policy") or lineage.settings.get("environment") or "data set"
    return f"data set of {said}" if said != "data set" else "data set"


def _subjects(path: Path) -> dict[str, str]:
    """Return the policies that an audit is about, by name; those that it does not tell by content are left out."""
    found = record_or_none(path, dict[str, Any])
    if found is None:
        raise UserError(f"{path} is damaged: audit again with `testbed audit`")
    subjects = found.get("subjects") or {}
    return {f"subject {name}": str(digest) for name, digest in sorted(subjects.items())}


def _said(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _hashed(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): allow it to be read") from None
