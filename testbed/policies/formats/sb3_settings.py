"""What a zip file of Stable-Baselines3 says of its policy: JSON in which whatever is no JSON is a pickle in base64."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from testbed.errors import UserError
from testbed.policies.formats.arrays import array_of
from testbed.policies.formats.layers import ACTIVATIONS
from testbed.policies.formats.pickles import Made, Name, called, read_pickle

ACTOR_CRITIC, DQN, SAC, TD3 = "ActorCriticPolicy", "DQNPolicy", "SACPolicy", "TD3Policy"
POLICIES = {ACTOR_CRITIC: "Tanh", DQN: "ReLU", SAC: "ReLU", TD3: "ReLU"}
"""SB3's policies for flat observations, and the activation that each has if none was asked for."""
CLIP_MEAN = 2.0
"""How far SAC's means go with state-dependent exploration if nothing else was asked for."""
HARMLESS = {
    "net_arch", "log_std_init", "ortho_init", "use_expln", "full_std", "share_features_extractor", "normalize_images",
    "optimizer_class", "optimizer_kwargs", "n_critics", "features_extractor_kwargs",
}  # fmt: skip
"""Settings of a policy that say nothing of what it does once it is trained; shapes are those of its weights."""
KNOWN = HARMLESS | {"activation_fn", "features_extractor_class", "use_sde", "squash_output", "clip_mean"}
ROOM = 2**23
"""Settings have at most so many bytes."""
MEND = "export it as ONNX and give that, or say --trust if its maker may run code here"


@dataclass(frozen=True)
class Settings:
    """What is known of a policy beside its weights."""

    kind: str
    """SB3's class of it, one of POLICIES."""
    activation: str
    """Of its hidden layers, one of ACTIVATIONS."""
    bounds: tuple[np.ndarray, np.ndarray] | None
    """Lowest and highest continuous action, float32; None of discrete ones."""
    squashed: bool
    """Whether continuous actions are squashed between the bounds."""
    clip_mean: float
    """Where its means are cut off before that."""


def read_settings(data: bytes, source: str) -> Settings:
    """Return what the member `data` of a zip file of SB3's says.

    Raises:
        UserError: if it is damaged, or the policy is of a kind that is not read; the line says which.
    """
    if len(data) > ROOM:
        raise UserError(f"{source} has settings of {len(data):,} bytes, and {ROOM:,} are the most: {MEND}")
    try:
        told = json.loads(data)
        if not isinstance(told, dict):
            raise ValueError("they are no mapping")
        kind, actions = _told(told, "policy_class", source), _told(told, "action_space", source)
        arguments = _told(told, "policy_kwargs", source)
        if not isinstance(kind, Name) or not isinstance(arguments, dict):
            raise ValueError("the policy's class or its settings are no such")
        explores = True in (told.get("use_sde"), arguments.get("use_sde"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        said = f"no entry {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:80]
        raise UserError(f"{source} has settings that cannot be read ({said}): save the model anew") from None
    if not kind.module.startswith("stable_baselines3.") or kind.name not in POLICIES:
        raise UserError(f"{source} is a {kind}; of SB3's, {', '.join(POLICIES)} are read: {MEND}")
    try:
        _require_known(arguments)
        squashed = kind.name in (SAC, TD3) or arguments.get("squash_output") is True
        clipped = kind.name == SAC and explores
        mean = float(array_of(arguments.get("clip_mean", CLIP_MEAN))) if clipped else 0.0
        limit = mean if mean > 0 else np.inf  # as SB3 has it
        return Settings(kind.name, _activation(kind.name, arguments), _bounds(actions), squashed, limit)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise UserError(f"{source} is a policy that is not read ({error}): {MEND}") from None


def _told(told: Mapping[str, Any], name: str, source: str) -> Any:
    """Return what the settings say under a name."""
    value = told[name]
    if not isinstance(value, dict) or ":serialized:" not in value:
        return value
    return read_pickle(base64.b64decode(value[":serialized:"], validate=True), f"{source} ({name})")


def _require_known(arguments: Mapping[str, Any]) -> None:
    for name in sorted(map(str, arguments.keys() - KNOWN)):
        raise ValueError(f"it was made with {name[:60]}")
    extractor = arguments.get("features_extractor_class")
    if extractor not in (None, Name("stable_baselines3.common.torch_layers", "FlattenExtractor")):
        raise ValueError(f"its features extractor is {called(extractor)}")


def _activation(kind: str, arguments: Mapping[str, Any]) -> str:
    asked = arguments.get("activation_fn")
    if asked is None:
        return POLICIES[kind]
    if asked == Name("torch.nn.modules.linear", "Identity"):
        return "Identity"
    if not isinstance(asked, Name) or asked.module != "torch.nn.modules.activation" or asked.name not in ACTIVATIONS:
        raise ValueError(f"its activation is {called(asked)}, and known are {', '.join(ACTIVATIONS)}")
    return asked.name


def _bounds(actions: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the bounds of a pickled action space, or None where actions are discrete and count from 0."""
    where = str(actions.of) if isinstance(actions, Made) else ""
    if where.endswith("spaces.discrete.Discrete"):
        if int(array_of(actions.state.get("start", 0))):
            raise ValueError("its discrete actions do not count from 0")
        return None
    if not where.endswith("spaces.box.Box"):
        raise ValueError(f"its action space is {called(actions)}, and read are Discrete and Box")
    low, high = (array_of(actions.state[name]).astype(np.float32) for name in ("low", "high"))
    if low.ndim != 1 or low.shape != high.shape or not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError("its action space is no vector within bounds")
    return low, high
