"""A small policy: a multilayer perceptron with its observation normaliser baked in, categorical or Gaussian.

Acting needs NumPy only, so a process that plays scenes never imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from testbed.errors import UserError, unknown_name
from testbed.threads import one_thread

CATEGORICAL, GAUSSIAN = "categorical", "gaussian"
"""Kinds of head."""
LOG_STD = (-3.0, 0.5)
"""Least and greatest log standard deviation of a Gaussian head."""
START_LOG_STD = -0.7
"""Log standard deviation of a fresh one."""
LARGEST = 10_000_000
"""Numbers that a policy has at most: 40 MB."""
_LEAST = {"observation_size": 1, "actions": 1, "memory": 0, "auxiliary": 0}


@dataclass(frozen=True)
class PolicyConfig:
    """What a policy is: what it sees, what it does, how large it is."""

    environment: str
    """Gymnasium id of the environment it acts in."""
    observation_size: int
    """Length of the observation vector."""
    actions: int
    """Number of discrete actions, or of components of a continuous one."""
    hidden: tuple[int, ...]
    """Widths of the hidden layers, each followed by a ReLU."""
    head: str = CATEGORICAL
    """What the network's outputs are: `categorical` logits, or the means of a `gaussian` with its own deviations."""
    memory: int = 0
    """Width of a gated recurrent unit before the hidden layers; 0 for none."""
    auxiliary: int = 0
    """Further outputs that drive nothing."""

    def __post_init__(self) -> None:
        if self.head not in (CATEGORICAL, GAUSSIAN):
            raise unknown_name("policy head", self.head, (CATEGORICAL, GAUSSIAN))
        sizes = [(name, getattr(self, name), least) for name, least in _LEAST.items()]
        for name, size, least in [*sizes, *(("hidden", width, 1) for width in self.hidden)]:
            if isinstance(size, bool) or not isinstance(size, int) or size < least:
                raise UserError(f"a policy's {name} is a whole number from {least} on, not {size!r:.40}")
        if sum(prod(shape) for shape in self.shapes.values()) > LARGEST:
            raise UserError(f"a policy of such sizes has more than {LARGEST:,} numbers: give smaller ones")

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every array of the network."""
        sees, remembers = self.observation_size, self.memory
        shapes: dict[str, tuple[int, ...]] = {"mean": (sees,), "std": (sees,)}
        if remembers:
            shapes |= {"input.weight": (sees, 3 * remembers), "input.bias": (3 * remembers,)}
            shapes |= {"memory.weight": (remembers, 3 * remembers), "memory.bias": (3 * remembers,)}
        widths = (remembers or sees, *self.hidden, self.actions + self.auxiliary)
        for layer, (fan_in, fan_out) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            shapes[f"layer{layer}.weight"] = (fan_in, fan_out)
            shapes[f"layer{layer}.bias"] = (fan_out,)
        if self.head == GAUSSIAN:
            shapes["log_std"] = (self.actions,)
        return shapes


@dataclass(frozen=True)
class NetworkPolicy:
    """A policy that takes the likeliest action. One with a memory acts through what `reset` returns."""

    config: PolicyConfig
    """Its shape and its environment."""
    arrays: Mapping[str, np.ndarray]
    """`mean` and `std` of the normaliser, `layer<i>.weight` (in, out), `layer<i>.bias`; of a Gaussian `log_std`; of
    a memory `input` and `memory`, weight and bias; float32."""

    def __post_init__(self) -> None:
        for name, shape in self.config.shapes.items():
            if name not in self.arrays:
                raise UserError(f"the policy has no array '{name}'; its file is damaged or of another kind")
            if self.arrays[name].shape != shape:
                raise UserError(f"policy array '{name}' has shape {self.arrays[name].shape}, not {shape}")
            if not np.isfinite(self.arrays[name]).all():
                raise UserError(f"policy array '{name}' holds NaN or infinity; train the policy again")
        if not (self.arrays["std"] > 0).all():
            raise UserError("policy array 'std' holds 0 or less, and observations are divided by it")

    def parameters(self, observations: np.ndarray) -> np.ndarray:
        """Return what the distribution over actions is made of, for n observations, shape (n, observation size).

        Of a categorical head the unnormalised log-probabilities, shape (n, actions); of a Gaussian one the means and
        then the log standard deviations, shape (n, 2 * actions).

        Raises:
            UserError: for observations of another size.
        """
        return self._distribution(self._at_once(observations))

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the likeliest action for each of n observations: shape (n,), or (n, actions) within [-1, 1]."""
        return self._likeliest(self._at_once(observations))

    def auxiliary(self, observations: np.ndarray) -> np.ndarray:
        """Return the outputs that drive nothing, for n observations, shape (n, auxiliary)."""
        return self._at_once(observations)[:, self.config.actions :]

    def reset(self, count: int) -> NetworkPolicy | RecurrentState:
        """Return what acts in `count` episodes from their beginning: this policy, unless it has a memory."""
        return RecurrentState(self, count) if self.config.memory else self

    def _at_once(self, observations: np.ndarray) -> np.ndarray:
        """Return the outputs for observations that nothing came before."""
        if self.config.memory:
            raise UserError(f"a policy with a memory for {self.config.environment} acts through what reset() returns")
        return self._outputs(self._normalised(observations))

    def _distribution(self, outputs: np.ndarray) -> np.ndarray:
        outputs = outputs[:, : self.config.actions]
        if self.config.head == CATEGORICAL:
            return outputs
        spread = np.clip(self.arrays["log_std"], *LOG_STD)
        return np.concatenate([outputs, np.broadcast_to(spread, outputs.shape)], axis=1)

    def _likeliest(self, outputs: np.ndarray) -> np.ndarray:
        outputs = outputs[:, : self.config.actions]
        return outputs.argmax(axis=1) if self.config.head == CATEGORICAL else np.clip(outputs, -1.0, 1.0)

    def _normalised(self, observations: np.ndarray) -> np.ndarray:
        if observations.ndim != 2 or observations.shape[1] != self.config.observation_size:
            raise UserError(
                f"observations of shape {observations.shape} do not fit a policy for "
                f"{self.config.environment}, which sees {self.config.observation_size} numbers"
            )
        return (observations.astype(np.float32) - self.arrays["mean"]) / self.arrays["std"]

    @one_thread()
    def _outputs(self, hidden: np.ndarray) -> np.ndarray:
        """Return the outputs of the last layer, shape (n, actions + auxiliary), of what the first layer is given."""
        last = len(self.config.hidden)
        for layer in range(last + 1):
            hidden = hidden @ self.arrays[f"layer{layer}.weight"] + self.arrays[f"layer{layer}.bias"]
            if layer < last:
                np.maximum(hidden, 0.0, out=hidden)
        return hidden


class RecurrentState:
    """A policy with a memory in n episodes that go on together."""

    def __init__(self, policy: NetworkPolicy, count: int) -> None:
        self.policy = policy
        self.state = np.zeros((count, policy.config.memory), np.float32)
        """What is remembered of each episode, shape (n, memory)."""

    def parameters(self, observations: np.ndarray) -> np.ndarray:
        """Go on by one decision; see `NetworkPolicy.parameters`."""
        return self.policy._distribution(self._outputs(observations))

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Go on by one decision and return its actions; see `NetworkPolicy.act`."""
        return self.policy._likeliest(self._outputs(observations))

    @one_thread()
    def _outputs(self, observations: np.ndarray) -> np.ndarray:
        """Step the gated recurrent unit (Cho et al. 2014, in the form of PyTorch's GRU)."""
        arrays, seen = self.policy.arrays, self.policy._normalised(observations)
        if len(seen) != len(self.state):
            raise UserError(f"{len(seen)} observations for the {len(self.state)} episodes that were begun")
        given = np.split(seen @ arrays["input.weight"] + arrays["input.bias"], 3, axis=1)
        kept = np.split(self.state @ arrays["memory.weight"] + arrays["memory.bias"], 3, axis=1)
        with np.errstate(over="ignore"):  # a gate that is wholly shut: 1 / (1 + infinity) is 0
            reset, update = (1 / (1 + np.exp(-(given[gate] + kept[gate]))) for gate in (0, 1))
        self.state = (1 - update) * np.tanh(given[2] + reset * kept[2]) + update * self.state
        return self.policy._outputs(self.state)


def random_arrays(config: PolicyConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return a fresh network: weights and biases uniform within 1 / sqrt(fan-in), as PyTorch's linear layer and GRU.

    The normaliser is the identity; training replaces it.
    """
    arrays = {}
    for name, shape in config.shapes.items():
        if name in ("mean", "std", "log_std"):
            arrays[name] = np.full(shape, {"mean": 0.0, "std": 1.0, "log_std": START_LOG_STD}[name], np.float32)
            continue
        gate = name.startswith(("input", "memory"))
        fan_in = config.memory if gate else config.shapes[name.replace("bias", "weight")][0]
        bound = 1 / np.sqrt(fan_in)
        arrays[name] = rng.uniform(-bound, bound, size=shape).astype(np.float32)
    return arrays
