"""Optuna's samplers over the factors and numbers of a scene, a batch of scenes at a time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from testbed.errors import missing_package
from testbed.hunt.space import Condition, Context, Space
from testbed.seeding import generator

BATCH = 16
"""Scenes that are asked for and played at once."""
FIRST = 32
"""Scenes that are drawn evenly before a sampler goes by what it has seen."""
EVEN = 0.5
"""Share of scenes that are drawn evenly from then on too: where nothing was worse yet, there is nothing to go by."""


def import_optuna() -> Any:
    """Return Optuna, which says nothing; raises `UserError` if it is not installed."""
    try:
        import optuna
    except ImportError:
        raise missing_package("optuna", "hunt", "a hunt through numbers needs") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


class Search:
    """Asks for scenes, is told how bad each was, and asks for worse ones.

    Args:
        space: What can be set.
        sampler: `tpe` (Bergstra et al. 2011), `cmaes` (Hansen 2016) or `random`.
        seed: Seed of the sampler.

    Raises:
        UserError: if Optuna is not installed.
    """

    def __init__(self, space: Space, sampler: str, seed: int) -> None:
        optuna = import_optuna()
        made = {
            "tpe": lambda: optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=True, n_startup_trials=FIRST
            ),
            "cmaes": lambda: optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=FIRST),
            "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's on options of its own that may change
            self._study = optuna.create_study(direction="maximize", sampler=made[sampler]())
        self._space, self._even = space, 1.0 if sampler == "random" else EVEN
        self._asked: list[Any] = []
        self._rng = generator(seed, "search")

    def ask(self, count: int) -> list[Context]:
        """Return scenes to play: some drawn evenly, the others where the sampler expects bad ones."""
        even = self._space.draw(self._rng, Condition(), round(self._even * count))
        for context in even:
            self._study.enqueue_trial(self._parameters(context))
        self._asked = [self._study.ask() for _ in range(count)]
        return [
            {
                **{name: trial.suggest_categorical(name, values) for name, values in self._space.factors.items()},
                **{
                    name: repr(float(trial.suggest_float(name, number.low, number.high)))
                    for name, number in self._space.numbers.items()
                },
            }
            for trial in self._asked
        ]

    def add(self, contexts: Sequence[Context], badness: Sequence[float] | np.ndarray) -> None:
        """Take how bad other scenes were."""
        optuna = import_optuna()
        factors = {name: optuna.distributions.CategoricalDistribution(v) for name, v in self._space.factors.items()}
        numbers = {
            name: optuna.distributions.FloatDistribution(n.low, n.high) for name, n in self._space.numbers.items()
        }
        for context, value in zip(contexts, badness, strict=True):
            self._study.add_trial(
                optuna.create_trial(
                    params=self._parameters(context), distributions={**factors, **numbers}, value=float(value)
                )
            )

    def _parameters(self, context: Context) -> dict[str, str | float]:
        return {name: float(value) if name in self._space.numbers else value for name, value in context.items()}

    def tell(self, badness: Sequence[float] | np.ndarray) -> None:
        """Take how bad each scene that was asked for was."""
        for trial, value in zip(self._asked, badness, strict=True):
            self._study.tell(trial, float(value))
