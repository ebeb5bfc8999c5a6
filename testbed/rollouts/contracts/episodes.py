"""Contracts of what is recorded: traces, measures that read them alone, replays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from testbed.datasets.form import LARGEST, form_of
from testbed.errors import UserError
from testbed.protocols.episode import Trace
from testbed.rollouts.contracts.finding import Finding, Played
from testbed.rollouts.replay import verify_all


def traces(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that traces have the shapes, types and units that it says, and are finite."""
    form = form_of(played.scene.environment)
    for episode in played.triggered():
        for items, signals in ((form.signals, episode.trace.signals), (form.constants, episode.trace.constants)):
            for name, item in items.items():
                values, wanted = signals[name].values, item.shaped(len(episode))
                if values.shape != wanted or values.dtype != item.dtype:
                    yield Finding(f"{name} is {values.dtype}{list(values.shape)}, not {item.dtype}{list(wanted)}",
                                  "always return the same shape and type")  # fmt: skip
                    return
                if not np.isfinite(values).all() or (
                    values.dtype.kind == "f" and np.abs(values).max(initial=0) > LARGEST
                ):
                    yield Finding(
                        f"{name} is not finite, or larger than {LARGEST:g}", "record SI units, all of them finite"
                    )
                    return
                if signals[name].unit != item.unit:
                    yield Finding(f"{name} has the unit '{signals[name].unit}', not '{item.unit}'", "say one unit")
                    return


def measures(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that every measure is defined on every episode, by its trace alone, and the same each time."""
    episodes = played.triggered()
    for name, measure in played.scene.measures.items():
        for episode in episodes:
            trace = episode.trace
            try:
                found = [
                    measure.compute(one) for one in (trace, _copied(trace), _cut(trace, len(trace) // len(episode)))
                ]
            except Exception as error:
                said = f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
                yield Finding(
                    f"the measure {name} fails on an episode ({said})", "define it for every trace, one sample too"
                )
                break
            if not all(isinstance(value, float | int | np.number) and np.isfinite(value) for value in found):
                yield Finding(
                    f"the measure {name} is {found[0]!r:.40} on an episode", "let it return a finite number always"
                )
                break
            if found[0] != found[1]:
                yield Finding(
                    f"the measure {name} says another number for the same trace", "read the trace and nothing else"
                )
                break
        else:
            yield from _thresholds(name, measure.worse, measure.minor, measure.severe)
    for episode in episodes:
        length = len(episode.trace) / episode.trace.rate
        for seen in played.scene.violations(episode.trace):
            if seen.measure not in played.scene.measures or not 0 <= seen.start <= seen.end <= length:
                what = f"a violation of '{seen.measure}' from {seen.start} to {seen.end} s is none of an episode here"
                yield Finding(what, "name a measure of the scene, and times within the episode")
                return


def replays(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that recorded episodes come out the same when they are simulated again."""
    try:
        for found in verify_all(played.triggered()):
            if not found.same:
                said = f": {found.note}" if found.note else ""
                yield Finding(f"an episode diverges at step {found.first_divergence} ({found.where}){said}",
                              "let a reset set everything, and draw from what it seeds alone")  # fmt: skip
                return
    except UserError as error:
        yield Finding(str(error), "let recorded actions be played again")


def _copied(trace: Trace) -> Trace:
    """Return a trace with the same numbers and nothing else in common."""
    signals, constants = (
        {name: replace(signal, values=signal.values.copy()) for name, signal in table.items()}
        for table in (trace.signals, trace.constants)
    )
    return Trace(trace.rate, signals, constants)


def _cut(trace: Trace, samples: int) -> Trace:
    """Return the first samples of a trace: an episode may be as short as one decision."""
    signals = {name: replace(signal, values=signal.values[:samples]) for name, signal in trace.signals.items()}
    return Trace(trace.rate, signals, trace.constants)


def _thresholds(name: str, worse: str, minor: float | None, severe: float | None) -> Iterator[Finding]:
    if minor is not None and severe is not None and (severe - minor) * (1 if worse == "higher" else -1) < 0:
        yield Finding(f"the measure {name} is worse when {worse}, and severe ({severe}) comes before minor ({minor})",
                      "swap them, or say which way is worse")  # fmt: skip
