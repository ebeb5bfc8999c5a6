"""A policy whose file needs its maker's code: it is loaded as its library does, which runs whatever the file holds.

Only for somebody who said that the maker is trusted (`--trust`); nothing here is tried otherwise.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from testbed.errors import UserError
from testbed.policies.found import Found

ALGORITHMS = ("PPO", "A2C", "DQN", "SAC", "TD3", "DDPG")


@dataclass(frozen=True)
class Predicting:
    """A model of Stable-Baselines3 as a policy: what it predicts, its likeliest or mean action."""

    model: Any
    """The model."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations."""
        return self.model.predict(observations, deterministic=True)[0]


@dataclass(frozen=True)
class Module:
    """A network of torch as a policy: the place of its largest output, or its outputs."""

    network: Any
    """The network."""
    discrete: bool
    """Whether outputs are of discrete actions."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations."""
        import torch

        with torch.no_grad():
            out = self.network(torch.as_tensor(observations)).numpy()
        return out.argmax(axis=1) if self.discrete and out.ndim == 2 else out


def load_trusted(path: Path, discrete: bool) -> Found:
    """Return the policy of a file by running whatever code it holds.

    Args:
        path: A zip file of Stable-Baselines3, or what `torch.save` wrote of a whole network.
        discrete: Whether the scene's actions are.

    Raises:
        UserError: if neither can load it; the line says what went wrong last.
    """
    said = ""
    readers = (*((_model, name) for name in ALGORITHMS),) if _is_model(path) else ((_network, ""),)
    for read, name in readers:
        try:
            return read(path, name, discrete)
        except Exception as error:  # whatever its code raises
            said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    raise UserError(f"{path} cannot be loaded, trusted or not ({said})")


def _is_model(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "policy.pth" in archive.namelist()


def _model(path: Path, name: str, discrete: bool) -> Found:
    import stable_baselines3
    from gymnasium import spaces

    model = getattr(stable_baselines3, name).load(path, device="cpu")
    sees, does = model.observation_space, model.action_space
    size = int(np.prod(sees.shape))
    if isinstance(does, spaces.Discrete):
        return Found(Predicting(model), size, int(does.n), True)
    return Found(Predicting(model), size, int(np.prod(does.shape)), False, (does.low, does.high))


def _network(path: Path, name: str, discrete: bool) -> Found:
    import torch

    network = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(network, torch.nn.Module):
        raise ValueError(f"it holds a {type(network).__name__}, no network")
    return Found(Module(network.eval(), discrete), None, None, None)
