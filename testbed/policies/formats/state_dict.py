"""Weights by name, as `torch.save(network.state_dict())` writes them: CleanRL's scripts do, and many others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from testbed.errors import UserError, unknown_name
from testbed.policies.contract import Contract, Interface
from testbed.policies.formats.archives import read_file
from testbed.policies.formats.arrays import read_state_dict
from testbed.policies.formats.layers import ACTIVATIONS, Bounded, Layer, LayeredPolicy, Likeliest, chain, linear

Weights = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Layout:
    """How a library, or one of CleanRL's scripts, names its actor."""

    script: str
    """The script, or the class."""
    marks: tuple[str, ...]
    """Names that tell it, all of which are there."""
    actor: tuple[str, ...]
    """Its layers in their order, or prefixes of chains of layers."""
    activation: str
    """Between them."""
    squashed: bool = False
    """Whether a hyperbolic tangent, scaled by what the file holds, follows."""
    normalised: bool = False
    """Whether the script normalises observations outside of what it saves."""


LAYOUTS = (
    Layout("ppo_continuous_action.py", ("actor_mean.0.weight", "actor_logstd"), ("actor_mean",), "Tanh",
           normalised=True),
    Layout("ppo.py", ("actor.0.weight", "critic.0.weight"), ("actor",), "Tanh"),
    Layout("dqn.py", ("network.0.weight",), ("network",), "ReLU"),
    Layout("sac_continuous_action.py", ("fc1.weight", "fc_mean.weight", "action_scale"), ("fc1", "fc2", "fc_mean"),
           "ReLU", squashed=True),
    Layout("td3_continuous_action.py", ("fc1.weight", "fc_mu.weight", "action_scale"), ("fc1", "fc2", "fc_mu"),
           "ReLU", squashed=True),
    Layout("ActorCriticPolicy", ("mlp_extractor.policy_net.0.weight", "action_net.weight"),
           ("mlp_extractor.policy_net", "action_net"), "Tanh"),
)  # fmt: skip
"""CleanRL's, and Stable-Baselines3's, which is what `imitation` makes too."""


def load_state_dict(path: Path, contract: Contract, scene: Interface) -> LayeredPolicy:
    """Return the policy whose weights a file holds; it takes its likeliest, or its mean, action.

    Where the names are those of a script of CleanRL's, layers and activation are known. Else `network` of the contract
    says the actor's prefix, unless there is but one, and its activation.

    Raises:
        UserError: if the file is no such file, or what the actor is is not known.
    """
    weights = read_state_dict(read_file(path), str(path))
    layout = None if contract.network.actor else _layout(weights)
    try:
        if layout is None:
            layers, squashed = _described(weights, contract), False
        else:
            layers, squashed = _as_layout(layout, weights, contract), layout.squashed
        if layout is not None and layout.normalised and not contract.observations.says_scale:
            raise UserError(
                f"{layout.script} normalises observations and does not save with what: give mean and std of "
                'observations in its contract, or scale = "none" if it was trained without'
            )
        return LayeredPolicy(layers, _head(weights, scene, squashed, len(layers[-1].bias)))
    except (ValueError, KeyError, UserError) as error:
        said = f"it has no {error}" if isinstance(error, KeyError) else error
        raise UserError(f"{path}: {said}") from None


def _layout(weights: Weights) -> Layout | None:
    return next((one for one in LAYOUTS if all(mark in weights for mark in one.marks)), None)


def _as_layout(layout: Layout, weights: Weights, contract: Contract) -> tuple[Layer, ...]:
    layers = [layer for name in layout.actor for layer in chain(weights, name) or [linear(weights, name)]]
    return _activated(layers, contract.network.activation or layout.activation)


def _described(weights: Weights, contract: Contract) -> tuple[Layer, ...]:
    """Return the actor's layers as a contract tells them."""
    heads = {name.removesuffix(".weight").rpartition(".")[0] for name in weights if name.endswith(".weight")}
    found = sorted(prefix for prefix in heads if chain(weights, prefix))
    asked = contract.network.actor or (found[0] if len(found) == 1 else "")
    if asked not in found:
        if asked:
            raise unknown_name("chain of layers", asked, found)
        raise UserError(
            f"which of {', '.join(found) or 'its arrays'} is the actor is not known: say it in its contract, "
            'actor = "..." under [network]'
        )
    if not contract.network.activation:
        raise UserError(
            'what is between its layers is not in the file: say it in its contract, activation = "..." under '
            f"[network], one of {', '.join(ACTIVATIONS)}"
        )
    return _activated(chain(weights, asked), contract.network.activation)


def _activated(layers: list[Layer], activation: str) -> tuple[Layer, ...]:
    if activation not in ACTIVATIONS:
        raise unknown_name("activation", activation, ACTIVATIONS)
    return (*(replace(layer, activation=activation) for layer in layers[:-1]), layers[-1])


def _head(weights: Weights, scene: Interface, squashed: bool, size: int) -> Likeliest | Bounded:
    if squashed:
        scale, bias = (weights[name].reshape(-1) for name in ("action_scale", "action_bias"))
        return Bounded(bias - scale, bias + scale, squashed=True)
    if scene.bounds is None:
        return Likeliest()
    return Bounded(np.full(size, -np.inf, np.float32), np.full(size, np.inf, np.float32))  # the scene cuts them off
