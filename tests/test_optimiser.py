"""The optimiser: torch's own gives the same bytes, and trainings need not import its compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from testbed.distillation.optimiser import Adam


def _tensors() -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape, requires_grad=True) for shape in ((3, 5, 8), (3, 1, 8), (7,))]


def _loss(tensors: list[torch.Tensor], step: int) -> torch.Tensor:
    """Return a loss that changes from step to step and leaves the last tensor out."""
    given = torch.sin(torch.arange(5.0) * (step + 1)).expand(3, 2, 5)
    return ((torch.baddbmm(tensors[1], given, tensors[0]) - step % 3) ** 2).mean()


@pytest.mark.parametrize("steps", [None, 120])
def test_it_gives_torchs_bytes(steps):
    ours, theirs = _tensors(), _tensors()
    optimiser = Adam(ours, 3e-3, steps)
    oracle = torch.optim.Adam(theirs, lr=3e-3, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(oracle, steps) if steps else None
    for step in range(steps or 120):
        optimiser.minimise(_loss(ours, step))
        oracle.zero_grad(set_to_none=True)
        _loss(theirs, step).backward()
        oracle.step()
        if schedule:
            schedule.step()
    before = _tensors()
    assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))
    assert not torch.equal(ours[0], before[0]) and torch.equal(ours[2], before[2])


def test_a_training_imports_no_compiler():
    code = (
        "import sys, numpy as np\n"
        "from testbed.distillation.batches import Samples\n"
        "from testbed.distillation.config import Training\n"
        "from testbed.distillation.losses.likelihood import negative_log_likelihood\n"
        "from testbed.distillation.stacked import train_stacked\n"
        "from testbed.policies.network import PolicyConfig\n"
        "data = Samples(np.ones((8, 3), np.float32), np.zeros(8, np.int64))\n"
        "train_stacked(PolicyConfig('x', 3, 2, (4,)), [data], [0], negative_log_likelihood, Training(steps=2))\n"
        "assert 'torch' in sys.modules and 'torch._dynamo' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
