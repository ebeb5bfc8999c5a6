"""What an adapted scene shows and takes: flat observations with the factors beside them, actions as policies give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from testbed.errors import UserError
from testbed.protocols.scene import SceneSpec
from testbed.seeding import Draws


@dataclass(frozen=True)
class Form:
    """The spaces of a scene, and how they follow from its environment's own."""

    observation: spaces.Box
    """What is seen: flat, float32, the factors last."""
    action: spaces.Discrete | spaces.Box
    """What policies do: numbers from 0 on, or components from -1 to 1."""
    own: Any
    """The environment's own action space."""

    def translated(self, actions: np.ndarray) -> list[Any]:
        """Return actions of n worlds as the environment takes them; components beyond -1 to 1 are cut off."""
        if isinstance(self.own, spaces.Discrete):
            return [int(action) + int(self.own.start) for action in actions]
        low, high = self.own.low.ravel(), self.own.high.ravel()
        shares = (np.clip(actions, -1.0, 1.0) + 1.0) / 2.0
        scaled = (low + shares * (high - low)).astype(self.own.dtype)
        return list(np.clip(scaled, low, high).reshape(-1, *self.own.shape))


def form_of(scene: SceneSpec, env: Any) -> Form:
    """Return the form of a scene; raises `UserError` where its environment's spaces are of another kind."""
    seen, does = env.observation_space, env.action_space
    try:
        flat = spaces.flatten_space(seen)
    except NotImplementedError:
        flat = None
    if not isinstance(flat, spaces.Box):
        raise UserError(
            f"{scene.environment} has observations {seen!r:.80}, which have no flat form: wrap it in `make`"
        )
    with np.errstate(over="ignore"):
        low, high = flat.low.astype(np.float32).ravel(), flat.high.astype(np.float32).ravel()
    extra = count_shown(scene)
    seen = spaces.Box(np.append(low, np.zeros(extra, np.float32)), np.append(high, np.ones(extra, np.float32)))
    if isinstance(does, spaces.Discrete):
        return Form(seen, spaces.Discrete(int(does.n)), does)
    if isinstance(does, spaces.Box) and np.isfinite(does.low).all() and np.isfinite(does.high).all():
        return Form(seen, spaces.Box(-1.0, 1.0, (int(np.prod(does.shape)),), np.float32), does)
    raise UserError(
        f"{scene.environment} takes actions {does!r:.80}, and policies here choose among numbers (Discrete) or within "
        "finite bounds (Box): wrap it in `make`"
    )


def count_shown(scene: SceneSpec) -> int:
    """Return how many components of an observation show the factors."""
    assert scene.adapter is not None
    return sum(map(len, scene.context.values())) if scene.adapter.shows_context else 0


def shown(scene: SceneSpec, context: np.ndarray) -> np.ndarray:
    """Return what shows the factors of n worlds, places in their values, shape (n, factors) -> (n, shown), float32."""
    if not count_shown(scene):
        return np.zeros((len(context), 0), np.float32)
    columns = [np.eye(len(v), dtype=np.float32)[context[:, k]] for k, v in enumerate(scene.context.values())]
    return np.concatenate(columns, axis=1)


def drawn(scene: SceneSpec, seeds: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return the factors of n scenes as places in their values, and their numbers, shape (n, factors + numbers).

    Each is drawn from the seed alone, factors evenly among what no trigger holds out, numbers between their bounds;
    fixing one leaves the others as they are.

    Args:
        scene: The scene.
        seeds: Scenario seeds, shape (n,).
        fixed: What is fixed, as `asking.fixed_factors` says, shape (n, factors + numbers).
    """
    draws, found = Draws(seeds, scene.numbers, fixed[:, len(scene.context) :]), []
    for k, (factor, values) in enumerate(scene.context.items()):
        allowed = np.array([number for number, value in enumerate(values) if (factor, value) not in scene.held_out])
        one = allowed[draws.choice([1 / len(allowed)] * len(allowed))]
        found.append(np.where(fixed[:, k] < 0, one, fixed[:, k]))
    return np.stack([*found, *map(draws.number, scene.numbers)], axis=1)


def named(scene: SceneSpec, drawn: np.ndarray) -> dict[str, Any]:
    """Return the factors and numbers of one scene by name, from what `drawn` returns of it."""
    places = drawn[: len(scene.context)].astype(int)
    factors = {factor: values[at] for (factor, values), at in zip(scene.context.items(), places, strict=True)}
    return {**factors, **dict(zip(scene.numbers, drawn[len(scene.context) :].tolist(), strict=True))}
