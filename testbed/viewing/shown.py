"""What a page holds of an episode: a row of its list, and what it unpacks when the episode is looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from testbed.protocols.episode import Episode, Trace
from testbed.protocols.scene import SceneSpec
from testbed.viewing.bodies import bodies
from testbed.viewing.packing import pack


@dataclass(frozen=True)
class Shown:
    """One episode of a page."""

    row: dict[str, Any]
    """Who, where, how it ended, and the value of every measure."""
    packed: str
    """Signals, courses and violations; see `testbed.viewing.packing`."""


def shown(scene: SceneSpec, episode: Episode, number: int, source: str) -> Shown:
    """Return an episode as a page holds it.

    Args:
        scene: Its scene.
        episode: The episode.
        number: Its number in its data set.
        source: What the data set is called.
    """
    trace = episode.trace
    values = {name: _plain(measure.compute(trace)) for name, measure in scene.measures.items()}
    row = {
        "number": number, "source": source, "policy": episode.behaviour.policy, "seed": episode.scenario.seed,
        "context": dict(episode.context), "success": bool(episode.success), "outcome": episode.outcome,
        "seconds": round(len(trace) / trace.rate, 3), "values": values,
    }  # fmt: skip
    return Shown(row, _packed(scene, trace))


def _packed(scene: SceneSpec, trace: Trace) -> str:
    signals = {name: signal for name, signal in trace.signals.items() if signal.values.dtype.kind in "biuf"}
    courses = [np.asarray(course.over_time(trace)) for course in scene.courses]
    head = {
        "rate": trace.rate, "samples": len(trace), "bodies": bodies(scene, trace),
        "signals": [{"name": name, "unit": signal.unit} for name, signal in signals.items()],
        "violations": [
            {"start": round(seen.start, 4), "end": round(seen.end, 4), "measure": seen.measure, "text": seen.text,
             "severe": seen.severe, "body": seen.body}
            for seen in scene.violations(trace)
        ],
    }  # fmt: skip
    return pack(head, [signal.values for signal in signals.values()] + courses)


def _plain(value: float) -> float | None:
    """Return a value as JSON can say it, to six digits."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
