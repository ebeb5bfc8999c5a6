"""A program as a policy: which of its inputs is the observation, which outputs are actions and what it remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from testbed.errors import UserError, unknown_name
from testbed.policies.confined.messages import Port
from testbed.policies.confined.process import Confined
from testbed.policies.contract import Contract, Interface
from testbed.policies.found import Found
from testbed.protocols.policy import Policy

LARGEST = 2**22
"""Numbers that a program remembers at most, in all episodes that are played at once."""
NEXT = ("next_{}", "{}_next", "{}_out", "new_{}", "{}n", "{}")
"""What an output may be called that is the next value of an input."""


@dataclass(frozen=True)
class ProgramPolicy:
    """A policy that is a program; it acts in episodes that begin with zeros remembered."""

    confined: Confined
    """Runs it."""
    observation: Port
    """What it sees."""
    state: tuple[tuple[Port, str], ...]
    """What it remembers by, and the outputs that say so."""
    action: str
    """The output that is its action; the first one if empty."""
    discrete: bool
    """Whether its actions are discrete."""

    @property
    def single(self) -> bool:
        """Whether it sees one observation at a time."""
        shape = self.observation.shape
        return shape is not None and (len(shape) == 1 or shape[0] == 1)

    def reset(self, count: int) -> Policy:
        """Return what acts in `count` episodes from their beginning."""
        return _Running(self, count)

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the actions at the beginning of n episodes."""
        return self.reset(len(observations)).act(observations)


class _Running:
    """A program in n episodes, and what it remembers."""

    def __init__(self, policy: ProgramPolicy, count: int) -> None:
        self.policy = policy
        batches, size = (count, 1) if policy.single else (1, count)
        self.states = [{port.name: _zeros(port, size, policy) for port, _ in policy.state} for _ in range(batches)]

    def act(self, observations: np.ndarray) -> np.ndarray:
        parts = np.split(observations, len(self.states)) if len(self.states) > 1 else [observations]
        found = [self._run(state, part) for state, part in zip(self.states, parts, strict=True)]
        return np.concatenate(found)

    def _run(self, state: dict[str, np.ndarray], seen: np.ndarray) -> np.ndarray:
        policy, shape = self.policy, self.policy.observation.shape
        given = seen[0] if shape is not None and len(shape) == 1 else seen
        outputs = policy.confined.run({policy.observation.name: given} | state)
        for port, name in policy.state:
            if name not in outputs or outputs[name].shape != state[port.name].shape:
                raise UserError(f"{policy.confined.source} remembers by {name} what is not shaped as {port.name}")
            state[port.name] = outputs[name]
        name = policy.action or next(iter(outputs), "")
        if name not in outputs:
            known = ", ".join(outputs) or "nothing"
            raise UserError(f"{policy.confined.source} gives no {name or 'output'}: it gives {known}")
        return _actions(outputs[name], len(seen), policy)


def _actions(output: np.ndarray, count: int, policy: ProgramPolicy) -> np.ndarray:
    """Return an output as actions, shape (n,) or (n, size)."""
    source = policy.confined.source
    rows = output[0] if output.ndim == 3 and output.shape[0] == 1 else output
    rows = rows.reshape(1, -1) if count == 1 else rows.reshape(len(rows), -1) if rows.ndim in (1, 2) else rows
    if rows.ndim != 2 or len(rows) != count or not rows.size:
        raise UserError(f"{source} gives actions of shape {output.shape} for {count} observations")
    if not np.isfinite(rows).all():
        raise UserError(f"{source} gives actions that are no numbers; check its weights, and what it expects to see")
    if not policy.discrete:
        return rows.astype(np.float32)
    if rows.dtype.kind in "iu" and rows.shape[1] == 1:
        return rows[:, 0].astype(np.int64)
    if rows.shape[1] == 1:
        raise UserError(f"{source} gives one number that is no whole one, and the scene's actions are discrete")
    return rows.argmax(axis=1)


def _zeros(port: Port, count: int, policy: ProgramPolicy) -> np.ndarray:
    sizes, free = list(port.shape or ()), [place for place, size in enumerate(port.shape or ()) if size is None]
    if len(free) > 1 or not sizes:
        raise UserError(f"{policy.confined.source} does not say how large {port.name} is, which it remembers by")
    for place in free:
        sizes[place] = count
    known = [size or 0 for size in sizes]
    if min(known) < 0 or prod(known) > LARGEST:
        raise UserError(f"{policy.confined.source} remembers by {port.name} of shape {tuple(known)}: that is too much")
    return np.zeros(known, port.kind or "f4")


def as_policy(confined: Confined, contract: Contract, scene: Interface) -> Found:
    """Return a program as a policy for a scene.

    Raises:
        UserError: if it is not clear what is what; the line says which names there are, and where to say it.
    """
    told = confined.describe()
    inputs, outputs = ({port.name: port for port in ports} for ports in (told.inputs, told.outputs))
    state = _state(contract, inputs, outputs)
    seen = _chosen("observation", contract.network.observation, [name for name in inputs if name not in dict(state)])
    free = [name for name in outputs if name not in dict(state).values()]
    action = _chosen("action", contract.network.action, free) if free else contract.network.action
    port = inputs[seen]
    if port.kind is None or (port.shape is not None and not 1 <= len(port.shape) <= 2):
        raise UserError(
            f"{confined.source} sees {port.shape} of {seen}: export it for observations in rows, (n, numbers)"
        )
    discrete = scene.bounds is None
    remembered = tuple((inputs[one], other) for one, other in state)
    policy = ProgramPolicy(confined, port, remembered, action, discrete)
    return Found(policy, _size(port), _does(outputs.get(action), discrete), _whole(outputs.get(action)))


def _state(contract: Contract, inputs: Mapping[str, Port], outputs: Mapping[str, Port]) -> list[tuple[str, str]]:
    """Return inputs that are remembered by, with their outputs: those of the contract, or by their names."""
    for names in contract.network.state:
        for name, known in zip(names, (inputs, outputs), strict=True):
            if name not in known:
                raise unknown_name("input or output in state", name, known)
    if contract.network.state:
        return list(contract.network.state)
    found = []
    for name in inputs if len(inputs) > 1 else ():
        follows = next((form.format(name) for form in NEXT if form.format(name) in outputs), None)
        if follows is not None:
            found.append((name, follows))
    return found


def _chosen(what: str, told: str, names: list[str]) -> str:
    if told:
        if told not in names:
            raise unknown_name(what, told, names)
        return told
    alike = [name for name in names if what in name.lower()] or names
    if len(alike) != 1:
        raise UserError(f"which of {', '.join(names) or 'nothing'} is its {what} is not known: say it in its contract, "
                        f'{what} = "..." under [network]')  # fmt: skip
    return alike[0]


def _size(port: Port | None) -> int | None:
    return port.shape[-1] if port is not None and port.shape else None


def _does(port: Port | None, discrete: bool) -> int | None:
    """Return how many actions there are, as far as an output says so: a whole number does not."""
    if port is None or port.kind is None or (discrete and port.kind[0] in "iu"):
        return None
    return _size(port) if port.shape is not None and len(port.shape) == 2 else None


def _whole(port: Port | None) -> bool | None:
    """Return whether actions are discrete, as far as an output says so: scores of them are no whole numbers."""
    return True if port is not None and port.kind is not None and port.kind[0] in "iu" else None
