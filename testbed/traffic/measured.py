"""What the encounters of a log come to: every measure over them, with intervals over vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from testbed.audit.result import Interval
from testbed.audit.statistics import Mean, mean_of, share_interval
from testbed.protocols.measure import Measure
from testbed.scenes.crosswalk.measures import MEASURES as CROSSWALK
from testbed.scenes.merge.measures import MEASURES as MERGE
from testbed.traffic.crossings import crossings
from testbed.traffic.encounters import Encounters, cut_ins, drives, followings
from testbed.traffic.following import following
from testbed.traffic.log import TrafficLog


@dataclass(frozen=True)
class Quantity:
    """A measure of encounters: what it is called, and from where on it matters."""

    title: str
    """What a reader sees."""
    unit: str
    """Unit."""
    worse: str
    """`higher` or `lower`: which way is worse."""
    minor: float | None
    """From here on it matters; None where no threshold was found."""
    severe: float | None
    """From here on it is dangerous."""
    source: str
    """Where thresholds come from."""

    @classmethod
    def of(cls, measure: Measure, title: str = "") -> Quantity:
        """Return that of a scene's measure."""
        return cls(title or measure.title, measure.unit or "share", measure.worse, measure.minor, measure.severe,
                   measure.source)  # fmt: skip


QUANTITIES = {
    "time_headway": Quantity.of(MERGE["lead_headway"], "time headway"),
    "min_ttc": Quantity.of(MERGE["min_ttc"], "TTC"),
    "drac": Quantity.of(MERGE["drac"], "DRAC"),
    "tailgating": Quantity.of(MERGE["tailgating"], "tailgating"),
    "follower_braking": Quantity.of(MERGE["merger_braking"], "braking"),
    "lag_headway": Quantity.of(MERGE["lag_headway"]),
    "cut_in_margin": Quantity.of(MERGE["cut_in_margin"]),
    "imposed_deceleration": Quantity.of(MERGE["imposed_deceleration"], "imposed braking"),
    "pet": Quantity.of(CROSSWALK["pet"], "PET"),
    "braking": Quantity.of(MERGE["merger_braking"], "braking"),
    "jerk": Quantity.of(MERGE["jerk"], "jerk"),
}
"""Name -> measure of encounters, with the thresholds of the same measure of our scenes."""


@dataclass(frozen=True)
class Found:
    """One measure over the encounters of one kind."""

    kind: str
    """Which encounters, in words."""
    quantity: Quantity
    """The measure."""
    encounters: int
    """How many there are in which it is defined."""
    vehicles: int
    """How many vehicles these happen to."""
    mean: Interval
    """Mean of its worst value in each."""
    minor: Interval | None
    """Share of encounters in which it matters, where there is such a threshold."""
    severe: Interval | None
    """Share of those in which it is dangerous."""
    worst: str
    """The worst one: its value, who and when."""


def encounters(log: TrafficLog) -> list[Encounters]:
    """Return all encounters of a log: followings, cut-ins, crossings and drives."""
    follows = following(log)
    return [followings(log, follows), cut_ins(log, follows), crossings(log, follows), drives(log)]


ROLES = {
    "following": ("{} follows", "others follow {}"), "cut-in": ("others cut in on {}", "{} cuts in"),
    "crossing": ("{} comes second", "{} comes first"), "drive": ("{} drives", ""),
}  # fmt: skip
"""Kind -> what it is called of a vehicle to whom it happens, and of the other one."""


def of_vehicle(found: Sequence[Encounters], log: TrafficLog, name: str) -> list[Encounters]:
    """Return the encounters of one vehicle, by its part in them; raises `UserError` if it is not in the log."""
    number, parts = log.number(name), []
    for some in found:
        for role, who in zip(ROLES[some.kind], (some.ego, some.other), strict=True):
            if role:
                parts.append(replace(some.kept(who == number), kind=role.format(name)))
    return parts


def summed(found: Sequence[Encounters], log: TrafficLog) -> list[Found]:
    """Return every measure over its encounters; kinds without any are left out.

    Encounters of one vehicle are alike, so intervals are over vehicles: those that it happens to or, if that is one
    alone, the others.
    """
    return [
        _over(some, name, log)
        for some in found if len(some)
        for name, values in some.values.items() if np.isfinite(values).any()
    ]  # fmt: skip


def _over(some: Encounters, name: str, log: TrafficLog) -> Found:
    some = some.kept(np.isfinite(some.values[name]))
    values, quantity = some.values[name], QUANTITIES[name]
    units = some.ego if len(np.unique(some.ego)) > 1 else some.other
    higher = quantity.worse == "higher"

    def share(limit: float | None) -> Interval | None:
        if limit is None:
            return None
        past = (values >= limit if higher else values <= limit).astype(float)
        return share_interval(over_units(past, units), len(np.unique(units)), len(values))

    at = int(values.argmax() if higher else values.argmin())
    pair = log.names[some.ego[at]] + (f", {log.names[some.other[at]]}" if some.other[at] >= 0 else "")
    worst = f"{values[at]:.2f} {quantity.unit}: {pair}, from {some.begin[at]:.1f} s on"
    return Found(some.kind, quantity, len(values), len(np.unique(some.ego)), over_units(values, units).interval(),
                 share(quantity.minor), share(quantity.severe), worst)  # fmt: skip


def over_units(values: np.ndarray, units: np.ndarray) -> Mean:
    """Return the mean of values with units as what is drawn: a ratio of their sums to their counts, linearised (Cochran
    1977, section 6.3).

    Args:
        values: Shape (n,).
        units: Number of the unit of each, shape (n,).
    """
    number = np.unique(units, return_inverse=True)[1]
    count = np.bincount(number)
    mean = float(values.mean())
    if np.ptp(values) == 0:  # the linearised values differ in their last digits
        return mean_of(np.full((len(count), 1), mean))
    return mean_of((mean + (np.bincount(number, values) - mean * count) / count.mean())[:, None])
