"""Values of a policy: closed forms on a chain, and a curve that was begun before."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from testbed.distillation.config import Evaluation, Training
from testbed.distillation.journal import Journal
from testbed.distillation.teachers.values import evaluate
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions

# Values.


def chain(seed: int, count: int = 600) -> Transitions:
    """Five states in a row, one-hot. Right of the last is the end, worth 1; going left costs 1/2, at the first too."""
    rng, codes = np.random.default_rng(seed), np.eye(5, dtype=np.float32)
    states, actions = rng.integers(5, size=count), rng.integers(2, size=count)
    after, over = np.clip(states + 2 * actions - 1, 0, 4), (states == 4) & (actions == 1)
    rewards = np.where(actions == 0, -0.5, over)
    return Transitions(codes[states], actions, rewards, codes[after], over, np.ones(count, np.int64))


def always(action: int) -> NetworkPolicy:
    config = PolicyConfig("testbed/Merge-v0", 5, 2, ())
    bias = np.eye(2, dtype=np.float32)[action]
    arrays = {"mean": np.zeros(5), "std": np.ones(5), "layer0.weight": np.zeros((5, 2)), "layer0.bias": bias}
    return NetworkPolicy(config, {name: array.astype(np.float32) for name, array in arrays.items()})


HOW = Evaluation(
    conservatism=0.0,
    discount=0.7,
    hidden=(32,),
    refresh=20,
    training=Training(steps=700, batch=128, learning_rate=5e-3),
)


def test_values_of_a_chain_are_the_closed_form(tmp_path):
    """Two policies at once. Of `right`, V(s) = 0.7^(4 - s); of `left`, which never ends, V = -1/2 / (1 - 0.7).

    Decisions are drawn at random: they need not be the policy's.
    """
    right, left = evaluate([always(1), always(0)], [chain(0), chain(1, 500)], [0, 1], HOW, Journal(tmp_path))
    codes, end = np.eye(5, dtype=np.float32), np.arange(5) == 4
    worth = 0.7 ** (4.0 - np.arange(5))
    expected = np.stack([-0.5 + 0.7 * worth[[0, 0, 1, 2, 3]], worth], 1)
    np.testing.assert_allclose(right.of_all(codes), expected, atol=0.05)
    np.testing.assert_allclose(right.of_states(codes), worth, atol=0.05)
    lasting = -0.5 / 0.3
    expected = np.stack([np.full(5, lasting), np.where(end, 1.0, 0.7 * lasting)], 1)
    np.testing.assert_allclose(left.of_all(codes), expected, atol=0.05)
    for values, action in ((right, 1), (left, 0)):
        chosen = np.full(5, action)
        assert (values.of(codes, chosen) == values.of_all(codes)[:, action]).all()
        assert (values.of_states(codes) == values.of(codes, chosen)).all()
    errors = [json.loads(line)["squared error"] for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert len(errors) == HOW.training.steps // 50 and errors[-1] < 0.01 < errors[0]


def test_values_of_continuous_actions_are_the_closed_form():
    """Reward -(x - a)^2, then x' = a / 2; the policy does x / 2. V(x) = -k x^2 with k = 1/4 + 0.7 k / 16, and Q(x, a) =
    -(x - a)^2 - 0.7 k a^2 / 4: a quadratic function, whose best action is x / (1 + 0.7 k / 4)."""
    config = PolicyConfig("testbed/OrderPicking-v0", 1, 1, (), GAUSSIAN)
    half = {"mean": [0], "std": [1], "layer0.weight": [[0.5]], "layer0.bias": [0], "log_std": [-1]}
    policy = NetworkPolicy(config, {name: np.array(array, np.float32) for name, array in half.items()})
    x, a = np.random.default_rng(0).uniform(-1, 1, (2, 800, 1)).astype(np.float32)
    seen = Transitions(x, a, -((x - a) ** 2)[:, 0], a / 2, np.zeros(800, bool), np.array([800]))
    (values,) = evaluate([policy], [seen], [0], HOW)
    k = 0.25 / (1 - 0.7 / 16)
    x, a = (grid.reshape(-1, 1).astype(np.float32) for grid in np.meshgrid(*[np.linspace(-0.8, 0.8, 9)] * 2))
    np.testing.assert_allclose(values.of(x, a), (-((x - a) ** 2) - 0.7 * k * a**2 / 4)[:, 0], atol=0.08)
    np.testing.assert_allclose(values.of_states(x), -k * x[:, 0] ** 2, atol=0.08)
    best = values.network.parameters(x)[:, 1]
    np.testing.assert_allclose(best, x[:, 0] / (1 + 0.7 * k / 4), atol=0.1)


@pytest.mark.parametrize("head", [CATEGORICAL, GAUSSIAN])
def test_conservative_values_hold_what_was_not_seen_for_worse(head):
    """Nothing is paid anywhere, and the policy was always seen to do the same: as it is, Q tells nothing apart; held
    conservatively, it knows which action was seen, discrete or continuous."""
    if head == CATEGORICAL:
        policy, done, other = always(1), np.ones(400, np.int64), np.zeros(400, np.int64)
        seen = np.eye(5, dtype=np.float32)[np.arange(400) % 5]
    else:
        config = PolicyConfig("testbed/OrderPicking-v0", 1, 1, (), GAUSSIAN)
        still = {"mean": [0], "std": [1], "layer0.weight": [[0.0]], "layer0.bias": [0.5], "log_std": [-1]}
        policy = NetworkPolicy(config, {name: np.array(array, np.float32) for name, array in still.items()})
        seen = np.random.default_rng(0).uniform(-1, 1, (400, 1)).astype(np.float32)
        done = np.random.default_rng(1).normal(0.5, 0.1, (400, 1)).astype(np.float32)
        other = np.full((400, 1), -0.5, np.float32)
    decisions = Transitions(seen, done, np.zeros(400), seen, np.zeros(400, bool), np.array([400]))
    found = []
    for how in (HOW, replace(HOW, conservatism=0.2)):
        (values,) = evaluate([policy], [decisions], [0], how)
        found.append((values.of(seen, done) - values.of(seen, other)).min())
    assert found[0] < 0.1 and found[1] > max(0.1, found[0] + 0.1)
