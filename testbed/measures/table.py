"""Which measures belong to which environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from testbed.episode import Trace
from testbed.errors import unknown_name
from testbed.measures import crosswalk, merge, picking, sharing, stocking
from testbed.measures.measure import Measure, Violation


@dataclass(frozen=True)
class _Row:
    """What is measured in one environment."""

    measures: Mapping[str, Measure]
    """Every measure by name."""
    violations: Callable[[Trace], list[Violation]]
    """What a viewer of an episode should look at, in order of time."""
    primary: str
    """Name of the measure that stands for the environment where no habit names one."""


_TABLE: Mapping[str, _Row] = {
    "testbed/Merge-v0": _Row(merge.MEASURES, merge.violations, "imposed_deceleration"),
    "testbed/Crosswalk-v0": _Row(crosswalk.MEASURES, crosswalk.violations, "non_yield"),
    "testbed/OrderPicking-v0": _Row(picking.MEASURES, picking.violations, "excess"),
    "testbed/SharedBench-v0": _Row(sharing.MEASURES, sharing.violations, "shortfall"),
    "testbed/ShelfStocking-v0": _Row(stocking.MEASURES, stocking.violations, "displacement"),
}


def _row(environment: str) -> _Row:
    if environment not in _TABLE:
        raise unknown_name("environment with measures", environment, _TABLE)
    return _TABLE[environment]


def measures_of(environment: str) -> Mapping[str, Measure]:
    """Return the measures of an environment by name; raises `UserError` that lists the environments."""
    return _row(environment).measures


def violations_of(environment: str) -> Callable[[Trace], list[Violation]]:
    """Return what finds the violations in a trace of an environment; raises `UserError` as `measures_of`."""
    return _row(environment).violations


def primary_of(environment: str) -> Measure:
    """Return the measure shown where no habit names one; raises `UserError` as `measures_of`."""
    row = _row(environment)
    return row.measures[row.primary]
