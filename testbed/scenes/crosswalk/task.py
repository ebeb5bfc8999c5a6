"""When a drive over the crosswalk is over, whether it succeeded, and what it is worth.

An episode ends AFTER_ZEBRA after the ego's rear has left the zebra (a success unless something touched
the ego), at a contact of the ego, or at the time limit.
"""

from __future__ import annotations

from testbed.envs.compiling import compiled
from testbed.envs.driving.scene import Scene
from testbed.envs.kernel.observing import LIMIT, ending
from testbed.envs.kernel.records import FRAMES, NOBODY, SIMULATION_HZ
from testbed.scenes.crosswalk.observation import NAMES, observe_world
from testbed.scenes.crosswalk.road import LANE_LINES, LANES, SPEED_LIMIT, ZEBRA
from testbed.scenes.crosswalk.traffic import CONTEXT, NUMBERS, PEDESTRIANS, TARGET_SPEEDS, VEHICLES, sample_initial

AFTER_ZEBRA = 3.0
"""Time from leaving the zebra to the end of the episode [s]."""
TIME_LIMIT = 30.0
"""Longest episode [s]."""

_AFTER, _LIMIT = round(AFTER_ZEBRA * SIMULATION_HZ), round(TIME_LIMIT * SIMULATION_HZ)
_FAR_EDGE = float(ZEBRA[0, 1])


@compiled(nogil=True)
def reward_and_termination(worlds, vehicles, trace, rewards, start, stop):
    """Write rewards and ends of worlds `start` to `stop` that were stepped.

    The reward is 1 for a passage done, -1 for a contact, and a little for speed on the way.
    """
    for w in range(start, stop):
        world, ego = worlds[w], vehicles[w, 0]
        if world.ended:
            continue
        for frame in range(FRAMES):
            if world.since == NOBODY and trace[w, frame, 0].position[0] - ego.length / 2 > _FAR_EDGE:
                world.since = world.steps - (FRAMES - 1 - frame)
        done = world.since != NOBODY and world.steps >= world.since + _AFTER
        share = min(max(ego.speed / SPEED_LIMIT, 0.0), 1.0)
        rewards[w] = done - world.collided + share / (TIME_LIMIT * SIMULATION_HZ / FRAMES)
        world.ended = ending(done, world.collided, world.steps >= _LIMIT)


@compiled(nogil=True)
def observe(lanes, worlds, vehicles, objects, observations, start, stop):
    """Write the observations of worlds `start` to `stop`."""
    for w in range(start, stop):
        observe_world(worlds[w], vehicles[w], objects[w], observations[w])


SCENE = Scene(
    environment="testbed/Crosswalk-v0",
    module=__name__,
    lanes=LANES,
    context=CONTEXT,
    numbers=NUMBERS,
    vehicles=VEHICLES,
    objects=PEDESTRIANS,
    walkers=PEDESTRIANS,
    zebra=ZEBRA,
    lane_lines=LANE_LINES,
    target_speeds=TARGET_SPEEDS,
    time_limit=TIME_LIMIT,
    names=NAMES,
    limit=LIMIT,
    sample_initial=sample_initial,
    reward_and_termination=reward_and_termination,
    observe=observe,
    constants={"size": "m", "walker": "", "zebra": "m", "lane_line": "m"},
)
"""The crosswalk, declared."""
