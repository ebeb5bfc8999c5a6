"""What a data set says beside its arrays, which no other format has a place for: carried along as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from testbed.datasets import stored
from testbed.datasets.form import Form
from testbed.datasets.layout import demo_names
from testbed.datasets.opening import open_data
from testbed.errors import UserError
from testbed.protocols.episode import Behaviour, Episode, Scenario, Signal, Trace
from testbed.records import decoded

VERSION = 1
"""Of what is carried."""
NAME = "testbed"
"""Where it is carried."""


@dataclass(frozen=True)
class Header:
    """What is said of the whole set."""

    environment: str
    """Gymnasium id."""
    lineage: str
    """Lineage (JSON)."""
    masks: dict[str, list[int]] = field(default_factory=dict)
    """Filter key -> episodes, by their order."""
    version: int = VERSION
    """Of what is carried."""


@dataclass(frozen=True)
class Label:
    """What is said of one episode."""

    seed: int
    """Scenario seed."""
    fixed: dict[str, str]
    """Context that was asked for."""
    context: dict[str, str]
    """Context that was drawn."""
    policy: str
    """Who acted."""
    habit: str
    """Its habit."""
    trigger: str
    """Its trigger."""
    dose: float
    """Its strength."""
    success: bool
    """Whether the task was done."""
    terminated: bool
    """Whether it ended by its own rules."""
    ending: str
    """How it ended."""
    simulator: str
    """What simulated it."""
    constants: dict[str, Any]
    """What the trace says once, as nested lists."""

    @classmethod
    def of(cls, episode: Episode) -> Label:
        """Return what is said of an episode."""
        who, constants = episode.behaviour, episode.trace.constants.items()
        return cls(
            episode.scenario.seed, dict(episode.scenario.context), dict(episode.context), who.policy, who.habit,
            who.trigger, who.dose, bool(episode.success), bool(episode.terminated), episode.ending, episode.simulator,
            {name: signal.values.tolist() for name, signal in constants},
        )  # fmt: skip


def read_header(path: Path) -> Header:
    """Return what a data set says of itself; raises `UserError` as reading it does."""
    with open_data(path) as data:
        environment = stored.record(data.id, "env_args").get("env_name", "")
        lineage = stored.text(data.id, "lineage")
        order = {name: number for number, name in enumerate(demo_names(data))}
        masks = {}
        if "mask" in data.parent:
            for key, names in data.parent["mask"].items():
                masks[key] = [order[one.decode()] for one in names[()] if one.decode() in order]
    return Header(environment, lineage, masks)


def to_json(record: Header | Label) -> str:
    """Return what is carried as JSON."""
    return json.dumps(asdict(record), sort_keys=True)


def header_from(text: str | bytes, path: Path) -> Header:
    """Return a header from JSON; raises `UserError` for anything else, or of a newer version."""
    found = _read(text, Header, path)
    if found.version > VERSION:
        raise UserError(f"{path} was exported by a newer testbed: update testbed")
    return found


def label_from(text: str | bytes, path: Path) -> Label:
    """Return a label from JSON; raises `UserError` for anything else."""
    return _read(text, Label, path)


def _read(text: str | bytes, kind: type, path: Path) -> Any:
    try:
        return decoded(text, kind)
    except ValueError as error:
        raise UserError(
            f"{path} is damaged: what it says of itself cannot be read ({error}); export it again"
        ) from None


def episode_from(form: Form, label: Label, arrays: Mapping[str, np.ndarray], path: Path) -> Episode:
    """Return an episode from its label and arrays.

    Args:
        form: Of its environment.
        label: What is said of it.
        arrays: `observations` (T + 1, d), `actions` (T, ...), `rewards` (T,), `states` (T + 1, s), and each signal.
        path: Whose it is, for messages.

    Raises:
        UserError: if what the trace says once is not of its form.
    """
    constants = {}
    for name, item in form.constants.items():
        try:
            values = np.array(label.constants[name], item.dtype)
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"{path} is damaged: constant {name} of an episode cannot be read ({error})") from None
        if values.shape != item.shape:
            raise UserError(f"{path} is damaged: constant {name} has shape {values.shape}, not {item.shape}")
        constants[name] = Signal(values, item.unit or "")
    signals = {name: Signal(arrays[name], item.unit or "") for name, item in form.signals.items()}
    actions = arrays["actions"]
    return Episode(
        form.environment, Scenario(label.seed, label.fixed), label.context, arrays["observations"],
        actions[:, 0] if actions.ndim > 1 and actions.shape[1] == 1 else actions, arrays["rewards"], label.terminated,
        arrays["states"], Trace(form.rate, signals, constants), label.success,
        Behaviour(label.policy, label.habit, label.trigger, label.dose), label.ending, label.simulator,
    )  # fmt: skip
