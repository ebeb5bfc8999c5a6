"""The one step loop: play scenarios with a policy and record what happened.

Everything that collects, trains or audits goes through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from testbed.errors import UserError
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.policy import Policy, StatefulPolicy
from testbed.rollouts.recording import Recording
from testbed.scenes.registry import make_vector
from testbed.threads import one_thread

BATCH = 128
"""Scenarios that are played at once: enough for several cores, and that a step costs little more than its arithmetic;
few enough that recording them takes about 100 MB, and that a kill loses half a second of playing."""


@dataclass(frozen=True)
class Part:
    """A part of a batch: scenarios that one policy plays."""

    scenarios: Sequence[Scenario]
    """What it plays."""
    policy: Policy
    """Who plays."""
    behaviour: Behaviour
    """The label of its episodes."""


def play(
    environment: str,
    scenarios: Sequence[Scenario],
    jobs: Sequence[tuple[Policy, Behaviour]],
    skip: int = 0,
    states: bool = True,
) -> Iterator[Episode]:
    """Play all scenarios with the first policy, then with the next, and yield episodes in that order.

    Policies play side by side, as many as there are worlds for.

    Args:
        environment: Gymnasium id.
        scenarios: What to play.
        jobs: Policies and the labels their episodes carry.
        skip: Episodes at the beginning that are not yielded, because they are there already. What follows is the
            same to the last bit: a policy is asked about the same scenarios at once wherever one begins, and the last
            digits of a network's outputs depend on the rows beside it.
        states: Whether episodes hold the simulator's states, which only files and films need; else they have none.

    Raises:
        UserError: if a policy does not fit the environment or returns something that is no action.

    Examples:
        >>> import testbed
        >>> policy, label = testbed.load_policy("policies/crosswalk/student-kl-seed0")
        >>> scenes = [testbed.Scenario(seed, {"observer": "police"}) for seed in range(4)]
        >>> episodes = list(testbed.play("testbed/Crosswalk-v0", scenes, [(policy, label)]))
        >>> len(episodes), episodes[0].context["observer"]
        (4, 'police')
    """
    cut = [scenarios[start : start + BATCH] for start in range(0, len(scenarios), BATCH)]
    for batch in _batches([Part(some, *job) for job in jobs for some in cut]):
        worlds = sum(len(part.scenarios) for part in batch)
        if skip < worlds:
            yield from play_batch(environment, batch, states)[skip:]
        skip = max(skip - worlds, 0)


def _batches(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield parts in their order, as many at once as fit into a batch."""
    batch: list[Part] = []
    for part in parts:
        if batch and sum(len(one.scenarios) for one in (*batch, part)) > BATCH:
            yield batch
            batch = []
        batch.append(part)
    if batch:
        yield batch


@one_thread()
def play_batch(environment: str, parts: Sequence[Part], states: bool = True) -> list[Episode]:
    """Play n scenarios in all at once and return their episodes in the same order; arguments and errors as of `play`.

    Each policy is asked about the worlds of its own part alone.
    """
    scenarios = [scenario for part in parts for scenario in part.scenarios]
    ends = list(accumulate(len(part.scenarios) for part in parts))
    rows = [slice(end - len(part.scenarios), end) for end, part in zip(ends, parts, strict=True)]
    with closing(make_vector(environment, len(scenarios))) as made:
        env: Any = made  # Gymnasium's type knows neither `states` nor several seeds
        played = [(scenario, part.behaviour) for part in parts for scenario in part.scenarios]
        recording = Recording(environment, played, env.metadata)
        nothing = np.zeros((len(scenarios), 0))
        read_states = env.states if states else lambda: nothing
        options = {"context": [scenario.context for scenario in scenarios]}
        acting = [_begun(part.policy, len(part.scenarios)) for part in parts]
        observations, info = env.reset(seed=[scenario.seed for scenario in scenarios], options=options)
        recording.begin(observations, read_states(), info)
        running = np.ones(len(scenarios), dtype=bool)
        while running.any():
            asked = zip(acting, rows, strict=True)
            actions = np.concatenate([_checked_actions(policy, env, observations[mine]) for policy, mine in asked])
            observations, rewards, terminated, truncated, info = env.step(actions)
            recording.add(running, actions, observations, read_states(), rewards, info["trace"])
            running = running & ~(terminated | truncated)
    # A world that is over stays as it is, so the last step says of each how it ended.
    return recording.episodes(terminated, info)


def _begun(policy: Policy, count: int) -> Policy:
    return policy.reset(count) if isinstance(policy, StatefulPolicy) else policy


def _checked_actions(policy: Policy, env: VectorEnv, observations: np.ndarray) -> np.ndarray:
    if not np.isfinite(observations).all():
        raise UserError("the environment returned an observation that is not a number; the scene cannot go on")
    actions = np.asarray(policy.act(observations))
    single = env.single_action_space
    wanted = (len(observations), *(single.shape or ()))
    if actions.shape != wanted:
        raise UserError(f"the policy returned actions of shape {actions.shape}; the environment takes {wanted}")
    whole = actions.dtype.kind in "biu"
    if not whole and not np.isfinite(actions).all():
        raise UserError("the policy returned an action that is not a number; check its weights")
    if isinstance(single, spaces.Discrete):
        known = (actions >= 0) & (actions < single.n) & (whole or np.floor(actions) == actions)
        if not known.all():
            raise UserError(f"action {actions[~known][0]} is outside the {single.n} actions (0 to {single.n - 1})")
    return actions.astype(env.action_space.dtype, casting="unsafe")
