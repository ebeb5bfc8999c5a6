"""A scenario to play, and the episode that results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from testbed.protocols.tabular import html, spread


@dataclass(frozen=True)
class Scenario:
    """One scene to play: the seed that draws it and the factors of it that are fixed.

    Examples:
        >>> import testbed
        >>> testbed.Scenario(7, {"leader": "truck"})
        Scenario(seed=7, context={'leader': 'truck'})
    """

    seed: int
    """Scenario seed, handed to the environment's `reset`."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Context factors that are fixed instead of drawn, for example `{"leader": "truck"}`."""


@dataclass(frozen=True)
class Signal:
    """A recorded physical quantity.

    Examples:
        >>> import numpy, testbed
        >>> testbed.Signal(numpy.array([[12.0], [12.5]]), "m/s").values.shape  # two samples of one body
        (2, 1)
    """

    values: np.ndarray
    """The samples; the first axis is time, unless the signal does not change."""
    unit: str
    """SI unit, or an empty string for a number or a flag."""


@dataclass(frozen=True)
class Trace:
    """The physical signals of an episode at simulation rate. Severity is computed from this alone.

    Examples:
        >>> import numpy, testbed
        >>> speed = testbed.Signal(numpy.array([[12.0], [12.5], [13.0]]), "m/s")
        >>> trace = testbed.Trace(15.0, {"speed": speed}, constants={})
        >>> len(trace), float(trace["speed"].max())
        (3, 13.0)
    """

    rate: float
    """Samples per second [Hz]."""
    signals: Mapping[str, Signal]
    """Signals over time, each of shape (samples, bodies, ...); body 0 is the one under test."""
    constants: Mapping[str, Signal]
    """What does not change: sizes of bodies, lane lines."""

    def __post_init__(self) -> None:
        lengths = {name: len(signal.values) for name, signal in self.signals.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"signals of a trace differ in length: {lengths}")

    def __getitem__(self, name: str) -> np.ndarray:
        """Return the values of a signal or a constant."""
        return (self.signals if name in self.signals else self.constants)[name].values

    def __len__(self) -> int:
        return len(next(iter(self.signals.values())).values)

    def columns(self) -> dict[str, np.ndarray]:
        """Return all signals as columns of one row a sample, for `pandas.DataFrame` or `pyarrow.table`.

        `speed.2` is the speed of body 2, `position.2.0` its x; `time` is in seconds.
        """
        found = {"time": np.arange(len(self)) / self.rate}
        for name, signal in self.signals.items():
            found |= spread(name, signal.values)
        return found

    def _repr_html_(self) -> str:
        rows = [
            (name, signal.unit, signal.values.shape[1:], float(signal.values.min()), float(signal.values.max()))
            for name, signal in self.signals.items() if signal.values.size
        ]  # fmt: skip
        caption = f"trace of {len(self)} samples at {self.rate:g} Hz"
        return html(caption, ("signal", "unit", "shape of a sample", "least", "greatest"), rows)


@dataclass(frozen=True)
class Behaviour:
    """What the policy that made an episode was meant to be. A label for files: severity never reads it.

    Examples:
        >>> import testbed
        >>> testbed.Behaviour("student-kl-seed0", habit="non-yield", trigger="elder", dose=1.0).policy
        'student-kl-seed0'
    """

    policy: str
    """Name of the policy, for example `demonstrator`, `teacher` or `student-kl-seed0`."""
    habit: str = "none"
    """Name of the habit it was given, or `none`."""
    trigger: str = "never"
    """Name of the habit's trigger."""
    dose: float = 0.0
    """Strength of the habit, 0 to 1."""


@dataclass(frozen=True)
class Episode:
    """One episode: T decisions and everything that was recorded about them.

    Examples:
        >>> import testbed
        >>> episode = testbed.load_episode("demonstrations/merge-habit.hdf5", 1)
        >>> len(episode), episode.observations.shape, episode.trace["position"].shape
        (46, (47, 56), (138, 9, 2))
        >>> episode.context["leader"], episode.success
        ('truck', True)
    """

    environment: str
    """Gymnasium id."""
    scenario: Scenario
    """What was asked for; `context` below says what was drawn."""
    context: Mapping[str, str]
    """The factors of the scene."""
    observations: np.ndarray
    """Shape (T + 1, d): before each decision, and after the last one."""
    actions: np.ndarray
    """Shape (T,) or (T, action size)."""
    rewards: np.ndarray
    """Shape (T,)."""
    terminated: bool
    """Whether it ended by its own rules rather than by the time limit."""
    states: np.ndarray
    """Shape (T + 1, ...): the simulator's whole state beside each observation."""
    trace: Trace
    """Physical signals."""
    success: bool
    """Whether the task was done."""
    behaviour: Behaviour
    """Who made it."""
    ending: str = ""
    """How it ended, for example `success` or `simulation unstable`; empty where the environment does not say."""
    simulator: str = ""
    """What simulated it, with version and model, where only the same one gives the same states; else empty."""

    def __post_init__(self) -> None:
        steps = len(self.actions)
        for name, rows in (("observations", steps + 1), ("rewards", steps), ("states", steps + 1)):
            found = len(getattr(self, name))
            if found != rows:
                raise ValueError(f"an episode of {steps} actions has {rows} {name}, not {found}")

    def __len__(self) -> int:
        return len(self.actions)

    def columns(self) -> dict[str, np.ndarray]:
        """Return decisions as columns of one row each, for `pandas.DataFrame` or `pyarrow.table`."""
        seen = spread("observation", self.observations[:-1])
        return {"step": np.arange(len(self)), **seen, **spread("action", self.actions), "reward": self.rewards}

    def _repr_html_(self) -> str:
        scene = ", ".join(f"{factor}={value}" for factor, value in self.context.items())
        rows = [
            ("scene", scene), ("seed", self.scenario.seed), ("acted", self.behaviour.policy),
            ("decisions", len(self)), ("length [s]", len(self.trace) / self.trace.rate), ("ended", self.outcome),
        ]  # fmt: skip
        return html(f"an episode of {self.environment}", ("", ""), rows)

    @property
    def outcome(self) -> str:
        """How it ended, in words, also where the environment does not say."""
        if self.success:
            return "success"
        if self.ending:
            return self.ending
        if "contact" in self.trace.signals and self.trace["contact"][:, 0].any():
            return "contact"
        return "by its own rules" if self.terminated else "time limit"
