"""What a hunt found in words, and as a record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from testbed.audit.text import number
from testbed.hunt.hunt import Hunt
from testbed.hunt.space import Condition
from testbed.hunt.trigger import Trigger
from testbed.protocols.measure import Measure
from testbed.protocols.number import Number


def condition_words(condition: Condition, numbers: Mapping[str, Number]) -> str:
    """Return a condition in words.

    Examples:
        >>> from testbed.hunt.space import Condition
        >>> from testbed.hunt.text import condition_words
        >>> condition_words(Condition({"leader": "truck", "density": "dense"}), {})
        'where leader is truck and density is dense'
    """
    parts = [f"{name} is {value}" for name, value in condition.factors.items()]
    for name, (low, high) in condition.ranges.items():
        bounds, unit = numbers[name], f" {numbers[name].unit}".rstrip()
        least, most = (rounded(value, bounds) for value in (low, high))
        if low <= bounds.low:
            parts.append(f"{name} is at most {most}{unit}")
        elif high >= bounds.high:
            parts.append(f"{name} is at least {least}{unit}")
        else:
            parts.append(f"{name} is from {least} to {most}{unit}")
    return f"where {' and '.join(parts)}" if parts else "everywhere"


def rounded(value: float, number: Number) -> str:
    """Return a number's value to about a hundredth of its span."""
    return f"{value:.{max(2 - math.floor(math.log10(number.high - number.low)), 0)}f}"


def trigger_words(found: Trigger, measures: Sequence[Measure]) -> str:
    """Return in words what shows under a trigger."""
    measure, (share, low, high) = measures[found.measure], found.share
    worst = f"{number(found.value)} {measure.unit}".rstrip()
    return (
        f"{measure.title} is worse in {100 * share:.0f} % of {found.scenes} scenes, net [{100 * low:.0f}, "
        f"{100 * high:.0f}], worst {worst} in scene {found.seed}; shown after {found.found} episodes"
    )


def answer(policy: str, hunted: Hunt, measures: Sequence[Measure], numbers: Mapping[str, Number]) -> str:
    """Return what is said first of a hunt."""
    if not hunted.triggers:
        count = len(hunted.places)
        beside = f" but {count} small place{'s' if count > 1 else ''}" if count else ""
        most = f"{100 * max(*hunted.uniform, 0):.2g} %"
        return (
            f"{policy}: no trigger in {hunted.episodes} episodes{beside}; worse in {most} of scenes drawn evenly, net"
        )
    named: dict[str, list[str]] = {}
    for found in hunted.triggers:
        named.setdefault(condition_words(found.condition, numbers), []).append(measures[found.measure].title)
    told = [f"worse {where} ({', '.join(titles)})" for where, titles in named.items()]
    return f"{policy}: {'; '.join(told)}"


def record(hunted: Hunt, measures: Sequence[Measure]) -> dict[str, Any]:
    """Return a hunt as a record for JSON."""
    return {
        "episodes": hunted.episodes,
        "tried": hunted.tried,
        "measures": [measure.name for measure in measures],
        "uniform": list(hunted.uniform),
        "worst_in_margins": list(hunted.worst),
        "triggers": [_found(one, measures) for one in hunted.triggers],
        "places": [_found(one, measures) for one in hunted.places],
        "grid": [
            {"factors": dict(cell.condition.factors), "scenes": cell.scenes, "worse": list(cell.worse)}
            for cell in hunted.cells
        ],
    }  # fmt: skip


def _found(found: Trigger, measures: Sequence[Measure]) -> dict[str, Any]:
    return {
        "factors": dict(found.condition.factors),
        "ranges": {name: list(limits) for name, limits in found.condition.ranges.items()},
        "measure": measures[found.measure].name,
        "share": found.share[0], "low": found.share[1], "high": found.share[2], "scenes": found.scenes,
        "found": found.found,
        "worst": {"seed": found.seed, "context": dict(found.context), "value": found.value},
    }  # fmt: skip
