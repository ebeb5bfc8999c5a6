"""What can be measured of demonstrations whose scene nobody declared: how long, how rough, how idle, how fast.

Sizes of actions are in spreads: the standard deviation of each of their components over the whole set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testbed.audit.recorded import Recorded
from testbed.errors import UserError
from testbed.exchange.foreign import UNKNOWN_RATE, Deed, deeds, name_of
from testbed.protocols.episode import Behaviour, Episode, Scenario, Signal, Trace
from testbed.protocols.measure import Measure
from testbed.protocols.scene import SceneSpec

IDLE = 0.01
"""An action that differs from the one before by less than this in every component is idle [spreads]."""


@dataclass(frozen=True)
class Scale:
    """The spread of each component of the actions of a set."""

    spread: np.ndarray
    """Shape (size,); 1 where a component never varies."""

    @classmethod
    def of(cls, found: Iterable[Deed]) -> Scale:
        """Return that of episodes, which are looked at one by one."""
        count, total, squares = 0, np.zeros(1), np.zeros(1)
        for one in found:
            actions = one.trace["action"]
            if count and actions.shape[1:] != total.shape:
                raise UserError(f"an episode has actions of {actions.shape[1]} numbers, others of {len(total)}")
            count, total, squares = count + len(actions), total + actions.sum(0), squares + (actions**2).sum(0)
        spread = np.sqrt(np.maximum(squares / max(count, 1) - (total / max(count, 1)) ** 2, 0.0))
        return cls(np.where(spread > 1e-9, spread, 1.0))

    def steps(self, trace: Trace) -> np.ndarray:
        """Return the changes of the actions [spreads], shape (decisions - 1, size)."""
        return np.diff(trace["action"], axis=0) / self.spread


def measures_of_deeds(scale: Scale, trace: Trace) -> dict[str, Measure]:
    """Return what can be measured of episodes with signals as one has."""

    def roughness(one: Trace) -> float:
        bends = np.diff(scale.steps(one), axis=0)
        return float(np.sqrt((bends**2).mean())) if len(bends) else 0.0

    def jump(one: Trace) -> float:
        return float(np.abs(scale.steps(one)).max(initial=0.0))

    def idle(one: Trace) -> float:
        steps = np.abs(scale.steps(one))
        return float((steps < IDLE).all(axis=1).mean()) if len(steps) else 0.0

    found = [
        _measure("length", "length", "decisions", lambda one: float(len(one)), "higher", "decisions of the episode"),
        _measure("roughness", "roughness of actions", "spreads", roughness, "higher",
                 "root mean square of second differences; of commanded velocities, the jerk of Flash and Hogan 1985"),
        _measure("jump", "largest change of an action", "spreads", jump, "higher", "from one decision to the next"),
        _measure("idle", "idle decisions", "", idle, "higher", "actions that differ by less than 1 % of their spread"),
    ]  # fmt: skip
    if "reward" in trace.signals:
        found.append(
            _measure("return", "return", "", lambda one: float(one["reward"].sum()), "lower", "sum of rewards")
        )
    timed = trace.rate != UNKNOWN_RATE
    for name in (name for name, signal in trace.signals.items() if signal.unit == "m"):
        found.append(_measure(f"path_{name}", f"way of {name}", "m", _way(name), "higher", "sum of its steps"))
        unit = "m/s" if timed else "m a decision"
        found.append(_measure(f"speed_{name}", f"top speed of {name}", unit, _top(name), "higher", "largest step"))
    return {one.name: one for one in found}


def _measure(name: str, title: str, unit: str, compute: Callable[[Trace], float], worse: str, source: str) -> Measure:
    return Measure(name, title, unit, compute, worse, None, None, source)


def _way(name: str) -> Callable[[Trace], float]:
    return lambda one: float(np.linalg.norm(np.diff(one[name], axis=0), axis=1).sum())


def _top(name: str) -> Callable[[Trace], float]:
    return lambda one: float(np.linalg.norm(np.diff(one[name], axis=0), axis=1).max(initial=0.0) * one.rate)


def as_scene(path: Path) -> tuple[SceneSpec, Iterator[Episode]]:
    """Return somebody else's data set as a scene with the measures that its decisions allow, and its episodes.

    What its observations call places are bodies that a page draws. Raises `UserError` as `measure_deeds` does.
    """
    scale = Scale.of(deeds(path))
    first = next(deeds(path), None)
    if first is None:
        raise UserError(f"{path} holds no episode")
    measures = measures_of_deeds(scale, first.trace)
    scene = SceneSpec(environment=name_of(path), context={}, habits=(), measures=measures, primary="roughness")
    return scene, (_episode(scene.environment, number, one) for number, one in enumerate(deeds(path)))


def _episode(environment: str, number: int, found: Deed) -> Episode:
    trace, steps = found.trace, len(found.trace)
    places = [
        signal.values for signal in trace.signals.values() if signal.unit == "m" and signal.values.shape[1:] == (3,)
    ]
    bodies = {"position": Signal(np.stack(places, axis=1), "m")} if places else {}
    nothing, rewards = np.zeros((steps + 1, 0)), trace["reward"] if "reward" in trace.signals else np.zeros(steps)
    return Episode(
        environment, Scenario(number), {}, nothing, trace["action"], rewards, True, nothing,
        Trace(trace.rate, {**trace.signals, **bodies}, {}), found.success, Behaviour("unknown"),
    )  # fmt: skip


def measure_deeds(path: Path) -> Recorded:
    """Return every episode of somebody else's data set, measured by what its decisions allow.

    Raises:
        UserError: if it cannot be read, holds no episode, or episodes do not belong together.
    """
    scale = Scale.of(deeds(path))
    measures: dict[str, Measure] = {}
    values: dict[str, list[float]] = {}
    success = []
    for number, one in enumerate(deeds(path)):
        measures = measures or measures_of_deeds(scale, one.trace)
        for name, measure in measures.items():
            try:
                values.setdefault(name, []).append(measure.compute(one.trace))
            except KeyError as missing:
                raise UserError(f"{path}: episode {number} has no {missing}, which others have") from None
        success.append(one.success)
    if not success:
        raise UserError(f"{path} holds no episode")
    arrays = {name: np.array(some) for name, some in values.items()}
    nothing: tuple[Mapping[str, str], ...] = tuple({} for _ in success)
    return Recorded(name_of(path), np.arange(len(success)), nothing, np.array(success), arrays, measures)
