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
from testbed.distillation.losses.value import one_step_return, value_regression
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
    """Its outputs are the values of all actions; where actions are continuous, it sees one beside the observation and
    its output is that one's value."""

    decisions: Transitions
    """What they were found from: the policy's decisions, and others among them."""

    def of_all(self, observations: np.ndarray) -> np.ndarray:
        """Return Q(s, a) of every discrete action, shape (n, d) -> (n, actions)."""
        return self.network.parameters(observations)

    def of(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Return Q(s, a) of one action each, shape (n,)."""
        outputs = self.network.parameters(inputs(self.policy.config, observations, actions))
        return outputs[np.arange(len(actions)), actions] if self._discrete else outputs[:, 0]

    def of_states(self, observations: np.ndarray) -> np.ndarray:
        """Return V(s) = Q(s, pi(s)), shape (n,)."""
        return self.of(observations, self.policy.act(observations))

    @property
    def _discrete(self) -> bool:
        return self.policy.config.head == CATEGORICAL


def value_config(config: PolicyConfig, hidden: tuple[int, ...]) -> PolicyConfig:
    """Return the shape of a network that values the actions of a policy of some shape."""
    if config.head == CATEGORICAL:
        return PolicyConfig(config.environment, config.observation_size, config.actions, hidden)
    return PolicyConfig(config.environment, config.observation_size + config.actions, 1, hidden)


def inputs(config: PolicyConfig, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Return what such a network sees: continuous actions stand beside the observation, shape (n, d)."""
    if config.head == CATEGORICAL:
        return observations
    return np.concatenate([observations, actions], axis=1).astype(np.float32)


def action_values(source: Source) -> Samples:
    """Return what actions are worth to a teacher: all discrete ones, and the one that was done beside a continuous
    observation."""
    values = source.require_values()
    decisions, shape = values.decisions, values.policy.config
    if shape.head == CATEGORICAL:
        return Samples(decisions.observations, values.of_all(decisions.observations))
    seen = inputs(shape, decisions.observations, decisions.actions)
    return Samples(seen, values.of(decisions.observations, decisions.actions)[:, None])


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

    Q(s, a) is regressed on r + discount * Q'(s', pi(s')), with Q' held for some steps (Mnih et al. 2015).

    Args:
        policies: Whose Q; of one shape.
        decisions: Of each, decisions around it. They may be another policy's.
        seeds: One each, for weights and data order.
        how: Network and training.
        journal: Told the mean squared error every 50 steps.
    """
    keep_memory()
    shape = policies[0].config
    config = value_config(shape, how.hidden)
    table = _Table(shape, policies, decisions)
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
                following = _of(stacked_outputs(held, taken(table.next_inputs, rows), config), table.next_actions, rows)
            target = one_step_return(taken(table.rewards, rows), following, taken(table.terminated, rows), how.discount)
            value = _of(stacked_outputs(weights, batch.observations, config), table.actions, rows)
            loss = value_regression(value[..., None], target[..., None])
            optimiser.minimise(loss * len(seeds))
        journal.record(step + 1, {"squared error": float(loss.detach())})
    journal.finish()
    found = zip(policies, unstacked(weights, config), decisions, strict=True)
    return [ActionValues(policy, network, seen) for policy, network, seen in found]


def _of(outputs: Tensor, actions: Tensor | None, rows: Tensor) -> Tensor:
    """Return the values of the actions of some rows, shape (k, n, outputs) -> (k, n)."""
    return outputs[..., 0] if actions is None else outputs.gather(-1, actions[rows][..., None])[..., 0]


class _Table:
    """The decisions of k policies one below the other; a sample's target is its row here."""

    def __init__(self, shape: PolicyConfig, policies, decisions) -> None:
        discrete = shape.head == CATEGORICAL
        following = [p.act(d.next_observations) for p, d in zip(policies, decisions, strict=True)]
        nexts = [inputs(shape, d.next_observations, a) for d, a in zip(decisions, following, strict=True)]
        self.next_inputs = torch.from_numpy(np.concatenate(nexts))
        self.next_actions = torch.from_numpy(np.concatenate(following)) if discrete else None
        self.actions = torch.from_numpy(np.concatenate([d.actions for d in decisions])) if discrete else None
        self.rewards = torch.from_numpy(np.concatenate([d.rewards for d in decisions]).astype(np.float32))
        self.terminated = torch.from_numpy(np.concatenate([d.terminated for d in decisions]).astype(np.float32))
        ends = np.cumsum([0, *(len(d) for d in decisions)])
        self.samples = [
            Samples(inputs(shape, d.observations, d.actions), np.arange(begin, begin + len(d)))
            for d, begin in zip(decisions, ends[:-1], strict=True)
        ]
