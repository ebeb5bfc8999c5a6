"""Gradients of the losses, and shapes that do not belong together."""

from __future__ import annotations

import pytest
import torch
from drawn import tensors

from testbed.distillation.losses.adversarial import airl_reward, discriminator_loss, gail_reward
from testbed.distillation.losses.divergence import gaussian_divergence, policy_divergence
from testbed.distillation.losses.likelihood import (
    gaussian_negative_log_likelihood,
    log_likelihood,
    negative_log_likelihood,
    squared_error,
)
from testbed.distillation.losses.policy_gradient import clipped_surrogate, generalised_advantages
from testbed.distillation.losses.value import (
    advantage_weights,
    conservatism,
    one_step_return,
    quadratic_conservatism,
    quadratic_values,
    value_regression,
)
from testbed.distillation.routes.advantage import weighted_gaussian_likelihood, weighted_likelihood

# All of them.

CHOSEN = torch.tensor([[1, 0, 2], [2, 2, 1]])
LOSSES = {
    "likelihood": (lambda x: negative_log_likelihood(x, CHOSEN), [(2, 3, 4)]),
    "gaussian likelihood": (gaussian_negative_log_likelihood, [(2, 3, 4), (2, 3, 2)]),
    "squared error": (squared_error, [(2, 3, 4), (2, 3, 2)]),
    "weighted": (lambda x, w: weighted_likelihood(x, torch.stack([CHOSEN.double(), w], -1)), [(2, 3, 4), (2, 3)]),
    "weighted gaussian": (weighted_gaussian_likelihood, [(2, 3, 4), (2, 3, 3)]),
    "divergence": (lambda x, y: policy_divergence(x, y, 0.7), [(2, 3, 4)] * 2),
    "reverse divergence": (lambda x, y: policy_divergence(x, y, 0.7, True), [(2, 3, 4)] * 2),
    "gaussian divergence": (lambda x, y: gaussian_divergence(x, y, 0.7), [(2, 3, 4)] * 2),
    "reverse gaussian divergence": (lambda x, y: gaussian_divergence(x, y, 0.7, True), [(2, 3, 4)] * 2),
    "conservatism": (conservatism, [(2, 3, 4), (2, 3)]),
    "quadratic values": (quadratic_values, [(2, 3, 5), (2, 3, 2)]),
    "quadratic conservatism": (quadratic_conservatism, [(2, 3, 5), (2, 3, 2)]),
    "value": (value_regression, [(2, 3, 4)] * 2),
    "discriminator": (discriminator_loss, [(4,), (3,)]),
    "discriminators": (discriminator_loss, [(2, 4), (2, 3)]),
    "surrogate": (lambda r: clipped_surrogate(r / 5, tensors(7, 2, 6), 0.2), [(2, 6)]),
    "gail": (gail_reward, [(5,)]),
    "airl": (airl_reward, [(5,)]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_finite_differences(name):
    """In all that has a gradient: the student's parameters, the teacher's, continuous actions, weights."""
    loss, shapes = LOSSES[name]
    assert torch.autograd.gradcheck(loss, [tensors(k, *shape).requires_grad_() for k, shape in enumerate(shapes)])


REFUSED = [
    (lambda: negative_log_likelihood(tensors(0, 4, 3), torch.zeros(5, dtype=torch.int64)), "do not belong together"),
    (lambda: log_likelihood(tensors(0, 4, 3), torch.zeros((4, 1), dtype=torch.int64)), "do not belong together"),
    *((lambda a=a, f=f: f(tensors(0, 4, 4), tensors(0, *a)), "do not belong together")
      for a in ((4, 3), (5, 2), (4,), (4, 1)) for f in (gaussian_negative_log_likelihood, squared_error)),
    (lambda: gaussian_negative_log_likelihood(tensors(0, 4, 5), tensors(0, 4, 2)), "log standard deviations"),
    (lambda: gaussian_divergence(tensors(0, 4, 3), tensors(0, 4, 3)), "log standard deviations"),
    *((lambda s=s, f=f: f(tensors(0, 4, 4), tensors(0, *s)), "differ")
      for s in ((4, 2), (1, 4), (4,)) for f in (policy_divergence, gaussian_divergence, value_regression)),
    *((lambda t=t, f=f: f(tensors(0, 4, 4), tensors(0, 4, 4), t), "temperature")
      for t in (0.0, -1.0) for f in (policy_divergence, gaussian_divergence)),
    (lambda: advantage_weights(tensors(0, 4), 0.0), "temperature"),
    (lambda: conservatism(tensors(0, 4, 3), tensors(0, 3)), "differ"),
    *((lambda f=f: f(tensors(0, 4, 5), tensors(0, 4, 3)), "differ")
      for f in (quadratic_values, quadratic_conservatism)),
    (lambda: one_step_return(tensors(0, 4), tensors(0, 4, 1), tensors(0, 4), 0.9), "differ"),
    (lambda: one_step_return(tensors(0, 4), tensors(0, 4), tensors(0, 1), 0.9), "differ"),
    (lambda: one_step_return(tensors(0, 4), tensors(0, 4), tensors(0, 4), 1.1), "discount"),
    *((lambda one=one, other=other: discriminator_loss(tensors(0, *one), tensors(0, *other)), "same discrim")
      for one, other in (((4, 1), (4,)), ((4,), (0,)), ((2, 4), (3, 4)), ((), ()))),
    (lambda: clipped_surrogate(tensors(0, 2, 4), tensors(0, 4), 0.2), "differ"),
    *((lambda v=v, o=o: generalised_advantages(tensors(0, 4, 2), tensors(0, *v), tensors(0, *o), 0.9, 0.9), "belong")
      for v, o in (((4, 2), (4, 2)), ((5, 2), (5, 2)), ((5,), (4, 2)))),
]  # fmt: skip


@pytest.mark.parametrize(("call", "says"), REFUSED)
def test_what_does_not_belong_together_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()
