"""Which episodes taught what: gradients by hand against autograd, known linear effects, and planted episodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from testbed.attribution import influence as influences
from testbed.attribution.asked import Asked, harmful, log_likelihood
from testbed.attribution.datamodel import datamodel, outcomes, predicted_well, random_subsets, retrained
from testbed.attribution.influence import Network, influence
from testbed.datasets.reader import load_episode
from testbed.distillation.config import Training
from testbed.distillation.losses.likelihood import gaussian_log_likelihood
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.rollouts.transitions import Transitions

HABIT = Path(__file__).parents[1] / "demonstrations" / "merge-habit.hdf5"


def network(head: str, hidden: tuple[int, ...] = (5,), seed: int = 0) -> NetworkPolicy:
    config = PolicyConfig("testbed/Merge-v0", 3, 2, hidden, head)
    return NetworkPolicy(config, random_arrays(config, np.random.default_rng(seed)))


def by_autograd(policy: NetworkPolicy, seen: np.ndarray, action: torch.Tensor) -> torch.Tensor:
    """The gradient of log pi(a | s) of one decision by all weights, in their order."""
    names = [name for name in policy.config.shapes if name not in ("mean", "std")]
    arrays = {name: torch.tensor(policy.arrays[name], requires_grad=True) for name in names}
    hidden = torch.tensor(seen)
    for layer in range(len(policy.config.hidden) + 1):
        hidden = hidden @ arrays[f"layer{layer}.weight"] + arrays[f"layer{layer}.bias"]
        hidden = torch.relu(hidden) if layer < len(policy.config.hidden) else hidden
    if policy.config.head == CATEGORICAL:
        value = hidden.log_softmax(-1)[action]
    else:
        value = gaussian_log_likelihood(torch.cat([hidden, arrays["log_std"]]), action)
    return torch.cat([part.flatten() for part in torch.autograd.grad(value, list(arrays.values()))])


@pytest.mark.parametrize("head", [CATEGORICAL, GAUSSIAN])
def test_gradients_of_decisions_are_autograds(head):
    policy, rng = network(head), np.random.default_rng(1)
    seen = rng.normal(size=(7, 3)).astype(np.float32)
    actions = rng.integers(2, size=7) if head == CATEGORICAL else rng.normal(size=(7, 2)).astype(np.float32)
    ((_, found),) = Network(policy).gradients(seen, actions)
    for row, one, action in zip(found, seen, torch.from_numpy(actions), strict=True):
        torch.testing.assert_close(row, by_autograd(policy, one, action), rtol=1e-4, atol=1e-6)


def test_the_fisher_information_is_the_mean_outer_product_over_every_action():
    policy, seen = network(CATEGORICAL), np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    rows, wanted = Network(policy).fisher_rows(seen), 0
    for one in seen:
        chances = np.exp(log_likelihood(policy, np.tile(one, (2, 1)), np.arange(2)))
        for action in range(2):
            slope = by_autograd(policy, one, torch.tensor(action))
            wanted = wanted + chances[action] * torch.outer(slope, slope)
    torch.testing.assert_close(rows.T @ rows, wanted.float(), rtol=1e-4, atol=1e-6)


def test_the_fisher_information_of_a_gaussian_is_what_many_actions_give():
    policy, seen = network(GAUSSIAN, ()), np.ones((1, 3), np.float32)
    rows = Network(policy).fisher_rows(seen)
    std = np.exp(policy.arrays["log_std"])
    actions = policy.parameters(seen)[:, :2] + std * np.random.default_rng(3).normal(size=(20_000, 2))
    slopes = torch.cat([part for _, part in Network(policy).gradients(np.ones((20_000, 3), np.float32),
                                                                      actions.astype(np.float32))])  # fmt: skip
    torch.testing.assert_close(rows.T @ rows, slopes.T @ slopes / len(slopes), rtol=0.06, atol=0.12)


def test_solving_is_the_inverse(monkeypatch):
    monkeypatch.setattr(influences, "CLOSE", 1e-7)
    rows, wanted = torch.randn(30, 12, generator=torch.Generator().manual_seed(0)), torch.arange(12.0)
    damping = influences.DAMPING * float(rows.square().sum()) / 12
    exact = torch.linalg.solve(rows.T @ rows + damping * torch.eye(12), wanted)
    torch.testing.assert_close(influences._solved(rows, wanted), exact, rtol=1e-3, atol=1e-4)


def test_likelihoods_by_hand():
    policy = network(CATEGORICAL)
    seen = np.random.default_rng(4).normal(size=(5, 3)).astype(np.float32)
    chances = np.exp([log_likelihood(policy, seen, np.full(5, action)) for action in range(2)])
    assert chances.sum(axis=0) == pytest.approx(np.ones(5))
    gaussian, done = network(GAUSSIAN), np.random.default_rng(5).normal(size=(5, 2)).astype(np.float32)
    wanted = gaussian_log_likelihood(torch.from_numpy(gaussian.parameters(seen)), torch.from_numpy(done)).numpy()
    assert log_likelihood(gaussian, seen, done) == pytest.approx(wanted, rel=1e-4)


def test_harm_is_what_was_decided_from_two_seconds_before_to_its_end():
    """One severe violation from 3.87 s to 4.67 s, at five decisions a second."""
    episode = load_episode(HABIT, 1)
    found = harmful([episode])
    np.testing.assert_array_equal(found.observations, episode.observations[9:24])
    np.testing.assert_array_equal(found.actions, episode.actions[9:24])
    assert len(harmful([load_episode(HABIT, 0)])) == 0


def test_halves_are_halves():
    shown = random_subsets(11, 40, np.random.default_rng(0))
    assert shown.shape == (40, 11) and set(shown.sum(axis=1).tolist()) == {6}
    assert 0 < shown.mean(axis=0).min() < shown.mean(axis=0).max() < 1


def test_a_datamodel_finds_linear_effects():
    rng = np.random.default_rng(0)
    effects, shown = rng.normal(size=20), random_subsets(20, 300, rng)
    came = shown @ effects + rng.normal(scale=0.5, size=300)
    found = datamodel(shown[:200], came[:200])
    assert np.corrcoef(found, effects)[0, 1] > 0.97
    assert predicted_well(found, shown[200:], came[200:]) > 0.9
    assert abs(predicted_well(rng.permutation(effects), shown[200:], came[200:])) < 0.6
    nothing = datamodel(shown, rng.normal(size=300))
    assert np.abs(nothing).max() < 0.5 * np.abs(effects).max()


@pytest.fixture(scope="module")
def planted() -> tuple[Transitions, Asked, np.ndarray]:
    """40 episodes of 12 decisions: 0 is done everywhere, but where the first number is large, 8 episodes do 1."""
    rng = np.random.default_rng(0)
    bad = np.arange(40) < 8
    seen = rng.normal(size=(40, 12, 3)).astype(np.float32)
    done = (seen[..., 0] > 0.8) & bad[:, None]
    flat, nothing = seen.reshape(-1, 3), np.zeros(480)
    decisions = Transitions(flat, done.reshape(-1).astype(np.int64), nothing, flat, nothing == 1, np.full(40, 12))
    asked = rng.normal(size=(60, 3)).astype(np.float32)
    asked[:, 0] = 1.5
    return decisions, Asked(asked, np.ones(60, np.int64)), bad


def test_planted_episodes_are_found_and_influence_predicts_students_of_other_halves(planted):
    decisions, asked, bad = planted
    config, training = PolicyConfig("testbed/Merge-v0", 3, 2, (8,)), Training(steps=300)
    students = retrained(decisions, config, training, np.ones((4, 40), bool), range(4))
    said = influence(students, decisions, asked)
    assert roc_auc_score(bad, said) > 0.9 and said[bad].mean() > 0 > said[~bad].mean()
    shown = random_subsets(40, 500, np.random.default_rng(1))
    came = outcomes(retrained(decisions, config, training, shown, range(10, 510)), asked)
    exact = datamodel(shown[:300], came[:300])
    assert roc_auc_score(bad, exact) > 0.7 and np.corrcoef(said, exact)[0, 1] > 0.4
    scores = [predicted_well(effects, shown[300:], came[300:]) for effects in (said, exact)]
    assert min(scores) > 0.1 > abs(predicted_well(np.roll(said, 20), shown[300:], came[300:]))


def test_a_student_with_a_memory_is_refused(planted):
    decisions, asked, _ = planted
    config = PolicyConfig("testbed/Merge-v0", 3, 2, (5,), memory=4)
    student = NetworkPolicy(config, random_arrays(config, np.random.default_rng(0)))
    with pytest.raises(UserError, match="memory"):
        influence([student], decisions, asked)
