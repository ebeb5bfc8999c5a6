"""A policy as a file holds it, before anybody asked whether it fits a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.protocols.policy import Policy


@dataclass(frozen=True)
class Found:
    """What a file holds."""

    policy: Policy
    """The policy."""
    sees: int | None
    """Numbers of an observation; None where the file does not say."""
    does: int | None
    """Discrete actions, or components of a continuous one; None likewise."""
    discrete: bool | None
    """Whether its actions are discrete; None likewise."""
    bounds: tuple[np.ndarray, np.ndarray] | None = None
    """Lowest and highest continuous action, where the file says so."""
