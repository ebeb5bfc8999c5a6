"""Ways in a log that cross: who left the place where they do, and how long after that the other one came."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.scenes.merge.measures import CAP
from testbed.traffic.encounters import Encounters
from testbed.traffic.following import Following
from testbed.traffic.log import TrafficLog

PIECE = 5.0
"""Ways are taken as straight pieces of about this length [m]."""
TURNED = np.pi / 6
"""Ways that cross at a smaller angle run alongside [rad]."""


def crossings(log: TrafficLog, follows: Following) -> Encounters:
    """Return every pair of vehicles whose ways cross within 10 s of each other, with its post-encroachment time.

    PET (Allen, Shin and Cooper 1978) is the time from when the rear of the first one has left the place that both
    cover to when the front of the second one comes to it; 0 where both are there at once. That place is where two
    strips as wide as the vehicles cross. Who never leaves or never comes has none; nor have two whose ways join, so
    that the second one follows the first as it comes there: that is measured as following.
    """
    way = _odometer(log)
    piece = _pieces(log, way)
    ego, other, begin, end, pet = [], [], [], [], []
    for i, j in zip(*_met(log, piece), strict=True):
        both = _times(log, way, piece[i], piece[i + 1], piece[j], piece[j + 1])
        if both is None:
            continue
        (came, left), (came_too, left_too) = both
        one, two = log.vehicle[piece[i]], log.vehicle[piece[j]]
        early = came <= came_too
        gone, arrived = (left, came_too) if early else (left_too, came)
        second, before = (two, one) if early else (one, two)
        if (
            np.isfinite(gone + arrived)
            and arrived - gone <= CAP
            and not _follows(log, follows, second, before, arrived)
        ):
            ego.append(second)
            other.append(before)
            begin.append(min(came, came_too))
            end.append(arrived)
            pet.append(max(arrived - gone, 0.0))
    return Encounters(
        "crossing", np.array(ego, np.int64), np.array(other, np.int64), np.array(begin), np.array(end),
        {"pet": np.array(pet)},
    )  # fmt: skip


def _follows(log: TrafficLog, follows: Following, vehicle: int, leader: int, time: float) -> bool:
    """Return whether a vehicle follows another one at some time."""
    start, end = np.searchsorted(log.vehicle, [vehicle, vehicle + 1])
    row = min(start + int(np.searchsorted(log.time[start:end], time)), end - 1)
    return bool(follows.leader[row] >= 0 and log.vehicle[follows.leader[row]] == leader)


def _odometer(log: TrafficLog) -> np.ndarray:
    """Return how far each vehicle's centre has come by each row, shape (n,) [m]."""
    moved = np.linalg.norm(np.diff(log.position, axis=0), axis=1)
    moved[np.diff(log.vehicle) != 0] = 0.0
    return np.concatenate([[0.0], np.cumsum(moved)])


def _pieces(log: TrafficLog, way: np.ndarray) -> np.ndarray:
    """Return the rows between which ways are straight: first and last of each vehicle, and one about every 5 m."""
    mark = np.floor(way / PIECE)
    new = np.concatenate([[True], (np.diff(log.vehicle) != 0) | (np.diff(mark) > 0)])
    last = np.concatenate([np.diff(log.vehicle) != 0, [True]])
    return np.flatnonzero(new | last)


def _met(log: TrafficLog, piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which pieces cross, as places in `piece`, the first crossing of every two vehicles."""
    start = np.flatnonzero(log.vehicle[piece[:-1]] == log.vehicle[piece[1:]])
    if not len(start):
        return start, start
    a, b = log.position[piece[start]], log.position[piece[start + 1]]
    longest = max(float(np.abs(b - a).max()), 2 * PIECE)
    cell = np.floor(a / longest).astype(np.int64)
    cell -= cell.min(axis=0) - 1
    rows = int(cell[:, 1].max()) + 2
    key = cell[:, 0] * rows + cell[:, 1]
    sample = log.sample[piece[start]]
    order = np.lexsort((sample, key))
    horizon = round(CAP * log.rate)
    angle = np.arctan2(b[:, 1] - a[:, 1], b[:, 0] - a[:, 0])
    one, two = _crossing(key[order], sample[order], log.vehicle[piece[start]][order], a[order], b[order], angle[order],
                         rows, horizon)  # fmt: skip
    one, two = start[order][one], start[order][two]
    pairs = np.sort(np.stack([log.vehicle[piece[one]], log.vehicle[piece[two]]]), axis=0)
    once = np.unique(pairs, axis=1, return_index=True)[1] if len(one) else np.empty(0, np.int64)
    return one[once], two[once]


@compiled
def _crossing(key, sample, vehicle, a, b, angle, rows, horizon):  # pragma: no cover - compiled
    """Return which pieces cross, by their places; pieces are ordered by cell and then by sample."""
    one, two = [0 for _ in range(0)], [0 for _ in range(0)]
    for i in range(len(key)):
        for dx in range(-1, 2):
            for dy in range(-1, 2):
                asked = key[i] + dx * rows + dy
                low, high = np.searchsorted(key, asked), np.searchsorted(key, asked, side="right")
                j = low + np.searchsorted(sample[low:high], sample[i])
                while j < high and sample[j] <= sample[i] + horizon:
                    turned = abs((angle[j] - angle[i] + np.pi) % (2 * np.pi) - np.pi)
                    later = sample[j] > sample[i] or j > i
                    met = later and vehicle[j] != vehicle[i] and TURNED < turned < np.pi - TURNED
                    if met and _cross(a[i], b[i], a[j], b[j]):
                        one.append(i)
                        two.append(j)
                    j += 1
    return np.array(one), np.array(two)


@compiled
def _cross(a, b, c, d):  # pragma: no cover - compiled
    """Return whether the pieces from a to b and from c to d have a point in common."""
    p = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    q = (b[0] - a[0]) * (d[1] - a[1]) - (b[1] - a[1]) * (d[0] - a[0])
    r = (d[0] - c[0]) * (a[1] - c[1]) - (d[1] - c[1]) * (a[0] - c[0])
    s = (d[0] - c[0]) * (b[1] - c[1]) - (d[1] - c[1]) * (b[0] - c[0])
    return p * q <= 0 and r * s <= 0


def _times(
    log: TrafficLog, way: np.ndarray, a: int, b: int, c: int, d: int
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return when each of two vehicles comes to where they cross and when it has left; pieces are given by rows."""
    first, second = log.position[b] - log.position[a], log.position[d] - log.position[c]
    across = float(first[0] * second[1] - first[1] * second[0])
    if across == 0.0:
        return None
    between = log.position[c] - log.position[a]
    share = float(between[0] * second[1] - between[1] * second[0]) / across
    other = float(between[0] * first[1] - between[1] * first[0]) / across
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    sine = abs(across) / float(lengths[0] * lengths[1])
    cosine = abs(float(first @ second)) / float(lengths[0] * lengths[1])
    sizes = log.size[log.vehicle[a]], log.size[log.vehicle[c]]
    return (
        _stay(log, way, a, way[a] + share * (way[b] - way[a]), sizes[0], sizes[1], sine, cosine),
        _stay(log, way, c, way[c] + other * (way[d] - way[c]), sizes[1], sizes[0], sine, cosine),
    )


def _stay(
    log: TrafficLog, way: np.ndarray, row: int, middle: float, own: np.ndarray, other: np.ndarray, sine: float,
    cosine: float,
) -> tuple[float, float]:  # fmt: skip
    """Return when a vehicle's front comes to a place that it shares, and when its rear has left it [s]; infinite where
    the log does not show it."""
    half = (other[1] / 2 + own[1] / 2 * cosine) / sine + own[0] / 2
    start, end = np.searchsorted(log.vehicle, log.vehicle[row]), np.searchsorted(log.vehicle, log.vehicle[row], "right")
    ways, times = way[start:end], log.time[start:end]
    came = np.interp(middle - half, ways, times, left=np.inf, right=np.inf)
    return float(came), float(_leaves(ways, times, middle + half))


def _leaves(ways: np.ndarray, times: np.ndarray, place: float) -> float:
    """Return when a place is passed; who stands there leaves it when it drives on."""
    if not ways[0] <= place < ways[-1]:
        return np.inf
    after = int(np.searchsorted(ways, place, "right"))
    share = (place - ways[after - 1]) / (ways[after] - ways[after - 1])
    return float(times[after - 1] + share * (times[after] - times[after - 1]))
