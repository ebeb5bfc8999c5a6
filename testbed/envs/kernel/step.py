"""One decision of many worlds: three simulation steps each, with a sample of the trace after every one."""

from __future__ import annotations

from testbed.envs.kernel.compiling import compiled
from testbed.envs.kernel.drivers import IDLE, act, act_controlled
from testbed.envs.kernel.motion import TOUCH, handle_collisions, move, touching
from testbed.envs.kernel.pedestrians import decide, walk
from testbed.envs.kernel.records import DT, FRAMES


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
    for w in range(start, stop):
        if worlds[w].ended:
            continue
        # highway-env hands over the action first; then everybody acts, the ego once more.
        act_controlled(lanes, target_speeds, vehicles[w, 0], actions[w])
        for frame in range(FRAMES):
            simulate(lanes, edges, target_speeds, vehicles[w], objects[w], trace[w, frame])
            worlds[w].steps += 1
            if trace[w, frame, 0].contact or vehicles[w, 0].crashed:
                worlds[w].collided = 1


@compiled
def simulate(lanes, edges, target_speeds, vehicles, objects, samples):
    """Simulate one step of one world: everybody decides, everybody moves, bodies collide."""
    act(lanes, target_speeds, vehicles, objects, IDLE)
    decide(objects, vehicles, edges)
    for number in range(len(samples)):  # the speeds before, for the accelerations
        is_vehicle = number < len(vehicles)
        samples[number].speed = vehicles[number].speed if is_vehicle else objects[number - len(vehicles)].speed
    walk(objects, edges)
    for me in vehicles:
        move(lanes, me)
    handle_collisions(vehicles, objects)
    for number in range(len(vehicles)):
        record(vehicles[number], lanes[vehicles[number].lane].lateral, samples[number])
    for number in range(len(vehicles), len(samples)):
        record(objects[number - len(vehicles)], -1, samples[number])
    mark_contacts(vehicles, objects, samples)


@compiled
def record(body, lateral, sample):
    """Write where a body is and how it moves into a sample that holds its speed before."""
    sample.position[0], sample.position[1] = body.x, body.y
    sample.heading, sample.lane, sample.contact = body.heading, lateral, False
    sample.acceleration = (body.speed - sample.speed) / DT
    sample.speed = body.speed


@compiled
def mark_contacts(vehicles, objects, samples):
    """Mark the bodies that touch by geometry; what highway-env calls a crash is a prediction."""
    for number in range(len(vehicles)):
        for later in range(number + 1, len(vehicles)):
            if touching(vehicles[number], vehicles[later], TOUCH):
                samples[number].contact = samples[later].contact = True
        for k in range(len(objects)):
            if touching(vehicles[number], objects[k], TOUCH if objects[k].solid else 0.0):
                samples[number].contact = True
                if len(vehicles) + k < len(samples):
                    samples[len(vehicles) + k].contact = True
