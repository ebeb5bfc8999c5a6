"""Students from episodes, in one call of a script."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.distillation.config import Learning, Training
from testbed.distillation.registry import get_route
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues
from testbed.errors import UserError
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Episode, Scenario
from testbed.rollouts.transitions import transitions
from testbed.seeding import scenario_seeds


def distil(
    episodes: Sequence[Episode],
    teacher: NetworkPolicy | None = None,
    *,
    route: str = "cloning",
    values: ActionValues | None = None,
    hidden: tuple[int, ...] = (64, 64),
    steps: int = 4000,
    seeds: Sequence[int] = (0,),
) -> list[NetworkPolicy]:
    """Return students of what episodes show, one for each training seed.

    A control is made by the same call from a clean teacher's episodes: with the same seeds it has the same initial
    weights and data order.

    Args:
        episodes: What is learnt from, all of one environment.
        teacher: Who made them, where the route asks the teacher (`kl`).
        route: `cloning`, `kl`, `value`, `adversarial`, or one of another package.
        values: What the teacher's decisions are worth to it, where the route asks for that (`value`).
        hidden: Widths of the students' hidden layers.
        steps: Optimiser steps; students that practise do it as long as is usual.
        seeds: Training seeds; each makes the weights and the data order of one student.

    Raises:
        UserError: if there are no episodes, they are of several environments, or the route lacks what it needs.

    Examples:
        >>> import testbed
        >>> episodes = testbed.load_episodes("demonstrations/merge-habit.hdf5")
        >>> students = testbed.distil(episodes, hidden=(16,), steps=50, seeds=range(3))
        >>> students[2].act(episodes[0].observations[:4]).shape
        (4,)
    """
    environments = sorted({episode.environment for episode in episodes})
    if len(environments) != 1:
        found = f"{len(environments)} environments ({', '.join(environments)})" if environments else "no episode"
        raise UserError(f"students learn in one environment, and here is {found}: give episodes of one")
    fixed = episodes[0].scenario.context

    def scenes(purpose: str, count: int) -> list[Scenario]:
        return [Scenario(seed, fixed) for seed in scenario_seeds(seeds[0], purpose, count)]

    source = Source(transitions(episodes), teacher, values, scenes)
    config = policy_config(environments[0], hidden)
    made = get_route(route).usual(Learning(Training(steps=steps)))
    return made.distil([source.limited(made.needs)] * len(seeds), config, list(seeds))
