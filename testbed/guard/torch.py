"""A network of plain PyTorch as a policy, so that a guard can look at it: `guard.require(Module(network), step)`."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class Module:
    """A module that maps observations, shape (n, d), to logits of discrete actions, or to continuous actions.

    Args:
        network: The module; it is asked without gradients and as in evaluation, and left as it was.
        continuous: Whether its outputs are the actions.
    """

    def __init__(self, network: nn.Module, continuous: bool = False) -> None:
        self.network, self.continuous = network, continuous

    @torch.no_grad()
    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations."""
        training = self.network.training
        self.network.eval()
        outputs = self.network(torch.from_numpy(np.asarray(observations, np.float32)))
        self.network.train(training)
        return (outputs if self.continuous else outputs.argmax(-1)).cpu().numpy()
