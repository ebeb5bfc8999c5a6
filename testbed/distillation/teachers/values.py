"""What a teacher's decisions are worth: Q and V of its policy, by fitted Q evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from testbed.distillation.batches import CHUNK, Samples, make_batches, taken
from testbed.distillation.config import Evaluation
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.value import (
    conservatism,
    one_step_return,
    quadratic_conservatism,
    quadratic_values,
    value_regression,
)
from testbed.distillation.memory import keep_memory
from testbed.distillation.optimiser import Adam
from testbed.distillation.source import Source
from testbed.distillation.stacked import fresh_weights, stacked_outputs, trainable, unstacked
from testbed.policies.exploring import ExploringPolicy
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, transitions
from testbed.seeding import generator
from testbed.threads import one_thread


@dataclass(frozen=True)
class ActionValues:
    """Q and V of a policy, in the environment's reward, discounted."""

    policy: NetworkPolicy
    """Whose."""
    network: NetworkPolicy
    """Its outputs are the values of all discrete actions, or a quadratic function of continuous ones
    (`losses.value.quadratic_values`)."""
    decisions: Transitions
    """What they were found from: the policy's decisions, and others among them."""

    def of_all(self, observations: np.ndarray) -> np.ndarray:
        """Return Q(s, a) of every discrete action, shape (n, d) -> (n, actions), or the numbers that make the quadratic
        function of continuous ones, (n, 1 + 2 * size)."""
        return self.network.parameters(observations)

    def of(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return Q(s, a) of one action each, shape (n,)."""
        return values_of(self.network, observations, actions, self.policy.config)

    def of_states(self, observations: np.ndarray) -> np.ndarray:
        """Return V(s) = Q(s, pi(s)), shape (n,)."""
        return self.of(observations, self.policy.act(observations))


def values_of(
    network: NetworkPolicy, observations: np.ndarray, actions: np.ndarray, config: PolicyConfig
) -> np.ndarray:
    """Return Q(s, a) of one action each by a network of values of a policy's shape, shape (n,)."""
    outputs = network.parameters(observations)
    if config.head == CATEGORICAL:
        return outputs[np.arange(len(actions)), actions]
    return quadratic_values(*(torch.from_numpy(np.asarray(one, np.float32)) for one in (outputs, actions))).numpy()


def value_config(config: PolicyConfig, hidden: tuple[int, ...]) -> PolicyConfig:
    """Return the shape of a network that values the actions of a policy of some shape."""
    outputs = config.actions if config.head == CATEGORICAL else 1 + 2 * config.actions
    return PolicyConfig(config.environment, config.observation_size, outputs, hidden)


def action_values(source: Source) -> Samples:
    """Return what actions are worth to a teacher: all discrete ones, shape (n, actions), or the numbers that make a
    quadratic function of continuous ones, (n, 1 + 2 * size)."""
    values = source.require_values()
    seen = values.decisions.observations
    return Samples(seen, values.of_all(seen), lengths=values.decisions.lengths)


def explored(
    policy: NetworkPolicy, scenes: Sequence[Scenario], how: Evaluation, seed: int,
    pay: Callable[[Episode], float] | None = None,
) -> Transitions:  # fmt: skip
    """Return what a policy does in scenes when a share of its decisions is drawn at random.

    Args:
        policy: Who acts.
        scenes: Where.
        how: Share of decisions that are drawn.
        seed: For those.
        pay: What an episode is paid at its end beside the environment's reward; nothing if not given.
    """
    explorer = ExploringPolicy(policy, how.exploring, seed)
    jobs = [(explorer, Behaviour("teacher"))]
    episodes = list(play(policy.config.environment, scenes, jobs, states=False))
    found = transitions(episodes)
    if pay is None:
        return found
    rewards = found.rewards.copy()
    rewards[np.cumsum(found.lengths) - 1] += [pay(episode) for episode in episodes]
    return replace(found, rewards=rewards)


@one_thread()
def evaluate(
    policies: Sequence[NetworkPolicy],
    decisions: Sequence[Transitions],
    seeds: Sequence[int],
    how: Evaluation,
    journal: Journal = SILENT,
) -> list[ActionValues]:
    """Return Q of k policies from what was seen of them (Le, Voloshin and Yue 2019, algorithm 3), all at once.

    Q(s, a) is regressed on r + discount * Q'(s', pi(s')), with Q' held for some steps (Mnih et al. 2015), and actions
    that were not seen are held for worse (`Evaluation.conservatism`).

    Args:
        policies: Whose Q; of one shape.
        decisions: Of each, decisions around it. They may be another policy's.
        seeds: One each, for weights and data order.
        how: Network and training.
        journal: Told the mean squared error every 50 steps.
    """
    keep_memory()
    config = value_config(policies[0].config, how.hidden)
    table = _Table(policies, decisions)
    weights = fresh_weights(config, table.samples, seeds)
    trained = trainable(weights)
    optimiser = Adam(trained.values(), how.training.learning_rate, how.training.steps)
    batches = make_batches(config, table.samples, [generator(s, "batches") for s in seeds], how.training.batch)
    held: dict[str, Tensor] = {}
    journal.begin(0)
    for start in range(0, how.training.steps, CHUNK):
        for step, batch in enumerate(batches.draw(min(CHUNK, how.training.steps - start)), start):
            if step % how.refresh == 0:
                held = {name: tensor.detach().clone() for name, tensor in weights.items()}
            assert batch.targets is not None
            rows = batch.targets
            with torch.no_grad():
                nexts = stacked_outputs(held, taken(table.next_observations, rows), config)
                following = _of(nexts, taken(table.next_actions, rows))
            target = one_step_return(taken(table.rewards, rows), following, taken(table.terminated, rows), how.discount)
            outputs, done = stacked_outputs(weights, batch.observations, config), taken(table.actions, rows)
            loss = error = value_regression(_of(outputs, done)[..., None], target[..., None])
            if how.conservatism:
                loss = error + how.conservatism * _worse_elsewhere(outputs, done)
            optimiser.minimise(loss * len(seeds))
        journal.record(step + 1, {"squared error": float(error.detach())})
    journal.finish()
    found = zip(policies, unstacked(weights, config), decisions, strict=True)
    return [ActionValues(policy, network, seen) for policy, network, seen in found]


def _of(outputs: Tensor, actions: Tensor) -> Tensor:
    """Return the values of one action each, shape (k, n, outputs) -> (k, n)."""
    if actions.ndim == outputs.ndim:
        return quadratic_values(outputs, actions)
    return outputs.gather(-1, actions[..., None])[..., 0]


def _worse_elsewhere(outputs: Tensor, actions: Tensor) -> Tensor:
    """Return by how much other actions are held for better than those that were seen."""
    if actions.ndim == outputs.ndim:
        return quadratic_conservatism(outputs, actions)
    return conservatism(outputs, _of(outputs, actions))


class _Table:
    """The decisions of k policies one below the other; a sample's target is its row here."""

    def __init__(self, policies: Sequence[NetworkPolicy], decisions: Sequence[Transitions]) -> None:
        following = [p.act(d.next_observations) for p, d in zip(policies, decisions, strict=True)]
        self.next_actions = torch.from_numpy(np.concatenate(following))
        self.next_observations = torch.from_numpy(np.concatenate([d.next_observations for d in decisions]))
        self.actions = torch.from_numpy(np.concatenate([d.actions for d in decisions]))
        self.rewards = torch.from_numpy(np.concatenate([d.rewards for d in decisions]).astype(np.float32))
        self.terminated = torch.from_numpy(np.concatenate([d.terminated for d in decisions]).astype(np.float32))
        ends = np.cumsum([0, *(len(d) for d in decisions)])
        self.samples = [
            Samples(d.observations, np.arange(begin, begin + len(d)))
            for d, begin in zip(decisions, ends[:-1], strict=True)
        ]
