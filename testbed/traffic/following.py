"""Who follows whom in a log, and how close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from testbed.envs.compiling import compiled
from testbed.mechanics import conflict
from testbed.traffic.log import TrafficLog

REACH = 100.0
"""A vehicle that is farther ahead than this is nobody's leader [m]."""
HOPS = 4
"""Over so many lanes that a vehicle comes to later its leader is looked for."""
AT_END = 0.01
"""Who is so near the end of a lane is at it [m]."""
BESIDE = np.pi / 4
"""Without lanes, a leader's heading differs by less than this [rad]."""


@dataclass(frozen=True)
class Following:
    """What every row of a log follows."""

    leader: np.ndarray
    """Row of the nearest vehicle ahead, -1 for none, shape (n,)."""
    gap: np.ndarray
    """Between its rear and the own front, shape (n,) [m]; infinite where there is none."""
    headway: np.ndarray
    """Time headway, shape (n,) [s]."""
    ttc: np.ndarray
    """Time to collision, shape (n,) [s]."""
    drac: np.ndarray
    """Deceleration to avoid a crash, shape (n,) [m/s²]."""


def following(log: TrafficLog) -> Following:
    """Return who follows whom: along lanes where the log knows them, else in the strip that a vehicle covers ahead.

    Along lanes a leader is on the same lane or, if nobody is, on the lanes that the vehicle comes to later.
    """
    leader, gap = _along_lanes(log) if log.lanes else _ahead(log)
    there = leader >= 0
    own, other = log.speed, np.where(there, log.speed[leader], 0.0)
    closer = np.where(there, gap, np.inf)
    return Following(
        leader, closer, np.where(there, conflict.time_headway(gap, own), np.inf),
        np.where(there, conflict.time_to_collision(gap, own, other), np.inf),
        np.where(there, conflict.deceleration_to_avoid_crash(gap, own, other), 0.0),
    )  # fmt: skip


def _along_lanes(log: TrafficLog) -> tuple[np.ndarray, np.ndarray]:
    front = places_along(log)
    rear = front - log.size[log.vehicle, 0]
    key = log.sample * (len(log.lanes) + 1) + log.lane
    order = np.lexsort((front, key))
    leader, gap = np.full(len(log), -1), np.full(len(log), np.inf)
    here, ahead = order[:-1], order[1:]
    same = key[here] == key[ahead]
    leader[here[same]] = ahead[same]
    gap[here[same]] = (rear[ahead] - front[here])[same]
    odometer, run = _odometer(log, front), _runs(log)
    begins = np.flatnonzero(np.concatenate([[True], np.diff(run) > 0]))
    keys, first = np.unique(
        key[order], return_index=True
    )  # of every lane in every sample the last vehicle of its queue
    last = order[first]
    for hop in range(1, HOPS + 1):
        alone = np.flatnonzero(leader < 0)
        to = run[alone] + hop
        alone, to = alone[to < len(begins)], to[to < len(begins)]
        on = log.vehicle[begins[to]] == log.vehicle[alone]
        alone, entry = alone[on], begins[to[on]]
        way = odometer[entry] - front[entry] - odometer[alone]  # to where that lane begins
        asked = log.sample[alone] * (len(log.lanes) + 1) + log.lane[entry]
        at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        other = last[at]
        found = (keys[at] == asked) & (way > -AT_END)  # a lane that began behind is beside the own one
        found &= log.vehicle[other] != log.vehicle[alone]
        came_by = np.maximum(begins[run[other]] - 1, 0)  # the rear of who comes from another lane is not on the own one
        elsewhere = (log.vehicle[came_by] != log.vehicle[other]) | (log.lane[came_by] != log.lane[entry - 1])
        between = np.where(elsewhere & (way + rear[other] <= 0), way, way + rear[other])
        leader[alone[found]] = other[found]
        gap[alone[found]] = between[found]
    leader[gap > REACH] = -1
    return leader, gap


def places_along(log: TrafficLog) -> np.ndarray:
    """Return where fronts are along their lanes, shape (n,) [m]: as the log says, or along a lane's mean direction."""
    if np.isfinite(log.along).all():
        return log.along
    direction = np.zeros((len(log.lanes), 2))
    np.add.at(direction, log.lane, np.stack([np.cos(log.heading), np.sin(log.heading)], axis=1))
    direction /= np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    return (log.position * direction[log.lane]).sum(axis=1) + log.size[log.vehicle, 0] / 2


def _runs(log: TrafficLog) -> np.ndarray:
    """Return the number of the stretch that each row belongs to: one vehicle on one lane."""
    changes = (np.diff(log.vehicle) != 0) | (np.diff(log.lane) != 0)
    return np.concatenate([[0], np.cumsum(changes)])


def _odometer(log: TrafficLog, front: np.ndarray) -> np.ndarray:
    """Return how far each vehicle's front has come by each row [m]: along its lane where it stays on it, else by its
    speed, since lanes may bend where they meet.

    Simulators move by the speed at the end of a sample, or by that in its middle: the log shows which, on its lanes.
    """
    moved, time = np.diff(front), np.diff(log.sample) / log.rate
    before, gained = log.speed[:-1] * time, np.diff(log.speed) * time
    own = np.diff(log.vehicle) == 0
    stays = own & (np.diff(log.lane) == 0)
    square = float((gained[stays] ** 2).sum())
    share = float((gained[stays] * (moved - before)[stays]).sum()) / square if square else 0.5
    by_speed = before + min(max(share, 0.0), 1.0) * gained
    moved = np.where(stays, moved, by_speed) * own
    return np.concatenate([[0.0], np.cumsum(moved)])


def _ahead(log: TrafficLog) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((log.position[:, 0], log.sample))
    leader, gap = np.full(len(log), -1), np.full(len(log), np.inf)
    _strip(order, log.sample, log.position, log.heading, log.size[log.vehicle], leader, gap)
    leader[gap > REACH] = -1
    return leader, gap


@compiled
def _strip(order, sample, position, heading, size, leader, gap):  # pragma: no cover - compiled
    """Find the nearest vehicle in the strip that each one covers ahead; rows are ordered by sample and then by x."""
    for k in range(len(order)):
        me = order[k]
        c, s = np.cos(heading[me]), np.sin(heading[me])
        for way in (-1, 1):
            j = k + way
            while 0 <= j < len(order):
                other = order[j]
                dx = position[other, 0] - position[me, 0]
                reach = REACH + (size[me, 0] + size[other, 0]) / 2
                if sample[other] != sample[me] or abs(dx) > reach:
                    break
                dy = position[other, 1] - position[me, 1]
                along, beside = dx * c + dy * s, dy * c - dx * s
                turned = abs((heading[other] - heading[me] + np.pi) % (2 * np.pi) - np.pi)
                if along > 0 and abs(beside) < (size[me, 1] + size[other, 1]) / 2 and turned < BESIDE:
                    between = along - (size[me, 0] + size[other, 0]) / 2
                    if between < gap[me]:
                        gap[me], leader[me] = between, other
                j += way
