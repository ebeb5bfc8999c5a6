"""Policies of Stable-Baselines3: the zip files that `model.save` writes, by PPO, A2C, DQN, SAC, TD3 and DDPG.

Neither SB3 nor torch is asked: whatever they pickled is read and never loaded (`pickles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from testbed.errors import UserError
from testbed.policies.formats.archives import read_file, read_members
from testbed.policies.formats.arrays import read_state_dict
from testbed.policies.formats.layers import Bounded, Layer, LayeredPolicy, Likeliest, chain, linear
from testbed.policies.formats.sb3_settings import ACTOR_CRITIC, DQN, MEND, SAC, TD3, Settings, read_settings

DATA, WEIGHTS = "data", "policy.pth"
"""Members of the zip file that are read."""

Weights = Mapping[str, np.ndarray]


def load_sb3(path: Path) -> LayeredPolicy:
    """Return the policy in a zip file of SB3's, acting as `model.predict(..., deterministic=True)` does.

    Raises:
        UserError: if it is none of these, damaged or too large, or the policy is of a kind that is not read.
    """
    members = read_members(read_file(path), str(path), lambda name: name in (DATA, WEIGHTS))
    for name in (DATA, WEIGHTS):
        if name not in members:
            raise UserError(f"{path} has no member {name!r}: it is not what SB3's model.save writes")
    settings = read_settings(members[DATA], str(path))
    weights = read_state_dict(members[WEIGHTS], f"{path} ({WEIGHTS})")
    try:
        return LayeredPolicy(_layers(settings, weights), _head(settings))
    except (ValueError, UserError) as error:
        raise UserError(f"{path} is a policy that is not read ({error}): {MEND}") from None


def _layers(settings: Settings, weights: Weights) -> tuple[Layer, ...]:
    """Return the layers from observations to outputs; raises ValueError for weights of another make."""
    chains, last = {
        ACTOR_CRITIC: (("mlp_extractor.shared_net", "mlp_extractor.policy_net"), "action_net"),
        DQN: (("q_net.q_net",), None),
        SAC: (("actor.latent_pi",), "actor.mu"),
        TD3: (("actor.mu",), None),
    }[settings.kind]
    if any("features_extractor" in name for name in weights):
        raise ValueError("its features extractor has weights of its own")
    found = [layer for prefix in chains for layer in chain(weights, prefix)]
    if last is not None:
        found.append(linear(weights, last if f"{last}.weight" in weights else f"{last}.0"))
    if not found:
        raise ValueError(f"it has no weights below {' or '.join(chains)}")
    return (*(replace(layer, activation=settings.activation) for layer in found[:-1]), found[-1])


def _head(settings: Settings) -> Likeliest | Bounded:
    if settings.bounds is None:
        return Likeliest()
    return Bounded(*settings.bounds, squashed=settings.squashed, limit=settings.clip_mean)
