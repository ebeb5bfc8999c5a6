"""Policies that nobody teaches, from the command line: they practise under a limit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from testbed.audit.score import SUCCESS, score_policies
from testbed.cli.commands.bills import leave_bill, require_bill_place
from testbed.cli.commands.distil import CURVES
from testbed.console import console, progress, styled
from testbed.distillation.config import PPOConfig
from testbed.distillation.journal import Journal
from testbed.distillation.reinforcement.constrained import Limit
from testbed.distillation.reinforcement.from_scratch import practised
from testbed.distillation.reinforcement.search import Tried, pareto, searched, smallest
from testbed.errors import UserError, unknown_name
from testbed.files import require_replaceable
from testbed.hunt.search import import_optuna
from testbed.lineage import Lineage
from testbed.locks import locked
from testbed.policies.checkpoint import POLICY, save_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Scenario
from testbed.scenes.registry import get_scene, modules_of
from testbed.seeding import scenario_seeds, student_seed
from testbed.sources import code_version


@dataclass(frozen=True)
class Practising:
    """What is asked for; see `testbed practise --help`."""

    environment: str
    """Gymnasium id of the scene."""
    out: Path
    """Folder to make."""
    limit: str
    """measure=value."""
    context: dict[str, str]
    """Factors that are fixed."""
    seeds: int = 2
    """Policies of a shape."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the hidden layers."""
    iterations: int = 40
    """Of practice."""
    scenes: int = 128
    """That are played at the end."""
    search: int = 0
    """Architectures that are tried; 0 for the given one alone."""
    seed: int = 0
    """The one seed."""

    @property
    def curves(self) -> Path:
        """Folder of the curves beside the policy."""
        return self.out.with_name(f"{self.out.name}-curve") if self.out.name else self.out

    def scenarios(self, purpose: str, count: int) -> list[Scenario]:
        """Return scenes for a purpose."""
        return [Scenario(seed, self.context) for seed in scenario_seeds(self.seed, purpose, count)]


def practise(asked: Practising) -> None:
    """Practise under a limit, play, and keep the best policy; exits with 1 if none keeps the limit."""
    limit = limit_of(asked.environment, asked.limit)
    optuna = import_optuna() if asked.search else None
    require_replaceable(asked.out, POLICY)
    require_replaceable(asked.curves, CURVES)
    require_bill_place(asked.out)
    with locked(asked.curves):
        if optuna:
            tried = searched(optuna, lambda hidden: _tried(asked, limit, hidden), asked.search, limit.measure.worse,
                             asked.seed)  # fmt: skip
        else:
            tried = [_tried(asked, limit, asked.hidden)]
        _say(limit, pareto(tried, limit.measure.worse))
        best = smallest(tried)
        if best is None:
            console.print(styled("none keeps the limit:", "bold"), "give more --iterations, or a looser limit")
            sys.exit(1)
        _keep(asked, best)


def limit_of(environment: str, text: str) -> Limit:
    """Return a limit from measure=value; raises `UserError` for an unknown measure or what is no number."""
    name, _, value = text.partition("=")
    measures = get_scene(environment).measures
    if name not in measures:
        raise unknown_name("measure", name, measures)
    try:
        most = float(value)
    except ValueError:
        raise UserError(f"the limit {text}: give a measure and a number, for example {name}=1.0") from None
    if not np.isfinite(most):
        raise UserError(f"the limit {text}: give a number that is one")
    return Limit(measures[name], most)


def _tried(asked: Practising, limit: Limit, hidden: tuple[int, ...]) -> Tried:
    config = policy_config(asked.environment, hidden)
    practice = PPOConfig(iterations=asked.iterations)
    shape = "x".join(map(str, hidden))
    recipe = (
        f"practise {asked.environment} {asked.limit} {sorted(asked.context.items())} {shape} {asked.seed} {practice}"
    )
    seeds = [student_seed(asked.seed, number) for number in range(asked.seeds)]
    with progress(f"practise {shape}, {asked.seeds} policies", asked.iterations) as bar:
        journal = Journal(asked.curves / f"seed0-{shape}" if asked.search else asked.curves / "seed0", recipe, bar)
        made = practised(config, asked.scenarios, limit, practice, seeds, journal)
    return _best(asked, limit, made)


def _best(asked: Practising, limit: Limit, policies: Sequence[NetworkPolicy]) -> Tried:
    """Return the best of some policies, by what they do in scenes that nobody practised in."""
    named = {str(number): policy for number, policy in enumerate(policies)}
    scenes, measure = asked.scenarios("practised", asked.scenes), limit.measure
    found = []
    for policy, score in zip(
        policies, score_policies(asked.environment, scenes, named, {measure.name: measure}), strict=True
    ):
        severity = float(np.mean(score.values[measure.name]))
        found.append(Tried(policy, float(np.mean(score.values[SUCCESS])), severity, limit.excess(severity) <= 0))
    return max(found, key=lambda one: (one.within, one.success))


def _say(limit: Limit, tried: Sequence[Tried]) -> None:
    table = Table(title=f"mean {limit.measure.title} of at most {limit.most:g} {limit.measure.unit}".rstrip())
    for heading in ("hidden layers", "numbers", "success", limit.measure.name, "within"):
        table.add_column(heading, justify="left" if heading == "hidden layers" else "right")
    for one in tried:
        shape = " ".join(map(str, one.policy.config.hidden))
        table.add_row(shape, f"{one.numbers:,}", f"{100 * one.success:.0f} %", f"{one.severity:.2f}",
                      "yes" if one.within else "no")  # fmt: skip
    console.print(table)


def _keep(asked: Practising, best: Tried) -> None:
    settings = {"limit": asked.limit, "hidden": best.policy.config.hidden, "iterations": asked.iterations,
                "seeds": asked.seeds, "search": asked.search, "context": asked.context}  # fmt: skip
    code = code_version(modules=modules_of(asked.environment))
    save_policy(asked.out, best.policy, Behaviour("practised"), Lineage("practise", asked.seed, settings, code=code))
    leave_bill(asked.out)
    console.print(f"{asked.out}  {100 * best.success:.0f} % success, within the limit; curves in {asked.curves}")
