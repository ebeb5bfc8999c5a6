"""The trace of a warehouse episode: one sample a decision, with what happened in all simulation steps since."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.warehouse.distances import inside, length
from testbed.envs.warehouse.scene import (
    DECISION_HZ,
    HAND,
    RESTING,
    ROBOT,
    SUBSTEPS,
    TIMESTEP,
    UNITS,
)

LANDED = RESTING + 0.0015
"""A unit whose centre comes below this has landed on the bench [m]."""


@compiled(nogil=True)
def note_events(ids, before, worlds, positions, velocities, sensed, samples):
    """Write into samples what happened in the worlds `ids`, shape (k,), in all simulation steps of a decision.

    Args:
        ids: Numbers of worlds.
        before: What all worlds were before, records of `world_type`, shape (n,).
        worlds: What they are now.
        positions: After every simulation step, records of `position_type`, shape (k, SUBSTEPS) or longer.
        velocities: Of `velocity_type`, likewise.
        sensed: Of `sensor_type`, likewise.
        samples: Records of `sample_type`, shape (n,): `landing`, `force`, `impulse`, `contact`, and the mean velocity
            of the hand.
    """
    forces = np.empty(SUBSTEPS)
    for row in range(len(ids)):
        number = ids[row]
        was, now, sample = before[number], worlds[number], samples[number]
        for axis in range(3):
            sample.velocity[HAND, axis] = (now.hand[axis] - was.hand[axis]) * DECISION_HZ
        _note_touch(sensed[row], forces, sample)
        _note_landings(was, positions[row], velocities[row], sample)


@compiled
def _note_touch(sensed, forces, sample):
    for body in range(HAND, len(sample.force)):
        for step in range(SUBSTEPS):
            forces[step] = length(sensed[step].forces[body - HAND])
        sample.force[body] = forces.max()
        sample.impulse[body] = _total(forces) * TIMESTEP
    sample.force[ROBOT], sample.impulse[ROBOT] = sample.force[HAND], sample.impulse[HAND]
    for body in range(len(sample.force)):
        sample.contact[body] = sample.impulse[body] > 0


@compiled
def _total(values):
    """Return the sum of a power of two of values, which are lost: in pairs, the most exact order."""
    left = len(values)
    while left > 1:
        left //= 2
        for place in range(left):
            values[place] = values[2 * place] + values[2 * place + 1]
    return values[0]


@compiled
def _note_landings(was, positions, velocities, sample):
    for unit in range(len(was.poses)):
        # The speed before the step that touches: after it, the bench has stopped the unit already.
        height, down = was.poses[unit, 2], -was.twists[unit, 2]
        for step in range(SUBSTEPS):
            after = positions[step].poses[unit, 2]
            if height > LANDED >= after:
                sample.landing[UNITS + unit] = max(sample.landing[UNITS + unit], down)
            height, down = after, -velocities[step].twists[unit, 2]


@compiled(nogil=True)
def note_state(ids, worlds, seen, shared, samples):
    """Write into samples what the worlds `ids`, shape (k,), look like.

    Args:
        ids: Numbers of worlds.
        worlds: Records of `world_type`, shape (n,).
        seen: Records of `seen_type`, shape (n,).
        shared: The shared zone: middle and half its extent, shape (2, 2) [m].
        samples: Records of `sample_type`, shape (n,).
    """
    for number in ids:
        world, now, sample = worlds[number], seen[number], samples[number]
        sample.position[ROBOT], sample.velocity[ROBOT] = now.grip, now.speed
        sample.position[HAND] = now.hand
        sample.position[UNITS:], sample.velocity[UNITS:] = now.units, world.twists[:, :3]
        sample.owner[:UNITS], sample.owner[UNITS:] = -1, now.owner
        for body in range(len(sample.in_zone)):
            sample.in_zone[body] = inside(sample.position[body], shared)
        sample.separation[0], sample.width[0] = now.separation, now.width
        sample.grip_force[0] = (now.touch[0] + now.touch[1]) / 2
