"""Losses of value distillation: what a decision is worth, and how a policy is got from that."""

from __future__ import annotations

import math

from torch import Tensor

CURVATURE = (-4.0, 6.0)
"""Least and greatest logarithm of a quadratic function's curvature."""


def value_regression(predicted_t: Tensor, taught_t: Tensor) -> Tensor:
    """Return the mean of (Q_student - Q_teacher)^2 (the MSE variant of Rusu et al. 2015, Policy Distillation, eq. 2).

    Args:
        predicted_t: Student's values of all actions, or of one: shape (..., n, actions) or (..., n, 1).
        taught_t: Teacher's, of the same shape.

    Raises:
        ValueError: if the shapes differ.
    """
    _same(predicted_t, taught_t)
    return ((predicted_t - taught_t) ** 2).mean()


def one_step_return(reward_t: Tensor, value_tp1: Tensor, terminated_t: Tensor, discount: float) -> Tensor:
    """Return r_t + discount * V_{t+1}, and r_t where nothing comes after: the target of fitted Q evaluation.

    Le, Voloshin and Yue 2019, Batch Policy Learning under Constraints, algorithm 3. No gradient flows through the
    target.

    Args:
        reward_t: Shape (..., n).
        value_tp1: What the policy's next action is worth, shape (..., n).
        terminated_t: 1 where the episode ended by its own rules, else 0, shape (..., n).
        discount: 0 to 1.

    Raises:
        ValueError: if the shapes differ or the discount is outside 0 to 1.
    """
    _same(reward_t, value_tp1)
    _same(reward_t, terminated_t)
    if not 0 <= discount <= 1:
        raise ValueError(f"discount must be from 0 to 1, not {discount}")
    return reward_t + discount * (1 - terminated_t) * value_tp1.detach()


def conservatism(values_t: Tensor, seen_t: Tensor) -> Tensor:
    """Return the mean of log sum_a exp Q(s, a) - Q(s, a_seen): small where the action that was seen is the best one.

    Added to the loss of fitted Q evaluation it makes Q conservative (Kumar et al. 2020, Conservative Q-Learning for
    Offline Reinforcement Learning, eq. 4).

    Args:
        values_t: Of all actions, shape (..., n, actions).
        seen_t: Of the action that was seen, shape (..., n).

    Raises:
        ValueError: if the shapes do not fit.
    """
    _same(values_t[..., 0], seen_t)
    return (values_t.logsumexp(-1) - seen_t).mean()


def quadratic_values(outputs_t: Tensor, actions_t: Tensor) -> Tensor:
    """Return Q(s, a) = V - sum_i exp(c_i) (a_i - b_i)^2 / 2 of continuous actions, shape (..., n).

    A quadratic function has its best action in closed form (Gu et al. 2016, Continuous Deep Q-Learning with Model-based
    Acceleration, eq. 7, with a diagonal P).

    Args:
        outputs_t: V, the best action b, and the logarithms c of curvatures, shape (..., n, 1 + 2 * size); see
            `quadratic_parts`.
        actions_t: Shape (..., n, size).
    """
    value, best, curvature = quadratic_parts(outputs_t)
    _same(best, actions_t)
    return value - 0.5 * (curvature.exp() * (actions_t - best) ** 2).sum(-1)


def quadratic_conservatism(outputs_t: Tensor, actions_t: Tensor) -> Tensor:
    """Return what `conservatism` does of quadratic values: exp Q is a Gaussian over all actions, so it is the negative
    log-likelihood of the action that was seen under one with mean b and variances exp(-c)."""
    value, _, curvature = quadratic_parts(outputs_t)
    whole = value + 0.5 * (math.log(2 * math.pi) - curvature).sum(-1)
    return (whole - quadratic_values(outputs_t, actions_t)).mean()


def quadratic_parts(outputs_t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return V, shape (..., n), and the best action and the logarithms of curvatures, (..., n, size) each."""
    size = (outputs_t.shape[-1] - 1) // 2
    return outputs_t[..., 0], outputs_t[..., 1 : 1 + size], outputs_t[..., 1 + size :].clamp(*CURVATURE)


def advantage_weights(advantage_t: Tensor, temperature: float, most: float = 20.0) -> Tensor:
    """Return exp(A / temperature), at most `most`: the weights of advantage-weighted regression.

    Peng et al. 2019, Advantage-Weighted Regression, eq. 10 and section 3.2 (the cap of 20). No gradient flows through
    them.

    Args:
        advantage_t: Q(s, a) - V(s), shape (..., n).
        temperature: Their beta > 0: small weighs the best actions only, large clones.
        most: The cap.

    Raises:
        ValueError: if the temperature is not positive.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    return (advantage_t.detach() / temperature).exp().clamp(max=most)


def _same(one: Tensor, other: Tensor) -> None:
    if one.shape != other.shape:
        raise ValueError(f"shapes {tuple(one.shape)} and {tuple(other.shape)} differ")
