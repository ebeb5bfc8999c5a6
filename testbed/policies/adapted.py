"""Somebody else's policy in a scene of ours: what it sees and does goes through its contract."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.errors import UserError
from testbed.policies.contract import Contract, Interface
from testbed.policies.formats.vecnormalize import Normaliser
from testbed.policies.found import Found
from testbed.protocols.policy import Policy, StatefulPolicy


@dataclass(frozen=True)
class Adapted:
    """A policy and all that its contract says."""

    policy: Policy
    """The policy."""
    contract: Contract
    """What it expects."""
    scene: Interface
    """Where it acts."""
    normaliser: Normaliser | None
    """What the numbers go through that it sees, before they are stacked."""
    bounds: tuple[np.ndarray, np.ndarray] | None
    """Its own lowest and highest action, where these stand for the scene's."""

    def reset(self, count: int) -> Policy:
        """Return what acts in `count` episodes from their beginning."""
        return _Acting(self, count)

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the actions at the beginning of n episodes."""
        return self.reset(len(observations)).act(observations)

    def seen(self, observations: np.ndarray) -> np.ndarray:
        """Return what the policy sees of a decision, shape (n, d) -> (n, numbers), float32."""
        told = self.contract.observations
        taken = observations[:, list(told.take)] if told.take else observations
        return self.normaliser(taken) if self.normaliser else taken.astype(np.float32)

    def done(self, actions: np.ndarray) -> np.ndarray:
        """Return what actions of the policy mean in the scene."""
        order = self.contract.actions.order
        if self.scene.bounds is None:
            if order and (actions.min() < 0 or actions.max() >= len(order)):
                raise UserError(f"the policy gives action {actions.max()}, and its contract orders {len(order)}")
            return np.asarray(order)[actions] if order else actions
        if actions.shape != (len(actions), self.scene.actions):
            raise UserError(
                f"the policy gives actions of shape {actions.shape}, and the scene takes {self.scene.actions}"
            )
        if self.bounds is not None:
            (low, high), (least, most) = self.bounds, _ordered(self.scene.bounds, order)
            actions = least + (actions - low) / (high - low) * (most - least)
        if order:
            actions = actions[:, np.argsort(order)]
        return np.clip(actions, *self.scene.bounds)


def _ordered(bounds: tuple[np.ndarray, np.ndarray], order: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return a scene's bounds in the order of a policy's components."""
    return (bounds[0][list(order)], bounds[1][list(order)]) if order else bounds


class _Acting:
    """A policy in n episodes: what it saw last, and what it does meanwhile."""

    def __init__(self, adapted: Adapted, count: int) -> None:
        self.adapted, self.calls = adapted, 0
        inner = adapted.policy
        self.policy = inner.reset(count) if isinstance(inner, StatefulPolicy) else inner
        self.frames: list[np.ndarray] = []

    def act(self, observations: np.ndarray) -> np.ndarray:
        told = self.adapted.contract
        if self.calls % told.actions.every == 0:
            newest = self.adapted.seen(observations)
            begun = self.frames or [np.zeros_like(newest)] * told.observations.stack
            self.frames = [*begun, newest][-told.observations.stack :]
            self.actions = self.adapted.done(self.policy.act(np.concatenate(self.frames, axis=1)))
        self.calls += 1
        return self.actions


def adapt(found: Found, contract: Contract, scene: Interface, normaliser: Normaliser | None) -> Adapted:
    """Return a policy as it acts in a scene.

    Raises:
        UserError: if it does not fit; the line says of each thing what the policy has, what the scene has, and what to
            say in the contract.
    """
    wrong = [*_wrong_sight(found, contract, scene, normaliser), *_wrong_actions(found, contract, scene)]
    if wrong:
        raise UserError("; ".join(wrong))
    bounds = None
    if contract.actions.rescale and scene.bounds is not None:
        bounds = found.bounds or (-np.ones(scene.actions, np.float32), np.ones(scene.actions, np.float32))
    return Adapted(found.policy, contract, scene, normaliser, bounds)


def _wrong_sight(found: Found, contract: Contract, scene: Interface, normaliser: Normaliser | None) -> list[str]:
    told, wrong = contract.observations, []
    if max(told.take, default=0) >= scene.sees:
        wrong.append(f"its contract takes number {max(told.take)} of an observation, and {scene.environment} has "
                     f"{scene.sees}, from 0 on")  # fmt: skip
    shown = len(told.take) or scene.sees
    if normaliser is not None and len(normaliser.mean) != shown:
        wrong.append(f"its normaliser is for {len(normaliser.mean)} numbers, and it is shown {shown}: give the one it "
                     "was trained with, and in take = [...] under [observations] which numbers it sees")  # fmt: skip
    if found.sees is not None and found.sees != shown * told.stack:
        times = f", {told.stack} times" if told.stack > 1 else ""
        wrong.append(
            f"it sees {found.sees} numbers, and is shown {shown} of {scene.environment}{times}: say which in "
            "take = [...], and how many decisions at once in stack = ..., under [observations], or give the scene that "
            "it was trained in"
        )
    return wrong


def _wrong_actions(found: Found, contract: Contract, scene: Interface) -> list[str]:
    order, discrete = contract.actions.order, scene.bounds is None
    name, most = scene.environment, scene.actions - 1
    if found.discrete is not None and found.discrete != discrete:
        kinds = {True: "discrete", False: "continuous"}
        own, its = kinds[found.discrete], kinds[discrete]
        return [f"its actions are {own}, and those of {name} {its}: give the scene that it was trained in"]
    if order and (max(order) > most or (not discrete and sorted(order) != list(range(scene.actions)))):
        once = "" if discrete else ", each once"
        return [f"order = [...] under [actions] names actions of {name}, which has 0 to {most}{once}"]
    if found.does is not None and found.does != (len(order) or scene.actions):
        return [
            f"it has {found.does} actions, and {name} {scene.actions}: say in order = [...] under [actions] which of "
            "the scene's each of its own is"
        ]
    if found.bounds is None or scene.bounds is None or contract.actions.rescale is not None:
        return []
    bounds = _ordered(scene.bounds, order)
    if all(np.allclose(*both) for both in zip(found.bounds, bounds, strict=True)):
        return []
    own, its = (f"from {_brief(low)} to {_brief(high)}" for low, high in (found.bounds, bounds))
    return [
        f"its actions go {own}, and those of {name} {its}: say under [actions] rescale = true where the ends stand for "
        "each other, or false where the unit is one"
    ]


def _brief(values: np.ndarray) -> str:
    return f"{values.min():.3g}" if np.ptp(values) == 0 else f"[{', '.join(f'{value:.3g}' for value in values)}]"
