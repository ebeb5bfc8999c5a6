"""Value distillation: students learn what decisions are worth to the teacher, and do what is worth most by that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from testbed.distillation.batches import Samples
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.value import quadratic_parts, value_regression
from testbed.distillation.optimiser import Adam
from testbed.distillation.rounds import shared_samples
from testbed.distillation.route import Need, Trained
from testbed.distillation.source import Source
from testbed.distillation.stacked import train_stacked
from testbed.distillation.teachers.values import action_values, value_config
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, LOG_STD, NetworkPolicy, PolicyConfig

MINOR = 0.1
"""Weight of what students learn of values beside what tells the best action: what one decision of 0.2 s adds is little
beside what states differ by."""


@dataclass(frozen=True)
class Value(Trained):
    """Regresses Q of the teacher, and acts by the student's own Q alone: no action of the teacher is ever cloned.

    Of discrete actions the student *is* its Q network and takes the one with the largest value (Rusu et al. 2015,
    section 3). Of continuous ones Q is a quadratic function, whose best action is in closed form (Gu et al. 2016). Q is
    learnt where the teacher explores, and is conservative (`Evaluation.conservatism`): what nobody tried is held for
    worse.
    """

    name: ClassVar[str] = "value"

    @property
    def needs(self) -> frozenset[Need]:
        """The teacher's values."""
        return frozenset(("teacher", "values"))

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Return k students of k sources, all trained at once; see `Route.distil`."""
        samples = shared_samples(sources, _scaled_values)
        if config.head == CATEGORICAL:
            return train_stacked(config, samples, seeds, value_regression, self.training, starts, journal)
        if config.memory or starts is not None:
            raise UserError(
                "by value, students of continuous actions begin fresh and without a memory: choose another route"
            )
        shape, told = value_config(config, config.hidden), _Greedy(journal, config, [_spread(one) for one in sources])
        return told.policies(train_stacked(shape, samples, seeds, value_regression, self.training, None, told))


def _scaled_values(source: Source) -> Samples:
    """Return the teacher's values as students learn them: the best action stays the best, and what does not bear on it
    has little weight. Of discrete actions that is the mean over them, of a quadratic function its height and its
    curvatures."""
    found = action_values(source)
    assert found.targets is not None
    if source.require_teacher().config.head == CATEGORICAL:
        height = found.targets.mean(axis=1, keepdims=True)
        return replace(found, targets=_scaled(found.targets - height) + MINOR * _scaled(height))
    targets, size = found.targets.copy(), source.require_teacher().config.actions
    for column in (0, *range(1 + size, 1 + 2 * size)):
        targets[:, column] = MINOR * _scaled(targets[:, column])
    return replace(found, targets=targets)


def _scaled(values: np.ndarray) -> np.ndarray:
    return ((values - values.mean()) / max(float(values.std()), 1e-6)).astype(np.float32)


def _spread(source: Source) -> np.ndarray:
    """Return the log standard deviations of exp Q, a Gaussian over continuous actions, in the mean, shape (size,)."""
    _, _, curvature = quadratic_parts(torch.from_numpy(np.asarray(action_values(source).targets)))
    return np.clip(-0.5 * curvature.mean(0).numpy(), *LOG_STD).astype(np.float32)


class _Greedy(Journal):
    """Tells a journal of networks of quadratic values as the policies that they are.

    Args:
        journal: Who is told.
        config: Shape of the policies.
        spreads: Log standard deviations of each.
    """

    def __init__(self, journal: Journal, config: PolicyConfig, spreads: Sequence[np.ndarray]) -> None:
        super().__init__()
        self.journal, self.config, self.spreads = journal, config, spreads

    def policies(self, networks: Sequence[NetworkPolicy]) -> list[NetworkPolicy]:
        """Return the policies that take the best action by networks of values."""
        return [_best(*one, self.config) for one in zip(networks, self.spreads, strict=True)]

    def passed(self, step: int, policies: Callable[[], list[NetworkPolicy]]) -> None:
        """Tell of policies."""
        self.journal.passed(step, lambda: self.policies(policies()))

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Pass on."""
        self.journal.record(step, values)

    def restore(self, trained: Mapping[str, Tensor], optimiser: Adam, batches) -> int:
        """Pass on."""
        return self.journal.restore(trained, optimiser, batches)

    def keep(self, step: int, trained: Mapping[str, Tensor], optimiser: Adam, batches) -> None:
        """Pass on."""
        self.journal.keep(step, trained, optimiser, batches)

    def finish(self) -> None:
        """Pass on."""
        self.journal.finish()


def _best(network: NetworkPolicy, spread: np.ndarray, config: PolicyConfig) -> NetworkPolicy:
    """Return the policy that takes the best action by a network of quadratic values."""
    last, best = f"layer{len(config.hidden)}", slice(1, 1 + config.actions)
    own = {name: network.arrays[name][..., best] for name in (f"{last}.weight", f"{last}.bias")}
    return NetworkPolicy(config, {**network.arrays, **own, "log_std": spread})


ROUTE = Value
