"""When a merge is over, whether it succeeded, and what it is worth.

On the ramp: an episode ends 5 s after the ego crossed onto the main road. On the main road: when the
ego has passed the ramp's end by PAST. Both are a success unless something touched the ego; a contact
ends an episode at once, the time limit in any case.
"""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.driving.scene import Scene
from testbed.envs.kernel.observing import LIMIT, ending
from testbed.envs.kernel.records import FRAMES, NOBODY, SIMULATION_HZ
from testbed.scenes.merge.observation import NAMES, observe_world
from testbed.scenes.merge.road import LANE_LINES, LANES, MERGE_END, RAMP, SPEED_LIMIT
from testbed.scenes.merge.traffic import CONTEXT, NUMBERS, TARGET_SPEEDS, VEHICLES, sample_initial

AFTER_MERGE = 5.0
"""Time from crossing onto the main road to the end of the episode [s]."""
PAST = 60.0
"""How far past the ramp's end an ego that started on the main road has arrived [m]."""
TIME_LIMIT = 24.0
"""Longest episode [s]."""

_EGO = list(CONTEXT).index("ego")
_AFTER, _LIMIT = round(AFTER_MERGE * SIMULATION_HZ), round(TIME_LIMIT * SIMULATION_HZ)


@compiled(nogil=True)
def reward_and_termination(worlds, vehicles, trace, rewards, start, stop):
    """Write rewards and ends of worlds `start` to `stop` that were stepped.

    The reward is 1 for a task done, -1 for a contact, and a little for speed on the way.
    """
    for w in range(start, stop):
        world = worlds[w]
        if world.ended:
            continue
        for frame in range(FRAMES):
            if world.since == NOBODY and arrived(world, trace[w, frame, 0]):
                world.since = world.steps - (FRAMES - 1 - frame)
        wait = _AFTER if world.context[_EGO] == 0 else 0
        done = world.since != NOBODY and world.steps >= world.since + wait
        share = min(max(vehicles[w, 0].speed / SPEED_LIMIT, 0.0), 1.0)
        rewards[w] = done - world.collided + share / (TIME_LIMIT * SIMULATION_HZ / FRAMES)
        world.ended = ending(done, world.collided, world.steps >= _LIMIT)


@compiled(nogil=True)
def observe(lanes, worlds, vehicles, objects, observations, start, stop):
    """Write the observations of worlds `start` to `stop`."""
    for w in range(start, stop):
        observe_world(lanes, worlds[w], vehicles[w], observations[w])


@compiled
def arrived(world, ego):
    """Return whether the ego has passed what ends the scene."""
    return ego.lane != RAMP if world.context[_EGO] == 0 else ego.position[0] > MERGE_END + PAST


SCENE = Scene(
    environment="testbed/Merge-v0",
    module=__name__,
    lanes=LANES,
    context=CONTEXT,
    numbers=NUMBERS,
    vehicles=VEHICLES,
    objects=1,
    walkers=0,
    zebra=np.zeros((2, 2)),
    lane_lines=LANE_LINES,
    target_speeds=TARGET_SPEEDS,
    time_limit=TIME_LIMIT,
    names=NAMES,
    limit=LIMIT,
    sample_initial=sample_initial,
    reward_and_termination=reward_and_termination,
    observe=observe,
    constants={"size": "m", "lane_line": "m"},
)
"""The merge, declared."""
