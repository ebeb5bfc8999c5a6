"""Policies as folders: `config.json`, `model.safetensors`, `lineage.json`. Loading one runs no code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save

from testbed.errors import UserError
from testbed.files import Kind, replacing
from testbed.lineage import CONFIG, LINEAGE, POLICY_FILES, WEIGHTS, Lineage
from testbed.locks import locked
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour
from testbed.records import NotThere, read_bytes, read_record
from testbed.scenes.registry import get_scene

FORMAT = 1
BROWSERS = ".DS_Store", "Thumbs.db", "desktop.ini"
"""What file browsers leave in a folder."""
PATIENCE = 30.0
"""How long another process that writes the same policy is waited for [s]."""
PICKLES = {".zip", ".pt", ".pth", ".pkl", ".pickle"}
MEND = "copy the policy anew, or train it again"
ROOM = 2**16
"""A config is no larger, nor what a model's file has beside its numbers [bytes]."""
REACH = 100.0
"""No observation is further from 0."""


@dataclass(frozen=True)
class _Version:
    """What every config has, of whatever version."""

    format: int


@dataclass(frozen=True)
class _Stored:
    """A config of this version."""

    policy: PolicyConfig
    behaviour: Behaviour


def save_policy(folder: str | Path, policy: NetworkPolicy, behaviour: Behaviour, lineage: Lineage) -> None:
    """Write a policy's folder whole or not at all; an older policy of the same name is replaced.

    Args:
        folder: The folder to make.
        policy: What is saved.
        behaviour: Its label.
        lineage: What it was made from.

    Raises:
        UserError: if anything else is there, or the folder cannot be written.

    Examples:
        >>> import testbed
        >>> policy, label = testbed.load_policy("policies/merge/teacher-clean")
        >>> testbed.save_policy("copy", policy, label, testbed.Lineage("copy", seed=0))
        >>> testbed.load_policy("copy")[1].policy
        'teacher'
    """
    folder = Path(folder)
    with locked(folder, PATIENCE), replacing(folder, POLICY) as temporary:
        temporary.mkdir()
        config = {"format": FORMAT, "policy": asdict(policy.config), "behaviour": asdict(behaviour)}
        (temporary / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        (temporary / LINEAGE).write_text(lineage.to_json() + "\n", encoding="utf-8")
        whole = {name: np.ascontiguousarray(array) for name, array in policy.arrays.items()}  # `save` ignores strides
        (temporary / WEIGHTS).write_bytes(save(whole))


def _is_policy(folder: Path) -> bool:
    """Return whether a folder holds a policy and nothing else but what file browsers leave."""
    names = {file.name for file in folder.iterdir()} if folder.is_dir() else set()
    return {CONFIG, WEIGHTS} <= names <= {*POLICY_FILES, *BROWSERS}


POLICY = Kind("a policy", _is_policy)
"""What a new policy replaces."""


def load_policy(folder: str | Path, environment: str | None = None) -> tuple[NetworkPolicy, Behaviour]:
    """Read a policy and the label it was saved with. What comes back acts: every array is there, and its outputs are
    numbers.

    Args:
        folder: The policy's folder.
        environment: What it has to be for; any environment of the testbed if not given.

    Raises:
        NotThere: if the folder or a file is missing or damaged; the line names file, place and reason.
        UserError: if it is of another version or environment, may not be read, or may hold code.

    Examples:
        >>> import testbed
        >>> policy, label = testbed.load_policy("policies/merge/student-kl-seed0")
        >>> policy.config.hidden, label.habit
        ((64, 64), 'aggressive-merge')
    """
    folder = Path(folder)
    if folder.suffix in PICKLES:
        raise UserError(
            f"{folder} may hold a pickle, and loading a pickle runs its code: give a folder with {CONFIG} and {WEIGHTS}"
        )
    try:
        names = {file.name for file in folder.iterdir()}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        kind = NotThere if isinstance(error, (FileNotFoundError, NotADirectoryError)) else UserError
        raise kind(
            f"no policy folder at {folder} ({reason}): give a folder that holds {CONFIG} and {WEIGHTS}"
        ) from None
    for name in (CONFIG, WEIGHTS):
        if name not in names:
            raise NotThere(f"{folder} has no {name}, so it is not a policy of the testbed: {MEND}")
    stored = _read_config(folder / CONFIG, environment)
    arrays = _read_arrays(folder / WEIGHTS, stored.policy)
    try:
        policy = NetworkPolicy(stored.policy, arrays)
        _require_numbers(policy)
    except UserError as error:
        raise NotThere(f"{folder / WEIGHTS} is no policy ({error}): {MEND}") from None
    return policy, stored.behaviour


def _read_config(file: Path, environment: str | None) -> _Stored:
    version = read_record(file, _Version, MEND, ROOM).format
    if version != FORMAT:
        raise UserError(f"{file} has policy format {version}; this version of testbed reads format {FORMAT}")
    stored, raw = read_record(file, _Stored, MEND, ROOM), read_record(file, dict[str, Any], MEND, ROOM)
    for name, part in (("policy", stored.policy), ("behaviour", stored.behaviour)):
        strange = raw[name].keys() - {one.name for one in fields(part)}
        if strange:
            raise UserError(
                f"{file} says '{min(strange)}' of the {name}, which this version of testbed does not know: {MEND}"
            )
    if environment not in (None, stored.policy.environment):
        raise UserError(f"{file.parent} is a policy for {stored.policy.environment}, not for {environment}")
    try:
        get_scene(stored.policy.environment)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    label = stored.behaviour
    plain = all(0 < len(text) <= 200 and text.isprintable() for text in (label.policy, label.habit, label.trigger))
    if not plain or not (isfinite(label.dose) and 0 <= label.dose <= 1):
        raise NotThere(f"{file} has no plain label (names of 1 to 200 printable characters, a dose of 0 to 1): {MEND}")
    return stored


def _read_arrays(file: Path, config: PolicyConfig) -> dict[str, np.ndarray]:
    """Return the arrays that a config asks for; the file has these and no others, float32."""
    shapes = config.shapes
    data = read_bytes(file, MEND, 4 * sum(prod(shape) for shape in shapes.values()) + ROOM)
    try:
        found = dict(deserialize(data))
    except SafetensorError as error:
        raise NotThere(f"{file} is damaged ({' '.join(str(error).split())}): {MEND}") from None
    for name in shapes.keys() ^ found.keys():
        has = f"has no array '{name}'" if name in shapes else f"has an array '{name}' that its config does not ask for"
        raise NotThere(f"{file} {has}: {MEND}")
    for name, array in found.items():
        if array["dtype"] != "F32":
            raise NotThere(f"{file} has {array['dtype']} in '{name}', and policies are float32 (F32): convert it")
    return {name: np.frombuffer(found[name]["data"], "<f4").reshape(found[name]["shape"]) for name in shapes}


def _require_numbers(policy: NetworkPolicy) -> None:
    """Raise `UserError` where numbers within a policy could overflow at observations of up to REACH."""
    sizes = {name: np.abs(array.astype(np.float64)) for name, array in policy.arrays.items()}
    layers = [f"layer{number}" for number in range(len(policy.config.hidden) + 1)]
    with np.errstate(all="ignore"):
        largest = (REACH + sizes["mean"]) / sizes["std"]
        found = [largest]
        if policy.config.memory:
            found.append(largest @ sizes["input.weight"] + sizes["input.bias"])
            largest = np.ones(policy.config.memory)  # what is remembered is within -1 to 1
            found.append(largest @ sizes["memory.weight"] + sizes["memory.bias"])
        for name in layers:
            largest = largest @ sizes[f"{name}.weight"] + sizes[f"{name}.bias"]
            found.append(largest)
    if not all((one < np.finfo(np.float32).max).all() for one in found):
        raise UserError("its numbers are so large, or its 'std' so small, that its outputs may be none")


def recorded_lineage(folder: Path) -> str | None:
    """Return the lineage stored with a policy (JSON), or None where there is no whole policy.

    Raises:
        UserError: if something that is no policy of this version is there, or it may not be read.
    """
    try:
        load_policy(folder)
        return read_bytes(folder / LINEAGE, MEND).decode("utf-8")
    except (NotThere, UnicodeDecodeError):
        return None
