"""How pedestrians use a zebra: they judge gaps, step out, hurry, stop between the lanes, or go back.

Two parts. *Gap acceptance*: a pedestrian waits until no vehicle would reach its path before it is past
that vehicle's swept width, with a margin to spare that shrinks with waiting (critical gap of the Highway
Capacity Manual 2010, eq. 19-69: crossing time plus a margin of about 3 s); a vehicle that is slow, gains no
speed and has room to stop is taken to yield. On the road the same comparison without the margin
decides. *Motion*: a social force (Helbing and Molnar 1995) relaxes to the wished velocity and keeps
pedestrians apart; no speed exceeds HURRY_FACTOR times the pedestrian's own.

The thresholds of the judgement are ours.
"""

from __future__ import annotations

import math

from testbed.envs.compiling import compiled
from testbed.envs.kernel.records import (
    APPROACH,
    AWAY,
    CROSS,
    DT,
    FIXED,
    HURRY,
    RETREAT,
    STOP,
    WAIT,
)

HURRY_FACTOR = 1.8
"""A pedestrian's highest speed over its own walking speed."""
SETBACK = 1.2
"""Where pedestrians wait, beyond the edge of the road [m]: highway-env's drivers brake for what is within 1 m of it."""
BESIDE = 0.5
"""Room a pedestrian wants beside a passing vehicle [m]."""
IMPATIENCE = 0.1
"""Share of a second by which each second of waiting shortens the margin; it never falls below half."""
SLOW, BRAKES = 4.0, 3.0
"""A vehicle that yields is slower than this [m/s] and could stop with this deceleration [m/s2]."""
RELAXATION = 0.5
"""Time in which a pedestrian takes up its wished velocity [s] (Helbing and Molnar 1995)."""
REPULSION, RANGE = 7.0, 0.3
"""Strength [m/s2] and reach [m] of the force between pedestrians: V0 / sigma and sigma of Helbing and Molnar 1995."""
BEYOND = 4.0
"""How far past the other edge a pedestrian walks on [m]."""


@compiled
def arrival(vehicle, path_x):
    """Return when a vehicle reaches and when it has passed a pedestrian's path [s]; infinite if it never will."""
    gap = path_x - 0.5 - (vehicle.x + vehicle.length / 2)
    clear = path_x + 0.5 - (vehicle.x - vehicle.length / 2)
    if clear <= 0:
        return math.inf, math.inf
    speed = max(vehicle.speed, 0.1)
    if gap <= 0:
        return 0.0, clear / speed
    if vehicle.speed < SLOW and vehicle.acceleration < 0.2 and vehicle.speed**2 / (2 * BRAKES) < gap:
        return math.inf, math.inf  # it is slow, gains no speed, and has room to stop: it yields
    return gap / speed, clear / speed


@compiled
def is_held_up(vehicles, number, path_x):
    """Return whether another vehicle is between a vehicle and a pedestrian's path and comes first."""
    me = vehicles[number]
    for other in vehicles:
        if (
            other.x > me.x
            and abs(other.y - me.y) < (other.width + me.width) / 2
            and other.x - other.length / 2 < path_x
        ):
            return True
    return False


@compiled
def band(me, vehicle, near):
    """Return where a vehicle's swept width begins and ends on a pedestrian's way, from the edge `near` on [m]."""
    middle = me.side * (vehicle.y - near)
    half = vehicle.width / 2 + BESIDE
    return middle - half, middle + half


@compiled
def may_start(me, vehicles, near, progress):
    """Return whether a waiting pedestrian accepts the gaps of all vehicles; `progress` is the way past the edge [m]."""
    margin = me.margin * max(1 - IMPATIENCE * me.waited, 0.5)
    for number in range(len(vehicles)):
        reaches, _ = arrival(vehicles[number], me.path_x)
        _, leave = band(me, vehicles[number], near)
        if reaches < (leave - progress) / me.walk + margin and not is_held_up(vehicles, number, me.path_x):
            return False
    return True


@compiled
def on_the_road(me, vehicles, near, progress):
    """Return what a pedestrian on the road does: goes on, hurries, stops before a lane, or goes back."""
    phase = CROSS
    for number in range(len(vehicles)):
        reaches, passed = arrival(vehicles[number], me.path_x)
        enter, leave = band(me, vehicles[number], near)
        in_front = reaches > (leave - progress) / me.walk
        behind = passed < (enter - progress) / me.walk
        if progress >= leave or in_front or behind or is_held_up(vehicles, number, me.path_x):
            continue
        hurry = HURRY_FACTOR * me.walk
        if progress > enter:  # in its way already
            ahead, back = (leave - progress) / hurry, (progress - enter) / hurry
            return HURRY if ahead <= reaches or ahead <= back else RETREAT
        if enter < 2.0:  # it comes on the first lane: back to the kerb
            return RETREAT
        if progress > enter - 0.6:
            phase = STOP
    return phase


@compiled
def decide(objects, vehicles, edges):
    """Let every pedestrian choose what it does next; `edges` are those of the road in y [m]."""
    for me in objects:
        choose_phase(me, vehicles, edges[0], edges[1])


@compiled
def walk(objects, edges):
    """Move every pedestrian by one simulation step."""
    for number in range(len(objects)):
        move_walker(objects, number, edges[0], edges[1])


@compiled
def choose_phase(me, vehicles, zebra_y0, zebra_y1):
    """Let a pedestrian choose what it does next; obstacles and bystanders stay as they are."""
    if me.phase == FIXED or me.phase == AWAY:
        return
    near = zebra_y0 if me.side > 0 else zebra_y1
    progress = me.side * (me.y - near)
    if me.phase == APPROACH and progress >= -SETBACK - 0.1:
        me.phase = WAIT
    if me.phase == WAIT:
        if may_start(me, vehicles, near, progress):
            me.phase = CROSS
        else:
            me.waited += DT
    elif me.phase == RETREAT:
        if progress <= -SETBACK + 0.1:
            me.phase = WAIT
    elif progress >= zebra_y1 - zebra_y0:
        me.phase = AWAY
    elif me.phase != APPROACH:
        me.phase = on_the_road(me, vehicles, near, progress)


@compiled
def wished_speed(me, zebra_y0, zebra_y1):
    """Return the speed across [m/s], along the walker's way, that its phase asks for."""
    near = zebra_y0 if me.side > 0 else zebra_y1
    progress = me.side * (me.y - near)
    if me.phase == APPROACH or me.phase == WAIT:
        return clip_speed(-SETBACK - progress, me.walk)
    if me.phase == CROSS:
        return me.walk
    if me.phase == HURRY:
        return HURRY_FACTOR * me.walk
    if me.phase == RETREAT:
        return -HURRY_FACTOR * me.walk
    if me.phase == AWAY:
        return clip_speed(zebra_y1 - zebra_y0 + BEYOND - progress, me.walk)
    return 0.0


@compiled
def clip_speed(away, walk):
    """Return the speed [m/s] at which to approach a point `away` [m] ahead without passing it."""
    return min(max(away / RELAXATION, -walk), walk)


@compiled
def move_walker(objects, number, zebra_y0, zebra_y1):
    """Move a pedestrian by one simulation step."""
    me = objects[number]
    if me.phase == FIXED:
        return
    wished = me.side * wished_speed(me, zebra_y0, zebra_y1)
    force_x = ((me.path_x - me.x) / 2.0 - me.vx) / RELAXATION
    force_y = (wished - me.vy) / RELAXATION
    for other in range(len(objects)):
        dx, dy = me.x - objects[other].x, me.y - objects[other].y
        away = math.sqrt(dx * dx + dy * dy)
        if other != number and 0 < away < 3.0:
            push = REPULSION * math.exp(-away / RANGE)
            force_x += push * dx / away
            force_y += push * dy / away
    me.vx += force_x * DT
    me.vy += force_y * DT
    me.speed = math.sqrt(me.vx * me.vx + me.vy * me.vy)
    limit = HURRY_FACTOR * me.walk
    if me.speed > limit:
        me.vx, me.vy, me.speed = me.vx * limit / me.speed, me.vy * limit / me.speed, limit
    me.x += me.vx * DT
    me.y += me.vy * DT
    if me.speed > 0.1:
        me.heading = math.atan2(me.vy, me.vx)
