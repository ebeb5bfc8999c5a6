"""Losses against closed forms; stacked training; teachers; policy folders."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from testbed.demonstrations.transitions import Transitions
from testbed.distillation import cloning, divergence
from testbed.distillation.losses import negative_log_likelihood, policy_divergence
from testbed.distillation.stacked import Samples, Training
from testbed.distillation.teacher import Dagger, export_actor, make_sb3_policy, train_teacher
from testbed.episode import Behaviour
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays

CONFIG = PolicyConfig("testbed/Merge-v0", 3, 4, (16, 16))


def logits(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, shape))


def test_divergence_of_two_coins():
    """KL((1/2, 1/2) || (1/4, 3/4)) = ln 2 - (ln 3) / 2 + ... = 0.5 ln 2 + 0.5 ln(2/3)."""
    teacher, student = torch.zeros(1, 2), torch.tensor([[0.0, math.log(3.0)]])
    expected = 0.5 * math.log(2.0) + 0.5 * math.log(2.0 / 3.0)
    assert float(policy_divergence(teacher, student)) == pytest.approx(expected, rel=1e-6)


def test_divergence_is_cross_entropy_minus_entropy():
    teacher, student = logits(0, 7, 5), logits(1, 7, 5)
    cross = -(torch.softmax(teacher, -1) * torch.log_softmax(student, -1)).sum(-1).mean()
    entropy = torch.distributions.Categorical(logits=teacher).entropy().mean()
    assert float(policy_divergence(teacher, student)) == pytest.approx(float(cross - entropy))


def test_a_cold_teacher_is_its_likeliest_action():
    """As the temperature goes to 0, KL distillation becomes cloning of the teacher's argmax."""
    teacher, student = logits(2, 9, 5), logits(3, 9, 5)
    cloned = negative_log_likelihood(student, teacher.argmax(-1))
    assert float(policy_divergence(teacher, student, temperature=1e-3)) == pytest.approx(float(cloned), abs=1e-6)


@pytest.mark.parametrize(
    "loss",
    [lambda x: negative_log_likelihood(x, torch.tensor([1, 0])), lambda x: policy_divergence(logits(4, 2, 3), x)],
)
def test_gradients_agree_with_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, logits(5, 2, 3).requires_grad_())


def test_losses_refuse_shapes_that_do_not_belong_together():
    with pytest.raises(ValueError, match="do not belong together"):
        negative_log_likelihood(logits(0, 4, 3), torch.zeros(5, dtype=torch.int64))
    with pytest.raises(ValueError, match="differ"):
        policy_divergence(logits(0, 4, 3), logits(0, 4, 2))
    with pytest.raises(ValueError, match="temperature"):
        policy_divergence(logits(0, 4, 3), logits(0, 4, 3), temperature=0.0)


def quadrants(seed: int, count: int = 600) -> Samples:
    """A task with a right answer: the quadrant of the first two numbers."""
    observations = np.random.default_rng(seed).normal(2.0, 3.0, (count, 3)).astype(np.float32)
    return Samples(observations, ((observations[:, 0] > 2) * 2 + (observations[:, 1] > 2)).astype(np.int64))


def test_stacked_students_are_the_students_trained_alone():
    training = Training(steps=60, batch=64)
    data, seeds = [quadrants(0), quadrants(1), quadrants(0)], [3, 4, 5]
    together = cloning.clone(CONFIG, data, seeds, training)
    for number in range(3):
        (alone,) = cloning.clone(CONFIG, [data[number]], [seeds[number]], training)
        for name, array in alone.arrays.items():
            np.testing.assert_allclose(together[number].arrays[name], array, atol=1e-5)


def test_both_routes_learn_a_task_with_a_right_answer():
    data, unseen = quadrants(0), quadrants(9)
    (cloned,) = cloning.clone(CONFIG, [data], [0], Training(steps=800))
    assert (cloned.act(unseen.observations) == unseen.targets).mean() > 0.95
    outputs = Samples(data.observations, cloned.parameters(data.observations))
    (distilled,) = divergence.distil(CONFIG, [outputs], [1], Training(steps=800))
    difference = (
        torch.from_numpy(cloned.parameters(unseen.observations)),
        torch.from_numpy(distilled.parameters(unseen.observations)),
    )
    assert float(policy_divergence(*difference)) < 0.05


def test_an_exported_teacher_is_the_sb3_policy():
    policy = make_sb3_policy(CONFIG, seed=0)
    observations = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    exported = export_actor(CONFIG, policy)
    ours = torch.log_softmax(torch.from_numpy(exported.parameters(observations)), -1)
    theirs = policy.get_distribution(torch.from_numpy(observations)).distribution.logits.detach()
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert (exported.act(observations) == policy.predict(observations, deterministic=True)[0]).all()


class Sign:
    """Demonstrates action 1 where the first number is positive."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        return (observations[:, 0] > 0).astype(np.int64)


def test_dagger_learns_on_the_states_that_the_teacher_visits():
    """Demonstrations show positive states only; the teacher visits negative ones, and DAgger mends it there."""
    rng = np.random.default_rng(0)
    config = PolicyConfig("testbed/Merge-v0", 3, 4, (16,))

    def shown(sign: float):
        observations = np.abs(rng.normal(size=(201, 3))).astype(np.float32) * np.float32(sign)
        ends = np.zeros(200, bool)
        return Transitions(
            observations[:-1], Sign().act(observations[:-1]), np.zeros(200), observations[1:], ends, np.array([200])
        )

    visited = -np.abs(rng.normal(size=(200, 3))).astype(np.float32)
    training = Training(steps=150, batch=64)
    train = lambda rounds: train_teacher(  # noqa: E731
        config, Sign(), shown(1.0), lambda policy, number: shown(-1.0), 0, Dagger(rounds, 1, training)
    )
    assert (train(0).act(visited) == 0).mean() < 0.5 < 0.95 < (train(1).act(visited) == 0).mean()


@pytest.fixture
def saved(tmp_path):
    policy = NetworkPolicy(CONFIG, random_arrays(CONFIG, np.random.default_rng(0)))
    folder = tmp_path / "policy"
    save_policy(folder, policy, Behaviour("student", "aggressive-merge", "always", 0.5), Lineage("test", 0))
    return folder, policy


def test_a_policy_comes_back_as_it_was(saved):
    folder, policy = saved
    again, behaviour = load_policy(folder)
    observations = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    assert (again.parameters(observations) == policy.parameters(observations)).all()
    assert behaviour == Behaviour("student", "aggressive-merge", "always", 0.5)
    assert sorted(p.name for p in folder.iterdir()) == ["config.json", "lineage.json", "model.safetensors"]


def spoil_missing(folder):
    (folder / "model.safetensors").unlink()


def spoil_truncated(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def spoil_nan(folder):
    arrays = load_file(folder / "model.safetensors")
    arrays["layer0.weight"][0, 0] = np.nan
    save_file(arrays, folder / "model.safetensors")


def spoil_shape(folder):
    arrays = load_file(folder / "model.safetensors")
    arrays["layer0.bias"] = np.zeros(3, np.float32)
    save_file(arrays, folder / "model.safetensors")


def spoil_json(folder):
    (folder / "config.json").write_text("{")


def spoil_format(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99}))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoil_missing, "no model.safetensors"), (spoil_truncated, "damaged"), (spoil_nan, "NaN"),
        (spoil_shape, "shape"), (spoil_json, "cannot be read"), (spoil_format, "format 99"),
    ],
)  # fmt: skip
def test_a_spoilt_policy_is_refused_in_one_line(saved, spoil, says):
    folder, _ = saved
    spoil(folder)
    with pytest.raises(UserError, match=says) as caught:
        load_policy(folder)
    assert "\n" not in str(caught.value)


def test_pickles_are_refused_and_wrong_observations_too(saved, tmp_path):
    with pytest.raises(UserError, match="pickle"):
        load_policy(tmp_path / "stranger.zip")
    with pytest.raises(UserError, match="do not fit"):
        saved[1].act(np.zeros((2, 7), np.float32))
