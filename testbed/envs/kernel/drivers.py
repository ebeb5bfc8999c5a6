"""How vehicles are driven: highway-env's controllers, IDM and MOBIL (`vehicle/controller.py`, `vehicle/behavior.py`).

Vehicles decide one after another, so a later one sees the lane an earlier one has just chosen.

Sources: Treiber, Hennecke and Helbing 2000 (IDM); Kesting, Treiber and Helbing 2007 (MOBIL).
"""

from __future__ import annotations

import math

import numpy as np

from testbed.envs.compiling import compiled
from testbed.envs.kernel.lanes import (
    after_end,
    clip,
    heading_at,
    is_reachable_from,
    local_coordinates,
    next_lane,
    wrap_to_pi,
)
from testbed.envs.kernel.records import CONTROLLED, NOBODY

LANE_LEFT, IDLE, LANE_RIGHT, FASTER, SLOWER = range(5)
"""highway-env's discrete meta-actions."""

TAU_PURSUIT, KP_A, KP_HEADING, KP_LATERAL = 0.5 * 0.2, 1 / 0.6, 1 / 0.2, 1 / 0.6
MAX_STEERING_ANGLE = math.pi / 3
ACC_MAX, COMFORT_ACC_MAX, COMFORT_ACC_MIN = 6.0, 3.0, -5.0
DISTANCE_WANTED, TIME_WANTED, DELTA = 10.0, 1.5, 4.0
LANE_CHANGE_MIN_ACC_GAIN, LANE_CHANGE_MAX_BRAKING_IMPOSED, LANE_CHANGE_DELAY = 0.2, 2.0, 1.0


@compiled
def not_zero(value):
    """Return a number, or 0.01 with its sign where it is closer to zero than that."""
    if abs(value) > 1e-2:
        return value
    return 1e-2 if value >= 0 else -1e-2


@compiled
def follow_road(lanes, me):
    """At the end of a lane, switch to the next one."""
    if after_end(lanes[me.target_lane], me.x):
        me.target_lane = next_lane(lanes, me.target_lane, me.x)


@compiled
def steering_control(lanes, me):
    """Return the steering angle [rad] that brings a vehicle to the centre of its target lane."""
    lane = lanes[me.target_lane]
    along, across = local_coordinates(lane, me.x, me.y)
    if across == 0.0 and lane.amplitude == 0.0 and me.heading == 0.0 and me.speed > 0.0:
        return 0.0  # what the rest comes to, for most of the traffic
    future_heading = heading_at(lane, along + me.speed * TAU_PURSUIT)
    heading_command = math.asin(clip(-KP_LATERAL * across / not_zero(me.speed), -1.0, 1.0))
    heading_ref = future_heading + clip(heading_command, -math.pi / 4, math.pi / 4)
    heading_rate_command = KP_HEADING * wrap_to_pi(heading_ref - me.heading)
    slip_angle = math.asin(clip(me.length / 2 / not_zero(me.speed) * heading_rate_command, -1.0, 1.0))
    return clip(math.atan(2 * math.tan(slip_angle)), -MAX_STEERING_ANGLE, MAX_STEERING_ANGLE)


@compiled
def act_controlled(lanes, target_speeds, me, action):
    """Carry out a meta-action of a policy (`MDPVehicle.act`); IDLE keeps lane and speed."""
    last = len(target_speeds) - 1
    if action in (FASTER, SLOWER):
        # highway-env counts from the speed driven, not from the speed set.
        share = (me.speed - target_speeds[0]) / (target_speeds[last] - target_speeds[0])
        index = clip(np.rint(share * last), 0.0, float(last)) + (1 if action == FASTER else -1)
        me.target_speed = target_speeds[int(clip(index, 0.0, float(last)))]
    follow_road(lanes, me)
    if action in (LANE_LEFT, LANE_RIGHT):
        lane = lanes[me.target_lane]
        number = clip(lane.number + (1 if action == LANE_RIGHT else -1), 0, lane.count - 1)
        wanted = me.target_lane + number - lane.number
        if is_reachable_from(lanes[wanted], me.x, me.y):
            me.target_lane = wanted
    me.steering = steering_control(lanes, me)
    me.acceleration = KP_A * (me.target_speed - me.speed)


@compiled
def neighbours(lanes, bodies, number, lane_number):
    """Return the bodies just ahead of and behind a vehicle on a lane, NOBODY where there is none.

    Objects count on from the vehicles. Lanes before and after are searched too; where they have no
    lane of the same number, highway-env takes their first: seen from the main road, the bend of a
    ramp lies behind. A body counts for the first lane it is on.
    """
    lane = lanes[lane_number]
    s = bodies[number].x - lane.start
    front, rear = NOBODY, NOBODY
    s_front, s_rear = math.inf, -math.inf
    for other in range(len(bodies)):
        if other == number or not bodies[other].lanes & lane.around:
            continue
        k = 0
        while not (bodies[other].lanes >> lane.searched[k]) & 1:
            k += 1
        s_v = bodies[other].x - lanes[lane.searched[k]].start + lane.offset[k]
        if s <= s_v and s_v <= s_front:
            s_front, front = s_v, other
        if s_v < s and s_v > s_rear:
            s_rear, rear = s_v, other
    return front, rear


@compiled
def desired_gap(me, you):
    """Return the gap [m] IDM would like to a body ahead; velocities are projected on the own heading."""
    dv = (me.speed * me.cos - you.speed * you.cos) * me.cos + (me.speed * me.sin - you.speed * you.sin) * me.sin
    return (
        DISTANCE_WANTED + me.speed * TIME_WANTED + me.speed * dv / (2 * math.sqrt(-COMFORT_ACC_MAX * COMFORT_ACC_MIN))
    )


@compiled
def free_acceleration(lanes, me):
    """Return IDM's acceleration [m/s2] of a vehicle on an empty road."""
    wish = abs(not_zero(clip(me.target_speed, 0.0, lanes[me.lane].speed_limit)))
    return COMFORT_ACC_MAX * (1 - (max(me.speed, 0.0) / wish) ** DELTA)


@compiled
def braking(lanes, me, bodies, number, front):
    """Return by how much less IDM accelerates a vehicle for a body ahead [m/s2].

    As in highway-env the gap is from centre to centre, whatever the lengths.
    """
    if front == NOBODY:
        return 0.0
    start = lanes[me.lane].start
    gap = (bodies[front].x - start) - (me.x - start)
    return COMFORT_ACC_MAX * (desired_gap(bodies[number], bodies[front]) / not_zero(gap)) ** 2


@compiled(inline=False)
def braking_on(lanes, me, bodies, number, lane_number):
    """Return by how much less IDM accelerates a vehicle for the body ahead on a lane [m/s2]."""
    front, _ = neighbours(lanes, bodies, number, lane_number)
    return braking(lanes, me, bodies, number, front)


@compiled
def acceleration(lanes, vehicles, bodies, number, front):
    """Return IDM's acceleration [m/s2] of a vehicle behind another; 0 for what is no vehicle."""
    if number == NOBODY or number >= len(vehicles):
        return 0.0
    me = vehicles[number]
    return free_acceleration(lanes, me) - braking(lanes, me, bodies, number, front)


@compiled
def mobil(lanes, vehicles, bodies, number, lane_number, old_preceding):
    """Return whether MOBIL recommends a change to a lane (politeness 0, so others count for safety alone)."""
    new_preceding, new_following = neighbours(lanes, bodies, number, lane_number)
    imposed = acceleration(lanes, vehicles, bodies, new_following, number)
    if imposed < -LANE_CHANGE_MAX_BRAKING_IMPOSED:
        return False
    gain = acceleration(lanes, vehicles, bodies, number, new_preceding) - acceleration(
        lanes, vehicles, bodies, number, old_preceding
    )
    return not gain < LANE_CHANGE_MIN_ACC_GAIN


@compiled(inline=False)
def give_way(lanes, vehicles, bodies, number):
    """Let a vehicle that changes lanes abort that if somebody else ahead is changing to the same lane too."""
    me = vehicles[number]
    if lanes[me.lane].road != lanes[me.target_lane].road:
        return
    for other in range(len(vehicles)):
        you = vehicles[other]
        if other == number or you.lane == me.target_lane or you.target_lane != me.target_lane:
            continue
        start = lanes[me.lane].start
        gap = (you.x - start) - (me.x - start)
        if 0 < gap < desired_gap(bodies[number], bodies[other]):
            me.target_lane = me.lane
            break


@compiled(inline=False)
def choose_lane(lanes, vehicles, bodies, number, front):
    """Ask MOBIL about the lanes beside a vehicle's own, on which `front` is ahead of it."""
    me = vehicles[number]
    me.timer = 0.0
    here = lanes[me.lane]
    for step in (-1, 1):
        if not 0 <= here.number + step < here.count:
            continue
        side = me.lane + step
        if not is_reachable_from(lanes[side], me.x, me.y) or abs(me.speed) < 1:
            continue
        if mobil(lanes, vehicles, bodies, number, side, front):
            me.target_lane = side


@compiled
def act_traffic(lanes, vehicles, bodies, number):
    """Drive a vehicle by IDM and MOBIL (`IDMVehicle.act`); a crashed one no longer decides."""
    me = vehicles[number]
    if me.crashed:
        return
    follow_road(lanes, me)
    front, _ = neighbours(lanes, bodies, number, me.lane)
    if me.lane != me.target_lane:
        give_way(lanes, vehicles, bodies, number)
    elif me.timer > LANE_CHANGE_DELAY:  # once a second
        choose_lane(lanes, vehicles, bodies, number, front)
    me.steering = steering_control(lanes, me)
    free = free_acceleration(lanes, me)
    wanted = free - braking(lanes, me, bodies, number, front)
    if me.lane != me.target_lane:  # while changing, both lanes count
        wanted = min(wanted, free - braking_on(lanes, me, bodies, number, me.target_lane))
    me.acceleration = clip(wanted, -ACC_MAX, ACC_MAX)


@compiled
def act(lanes, target_speeds, vehicles, bodies, action):
    """Let every vehicle decide, in order; an action other than IDLE is for the controlled ones."""
    for number in range(len(vehicles)):
        if vehicles[number].driver == CONTROLLED:
            act_controlled(lanes, target_speeds, vehicles[number], action)
        else:
            act_traffic(lanes, vehicles, bodies, number)
