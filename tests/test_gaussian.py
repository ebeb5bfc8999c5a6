"""Gaussian policies: losses against closed forms, stacked training, exported teachers, folders, sampled actions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from testbed.demonstrations.transitions import Transitions
from testbed.distillation import cloning, divergence
from testbed.distillation.losses import gaussian_divergence, gaussian_negative_log_likelihood
from testbed.distillation.stacked import Samples, Training
from testbed.distillation.teacher import Dagger, export_actor, make_sb3_policy, train_teacher
from testbed.episode import Behaviour
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.network import GAUSSIAN, LOG_STD, NetworkPolicy, PolicyConfig, random_arrays
from testbed.policies.sampled import MOST, SampledPolicy

CONFIG = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (16, 16), GAUSSIAN)
TRAINING = Training(steps=40, batch=64)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks this small are quicker on one thread, and much so where others use the cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, shape))


def as_distribution(parameters: torch.Tensor) -> Independent:
    """Return torch's own Gaussian for means and log standard deviations."""
    mean, log_std = parameters.split(parameters.shape[-1] // 2, -1)
    return Independent(Normal(mean, log_std.exp()), 1)


# Losses.


@pytest.mark.parametrize("shape", [(7,), (3, 7), (1,)])
@pytest.mark.parametrize("components", [1, 4])
def test_losses_are_torchs_closed_forms(shape, components):
    """Summed over components, averaged over all other axes."""
    teacher, student = numbers(0, *shape, 2 * components), numbers(1, *shape, 2 * components)
    actions = numbers(2, *shape, components)
    torch.testing.assert_close(
        gaussian_negative_log_likelihood(student, actions), -as_distribution(student).log_prob(actions).mean()
    )
    torch.testing.assert_close(
        gaussian_divergence(teacher, student), kl_divergence(as_distribution(teacher), as_distribution(student)).mean()
    )


def test_losses_by_hand():
    """A standard normal at 2: 2 + log sqrt(2 pi). KL(N(0, 1) || N(1, 2)) = log 2 + (1 + 1) / 8 - 1/2."""
    standard, other = torch.zeros(1, 2), torch.tensor([[1.0, np.log(2.0)]])
    value = float(gaussian_negative_log_likelihood(standard, torch.tensor([[2.0]])))
    assert value == pytest.approx(2 + 0.5 * np.log(2 * np.pi))
    assert float(gaussian_divergence(standard, other)) == pytest.approx(np.log(2) - 0.25)
    assert float(gaussian_divergence(other, standard)) == pytest.approx(-np.log(2) + 2.5 - 0.5)
    assert float(gaussian_divergence(other, other)) == pytest.approx(0.0, abs=1e-7)


def test_divergence_is_what_samples_of_the_teacher_say():
    """Second way: the mean of log p - log q over a million draws of p."""
    teacher, student = numbers(3, 1, 4) / 2, numbers(4, 1, 4) / 2
    p, q = as_distribution(teacher), as_distribution(student)
    torch.manual_seed(0)
    draws = p.sample((400_000,))
    terms = p.log_prob(draws) - q.log_prob(draws)
    error = float(terms.std() / np.sqrt(len(terms)))
    assert abs(float(gaussian_divergence(teacher, student)) - float(terms.mean())) < 4 * error < 0.02


def test_gradients_agree_with_finite_differences():
    """In the student's parameters, and in the teacher's and the actions too."""
    actions, teacher = numbers(5, 2, 3, 2), numbers(6, 2, 3, 4)
    student = numbers(7, 2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(gaussian_negative_log_likelihood, (student, actions.requires_grad_()))
    assert torch.autograd.gradcheck(gaussian_divergence, (teacher.requires_grad_(), student))


def test_losses_refuse_shapes_that_do_not_belong_together():
    for actions in (numbers(0, 4, 3), numbers(0, 5, 2), numbers(0, 4), numbers(0, 4, 1)):
        with pytest.raises(ValueError, match="do not belong together"):
            gaussian_negative_log_likelihood(numbers(0, 4, 4), actions)
    for student in (numbers(0, 4, 2), numbers(0, 1, 4)):
        with pytest.raises(ValueError, match="differ"):
            gaussian_divergence(numbers(0, 4, 4), student)
    with pytest.raises(ValueError, match="log standard deviations"):
        gaussian_divergence(numbers(0, 4, 3), numbers(0, 4, 3))
    with pytest.raises(ValueError, match="log standard deviations"):
        gaussian_negative_log_likelihood(numbers(0, 4, 5), numbers(0, 4, 2))


# Training.


def reaches(seed: int, count: int = 500) -> Samples:
    """A task with a right answer: the first three numbers, scaled and turned about, with noise of 0.1."""
    rng = np.random.default_rng(seed)
    observations = rng.normal(1.0, 2.0, (count, 5)).astype(np.float32)
    observations[:, 4] = 7.0  # says nothing
    targets = np.tanh(observations[:, [1, 2, 0]] - 1) * (0.5, -0.5, 0.25)
    return Samples(observations, (targets + rng.normal(0, 0.1, targets.shape)).astype(np.float32))


def test_stacked_students_are_the_students_trained_alone():
    """Of both routes, to 1e-5, deviations too."""
    data, seeds = [reaches(0), reaches(1), reaches(0)], [3, 4, 5]
    teacher = NetworkPolicy(CONFIG, random_arrays(CONFIG, np.random.default_rng(8)))
    outputs = [Samples(one.observations, teacher.parameters(one.observations)) for one in data]
    for train, samples in ((cloning.clone, data), (divergence.distil, outputs)):
        together = train(CONFIG, samples, seeds, TRAINING)
        assert len({student.arrays["log_std"].tobytes() for student in together}) == 3
        for number in range(3):
            (alone,) = train(CONFIG, [samples[number]], [seeds[number]], TRAINING)
            assert alone.arrays.keys() == together[number].arrays.keys() == CONFIG.shapes.keys()
            for name, array in alone.arrays.items():
                np.testing.assert_allclose(together[number].arrays[name], array, atol=1e-5, err_msg=name)


def test_both_routes_learn_a_task_with_a_right_answer():
    """Mean and deviation: the noise of 0.1 is found by cloning, and handed on by distillation."""
    data, unseen = reaches(0, 2000), reaches(9)
    training = Training(steps=500, learning_rate=1e-2)  # deviations go no faster than the learning rate lets them
    (cloned,) = cloning.clone(CONFIG, [data], [0], training)
    assert np.abs(cloned.act(unseen.observations) - unseen.targets).mean() < 0.11
    np.testing.assert_allclose(np.exp(cloned.arrays["log_std"]), 0.1, atol=0.02)
    outputs = Samples(data.observations, cloned.parameters(data.observations))
    (distilled,) = divergence.distil(CONFIG, [outputs], [1], training)
    np.testing.assert_allclose(distilled.arrays["log_std"], cloned.arrays["log_std"], atol=0.15)
    apart = [torch.from_numpy(policy.parameters(unseen.observations)) for policy in (cloned, distilled)]
    assert float(gaussian_divergence(*apart)) < 0.15


def test_deviations_stay_within_their_limits():
    """Of a task without noise the log deviation stops at its least; a network beyond its limits is cut off to them."""
    constant = Samples(reaches(0).observations, np.zeros((500, 3), np.float32))
    (student,) = cloning.clone(CONFIG, [constant], [0], Training(steps=300, learning_rate=0.02))
    assert np.isfinite(student.arrays["log_std"]).all()
    spread = student.parameters(constant.observations)[:, 3:]
    assert spread.min() >= LOG_STD[0] and spread.max() < -2.5
    arrays = random_arrays(CONFIG, np.random.default_rng(0)) | {"log_std": np.array([-9, 0.2, 9], np.float32)}
    wild = NetworkPolicy(CONFIG, arrays).parameters(np.zeros((2, 5), np.float32))
    np.testing.assert_allclose(wild[:, 3:], [[LOG_STD[0], 0.2, LOG_STD[1]]] * 2, rtol=1e-6)


# Teachers.


def test_an_exported_teacher_is_the_sb3_policy():
    """Mean and log deviation; its action is SB3's deterministic one, cut off to the box."""
    policy = make_sb3_policy(CONFIG, seed=0)
    with torch.no_grad():
        policy.log_std.copy_(torch.tensor([-1.0, 0.25, -2.0]))
        policy.action_net.weight.mul_(200)  # so that some means are beyond the box
    observations = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    exported = export_actor(CONFIG, policy)
    theirs = policy.get_distribution(torch.from_numpy(observations)).distribution
    mean, log_std = np.split(exported.parameters(observations), 2, axis=1)
    np.testing.assert_allclose(mean, theirs.mean.detach(), atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(log_std, theirs.stddev.log().detach(), atol=1e-6)
    np.testing.assert_allclose(log_std[0], policy.log_std.detach(), atol=0)
    actions = policy.predict(observations, deterministic=True)[0]
    assert (np.abs(mean) > 1).any()
    np.testing.assert_allclose(exported.act(observations), actions, atol=1e-5)
    assert exported.arrays["log_std"].dtype == np.float32


class Push:
    """Demonstrates half of the first three numbers."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        return np.clip(observations[:, :3] / 2, -1, 1).astype(np.float32)


def test_dagger_learns_on_the_states_that_the_teacher_visits():
    """Demonstrations show positive states only; the teacher visits negative ones, and DAgger mends it there."""
    rng = np.random.default_rng(0)

    def some(sign: float) -> Transitions:
        seen = (sign * np.abs(rng.normal(size=(301, 5)))).astype(np.float32)
        actions = Push().act(seen[:-1])
        return Transitions(seen[:-1], actions, np.zeros(300), seen[1:], np.zeros(300, bool), np.array([300]))

    visited, training = some(-1.0).observations, Training(steps=150, batch=64, learning_rate=3e-3)
    errors = []
    for rounds in (0, 1):
        dagger = Dagger(rounds, 1, training, training)
        teacher = train_teacher(CONFIG, Push(), some(1.0), lambda policy, number: some(-1.0), 0, dagger)
        assert teacher.config.head == GAUSSIAN and teacher.act(visited).shape == (300, 3)
        errors.append(np.abs(teacher.act(visited) - Push().act(visited)).mean())
    assert errors[1] < 0.1 < 0.2 < errors[0]


# Policies and their folders.


@pytest.fixture
def policy() -> NetworkPolicy:
    arrays = random_arrays(CONFIG, np.random.default_rng(0)) | {"log_std": np.array([-1.5, -2.5, 0.3], np.float32)}
    return NetworkPolicy(CONFIG, arrays)


def test_a_policy_comes_back_as_it_was(policy, tmp_path):
    """Bit for bit, and it remembers what kind it is."""
    save_policy(tmp_path / "p", policy, Behaviour("student"), Lineage("test", 0))
    again, behaviour = load_policy(tmp_path / "p")
    assert again.config == CONFIG and behaviour == Behaviour("student")
    assert again.arrays.keys() == policy.arrays.keys()
    for name, array in policy.arrays.items():
        assert again.arrays[name].dtype == np.float32 and again.arrays[name].tobytes() == array.tobytes()
    observations = np.random.default_rng(1).normal(size=(5, 5)).astype(np.float32)
    assert again.parameters(observations).tobytes() == policy.parameters(observations).tobytes()
    assert again.act(observations).tobytes() == policy.act(observations).tobytes()


def test_a_policy_acts_on_its_mean_within_the_box(policy):
    observations = 30 * np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32)
    mean = policy.parameters(observations)[:, :3]
    assert (np.abs(mean) > 1).any() and (np.abs(mean) < 1).any()
    np.testing.assert_array_equal(policy.act(observations), np.clip(mean, -1, 1))


def test_what_is_no_gaussian_policy_is_refused(policy):
    """In one line: no deviations, deviations of another size or of no number, a head that nobody knows."""
    arrays = dict(policy.arrays)
    for wrong, said in (
        ({k: v for k, v in arrays.items() if k != "log_std"}, "log_std"),
        (arrays | {"log_std": np.zeros(2, np.float32)}, "shape"),
        (arrays | {"log_std": np.full(3, np.nan, np.float32)}, "NaN"),
    ):
        with pytest.raises(UserError, match=said) as caught:
            NetworkPolicy(CONFIG, wrong)
        assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"choose one of categorical, gaussian.*Did you mean 'gaussian'"):
        NetworkPolicy(replace(CONFIG, head="gausian"), arrays)
    with pytest.raises(UserError, match="do not fit"):
        policy.act(np.zeros((2, 7), np.float32))


def test_a_fresh_gaussian_differs_from_a_categorical_only_in_its_deviations():
    """The same generator gives the same weights, so arms that differ in nothing else start alike."""
    ours = random_arrays(CONFIG, np.random.default_rng(3))
    theirs = random_arrays(replace(CONFIG, head="categorical"), np.random.default_rng(3))
    assert ours.keys() - theirs.keys() == {"log_std"}
    assert all((ours[name] == array).all() for name, array in theirs.items())


# Sampled actions.

FEW = np.random.default_rng(2).normal(size=(40, 5)).astype(np.float32)


def test_draws_depend_on_the_observation_alone(policy):
    """Whatever the batch, the order and how often it was asked; another seed and another observation give others."""
    sampled = SampledPolicy(policy, 7)
    drawn = sampled.act(FEW)
    order = np.random.default_rng(0).permutation(len(FEW))
    mean = policy.act(FEW)
    noise = drawn - mean
    for other, rows in ((sampled.act(FEW[order]), order), (SampledPolicy(policy, 7).act(FEW[:5]), np.arange(5))):
        np.testing.assert_allclose(other, drawn[rows], atol=2e-6)  # a network's last digits know the rows beside it
    for number in (0, 17, 39):
        np.testing.assert_allclose(sampled.act(FEW[[number]])[0], drawn[number], atol=2e-6)
    assert sampled.act(FEW).tobytes() == drawn.tobytes()
    assert (SampledPolicy(policy, 8).act(FEW) != drawn).any(axis=1).all()
    nudged = FEW.copy()
    nudged[:, 3] = np.nextafter(nudged[:, 3], np.float32(9))
    assert (np.abs(sampled.act(nudged) - policy.act(nudged) - noise) > 1e-6).any(axis=1).all()


def _linear(scale: float, log_std: tuple[float, float, float]) -> NetworkPolicy:
    """Return a policy without hidden layers whose means are the first three numbers times a scale."""
    config = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (), GAUSSIAN)
    arrays = {
        "mean": np.zeros(5, np.float32), "std": np.ones(5, np.float32),
        "layer0.weight": (np.eye(5, 3) * scale).astype(np.float32), "layer0.bias": np.zeros(3, np.float32),
        "log_std": np.array(log_std, np.float32),
    }  # fmt: skip
    return NetworkPolicy(config, arrays)


def test_draws_have_the_mean_and_the_deviation_stated():
    """40,000 draws a component: mean 0, deviation as the policy says but at most 0.1, a normal's tails, independent."""
    rows = np.random.default_rng(4).uniform(-0.5, 0.5, (40_000, 5)).astype(np.float32)
    policy = _linear(0.5, (np.log(0.05), np.log(0.08), 0.3))
    assert MOST == 0.1
    noise = (SampledPolicy(policy, 1).act(rows) - policy.act(rows)) / (0.05, 0.08, MOST)
    count = len(rows)
    assert (np.abs(noise.mean(0)) < 4 / np.sqrt(count)).all()
    assert (np.abs(noise.std(0) - 1) < 4 / np.sqrt(2 * count)).all()
    for limit, share in ((1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0027)):
        found = (np.abs(noise) > limit).mean(0)
        assert (np.abs(found - share) < 4 * np.sqrt(share / count)).all(), limit
    between = np.corrcoef(np.concatenate([noise, rows], axis=1).T) - np.eye(8)
    assert np.abs(between[:3]).max() < 4.5 / np.sqrt(count)
    assert np.abs(np.corrcoef(noise[:-1, 0], noise[1:, 0])[0, 1]) < 4 / np.sqrt(count)


def test_draws_stay_within_the_box():
    rows = np.random.default_rng(4).uniform(-1, 1, (2000, 5)).astype(np.float32)
    drawn = SampledPolicy(_linear(1.5, (0.5, 0.5, 0.5)), 1).act(rows)
    assert drawn.dtype == np.float32 and drawn.shape == (2000, 3)
    assert drawn.min() == -1 and drawn.max() == 1 and (np.abs(drawn) < 1).mean() > 0.5
