"""The same in seconds, from one training: influence functions of a small network.

To have an episode moves the weights by the inverse Hessian times the gradient of its likelihood (Koh and Liang 2017);
that moves how likely the decisions are that are asked about. In place of the Hessian stands the Fisher information,
which for these heads is the Gauss-Newton matrix (Martens 2020), with a damping; it is solved by conjugate gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, cg
from torch import Tensor
from torch.func import jacrev, vmap

from testbed.attribution.asked import Asked
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, LOG_STD, NetworkPolicy
from testbed.rollouts.transitions import Transitions

DAMPING = 0.1
"""Added to the Fisher information, as a share of its mean eigenvalue."""
AT_ONCE = 256
"""Decisions whose derivatives are in memory at once."""
MOST = 1024
"""Decisions, drawn at random, that the Fisher information is taken from."""
ITERATIONS, CLOSE = 200, 1e-3
"""Most steps of the conjugate gradients, and how small the residual has to be beside what is asked."""


def influence(students: Sequence[NetworkPolicy], decisions: Transitions, asked: Asked) -> np.ndarray:
    """Return what each episode's being there adds to the support of what is asked about, shape (episodes,).

    Args:
        students: Cloned from the decisions, with several seeds; the mean over them is returned.
        decisions: Of all episodes.
        asked: Decisions of which it is asked who taught them.

    Raises:
        UserError: for a student with a memory.
    """
    return np.mean([_influence(student, decisions, asked) for student in students], axis=0)


def _influence(student: NetworkPolicy, decisions: Transitions, asked: Asked) -> np.ndarray:
    if student.config.memory:
        raise UserError("a student with a memory decides by all that it saw: attribution asks about single decisions")
    network = Network(student)
    parts = [part.sum(0) for _, part in network.gradients(asked.observations, asked.actions)]
    wanted = torch.stack(parts).sum(0) / len(asked)
    some = np.random.default_rng(0).permutation(len(decisions))[:MOST]
    moved = _solved(network.fisher_rows(decisions.observations[some]) * (len(decisions) / len(some)) ** 0.5, wanted)
    episode = np.repeat(np.arange(len(decisions.lengths)), decisions.lengths)
    found = np.zeros(len(decisions.lengths))
    for part, gradients in network.gradients(decisions.observations, decisions.actions):
        np.add.at(found, episode[part], (gradients @ moved).numpy())
    return found


def _solved(rows: Tensor, wanted: Tensor) -> Tensor:
    """Return the inverse of the damped sum of the rows' outer products, times what is wanted, shape (weights,)."""
    damping = DAMPING * float(rows.square().sum()) / rows.shape[1]

    def product(vector: np.ndarray) -> np.ndarray:
        given = torch.from_numpy(vector.astype(np.float32).ravel())
        return (rows.T @ (rows @ given) + damping * given).numpy()

    matrix = LinearOperator((len(wanted), len(wanted)), matvec=product, dtype=np.float32)
    found, _ = cg(matrix, wanted.numpy(), rtol=CLOSE, maxiter=ITERATIONS)
    return torch.from_numpy(found.astype(np.float32))


class Network:
    """A network as a function of all its weights in a row."""

    def __init__(self, policy: NetworkPolicy) -> None:
        self.policy, self.config = policy, policy.config
        self.names = [name for name in self.config.shapes if name not in ("mean", "std")]
        arrays = {name: torch.from_numpy(np.asarray(policy.arrays[name])) for name in self.names}
        self.weights = torch.cat([arrays[name].flatten() for name in self.names])

    def gradients(self, observations: np.ndarray, actions: np.ndarray) -> Iterator[tuple[slice, Tensor]]:
        """Yield slices of decisions with the gradients of log pi(a | s), shape (n, weights)."""
        done = torch.from_numpy(np.asarray(actions))
        slopes = _slope_categorical if self.config.head == CATEGORICAL else _slope_gaussian
        for part, parameters, jacobian in self._derived(observations):
            yield part, torch.einsum("np,npw->nw", slopes(parameters, done[part]), jacobian)

    def fisher_rows(self, observations: np.ndarray) -> Tensor:
        """Return rows whose outer products add up to the Fisher information of decisions, shape (rows, weights)."""
        roots = _root_categorical if self.config.head == CATEGORICAL else _root_gaussian
        rows = [
            torch.einsum("nrp,npw->nrw", roots(parameters), jacobian).flatten(0, 1)
            for _, parameters, jacobian in self._derived(observations)
        ]
        return torch.cat(rows)

    def _derived(self, observations: np.ndarray) -> Iterator[tuple[slice, Tensor, Tensor]]:
        """Yield slices with the parameters of their distributions, and these by the weights, (n, parameters, w)."""
        seen = torch.from_numpy(self.policy._normalised(observations))
        value: Callable[..., Tensor] = vmap(self._parameters, (None, 0))
        derive: Callable[..., Tensor] = vmap(jacrev(self._parameters), (None, 0))
        for start in range(0, len(seen), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            with torch.no_grad():
                yield part, value(self.weights, seen[part]), derive(self.weights, seen[part])

    def _parameters(self, weights: Tensor, seen: Tensor) -> Tensor:
        arrays = self._named(weights)
        for layer in range(len(self.config.hidden) + 1):
            seen = seen @ arrays[f"layer{layer}.weight"] + arrays[f"layer{layer}.bias"]
            if layer < len(self.config.hidden):
                seen = torch.relu(seen)
        outputs = seen[: self.config.actions]
        if self.config.head == CATEGORICAL:
            return outputs
        return torch.cat([outputs, arrays["log_std"].clamp(*LOG_STD)])

    def _named(self, weights: Tensor) -> Mapping[str, Tensor]:
        shapes = [self.config.shapes[name] for name in self.names]
        parts = weights.split([int(np.prod(shape)) for shape in shapes])
        return {name: part.reshape(shape) for name, part, shape in zip(self.names, parts, shapes, strict=True)}


def _slope_categorical(logits: Tensor, actions: Tensor) -> Tensor:
    """Return d log pi(a) / d logits, shape (n, a)."""
    return torch.eye(logits.shape[-1])[actions] - logits.softmax(-1)


def _root_categorical(logits: Tensor) -> Tensor:
    """Return a root of the Fisher information of logits, shape (n, a, a): the slope of every action, by its chance."""
    chances = logits.softmax(-1)
    return chances.sqrt()[..., None] * (torch.eye(logits.shape[-1]) - chances[:, None])


def _slope_gaussian(parameters: Tensor, actions: Tensor) -> Tensor:
    """Return d log pi(a) by means and log deviations, shape (n, 2 * size)."""
    mean, log_std = parameters.chunk(2, -1)
    apart = (actions - mean) * (-log_std).exp()
    return torch.cat([apart * (-log_std).exp(), apart**2 - 1], -1)


def _root_gaussian(parameters: Tensor) -> Tensor:
    """Return a root of the Fisher information of means and log deviations, which is 1 / s^2 and 2."""
    _, log_std = parameters.chunk(2, -1)
    return torch.diag_embed(torch.cat([(-log_std).exp(), torch.full_like(log_std, 2**0.5)], -1))
