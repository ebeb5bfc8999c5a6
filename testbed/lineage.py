"""Lineage: what an artefact was made from, by content hash, so that anyone can ask where it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("highway-env", "mujoco", "gymnasium-robotics", "gymnasium", "numpy", "torch", "stable-baselines3")


@dataclass(frozen=True)
class Lineage:
    """What one artefact was made from. Holds no time stamp: the same inputs give the same record."""

    kind: str
    """What was done, for example `collect` or `clone`."""
    seed: int
    """Seed of what was random about it."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Everything else that was chosen."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Name of each artefact it was made from -> SHA-256 of its content."""
    versions: Mapping[str, str] = field(default_factory=lambda: {name: version(name) for name in PACKAGES})
    """Package versions."""

    def to_json(self) -> str:
        """Return the record as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True)

    def same_recipe(self, recorded: str | None) -> bool:
        """Return whether a recorded lineage (JSON) is this one, so that its artefact can be reused."""
        return recorded is not None and json.loads(recorded) == json.loads(self.to_json())


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files by name, as hexadecimal digits."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode() + b"\0")
        digest.update(file.read_bytes())
    return digest.hexdigest()


def text_hash(text: str) -> str:
    """Return the first half of the SHA-256 of a text: 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
