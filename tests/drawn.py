"""Numbers drawn at random."""

from __future__ import annotations

import numpy as np
import torch


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def tensors(seed: int, *shape: int) -> torch.Tensor:
    """In double precision."""
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 1, shape))
