"""A small categorical policy: a multilayer perceptron with its observation normaliser baked in.

Acting needs NumPy only, so a process that plays scenes never imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from testbed.errors import UserError


@dataclass(frozen=True)
class PolicyConfig:
    """What a policy is: what it sees, what it does, how large it is."""

    environment: str
    """Gymnasium id of the environment it acts in."""
    observation_size: int
    """Length of the observation vector."""
    actions: int
    """Number of discrete actions."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers, each followed by a ReLU."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every array of the network."""
        widths = (self.observation_size, *self.hidden, self.actions)
        shapes: dict[str, tuple[int, ...]] = {"mean": (widths[0],), "std": (widths[0],)}
        for layer, (fan_in, fan_out) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            shapes[f"layer{layer}.weight"] = (fan_in, fan_out)
            shapes[f"layer{layer}.bias"] = (fan_out,)
        return shapes


@dataclass(frozen=True)
class NetworkPolicy:
    """A categorical policy that takes the likeliest action."""

    config: PolicyConfig
    """Its shape and its environment."""
    arrays: Mapping[str, np.ndarray]
    """`mean` and `std` of the normaliser and `layer<i>.weight` (in, out), `layer<i>.bias`, float32."""

    def __post_init__(self) -> None:
        for name, shape in self.config.shapes.items():
            if name not in self.arrays:
                raise UserError(f"the policy has no array '{name}'; its file is damaged or of another kind")
            if self.arrays[name].shape != shape:
                raise UserError(f"policy array '{name}' has shape {self.arrays[name].shape}, not {shape}")
            if not np.isfinite(self.arrays[name]).all():
                raise UserError(f"policy array '{name}' holds NaN or infinity; train the policy again")

    def logits(self, observations: np.ndarray) -> np.ndarray:
        """Return unnormalised log-probabilities of the actions, shape (n, observation size) -> (n, actions).

        Raises:
            UserError: for observations of another size.
        """
        if observations.ndim != 2 or observations.shape[1] != self.config.observation_size:
            raise UserError(
                f"observations of shape {observations.shape} do not fit a policy for "
                f"{self.config.environment}, which sees {self.config.observation_size} numbers"
            )
        hidden = (observations.astype(np.float32) - self.arrays["mean"]) / self.arrays["std"]
        last = len(self.config.hidden)
        for layer in range(last + 1):
            hidden = hidden @ self.arrays[f"layer{layer}.weight"] + self.arrays[f"layer{layer}.bias"]
            if layer < last:
                np.maximum(hidden, 0.0, out=hidden)
        return hidden

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the likeliest action for each of n observations, shape (n,)."""
        return self.logits(observations).argmax(axis=1)


def random_arrays(config: PolicyConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return a fresh network: weights and biases uniform within 1 / sqrt(fan-in), as PyTorch's linear layer.

    The normaliser is the identity; training replaces it.
    """
    arrays = {}
    for name, shape in config.shapes.items():
        if name in ("mean", "std"):
            arrays[name] = np.full(shape, float(name == "std"), np.float32)
            continue
        fan_in = config.shapes[name.replace("bias", "weight")][0]
        bound = 1 / np.sqrt(fan_in)
        arrays[name] = rng.uniform(-bound, bound, size=shape).astype(np.float32)
    return arrays
