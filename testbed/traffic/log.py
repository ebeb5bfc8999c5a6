"""A log of traffic: who was where and when, at even times, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from testbed.errors import UserError, unknown_name
from testbed.protocols.episode import Signal, Trace

EVEN = 0.05
"""How far a time may be from an even one, as a share of a sample."""
SHORTEST = 1e-6
"""Times are no nearer to each other [s]."""
LARGEST = 1e13
"""No number is larger: as much as milliseconds since 1970."""
STILL = 0.01
"""A vehicle that moves by less in a sample keeps its heading [m]."""


@dataclass(frozen=True)
class TrafficLog:
    """A log of traffic, a row for every vehicle in every sample, sorted by vehicle and then by time.

    Places are in metres in a plane whose axes are at right angles; headings are from the first axis to the second.
    """

    rate: float
    """Samples a second [Hz]."""
    begin: float
    """Time of sample 0 [s]."""
    sample: np.ndarray
    """Number of the sample, shape (n,)."""
    vehicle: np.ndarray
    """Number of the vehicle, shape (n,)."""
    position: np.ndarray
    """Centre, shape (n, 2) [m]."""
    heading: np.ndarray
    """Shape (n,) [rad]."""
    speed: np.ndarray
    """Along the heading, shape (n,) [m/s]."""
    acceleration: np.ndarray
    """Of the speed, shape (n,) [m/s²]."""
    lane: np.ndarray
    """Number of the lane, -1 for none, shape (n,)."""
    along: np.ndarray
    """Where the front is along its lane, shape (n,) [m]; not a number if the log does not say."""
    size: np.ndarray
    """Length and width of every vehicle, shape (vehicles, 2) [m]."""
    names: tuple[str, ...]
    """What the log calls the vehicles."""
    lanes: tuple[str, ...] = ()
    """What it calls the lanes; empty if it knows none."""
    guessed: tuple[str, ...] = ()
    """What the log does not say, and was found or taken for granted, in words."""

    def __len__(self) -> int:
        return len(self.sample)

    @cached_property
    def time(self) -> np.ndarray:
        """Time of every row, shape (n,) [s]."""
        return self.begin + self.sample / self.rate

    @property
    def duration(self) -> float:
        """From the first sample to the last one [s]."""
        return float(self.sample.max() - self.sample.min()) / self.rate

    def number(self, name: str) -> int:
        """Return the number of a vehicle; raises `UserError` for one that is not in the log."""
        try:
            return self.names.index(name)
        except ValueError:
            raise unknown_name("vehicle", name, self.names) from None

    def trace(self, ego: str, reach: float = 100.0) -> Trace:
        """Return what happened around a vehicle while it was there, as a trace with that vehicle as body 0.

        Args:
            ego: What the log calls it.
            reach: Others are bodies if they came as near as that [m].

        Returns:
            Signals `position`, `heading`, `speed`, `acceleration` and `lane` of shape (samples, bodies, ...), not
            numbers (lane: -2) where a body is not in the log; constant `size`.

        Raises:
            UserError: if there is no such vehicle, or it is not there all the time.
        """
        own = np.flatnonzero(self.vehicle == self.number(ego))
        first, count = int(self.sample[own[0]]), len(own)
        if int(self.sample[own[-1]]) - first + 1 != count:
            raise UserError(f"vehicle {ego} is away for some samples: a trace needs it all the time")
        there = np.flatnonzero((self.sample >= first) & (self.sample < first + count))
        away = np.linalg.norm(self.position[there] - self.position[own][self.sample[there] - first], axis=1)
        near = np.unique(self.vehicle[there[away <= reach]])
        bodies = np.concatenate([self.vehicle[own[:1]], near[near != self.vehicle[own[0]]]])
        place = np.full(len(self.names), -1)
        place[bodies] = np.arange(len(bodies))
        rows = there[place[self.vehicle[there]] >= 0]
        where = self.sample[rows] - first, place[self.vehicle[rows]]

        def signal(values: np.ndarray, unit: str, nothing: float = np.nan) -> Signal:
            table = np.full((count, len(bodies), *values.shape[1:]), nothing)
            table[where] = values[rows]
            return Signal(table, unit)

        signals = {
            "position": signal(self.position, "m"), "heading": signal(self.heading, "rad"),
            "speed": signal(self.speed, "m/s"), "acceleration": signal(self.acceleration, "m/s^2"),
            "lane": signal(self.lane, "", -2),
        }  # fmt: skip
        return Trace(self.rate, signals, {"size": Signal(self.size[bodies], "m")})


def make_log(
    columns: Mapping[str, np.ndarray],
    names: Sequence[str],
    lanes: Sequence[str],
    size: np.ndarray,
    guessed: Sequence[str] = (),
    front: bool = False,
) -> TrafficLog:
    """Return a log from columns in any order, with what they lack found from the rest.

    Args:
        columns: `time`, `vehicle`, `x` and `y`; where known also `heading`, `speed`, `acceleration`, `lane`, `along`.
        names: What the vehicles are called.
        lanes: What the lanes are called.
        size: Length and width of every vehicle, shape (vehicles, 2) [m].
        guessed: What was taken for granted so far.
        front: Whether x and y are of the middle of the front, else of the centre.

    Raises:
        UserError: if there is nothing, a number is missing, a size is none, times are not even, or a vehicle
            is twice at one time.
    """
    if not len(columns["time"]):
        raise UserError("there is no vehicle in it")
    if not (np.isfinite(size).all() and (size > 0).all()):
        raise UserError("a vehicle has no length or width above 0: correct it")
    order = np.lexsort((columns["time"], columns["vehicle"]))
    rows = {name: values[order] for name, values in columns.items()}
    _require_numbers(rows, names)
    rate, begin, sample = _samples(rows["time"], rows["vehicle"])
    vehicle, told = rows["vehicle"], list(guessed)
    again = np.flatnonzero((np.diff(vehicle) == 0) & (np.diff(sample) <= 0))
    if len(again):
        row = int(again[0])
        raise UserError(f"vehicle {names[vehicle[row]]} is there twice at {rows['time'][row]:g} s: keep one of both")
    given = np.stack([rows["x"], rows["y"]], axis=1).astype(float)
    step = _steps(given, vehicle, sample, rate)
    if "heading" not in rows:
        told.append("headings from the way that vehicles took")
    heading = rows["heading"] if "heading" in rows else _heading(step, vehicle, rate)
    ahead = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    if "speed" not in rows:
        told.append("speeds from the way that vehicles took")
    speed = rows["speed"] if "speed" in rows else (step * ahead).sum(axis=1)
    if "acceleration" not in rows:
        told.append("accelerations from speeds")
    known = "acceleration" in rows
    acceleration = rows["acceleration"] if known else _steps(speed[:, None], vehicle, sample, rate)[:, 0]
    nowhere = np.full(len(vehicle), np.nan)
    return TrafficLog(
        rate, begin, sample, vehicle, given - ahead * size[vehicle, :1] / 2 if front else given, heading, speed,
        acceleration, rows["lane"] if lanes else np.full(len(vehicle), -1), rows.get("along", nowhere), size,
        tuple(names), tuple(lanes), tuple(told),
    )  # fmt: skip


def _require_numbers(rows: Mapping[str, np.ndarray], names: Sequence[str]) -> None:
    for name, values in rows.items():
        if name == "along" and np.isnan(values).all():
            continue
        bad = np.flatnonzero(~(np.abs(values) <= LARGEST))
        if len(bad):
            who, when = names[rows["vehicle"][bad[0]]], rows["time"][bad[0]]
            told = f"{name} of vehicle {who} at {when:g} s is {values[bad[0]]:g}"
            raise UserError(f"{told}: give numbers up to {LARGEST:g}, or drop the row")


def _samples(time: np.ndarray, vehicle: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return rate, time of sample 0 and the sample of every row."""
    steps = np.diff(time)[np.diff(vehicle) == 0]
    steps = steps[steps > 0]
    if not len(steps):
        raise UserError("no vehicle is there at two times: nothing can be measured")
    if steps.min() < SHORTEST:
        raise UserError(f"two times are {steps.min():g} s apart: give times in seconds, {SHORTEST:g} s apart or more")
    near = steps[steps < 1.5 * steps.min()]  # longer ones are gaps, in which a vehicle was not seen
    begin, rate = float(time.min()), float(1 / near.mean())
    sample = np.rint((time - begin) * rate).astype(np.int64)
    rate = float(sample.max() / (time.max() - begin))  # over all of it, so that rounded times add up
    apart = np.abs((time - begin) * rate - sample)
    if apart.max() > EVEN:
        row = int(apart.argmax())
        raise UserError(f"times are not even ({time[row]:g} s lies between samples of {rate:.4g} Hz): resample the log")
    return round(rate, 6), begin, sample


def _steps(values: np.ndarray, vehicle: np.ndarray, sample: np.ndarray, rate: float) -> np.ndarray:
    """Return the change of values a second since the vehicle's last row, shape (n, k); in its first row that to the
    second one."""
    change = np.zeros(values.shape)
    same = np.diff(vehicle) == 0
    change[1:][same] = (np.diff(values, axis=0)[same].T / np.diff(sample)[same] * rate).T
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    first = first[first + 1 < len(values)]
    first = first[vehicle[first + 1] == vehicle[first]]
    change[first] = change[first + 1]
    return change


def _heading(step: np.ndarray, vehicle: np.ndarray, rate: float) -> np.ndarray:
    """Return where vehicles drive to; who stands keeps its heading, and has its first one before it drives."""
    heading, moves = np.arctan2(step[:, 1], step[:, 0]), np.linalg.norm(step, axis=1) > STILL * rate
    rows = np.arange(len(step))
    start = np.searchsorted(vehicle, vehicle)
    last = np.maximum.accumulate(np.where(moves, rows, -1))
    known = last >= start
    following = np.minimum.accumulate(np.where(moves, rows, len(step))[::-1])[::-1]
    later = (following < len(step)) & (vehicle[np.minimum(following, len(step) - 1)] == vehicle)
    return np.where(known, heading[np.maximum(last, 0)],
                    np.where(later, heading[np.minimum(following, len(step) - 1)], 0.0))  # fmt: skip
