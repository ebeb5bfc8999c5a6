"""Losses of value distillation: what a decision is worth, and how a policy is got from that."""

from __future__ import annotations

from torch import Tensor


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
