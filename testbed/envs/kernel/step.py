"""One decision of many worlds: three simulation steps each, with a sample of the trace after every one."""

from __future__ import annotations

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.kernel.bodies import are_apart, follow, look, look_at_objects
from testbed.envs.kernel.drivers import IDLE, act, act_controlled
from testbed.envs.kernel.motion import TOUCH, collide_obstacle, collide_vehicles, move, touching
from testbed.envs.kernel.pedestrians import decide, walk
from testbed.envs.kernel.records import BODY, DT, FRAMES


@compiled(nogil=True)
def step_worlds(lanes, edges, target_speeds, worlds, vehicles, objects, actions, trace, start, stop):
    """Drive worlds `start` to `stop` for one decision; those whose episode is over stay as they are.

    Args:
        lanes: Records LANE, shape (lanes,).
        edges: y of the two edges of the road where pedestrians cross [m], shape (2,).
        target_speeds: Speeds the ego can be set to [m/s].
        worlds: Records WORLD, shape (n,); changed in place, like the next two.
        vehicles: Records VEHICLE, shape (n, V), the ego first.
        objects: Records OBJECT, shape (n, O).
        actions: Meta-actions of the egos, shape (n,).
        trace: Records SAMPLE, shape (n, FRAMES, bodies), written; vehicles come first, then objects.
        start: First world of this call.
        stop: The world after its last.
    """
    bodies = np.empty(vehicles.shape[1] + objects.shape[1], BODY)
    for w in range(start, stop):
        if worlds[w].ended:
            continue
        look(lanes, vehicles[w], objects[w], bodies)
        # highway-env hands over the action first; then everybody acts, the ego once more.
        act_controlled(lanes, target_speeds, vehicles[w, 0], actions[w])
        for frame in range(FRAMES):
            simulate(lanes, edges, target_speeds, vehicles[w], objects[w], bodies, trace[w, frame])
            worlds[w].steps += 1
            if trace[w, frame, 0].contact or vehicles[w, 0].crashed:
                worlds[w].collided = 1


@compiled
def simulate(lanes, edges, target_speeds, vehicles, objects, bodies, samples):
    """Simulate one step of one world: everybody decides, everybody moves, bodies collide.

    `bodies` are what is seen of them, as records BODY: before this step, and when it is done after it.
    """
    act(lanes, target_speeds, vehicles, bodies, IDLE)
    walkers = len(samples) > len(vehicles)  # else objects are obstacles, which stay as they are
    if walkers:
        decide(objects, vehicles, edges)
        walk(objects, edges)
    for number in range(len(vehicles)):
        vehicle, before = vehicles[number], bodies[number].speed
        move(vehicle)
        follow(lanes, vehicle, bodies[number])
        record(vehicle, lanes[vehicle.lane].lateral, before, samples[number])
    if walkers:
        for number in range(len(objects)):
            sample = len(vehicles) + number
            record(objects[number], -1, bodies[sample].speed, samples[sample])
        look_at_objects(lanes, objects, bodies[len(vehicles) :])
    meet(vehicles, objects, bodies, samples)


@compiled
def record(body, lateral, before, sample):
    """Write where a body is and how it moves into a sample; `before` is its speed before this step [m/s]."""
    sample.position[0], sample.position[1] = body.x, body.y
    sample.heading, sample.lane, sample.contact = body.heading, lateral, False
    sample.acceleration = (body.speed - before) / DT
    sample.speed = body.speed


@compiled
def meet(vehicles, objects, bodies, samples):
    """Let all solid bodies that meet in this step or the next collide, and mark those that touch.

    They touch by geometry; what highway-env calls a crash is a prediction.
    """
    for number in range(len(vehicles)):
        me = vehicles[number]
        for later in range(number + 1, len(bodies)):
            if are_apart(bodies[number], bodies[later]):
                continue
            if later < len(vehicles):
                you = vehicles[later]
                collide_vehicles(me, you)
                is_touched = touching(me, you, TOUCH)
            else:
                thing = objects[later - len(vehicles)]
                if thing.solid:
                    collide_obstacle(me, thing)
                is_touched = touching(me, thing, TOUCH if thing.solid else 0.0)
            if is_touched:
                samples[number].contact = True
                if later < len(samples):
                    samples[later].contact = True
