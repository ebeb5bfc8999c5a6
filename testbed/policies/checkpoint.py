"""Policies as folders: `config.json`, `model.safetensors`, `lineage.json`. Loading one runs no code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from testbed.episode import Behaviour
from testbed.errors import UserError
from testbed.files import Kind, replacing
from testbed.lineage import Lineage
from testbed.locks import locked
from testbed.policies.network import NetworkPolicy, PolicyConfig

FORMAT = 1
FILES = CONFIG, WEIGHTS, LINEAGE = "config.json", "model.safetensors", "lineage.json"
"""What a policy's folder holds."""
BROWSERS = ".DS_Store", "Thumbs.db", "desktop.ini"
"""What file browsers leave in a folder."""
PATIENCE = 30.0
"""How long another process that writes the same policy is waited for [s]."""
PICKLES = {".zip", ".pt", ".pth", ".pkl", ".pickle"}


def save_policy(folder: Path, policy: NetworkPolicy, behaviour: Behaviour, lineage: Lineage) -> None:
    """Write a policy's folder whole or not at all; an older policy of the same name is replaced.

    Raises:
        UserError: if anything else is there, or the folder cannot be written.
    """
    with locked(folder, PATIENCE), replacing(folder, POLICY) as temporary:
        temporary.mkdir()
        config = {"format": FORMAT, "policy": asdict(policy.config), "behaviour": asdict(behaviour)}
        (temporary / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (temporary / LINEAGE).write_text(lineage.to_json() + "\n", encoding="utf-8")
        (temporary / WEIGHTS).write_bytes(save(dict(policy.arrays)))


def _is_policy(folder: Path) -> bool:
    """Return whether a folder holds a policy and nothing else but what file browsers leave."""
    names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    return {CONFIG, WEIGHTS} <= names <= {*FILES, *BROWSERS}


POLICY = Kind("a policy", _is_policy)
"""What a new policy replaces."""


def load_policy(folder: Path) -> tuple[NetworkPolicy, Behaviour]:
    """Read a policy and the label it was saved with.

    Raises:
        UserError: if the folder or a file is missing, damaged, of another version, or may hold code.
    """
    if folder.suffix in PICKLES:
        raise UserError(
            f"{folder} may hold a pickle, and loading a pickle runs its code: "
            "give a folder with config.json and model.safetensors"
        )
    if not folder.is_dir():
        raise UserError(f"no policy folder at {folder}: give a folder that holds config.json and model.safetensors")
    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise UserError(f"{folder} has no {name}, so it is not a policy of the testbed")
    try:
        stored = json.loads((folder / "config.json").read_text())
        version, fields = stored["format"], stored["policy"]
        config = PolicyConfig(**{**fields, "hidden": tuple(fields["hidden"])})
        behaviour = Behaviour(**stored["behaviour"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / 'config.json'} cannot be read ({error}); write the policy again") from None
    if version != FORMAT:
        raise UserError(f"{folder} has policy format {version}; this version of testbed reads format {FORMAT}")
    try:
        arrays = load_file(folder / "model.safetensors")
    except (SafetensorError, OSError) as error:
        raise UserError(f"{folder / 'model.safetensors'} is damaged ({error}); copy or train it again") from None
    return NetworkPolicy(config, arrays), behaviour


def recorded_lineage(folder: Path) -> str | None:
    """Return the lineage stored with a policy (JSON), or None where there is no finished policy."""
    file = folder / "lineage.json"
    return file.read_text() if file.is_file() and (folder / "model.safetensors").is_file() else None
