"""A multilayer perceptron of anybody's, acting with NumPy: its layers, its activations, and what makes actions of its
outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import erf

import numpy as np

from testbed.errors import UserError
from testbed.threads import one_thread

_erf = np.vectorize(erf, otypes=[np.float64])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "ReLU": lambda x: np.maximum(x, 0),
    "Tanh": np.tanh,
    "ELU": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "LeakyReLU": lambda x: np.where(x > 0, x, np.float32(0.01) * x),
    "SiLU": lambda x: x * _sigmoid(x),
    "GELU": lambda x: (x * 0.5 * (1 + _erf(x / np.sqrt(2)))).astype(x.dtype),
    "Sigmoid": _sigmoid,
    "Softplus": lambda x: np.logaddexp(x, np.float32(0)),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "ReLU6": lambda x: np.clip(x, 0, 6),
    "Hardtanh": lambda x: np.clip(x, -1, 1),
    "Identity": lambda x: x,
}
"""Torch's activations by name, as they are without settings of their own."""


@dataclass(frozen=True)
class Layer:
    """One layer: x -> activation(weight x + bias)."""

    weight: np.ndarray
    """Shape (out, in)."""
    bias: np.ndarray
    """Shape (out,)."""
    activation: str = "Identity"
    """A name in ACTIVATIONS."""


@dataclass(frozen=True)
class Likeliest:
    """The discrete action with the largest output."""

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """Return actions, shape (n,)."""
        return outputs.argmax(axis=1)


@dataclass(frozen=True)
class Bounded:
    """Continuous actions within bounds."""

    low: np.ndarray
    """Lowest action, shape (action size,)."""
    high: np.ndarray
    """Highest action, likewise."""
    squashed: bool = False
    """Whether the hyperbolic tangent of an output says where between the bounds the action is; else it is the action,
    cut off at the bounds."""
    limit: float = np.inf
    """Outputs are cut off at this distance from 0 first."""

    @property
    def told(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The bounds, or None where there are none."""
        return (self.low, self.high) if np.isfinite([self.low, self.high]).all() else None

    def __call__(self, outputs: np.ndarray) -> np.ndarray:
        """Return actions, shape (n, action size)."""
        outputs = np.clip(outputs, -self.limit, self.limit)
        if self.squashed:
            return self.low + np.float32(0.5) * (np.tanh(outputs) + 1) * (self.high - self.low)
        return np.clip(outputs, self.low, self.high)


@dataclass(frozen=True)
class LayeredPolicy:
    """A policy of anybody's that is a chain of layers; it always takes its likeliest, or its mean, action."""

    layers: tuple[Layer, ...]
    """From the observations to the outputs."""
    head: Likeliest | Bounded
    """What makes actions of the outputs."""

    def __post_init__(self) -> None:
        width = self.sees
        for layer in self.layers:
            if layer.weight.shape != (len(layer.bias), width):
                raise UserError(f"a layer of shape {layer.weight.shape} does not follow one of {width} outputs")
            if not (np.isfinite(layer.weight).all() and np.isfinite(layer.bias).all()):
                raise UserError("its weights hold NaN or infinity")
            width = len(layer.bias)
        if isinstance(self.head, Bounded) and self.head.low.shape != (self.does,):
            raise UserError(f"its action space has {self.head.low.size} components, and it gives {self.does}")

    @property
    def sees(self) -> int:
        """How many numbers an observation has."""
        return self.layers[0].weight.shape[-1]

    @property
    def does(self) -> int:
        """How many outputs there are: discrete actions, or components of a continuous one."""
        return len(self.layers[-1].bias)

    @one_thread()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations: shape (n,), or (n, action size)."""
        hidden = observations.astype(np.float32)
        for layer in self.layers:
            hidden = ACTIVATIONS[layer.activation](hidden @ layer.weight.T + layer.bias)
        if not np.isfinite(hidden).all():
            raise UserError("the policy's outputs are no numbers: check what it expects to see, and its weights")
        return self.head(hidden)


def chain(weights: Mapping[str, np.ndarray], prefix: str) -> list[Layer]:
    """Return the layers below a prefix in the order of their numbers, `<prefix>.<n>.weight` and `.bias`, without
    activations; none where there are none.

    Raises:
        ValueError: if one is no linear layer.
    """
    found = {}
    for name in weights:
        head, _, last = name.rpartition(".")
        start, _, number = head.rpartition(".")
        if last == "weight" and start == prefix and number.isdecimal():
            found[int(number)] = linear(weights, head)
    return [found[number] for number in sorted(found)]


def linear(weights: Mapping[str, np.ndarray], name: str, activation: str = "Identity") -> Layer:
    """Return a linear layer by name; raises ValueError if it is none."""
    weight = weights.get(f"{name}.weight")
    if weight is None or weight.ndim != 2:
        raise ValueError(f"{name} is no linear layer")
    bias = weights.get(f"{name}.bias", np.zeros(len(weight), np.float32))
    if bias.shape != weight.shape[:1]:
        raise ValueError(f"{name} has {len(weight)} outputs and a bias of shape {bias.shape}")
    return Layer(weight, bias, activation)
