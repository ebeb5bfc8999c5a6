"""Losses against closed forms, numbers worked by hand, limits, and gradients against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from drawn import tensors
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from testbed.distillation.losses.adversarial import airl_reward, discriminator_loss, gail_reward
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.losses.likelihood import (
    gaussian_log_likelihood,
    gaussian_negative_log_likelihood,
    log_likelihood,
    negative_log_likelihood,
    squared_error,
)
from testbed.distillation.losses.value import (
    advantage_weights,
    conservatism,
    one_step_return,
    quadratic_conservatism,
    quadratic_values,
    value_regression,
)
from testbed.distillation.routes.advantage import weighted_gaussian_likelihood, weighted_likelihood

SHAPES = [(7,), (3, 7), (1,)]


def gaussian(parameters: torch.Tensor, temperature: float = 1.0) -> Independent:
    """Return torch's own Gaussian for means and log standard deviations, its variance times a temperature."""
    mean, log_std = parameters.split(parameters.shape[-1] // 2, -1)
    return Independent(Normal(mean, log_std.exp() * math.sqrt(temperature)), 1)


# Likelihoods.


@pytest.mark.parametrize("shape", SHAPES)
def test_likelihoods_are_torchs(shape):
    """Summed over components, averaged over all other axes."""
    logits, chosen = tensors(0, *shape, 5), torch.from_numpy(np.random.default_rng(1).integers(5, size=shape))
    expected = Categorical(logits=logits).log_prob(chosen)
    torch.testing.assert_close(log_likelihood(logits, chosen), expected)
    torch.testing.assert_close(negative_log_likelihood(logits, chosen), -expected.mean())
    parameters, actions = tensors(2, *shape, 6), tensors(3, *shape, 3)
    expected = gaussian(parameters).log_prob(actions)
    torch.testing.assert_close(gaussian_log_likelihood(parameters, actions), expected)
    torch.testing.assert_close(gaussian_negative_log_likelihood(parameters, actions), -expected.mean())


def test_likelihoods_by_hand():
    """Odds of 1 : 3 are log 4 and log 4/3; a standard normal at 2 is 2 + log sqrt(2 pi)."""
    odds = torch.tensor([[0.0, math.log(3.0)]]).expand(2, 2)
    value = float(negative_log_likelihood(odds, torch.tensor([0, 1])))
    assert value == pytest.approx((math.log(4) + math.log(4 / 3)) / 2)
    value = float(gaussian_negative_log_likelihood(torch.zeros(1, 2), torch.tensor([[2.0]])))
    assert value == pytest.approx(2 + 0.5 * math.log(2 * math.pi))


def test_squared_error_is_the_likelihood_at_deviation_one():
    """Twice the negative log-likelihood without its constant; the deviation has no part in it, nor a gradient."""
    assert float(squared_error(torch.tensor([[1.0, 2.0, 9.0, 9.0]]), torch.tensor([[4.0, 6.0]]))) == 25.0
    mean, actions = tensors(0, 3, 7, 2), tensors(1, 3, 7, 2)
    likelihood = gaussian_negative_log_likelihood(torch.cat([mean, torch.zeros_like(mean)], -1), actions)
    parameters = torch.cat([mean, tensors(2, 3, 7, 2)], -1).requires_grad_()
    value = squared_error(parameters, actions)
    torch.testing.assert_close(value.detach(), 2 * (likelihood - math.log(2 * math.pi)))
    value.backward()
    assert (parameters.grad[..., 2:] == 0).all() and (parameters.grad[..., :2] != 0).all()


def test_weighted_likelihoods_count_each_decision_by_its_weight():
    """Weights of 1 are the likelihood alone, a weight of 0 takes a decision out, one of 2 counts it twice."""
    logits, chosen, weights = tensors(0, 4, 5), torch.tensor([4, 0, 2, 2]), torch.tensor([1.0, 0.0, 2.0, 1.0])
    rows = torch.tensor([0, 2, 2, 3])
    value = weighted_likelihood(logits, torch.stack([chosen.double(), weights.double()], -1))
    torch.testing.assert_close(value, negative_log_likelihood(logits[rows], chosen[rows]))
    parameters, actions = tensors(1, 4, 6), tensors(2, 4, 3)
    value = weighted_gaussian_likelihood(parameters, torch.cat([actions, weights.double()[:, None]], -1))
    torch.testing.assert_close(value, gaussian_negative_log_likelihood(parameters[rows], actions[rows]))


# Divergences.


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("temperature", [0.25, 1.0, 3.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_divergences_are_torchs_closed_forms(shape, temperature, reverse):
    """Logits are divided by the temperature, a Gaussian's variance is multiplied by it; the mean over all states."""
    ways = (policy_divergence, lambda x, t=1.0: Categorical(logits=x / t)), (gaussian_divergence, gaussian)
    for divergence, distribution in ways:
        teacher, student = tensors(0, *shape, 4), tensors(1, *shape, 4)
        pair = distribution(teacher, temperature), distribution(student)
        expected = kl_divergence(*(reversed(pair) if reverse else pair)).mean()
        torch.testing.assert_close(divergence(teacher, student, temperature, reverse), expected)


def test_divergences_by_hand():
    """Two coins: KL((1/2, 1/2) || (1/4, 3/4)) = log 2 / 2 + log(2/3) / 2, the other way log(1/2) / 4 + 3 log(3/2) / 4.

    Two normals: KL(N(0, 1) || N(1, 2)) = log 2 + (1 + 1) / 8 - 1/2, the other way -log 2 + (4 + 1) / 2 - 1/2.
    """
    coin, loaded = torch.zeros(1, 2), torch.tensor([[0.0, math.log(3.0)]])
    forward, backward = 0.5 * math.log(2) + 0.5 * math.log(2 / 3), 0.25 * math.log(1 / 2) + 0.75 * math.log(3 / 2)
    assert float(policy_divergence(coin, loaded)) == pytest.approx(forward)
    assert float(policy_divergence(coin, loaded, reverse=True)) == pytest.approx(backward)
    assert float(policy_divergence(loaded, coin)) == pytest.approx(backward)
    # At half the temperature odds of 1 : 3 are odds of 1 : 9.
    sharpened = 0.1 * math.log(0.1 / 0.5) + 0.9 * math.log(0.9 / 0.5)
    assert float(policy_divergence(loaded, coin, temperature=0.5)) == pytest.approx(sharpened)
    standard, wide = torch.zeros(1, 2), torch.tensor([[1.0, math.log(2.0)]])
    assert float(gaussian_divergence(standard, wide)) == pytest.approx(math.log(2) - 0.25)
    assert float(gaussian_divergence(wide, standard)) == pytest.approx(-math.log(2) + 2)
    assert float(gaussian_divergence(standard, wide, reverse=True)) == pytest.approx(-math.log(2) + 2)


rows = st.lists(st.floats(-8, 8), min_size=4, max_size=4).map(lambda row: torch.tensor([row], dtype=torch.float64))


@pytest.mark.parametrize("divergence", [policy_divergence, gaussian_divergence])
@given(teacher=rows, student=rows, temperature=st.floats(0.2, 5.0))
@settings(max_examples=60, deadline=None)
def test_divergences_are_never_negative_and_zero_for_one_and_the_same(divergence, teacher, student, temperature):
    for reverse in (False, True):
        assert float(divergence(teacher, student, temperature, reverse)) >= -1e-9
        assert abs(float(divergence(student, student, reverse=reverse))) < 1e-9
    torch.testing.assert_close(divergence(teacher, student, reverse=True), divergence(student, teacher))


def test_a_cold_teacher_is_its_likeliest_action_and_a_hot_one_is_a_die():
    """T -> 0 is cloning of the teacher's argmax, T -> infinity the divergence from equal chances."""
    teacher, student = tensors(2, 9, 5), tensors(3, 9, 5)
    cloned = negative_log_likelihood(student, teacher.argmax(-1))
    assert float(policy_divergence(teacher, student, temperature=1e-4)) == pytest.approx(float(cloned), abs=1e-9)
    die = -math.log(5) - float(torch.log_softmax(student, -1).mean())
    assert float(policy_divergence(teacher, student, temperature=1e7)) == pytest.approx(die, abs=1e-6)


def test_the_temperature_of_a_gaussian_is_a_power_of_its_density():
    """Second way: on a grid, the teacher's density to the power 1/T, normalised, and the definition of KL."""
    teacher, student, temperature = torch.tensor([[0.3, -0.4]]).double(), torch.tensor([[-0.5, 0.2]]).double(), 2.5
    grid = torch.linspace(-30, 30, 200_001, dtype=torch.float64)
    step = float(grid[1] - grid[0])
    power = (gaussian(teacher).log_prob(grid[:, None]) / temperature).exp()
    p, log_q = power / (power.sum() * step), gaussian(student).log_prob(grid[:, None])
    integral = float((torch.special.xlogy(p, p) - p * log_q).sum() * step)
    assert float(gaussian_divergence(teacher, student, temperature)) == pytest.approx(integral, abs=1e-6)


# Values.


def test_values_are_regressed_on_the_mean_of_squares():
    assert float(value_regression(torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 6.0]]))) == (9 + 16) / 2


def test_one_step_return_by_hand():
    """1 + 0.9 * 10 where it goes on, 1 where nothing comes after; no gradient flows through what comes after."""
    following = torch.tensor([10.0, 10.0], requires_grad=True)
    found = one_step_return(torch.ones(2), following, torch.tensor([0.0, 1.0]), 0.9)
    assert found.tolist() == [10.0, 1.0] and not found.requires_grad


def test_conservatism_by_hand():
    """log(e^0 + e^0) - 0 of two that are alike, and next to nothing where the one that was seen is far the best."""
    assert float(conservatism(torch.zeros(1, 2), torch.zeros(1))) == pytest.approx(math.log(2))
    assert float(conservatism(torch.tensor([[30.0, 0.0]]), torch.tensor([30.0]))) == pytest.approx(0.0, abs=1e-6)
    assert float(conservatism(torch.tensor([[30.0, 0.0]]), torch.tensor([0.0]))) == pytest.approx(30.0)


def test_quadratic_values_by_hand():
    """V = 1, the best action (1/2, -1/2), curvatures 1 and 2: at the best 1, elsewhere less by half the curvature times
    the squared distance. What is conservative is a Gaussian's negative log-likelihood, as torch has it."""
    outputs = torch.tensor([[1.0, 0.5, -0.5, 0.0, math.log(2)]], dtype=torch.float64)
    best, other = torch.tensor([[0.5, -0.5]]).double(), torch.tensor([[0.5, 0.5]]).double()
    assert quadratic_values(outputs, best).tolist() == pytest.approx([1.0])
    assert quadratic_values(outputs, other).tolist() == pytest.approx([1.0 - 2 / 2])
    for action in (best, other):
        like = torch.distributions.Normal(best, torch.tensor([1.0, 2**-0.5]).double()).log_prob(action).sum()
        assert float(quadratic_conservatism(outputs, action)) == pytest.approx(-float(like))


def test_advantage_weights_by_hand():
    """exp(A / temperature) up to the cap, which holds where exp overflows too; no gradient flows through them."""
    advantage = torch.tensor([-1.0, 0.0, 1.0, 2.0, 3.0, 1e6], requires_grad=True)
    found = advantage_weights(advantage, 1.0)
    expected = [math.exp(-1), 1.0, math.e, math.e**2, 20.0, 20.0]
    assert found.tolist() == pytest.approx(expected) and not found.requires_grad
    assert advantage_weights(advantage, 0.5, most=100.0).tolist()[:5] == pytest.approx(
        [math.exp(-2), 1.0, math.e**2, math.e**4, 100.0]
    )
    assert advantage_weights(advantage[:5], 1e6).tolist() == pytest.approx([1.0] * 5, abs=1e-5)


# Adversarial.

chances = st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4).map(
    lambda row: torch.tensor(row, dtype=torch.float64) / sum(row)
)


def jensen_shannon(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    middle = (p + q) / 2
    return ((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2


def test_the_best_discriminator_knows_the_ratio_of_chances():
    """Its loss is least at logit = log p - log q, and is 2 log 2 - 2 JS(p, q) there."""
    shown, acted = torch.tensor([0] * 5 + [1] * 3 + [2, 3]), torch.tensor([0, 1] + [2] * 2 + [3] * 6)
    p, q = (torch.bincount(symbols).double() / 10 for symbols in (shown, acted))
    logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([logits], 1.0, 200, tolerance_change=0, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = discriminator_loss(logits[shown], logits[acted])
        value.backward()
        return value.detach()

    optimiser.step(closure)
    torch.testing.assert_close(logits.detach(), p.log() - q.log(), atol=1e-5, rtol=0)
    least = discriminator_loss(logits[shown], logits[acted]).detach()
    torch.testing.assert_close(least, 2 * math.log(2) - 2 * jensen_shannon(p, q), atol=1e-9, rtol=0)


def test_rewards_grow_with_the_discriminators_belief():
    """-log(1 - D), never negative, and log D - log(1 - D), of the sign of D - 1/2."""
    belief = torch.linspace(0.001, 0.999, 999, dtype=torch.float64)
    logits = belief.logit()
    torch.testing.assert_close(gail_reward(logits), -(1 - belief).log())
    torch.testing.assert_close(airl_reward(logits), belief.log() - (1 - belief).log())
    for reward in (gail_reward(logits), airl_reward(logits)):
        assert (reward.diff() > 0).all()
    assert (gail_reward(torch.linspace(-200, 200, 401)) >= 0).all()
    assert (airl_reward(logits).sign()[[0, -1]] == torch.tensor([-1, 1])).all()


@given(p=chances, q=chances, share=st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_moving_to_what_is_demonstrated_earns_more(p, q, share):
    """Of either reward, with the best discriminator between p and q held: sum (p - q) r(log p - log q) >= 0."""
    for pay in (gail_reward, airl_reward):
        reward = pay(p.log() - q.log())
        earned = float((((1 - share) * q + share * p) * reward).sum() - (q * reward).sum())
        assert earned >= -1e-12
        if float((p - q).abs().max()) > 0.01:
            assert earned > 0


@given(p=chances, logits=rows)
@settings(max_examples=60, deadline=None)
def test_earning_more_is_coming_closer(p, logits):
    """With the best discriminator held, the gradient of the reward earned is -2 that of JS(p, q) for gail, and minus
    that of KL(q || p) for airl; a small step along it lowers the divergence."""
    theta = (logits[0] / 4).requires_grad_()
    held = (p.log() - torch.log_softmax(theta, 0)).detach()
    q = lambda x: torch.softmax(x, 0)  # noqa: E731
    for pay, scale, apart in (
        (gail_reward, 2, lambda x: jensen_shannon(p, q(x))),
        (airl_reward, 1, lambda x: (q(x) * (q(x).log() - p.log())).sum()),
    ):
        (uphill,) = torch.autograd.grad((q(theta) * pay(held)).sum(), theta)
        (away,) = torch.autograd.grad(apart(theta), theta)
        torch.testing.assert_close(uphill, -scale * away)
        if float(uphill.norm()) > 1e-4:
            assert (apart(theta + 0.01 * uphill) < apart(theta)).item()
