"""`testbed/Merge-v0`: the ego is on an on-ramp and must merge into traffic before the ramp ends.

Own scene on highway-env 1.12 (whose merge has the ego on the main road). Simulated at 15 Hz, decided
at 5 Hz. An episode ends 5 s after the ego crossed onto the main road (success if nothing touched
it), at a contact of the ego, or after 24 s.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from gymnasium import spaces
from highway_env import utils
from highway_env.envs.common.abstract import AbstractEnv
from highway_env.envs.common.action import Action, action_factory
from highway_env.envs.common.observation import ObservationType
from highway_env.vehicle.controller import MDPVehicle

from testbed.envs.driving import observation as merge_observation
from testbed.envs.driving import state as merge_state
from testbed.envs.driving.picture import Picture
from testbed.envs.driving.road import LANE_LINES, LATERAL_LANE, RAMP_BEND, build_road
from testbed.envs.driving.traffic import CONTEXT, SPEED_LIMIT, VEHICLES, Scene, draw_scene, populate
from testbed.errors import UserError
from testbed.mechanics.contact import contacts

ACTIONS = ("LANE_LEFT", "IDLE", "LANE_RIGHT", "FASTER", "SLOWER")
"""highway-env's discrete meta-actions, in its order."""

TARGET_SPEEDS = np.linspace(0.0, 32.0, 17)
"""Speeds the ego can be set to [m/s]."""

SIMULATION_HZ, DECISION_HZ = 15, 5
AFTER_MERGE = 5.0
"""Time from crossing onto the main road to the end of the episode [s]."""
TIME_LIMIT = 24.0
"""Longest episode [s]."""

TRACE_UNITS = {"position": "m", "heading": "rad", "speed": "m/s", "acceleration": "m/s^2", "lane": "", "contact": ""}
"""The signals of a trace and their units, each per simulation step and vehicle."""


CONSTANT_UNITS = {"size": "m", "lane_line": "m"}
"""What a trace says once: length and width of each vehicle, and y of the lines between the lanes."""


class _MergeObservation(ObservationType):
    """Hands `testbed.envs.driving.observation` to highway-env."""

    def space(self) -> spaces.Box:
        limit = merge_observation.LIMIT
        return spaces.Box(-limit, limit, (merge_observation.SIZE,), np.float32)

    def observe(self) -> np.ndarray:
        return merge_observation.observe(self.env.road.vehicles, self.env.context)


class MergeEnv(AbstractEnv):
    """One merge scene. `reset(options={"context": {"leader": "truck"}})` fixes a factor of `CONTEXT`."""

    metadata = {
        "render_modes": ["human", "rgb_array"],
        "render_fps": SIMULATION_HZ,
        "simulation_hz": SIMULATION_HZ,
        "decision_hz": DECISION_HZ,
        "context": CONTEXT,
        "trace_units": TRACE_UNITS,
        "constant_units": CONSTANT_UNITS,
        "actions": ACTIONS,
    }

    @classmethod
    def default_config(cls) -> dict[str, Any]:
        """Return highway-env's configuration with this scene's rates and camera."""
        config = super().default_config()
        changes = {
            "simulation_frequency": SIMULATION_HZ,
            "policy_frequency": DECISION_HZ,
            "action": {"type": "DiscreteMetaAction", "target_speeds": TARGET_SPEEDS},
            "neighbour_vehicles_connected_lanes": True,
            "screen_width": 1280,
            "screen_height": 192,
            "scaling": 8.0,
            "centering_position": [0.5, 0.5],
        }
        utils.update_config(config, changes)
        config["action"] = changes["action"]
        return config

    def define_spaces(self) -> None:
        """Set the spaces; the observation is ours (`testbed.envs.driving.observation`), without pandas."""
        self.observation_type = _MergeObservation(self)
        self.observation_space = self.observation_type.space()
        self.action_type = action_factory(self, self.config["action"])
        self.action_space = self.action_type.space()

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Start the scene of a seed.

        Args:
            seed: Scenario seed; the same one gives the identical scene.
            options: `{"context": {factor: value}}` fixes factors of `CONTEXT`.

        Returns:
            The observation, shape (SIZE,), and `info` with `context` (positions in `CONTEXT`, shape
            (2,)), `state` (see `testbed.envs.driving.state`) and the signals of `CONSTANT_UNITS`:
            `size`, shape (VEHICLES, 2), and `lane_line`, shape (2,) [m].

        Raises:
            UserError: for an unknown factor or value.
        """
        self._fixed_context = dict((options or {}).get("context") or {})
        return super().reset(seed=seed, options=options)

    def _reset(self) -> None:
        scene = draw_scene(self.np_random, self._fixed_context)
        self.road = build_road(self.np_random)
        self.vehicle = _make_ego(self.road, scene)
        self.road.vehicles.append(self.vehicle)
        populate(self.road, scene)
        self.context = scene.context
        self.size = np.array([(v.LENGTH, v.WIDTH) for v in self.road.vehicles])
        self.crossed_at: float | None = None
        self.collided = False
        self._trace_rows: list[tuple] = []

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Drive for 0.2 s with one of `ACTIONS`.

        Returns:
            observation, reward, terminated, truncated and `info` with `state` (after the step),
            `success`, and `trace`, a dict of the signals of `TRACE_UNITS`, each of shape
            (3, VEHICLES, ...), at 15 Hz.

        Raises:
            UserError: for an action outside the action space.
        """
        if action not in range(len(ACTIONS)):
            raise UserError(f"action {action} is outside the {len(ACTIONS)} actions of testbed/Merge-v0 (0 to 4)")
        self._trace_rows = []
        return super().step(int(action))

    def _simulate(self, action: Action | None = None) -> None:
        """Act once, then simulate to the next decision, one trace row a simulation step."""
        dt = 1 / SIMULATION_HZ
        for frame in range(SIMULATION_HZ // DECISION_HZ):
            if frame == 0 and action is not None:
                self.action_type.act(action)
            before = [vehicle.speed for vehicle in self.road.vehicles]
            self.road.act()
            self.road.step(dt)
            self.steps += 1
            self._record(np.array(before), dt)
            if self.crossed_at is None and LATERAL_LANE[self.vehicle.lane_index] < 2:
                self.crossed_at = self.steps * dt
        self._automatic_rendering()

    def _record(self, speed_before: np.ndarray, dt: float) -> None:
        vehicles = self.road.vehicles
        position = np.array([vehicle.position for vehicle in vehicles])
        heading = np.array([vehicle.heading for vehicle in vehicles])
        speed = np.array([vehicle.speed for vehicle in vehicles])
        lane = np.array([LATERAL_LANE[vehicle.lane_index] for vehicle in vehicles], dtype=np.int8)
        obstacle = self.road.objects[0]
        touching = contacts(
            np.vstack([position, obstacle.position]),
            np.append(heading, obstacle.heading),
            np.vstack([self.size, (obstacle.LENGTH, obstacle.WIDTH)]),
        )[:-1]
        # highway-env flags a crash a step ahead and pushes the bodies apart, so they may never overlap.
        touching |= np.array([vehicle.crashed for vehicle in vehicles])
        self.collided |= bool(touching[0])
        self._trace_rows.append((position, heading, speed, (speed - speed_before) / dt, lane, touching))

    def _info(self, obs: np.ndarray, action: Action | None = None) -> dict[str, Any]:
        info: dict[str, Any] = {"state": merge_state.read_state(self.road.vehicles)}
        if self._trace_rows:
            signals = zip(*self._trace_rows, strict=True)
            info["trace"] = {name: np.stack(rows) for name, rows in zip(TRACE_UNITS, signals, strict=True)}
            info["success"] = self._merged() and not self.collided
        else:
            info |= {"context": self.context, "size": self.size, "lane_line": np.array(LANE_LINES)}
        return info

    def _merged(self) -> bool:
        return self.crossed_at is not None and self.steps / SIMULATION_HZ >= self.crossed_at + AFTER_MERGE

    def _rewards(self, action: Action) -> dict[str, float]:
        return {
            "collision": -float(self.collided),
            "merged": float(self._merged()),
            "speed": float(np.clip(self.vehicle.speed / SPEED_LIMIT, 0.0, 1.0)) / (TIME_LIMIT * DECISION_HZ),
        }

    def _reward(self, action: Action) -> float:
        """Return 1 for a merge completed, -1 for a contact, and a little for speed on the way."""
        return sum(self._rewards(action).values())

    def _is_terminated(self) -> bool:
        return self.collided or self._merged()

    def _is_truncated(self) -> bool:
        return self.steps >= TIME_LIMIT * SIMULATION_HZ

    def restore(self, state: np.ndarray) -> None:
        """Put the scene into a stored state, shape (VEHICLES, 15); raises ValueError for another shape.

        The clock of the episode is not part of it; everything the physics needs is.
        """
        merge_state.write_state(self.road, self.vehicle, np.asarray(state, dtype=np.float64))
        self.size = np.array([(v.LENGTH, v.WIDTH) for v in self.road.vehicles])

    _picture: Picture | None = None

    def show(self, position: np.ndarray, heading: np.ndarray, colours: dict[int, tuple[int, int, int]]) -> np.ndarray:
        """Return a picture of the scene with its vehicles at recorded poses, shape (h, w, 3) uint8.

        The camera follows the ego along x (see `testbed.envs.driving.picture`); no window is opened.

        Args:
            position: Vehicle centres, shape (VEHICLES, 2) [m].
            heading: Vehicle headings, shape (VEHICLES,) [rad].
            colours: Vehicle number -> body colour, for those that differ from their own.
        """
        if self._picture is None or self._picture.road is not self.road:
            self._picture = Picture(self.road)
            self._own_colours = [getattr(vehicle, "color", None) for vehicle in self.road.vehicles]
        for number, vehicle in enumerate(self.road.vehicles[:VEHICLES]):
            vehicle.position, vehicle.heading = position[number].copy(), float(heading[number])
            vehicle.color = colours.get(number, self._own_colours[number])
        return self._picture.draw(float(position[0][0]))

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 2) [m], are in the picture last shown [px from its top left corner].

        Raises:
            ValueError: if no picture was shown yet.
        """
        if self._picture is None:
            raise ValueError("no picture was shown yet: call `show` first")
        return self._picture.project(position)


def _make_ego(road, scene: Scene) -> MDPVehicle:
    """Return the ego on the ramp, where the scene starts it."""
    index = ("k", "b", 0) if scene.ego_x >= RAMP_BEND else ("j", "k", 0)
    lane = road.network.get_lane(index)
    along = scene.ego_x - lane.start[0]
    make = partial(MDPVehicle, target_speeds=TARGET_SPEEDS)
    return make(road, lane.position(along, 0.0), heading=float(lane.heading_at(along)), speed=scene.ego_speed)
