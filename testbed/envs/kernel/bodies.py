"""What all see of each other in a simulation step, looked up once; and who is too far away to touch whom."""

from __future__ import annotations

from testbed.envs.compiling import compiled
from testbed.envs.kernel.lanes import lanes_at, locate
from testbed.envs.kernel.motion import TOUCH, cos_sin
from testbed.envs.kernel.records import DT

NEAR = 1.0
"""A body this near to a lane is on it, for whoever drives there [m]: highway-env's `neighbour_vehicles`."""
SPARE = 1e-6
"""What is left between bodies that are apart, whatever the last digits say [m]."""


@compiled
def look(lanes, vehicles, objects, bodies):
    """Write all vehicles and then all objects as records BODY."""
    for number in range(len(vehicles)):
        vehicle = vehicles[number]
        write(vehicle, lanes_at(lanes, vehicle.x, vehicle.y, NEAR), bodies[number])
    look_at_objects(lanes, objects, bodies[len(vehicles) :])


@compiled
def look_at_objects(lanes, objects, bodies):
    """Write all objects as records BODY."""
    for number in range(len(objects)):
        thing = objects[number]
        write(thing, lanes_at(lanes, thing.x, thing.y, NEAR), bodies[number])


@compiled
def follow(lanes, vehicle, body):
    """Find the lane of a vehicle that has moved, and write it as a record BODY."""
    vehicle.lane, bits = locate(lanes, vehicle.x, vehicle.y, vehicle.heading, NEAR)
    write(vehicle, bits, body)


@compiled
def write(thing, lanes, body):
    """Write a vehicle or an object that is on lanes given as bits."""
    body.x, body.y, body.heading, body.speed = thing.x, thing.y, thing.heading, thing.speed
    body.length, body.width, body.lanes = thing.length, thing.width, lanes
    body.cos, body.sin = cos_sin(thing.heading)


@compiled
def are_apart(me, you):
    """Return whether two bodies neither touch nor can meet in the next step, for a reason that is quickly seen.

    They are far away along x, or a line along one of them parts them even as they move: one of the lines along which
    `are_polygons_intersecting` and `touching` look, so these would say the same.
    """
    dx, dy = you.x - me.x, you.y - me.y
    reach = max(me.speed * DT, TOUCH) + SPARE
    if abs(dx) > (me.length + me.width + you.length + you.width) / 2 + reach:
        return True
    sin, cos = abs(you.sin * me.cos - you.cos * me.sin), abs(you.cos * me.cos + you.sin * me.sin)
    across = abs(dy * me.cos - dx * me.sin)
    return across > (me.width + sin * you.length + cos * you.width) / 2 + abs(you.speed) * sin * DT + TOUCH + SPARE
