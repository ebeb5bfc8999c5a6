"""How bodies move and collide: highway-env's bicycle model and its collisions, and contact by geometry."""

from __future__ import annotations

import math

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.kernel.records import DT, TRAFFIC

MAX_SPEED, MIN_SPEED = 40.0, -40.0
TOUCH = 0.05
"""Vehicles that no line separates by more than this touch [m]: highway-env pushes them apart before they overlap."""


@compiled
def cos_sin(angle):
    """Return cosine and sine; most of the traffic heads along x."""
    return (math.cos(angle), math.sin(angle)) if angle != 0.0 else (1.0, angle)


@compiled
def move(me):
    """Move a vehicle by one simulation step (`Vehicle.step`): a bicycle model, and the push of a collision."""
    if me.driver == TRAFFIC:
        me.timer += DT
    if me.crashed:
        me.steering, me.acceleration = 0.0, -1.0 * me.speed
    if me.speed > MAX_SPEED:
        me.acceleration = min(me.acceleration, 1.0 * (MAX_SPEED - me.speed))
    elif me.speed < MIN_SPEED:
        me.acceleration = max(me.acceleration, 1.0 * (MIN_SPEED - me.speed))
    beta = math.atan(1 / 2 * math.tan(me.steering)) if me.steering != 0.0 else me.steering * 0.5
    cos, sin = cos_sin(me.heading + beta)
    me.x += me.speed * cos * DT
    me.y += me.speed * sin * DT
    if me.has_impact:
        # highway-env predicts the overlap, shifts the bodies instead, and calls that a crash.
        me.x += me.impact_x
        me.y += me.impact_y
        me.crashed, me.has_impact, me.impact_x, me.impact_y = 1, 0, 0.0, 0.0
    me.heading += me.speed * cos_sin(beta)[1] / (me.length / 2) * DT
    me.speed += me.acceleration * DT


@compiled
def polygon(me):
    """Return the corners of a body, shape (4, 2) [m], in highway-env's order."""
    corners = np.empty((4, 2))
    cos, sin = math.cos(me.heading), math.sin(me.heading)
    for k, (along, across) in enumerate(((-1, -1), (-1, 1), (1, 1), (1, -1))):
        a, b = along * me.length / 2, across * me.width / 2
        corners[k, 0] = cos * a - sin * b + me.x
        corners[k, 1] = sin * a + cos * b + me.y
    return corners


@compiled
def project(corners, normal_x, normal_y):
    """Return the interval that a polygon covers along a direction."""
    low, high = math.inf, -math.inf
    for k in range(4):
        value = corners[k, 0] * normal_x + corners[k, 1] * normal_y
        low, high = min(low, value), max(high, value)
    return low, high


@compiled
def interval_distance(min_a, max_a, min_b, max_b):
    """Return the distance between two intervals, negative where they overlap."""
    return min_b - max_a if min_a < min_b else min_a - max_b


@compiled
def are_polygons_intersecting(a, b, displacement_x, displacement_y):
    """Return whether two polygons intersect, whether they will after a displacement of a, and the push apart [m].

    highway-env's own: the loop over one polygon's edges stops as soon as they neither do nor will,
    but the other polygon's edges are still tried.
    """
    intersecting, will_intersect = True, True
    least, axis_x, axis_y = math.inf, 0.0, 0.0
    middle_x, middle_y = (a[:, 0].sum() - b[:, 0].sum()) / 4, (a[:, 1].sum() - b[:, 1].sum()) / 4
    for which in range(2):
        corners = a if which == 0 else b
        for k in range(4):
            p1, p2 = corners[k], corners[(k + 1) % 4]
            normal_x, normal_y = -p2[1] + p1[1], p2[0] - p1[0]
            norm = math.sqrt(normal_x * normal_x + normal_y * normal_y)
            normal_x, normal_y = normal_x / norm, normal_y / norm
            min_a, max_a = project(a, normal_x, normal_y)
            min_b, max_b = project(b, normal_x, normal_y)
            if interval_distance(min_a, max_a, min_b, max_b) > 0:
                intersecting = False
            along = normal_x * displacement_x + normal_y * displacement_y
            if along < 0:
                min_a += along
            else:
                max_a += along
            away = interval_distance(min_a, max_a, min_b, max_b)
            if away > 0:
                will_intersect = False
            if not intersecting and not will_intersect:
                break
            if abs(away) < least:
                least = abs(away)
                forward = middle_x * normal_x + middle_y * normal_y > 0
                axis_x, axis_y = (normal_x, normal_y) if forward else (-normal_x, -normal_y)
    return intersecting, will_intersect, least * axis_x, least * axis_y


@compiled
def may_touch(me, other, reach):
    """Return whether two bodies are near enough that their outlines could meet, with `reach` [m] to spare."""
    dx, dy = other.x - me.x, other.y - me.y
    if abs(dx) > (me.length + me.width + other.length + other.width) / 2 + reach:
        return False  # most pairs: no need for the diagonals, which are shorter
    diagonals = math.sqrt(me.length**2 + me.width**2) + math.sqrt(other.length**2 + other.width**2)
    return not math.sqrt(dx * dx + dy * dy) > diagonals / 2 + reach


@compiled
def collide(me, other, other_is_obstacle, other_x, other_y):
    """Let a vehicle collide with a solid body whose displacement in a step is given (`handle_collisions`)."""
    dx = me.speed * math.cos(me.heading) * DT - other_x
    dy = me.speed * math.sin(me.heading) * DT - other_y
    intersecting, will_intersect, push_x, push_y = are_polygons_intersecting(polygon(me), polygon(other), dx, dy)
    if will_intersect:
        share = 1.0 if other_is_obstacle else 2.0
        me.has_impact, me.impact_x, me.impact_y = 1, push_x / share, push_y / share
    if intersecting:
        me.crashed = 1
    return intersecting, will_intersect, -push_x / 2, -push_y / 2


@compiled(inline=False)
def collide_vehicles(me, you):
    """Let two vehicles collide if they meet in this step or the next."""
    if may_touch(me, you, me.speed * DT):
        ahead, aside = you.speed * math.cos(you.heading) * DT, you.speed * math.sin(you.heading) * DT
        now, soon, push_x, push_y = collide(me, you, False, ahead, aside)
        if soon:
            you.has_impact, you.impact_x, you.impact_y = 1, push_x, push_y
        if now:
            you.crashed = 1


@compiled(inline=False)
def collide_obstacle(me, thing):
    """Let a vehicle collide with an obstacle if they meet in this step or the next."""
    if may_touch(me, thing, me.speed * DT):
        collide(me, thing, True, 0.0, 0.0)


@compiled(inline=False)
def touching(me, other, within):
    """Return whether no edge of two rectangles separates them by more than `within` [m]."""
    if not may_touch(me, other, within):
        return False
    a, b = polygon(me), polygon(other)
    for heading in (me.heading, other.heading):
        cos, sin = math.cos(heading), math.sin(heading)
        for normal_x, normal_y in ((cos, sin), (-sin, cos)):
            min_a, max_a = project(a, normal_x, normal_y)
            min_b, max_b = project(b, normal_x, normal_y)
            if max(min_a, min_b) - min(max_a, max_b) > within:
                return False
    return True
