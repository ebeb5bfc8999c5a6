"""Lineage: what an artefact was made from, by content hash, so that anyone can ask where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from testbed.errors import UserError
from testbed.legible import brief
from testbed.records import decoded
from testbed.sources import OLDER, CodeVersion, code_version

PACKAGES = ("highway-env", "mujoco", "gymnasium-robotics", "gymnasium", "numpy", "torch", "stable-baselines3")
POLICY_FILES = CONFIG, LINEAGE, WEIGHTS = "config.json", "lineage.json", "model.safetensors"
"""What a policy's folder holds of its own."""
MOST = 4
"""A difference is told in no more parts."""


@cache
def _versions() -> dict[str, str]:
    """Return the versions that are installed; finding them out takes milliseconds."""
    return {name: version(name) for name in PACKAGES}


@dataclass(frozen=True)
class Lineage:
    """What one artefact was made from. Holds no time stamp: the same inputs give the same record.

    Examples:
        >>> import testbed
        >>> testbed.Lineage("clone", seed=0, settings={"steps": 4000}).kind
        'clone'
    """

    kind: str
    """What was done, for example `collect` or `clone`."""
    seed: int
    """Seed of what was random about it."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Everything else that was chosen."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Name of each artefact it was made from -> SHA-256 of its content."""
    versions: Mapping[str, str] = field(default_factory=lambda: dict(_versions()))
    """Package versions."""
    code: CodeVersion = field(default_factory=code_version)
    """Which testbed made it."""

    def to_json(self) -> str:
        """Return the record as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    def same_recipe(self, recorded: str | None) -> bool:
        """Return whether a recorded lineage (JSON) is this one, so that its artefact can be reused."""
        return not self.difference(recorded)

    def difference(self, recorded: str | None) -> str:
        """Return how a recorded lineage (JSON) differs from this one, in words that follow `it was `, or nothing.

        What made it is named only where nothing else differs: `made by testbed 0.7.0, this is 0.8.0`, or `made with
        torch 2.12 where here is 2.13 (the settings are the same)`.
        """
        return self._compared(recorded)[0]

    def outdated(self, recorded: str | None) -> str:
        """Return the same where what made it differs and nothing that was chosen does, else nothing.

        A run makes such an artefact again, whatever it was made from: nothing that somebody chose is lost by that.
        """
        words, chosen = self._compared(recorded)
        return "" if chosen else words

    def _compared(self, recorded: str | None) -> tuple[str, bool]:
        """Return the difference in words, and whether it is in what was chosen or damaged."""
        if recorded is None:
            return "made from nothing that is recorded", True
        try:
            there: dict[str, Any] = {"code": asdict(OLDER), **decoded(recorded, dict[str, Any])}
            decoded(recorded, Lineage)
        except ValueError as error:
            return f"left with a damaged lineage ({error})", True
        here = json.loads(self.to_json())
        if there == here:
            return "", False
        if there.keys() != here.keys() or there["code"].keys() != here["code"].keys():
            return "left with a damaged lineage (it has not what a lineage has)", True
        plain = [f"{name} {brief(there[name])} where here is {brief(here[name])}" for name in ("kind", "seed")
                 if there[name] != here[name]]  # fmt: skip
        plain += _differing(there["settings"], here["settings"])
        content = [f"other content of '{brief(name)}'" for name in _names(there["inputs"], here["inputs"])]
        if plain or (there["code"] == here["code"] and there["versions"] == here["versions"]):
            return f"made with other settings ({_listed(plain + content)})", True
        if there["code"] != here["code"]:
            return self.code.difference(there["code"]), False
        return (
            f"made with {_listed(_differing(there['versions'], here['versions']))} (the settings are the same)",
            False,
        )


@dataclass(frozen=True)
class Copied:
    """A lineage as somebody recorded it, for a copy of an artefact: it is kept letter by letter."""

    text: str
    """The record (JSON)."""

    def to_json(self) -> str:
        """Return the record."""
        return self.text

    def difference(self, recorded: str | None) -> str:
        """Return how another record differs, in words that follow `it was `, or nothing."""
        return "" if recorded == self.text else "made from something else"

    def outdated(self, recorded: str | None) -> str:
        """Return nothing: a copy is never made again for being older."""
        return ""


def _names(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return the names under which two mappings differ."""
    nothing = object()
    return [name for name in sorted({*there, *here}) if there.get(name, nothing) != here.get(name, nothing)]


def _differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Return in words how settings or versions differ, those within settings by name too."""
    found = []
    for name in _names(there, here):
        one, other = there.get(name), here.get(name)
        if isinstance(one, dict) and isinstance(other, dict):
            found += [f"{brief(name)} {words}" for words in _differing(one, other)]
        else:
            was, now = (brief(side[name]) if name in side else "nothing" for side in (there, here))
            found.append(f"{brief(name)} {was} where here is {now}")
    return found


def _listed(parts: list[str]) -> str:
    more = f", and {len(parts) - MOST} more" if len(parts) > MOST else ""
    return ", ".join(parts[:MOST]) + more


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of a policy's own files by name, as hexadecimal digits.

    What else is in the folder, a file browser's or a person's notes, is no part of the policy.

    Raises:
        UserError: if a folder holds no policy.
    """
    digest = hashlib.sha256()
    folder = path.is_dir()
    files = [path / name for name in POLICY_FILES if (path / name).is_file()] if folder else [path]
    if not files:
        raise UserError(f"{path} holds no file of a policy: give a folder with {' and '.join(POLICY_FILES)}")
    for file in files:
        if folder:
            digest.update(file.name.encode() + b"\0")
        with file.open("rb") as opened:
            hashlib.file_digest(opened, lambda: digest)
    return digest.hexdigest()


def text_hash(text: str) -> str:
    """Return the first half of the SHA-256 of a text: 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
