"""How vehicles are driven: highway-env's controllers, IDM and MOBIL (`vehicle/controller.py`, `vehicle/behavior.py`).

Vehicles decide one after another, so a later one sees the lane an earlier one has just chosen.

Sources: Treiber, Hennecke and Helbing 2000 (IDM); Kesting, Treiber and Helbing 2007 (MOBIL).
"""

from __future__ import annotations

import math

import numpy as np

from testbed.envs.kernel.compiling import compiled
from testbed.envs.kernel.lanes import (
    after_end,
    clip,
    heading_at,
    is_reachable_from,
    local_coordinates,
    next_lane,
    on_lane,
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
def neighbours(lanes, vehicles, objects, number, lane_number):
    """Return the bodies just ahead of and behind a vehicle on a lane, NOBODY where there is none.

    Objects count on from the vehicles. Lanes before and after are searched too; where they have no
    lane of the same number, highway-env takes their first: seen from the main road, the bend of a
    ramp lies behind. A body counts for the first lane it is on.
    """
    lane = lanes[lane_number]
    s = vehicles[number].x - lane.start
    front, rear = NOBODY, NOBODY
    s_front, s_rear = math.inf, -math.inf
    for other in range(len(vehicles) + len(objects)):
        if other == number:
            continue
        if other < len(vehicles):
            x, y = vehicles[other].x, vehicles[other].y
        else:
            x, y = objects[other - len(vehicles)].x, objects[other - len(vehicles)].y
        for k in range(len(lane.searched)):
            if lane.searched[k] == NOBODY:
                break
            s_v, is_on = on_lane(lanes[lane.searched[k]], x, y, 1.0)
            if not is_on:
                continue
            s_v += lane.offset[k]
            if s <= s_v and s_v <= s_front:
                s_front, front = s_v, other
            if s_v < s and s_v > s_rear:
                s_rear, rear = s_v, other
            break
    return front, rear


@compiled
def body(vehicles, objects, number):
    """Return x [m], heading [rad] and speed [m/s] of a vehicle or object."""
    if number < len(vehicles):
        return vehicles[number].x, vehicles[number].heading, vehicles[number].speed
    thing = objects[number - len(vehicles)]
    return thing.x, thing.heading, thing.speed


@compiled
def desired_gap(me, heading, speed):
    """Return the gap [m] IDM would like to a body ahead; velocities are projected on the own heading."""
    cos, sin = math.cos(me.heading), math.sin(me.heading)
    dv = (me.speed * cos - speed * math.cos(heading)) * cos + (me.speed * sin - speed * math.sin(heading)) * sin
    return (
        DISTANCE_WANTED + me.speed * TIME_WANTED + me.speed * dv / (2 * math.sqrt(-COMFORT_ACC_MAX * COMFORT_ACC_MIN))
    )


@compiled
def acceleration(lanes, vehicles, objects, number, front):
    """Return IDM's acceleration [m/s2] of a vehicle behind another; 0 for what is no vehicle.

    As in highway-env the gap is from centre to centre, whatever the lengths.
    """
    if number == NOBODY or number >= len(vehicles):
        return 0.0
    me = vehicles[number]
    lane = lanes[me.lane]
    wish = abs(not_zero(clip(me.target_speed, 0.0, lane.speed_limit)))
    result = COMFORT_ACC_MAX * (1 - (max(me.speed, 0.0) / wish) ** DELTA)
    if front != NOBODY:
        x, heading, speed = body(vehicles, objects, front)
        gap = (x - lane.start) - (me.x - lane.start)
        result -= COMFORT_ACC_MAX * (desired_gap(me, heading, speed) / not_zero(gap)) ** 2
    return result


@compiled
def mobil(lanes, vehicles, objects, number, lane_number):
    """Return whether MOBIL recommends a change to a lane (politeness 0, so others count for safety alone)."""
    new_preceding, new_following = neighbours(lanes, vehicles, objects, number, lane_number)
    imposed = acceleration(lanes, vehicles, objects, new_following, number)
    if imposed < -LANE_CHANGE_MAX_BRAKING_IMPOSED:
        return False
    old_preceding, _ = neighbours(lanes, vehicles, objects, number, vehicles[number].lane)
    gain = acceleration(lanes, vehicles, objects, number, new_preceding) - acceleration(
        lanes, vehicles, objects, number, old_preceding
    )
    return not gain < LANE_CHANGE_MIN_ACC_GAIN


@compiled
def change_lane_policy(lanes, vehicles, objects, number):
    """Choose the target lane: abort a change that somebody else is making too, or once a second ask MOBIL."""
    me = vehicles[number]
    if me.lane != me.target_lane:
        if lanes[me.lane].road == lanes[me.target_lane].road:
            for other in range(len(vehicles)):
                you = vehicles[other]
                if other == number or you.lane == me.target_lane or you.target_lane != me.target_lane:
                    continue
                start = lanes[me.lane].start
                gap = (you.x - start) - (me.x - start)
                if 0 < gap < desired_gap(me, you.heading, you.speed):
                    me.target_lane = me.lane
                    break
        return
    if not me.timer > LANE_CHANGE_DELAY:
        return
    me.timer = 0.0
    here = lanes[me.lane]
    for step in (-1, 1):
        if not 0 <= here.number + step < here.count:
            continue
        side = me.lane + step
        if not is_reachable_from(lanes[side], me.x, me.y) or abs(me.speed) < 1:
            continue
        if mobil(lanes, vehicles, objects, number, side):
            me.target_lane = side


@compiled
def act_traffic(lanes, vehicles, objects, number):
    """Drive a vehicle by IDM and MOBIL (`IDMVehicle.act`); a crashed one no longer decides."""
    me = vehicles[number]
    if me.crashed:
        return
    follow_road(lanes, me)
    change_lane_policy(lanes, vehicles, objects, number)
    me.steering = steering_control(lanes, me)
    front, _ = neighbours(lanes, vehicles, objects, number, me.lane)
    wanted = acceleration(lanes, vehicles, objects, number, front)
    if me.lane != me.target_lane:  # while changing, both lanes count
        front, _ = neighbours(lanes, vehicles, objects, number, me.target_lane)
        wanted = min(wanted, acceleration(lanes, vehicles, objects, number, front))
    me.acceleration = clip(wanted, -ACC_MAX, ACC_MAX)


@compiled
def act(lanes, target_speeds, vehicles, objects, action):
    """Let every vehicle decide, in order; an action other than IDLE is for the controlled ones."""
    for number in range(len(vehicles)):
        if vehicles[number].driver == CONTROLLED:
            act_controlled(lanes, target_speeds, vehicles[number], action)
        else:
            act_traffic(lanes, vehicles, objects, number)
