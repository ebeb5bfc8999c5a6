"""What happened in each of many worlds since its scene began, as a trace, for whoever pays by the end of an episode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from testbed.distillation.reinforcement.stage import Step
from testbed.protocols.episode import Trace
from testbed.rollouts.recording import make_trace


class Ended:
    """Keeps the steps of n worlds until their episodes are over.

    Args:
        metadata: The environment's, with units and rate of its trace.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        self.metadata = metadata
        self._steps: list[Mapping[str, np.ndarray]] = []

    def begin(self, worlds: np.ndarray, info: Mapping[str, Any]) -> None:
        """Take note of the scenes that begin in some worlds, shape (n,) bool."""
        names = self.metadata["constant_units"]
        if worlds.all():
            self._steps, self._since = [], np.zeros(len(worlds), np.int64)
            self._constants = {name: np.array(info[name]) for name in names}
        self._since[worlds] = len(self._steps)
        for name in names:
            self._constants[name][worlds] = info[name][worlds]

    def traces(self, step: Step) -> dict[int, Trace]:
        """Take note of a decision, and return what happened in the worlds that are over, by their number."""
        self._steps.append(step.info["trace"])
        return {int(world): self._trace(int(world)) for world in np.flatnonzero(step.over)}

    def _trace(self, world: int) -> Trace:
        since = self._steps[self._since[world] :]
        steps = {name: np.stack([step[name][world] for step in since]) for name in self.metadata["trace_units"]}
        return make_trace(self.metadata, steps, {name: values[world] for name, values in self._constants.items()})
