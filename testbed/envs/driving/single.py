"""The single form of a driving environment: highway-env itself, which also renders."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import spaces
from highway_env import utils
from highway_env.envs.common.abstract import AbstractEnv
from highway_env.envs.common.action import Action, action_factory
from highway_env.envs.common.observation import ObservationType

from testbed.envs.asking import array_of, checked_options, checked_render_mode, checked_seed, fixed_factors, shown
from testbed.envs.driving.batch import are_actions, make_space, metadata
from testbed.envs.driving.highway import (
    DrivingRoad,
    add_vehicles,
    read_vehicles,
    write_vehicles,
)
from testbed.envs.driving.picture import BRAKING, RoadPicture
from testbed.envs.driving.scene import ACTIONS, TRACE_UNITS, Scene, Worlds
from testbed.envs.driving.state import read_states, write_states
from testbed.envs.kernel.motion import TOUCH
from testbed.envs.kernel.records import (
    DECISION_HZ,
    DT,
    FRAMES,
    SIMULATION_HZ,
    SUCCESS,
    TERMINATED,
    TRUNCATED,
)
from testbed.errors import UserError
from testbed.mechanics.contact import contacts
from testbed.seeding import following_seeds

OPTIONS = ("context",)
"""Options of a reset."""


class _Observation(ObservationType):
    """Hands the scene's own observation to highway-env."""

    def space(self) -> spaces.Box:
        return make_space(self.env.scene)[0]

    def observe(self) -> np.ndarray:
        return self.env.observe()


class DrivingEnv(AbstractEnv):
    """One world of a scene, driven by highway-env's own vehicles on its own road.

    `reset(options={"context": {factor: value}})` fixes factors; its info has `context`, `state` and
    the constants of the trace; that of `step` has `state`, `success` and `trace`, the signals of
    `metadata["trace_units"]`, each of shape (3, bodies, ...), at 15 Hz.
    """

    scene: Scene

    def __init__(self, scene: Scene, render_mode: str | None = None) -> None:
        self.scene = scene
        self.metadata = {"render_modes": ["human", "rgb_array"], **metadata(scene)}
        self._scenario: int | None = None
        checked_render_mode(scene.environment, render_mode, self.metadata["render_modes"])
        super().__init__(render_mode=render_mode)
        self._started = False  # highway-env has reset it, the user has not

    def update_metadata(self, video_real_time_ratio: int = 1) -> None:
        """Say how many pictures a second show the scene as fast as it is.

        That is one a decision, or one a simulation step where `set_record_video_wrapper` was told of a recorder.
        """
        self.metadata["render_fps"] = SIMULATION_HZ if self._record_video_wrapper else DECISION_HZ

    @classmethod
    def default_config(cls) -> dict[str, Any]:
        """Return highway-env's configuration with our rates."""
        config = super().default_config()
        changes = {
            "simulation_frequency": SIMULATION_HZ,
            "policy_frequency": DECISION_HZ,
            "neighbour_vehicles_connected_lanes": True,
            "screen_width": 1280,
            "screen_height": 192,
            "scaling": 8.0,
            "centering_position": [0.5, 0.5],
        }
        utils.update_config(config, changes)
        return config

    def define_spaces(self) -> None:
        """Set the spaces; the observation is the scene's, without pandas."""
        self.observation_type = _Observation(self)
        self.observation_space = self.observation_type.space()
        action = {"type": "DiscreteMetaAction", "target_speeds": self.scene.target_speeds}
        self.action_type = action_factory(self, action)
        self.action_space = self.action_type.space()

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Start the scene of a seed; without one, the scene that follows the last one.

        Raises:
            UserError: for an unknown option, context factor or value, or seed.
        """
        asked = checked_options(self.scene.environment, options, OPTIONS)
        fixed = fixed_factors(self.scene.context, asked.get("context"), self.scene.numbers)
        seed = None if seed is None else checked_seed(seed)
        self._fixed, self._started = fixed, True
        if seed is not None:
            self._scenario = seed
        elif self._scenario is not None:
            self._scenario = int(following_seeds(np.array([self._scenario]))[0])
        return super().reset(seed=seed)

    def _reset(self) -> None:
        if self._scenario is None:
            self._scenario = int(self.np_random.integers(2**31))
        self._worlds = self.scene.start([self._scenario], self._fixed[None])
        self._build(self._worlds)

    def _build(self, worlds: Worlds) -> None:
        self.road = DrivingRoad(self.scene, self.np_random, worlds.objects[0])
        self.vehicle = add_vehicles(self.road, self.scene, worlds.vehicles[0])
        self._size = self.scene.constant(worlds)
        self._read()

    def _read(self) -> None:
        """Take highway-env's state over into the records."""
        self._worlds.vehicles[0], self._worlds.objects[0] = read_vehicles(self.road), self.road.records

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Drive for 0.2 s with one of `ACTIONS`.

        Raises:
            UserError: for an action outside the action space, or before the first reset.
        """
        self._require_start("step")
        number = array_of(action)
        if number.ndim or not are_actions(number):
            raise UserError(
                f"action {shown(action)} is outside the {len(ACTIONS)} actions of {self.scene.environment} "
                f"(0 to {len(ACTIONS) - 1}): give one of these numbers"
            )
        return super().step(int(number))

    def _require_start(self, what: str) -> None:
        if not self._started:
            raise UserError(f"{self.scene.environment} was not reset yet: call reset() before {what}()")

    def _simulate(self, action: Action | None = None) -> None:
        """Act once, then simulate to the next decision, one sample of the trace a simulation step."""
        world, moving = self._worlds.worlds[0], not self._worlds.worlds[0]["ended"]
        self._worlds.trace[:], self._worlds.rewards[:] = 0, 0.0
        for frame in range(FRAMES if moving else 0):
            if frame == 0 and action is not None:
                self.action_type.act(action)
            before = np.array([body.speed for body in self._bodies()])
            self.road.act()
            self.road.step(DT)
            self.steps += 1
            world["steps"] += 1
            self._sample(self._worlds.trace[0, frame], before)
            world["collided"] |= self._worlds.trace[0, frame, 0]["contact"] or self.vehicle.crashed
            if frame < FRAMES - 1:  # the last one is rendered by whoever asked for the step
                self._automatic_rendering()
        self._read()
        now = self._worlds
        self.scene.reward_and_termination(now.worlds, now.vehicles, now.trace, now.rewards, 0, 1)

    def _bodies(self) -> list:
        return [*self.road.vehicles, *self.road.objects[: self.scene.walkers]]

    def _sample(self, samples: np.ndarray, before: np.ndarray) -> None:
        bodies = self._bodies()
        samples["position"] = [body.position for body in bodies]
        samples["heading"], samples["speed"] = [b.heading for b in bodies], [b.speed for b in bodies]
        samples["acceleration"] = (samples["speed"] - before) / DT
        vehicles = self.road.vehicles
        lanes = [self.road.lane_indices.index(vehicle.lane_index) for vehicle in vehicles]
        samples["lane"] = -1
        samples["lane"][: len(vehicles)] = self.scene.lane_table["lateral"][lanes]
        samples["contact"] = self._contacts()[: len(bodies)]

    def _contacts(self) -> np.ndarray:
        """Return which vehicles and objects touch, a pair of which at least one is a vehicle, shape (V + O,)."""
        bodies = [*self.road.vehicles, *self.road.objects]
        mine = [np.array([getattr(b, name) for b in bodies]) for name in ("position", "heading", "LENGTH", "WIDTH")]
        solid, moves = np.array([b.solid for b in bodies]), np.arange(len(bodies)) < len(self.road.vehicles)
        within = np.where(solid[:, None] & solid[None, :], TOUCH, 0.0)
        within = np.where(moves[:, None] | moves[None, :], within, -np.inf)
        return contacts(mine[0], mine[1], np.stack(mine[2:], -1), within)

    def observe(self) -> np.ndarray:
        """Return the observation of the present state, shape (SIZE,)."""
        now = self._worlds
        self.scene.observe(self.scene.lane_table, now.worlds, now.vehicles, now.objects, now.observations, 0, 1)
        return now.observations[0].copy()

    def _info(self, obs: np.ndarray, action: Action | None = None) -> dict[str, Any]:
        factors = len(self.scene.context)
        info: dict[str, Any] = {"state": read_states(self._worlds)[0]}
        if self._worlds.worlds[0]["steps"] == 0:
            context = self._worlds.worlds[0]["context"][:factors].copy()
            return info | {"context": context, **{k: v[0] for k, v in self.scene.constant(self._worlds).items()}}
        trace = {name: self._worlds.trace[name][0].copy() for name in TRACE_UNITS}
        return info | {"trace": trace, "success": bool(self._worlds.ended(SUCCESS)[0])}

    def _reward(self, action: Action) -> float:
        return float(self._worlds.rewards[0])

    def _is_terminated(self) -> bool:
        return bool(self._worlds.ended(TERMINATED)[0])

    def _is_truncated(self) -> bool:
        return bool(self._worlds.ended(TRUNCATED)[0])

    def restore(self, state: np.ndarray) -> None:
        """Let highway-env go on from a stored state, shape (size,); raises ValueError for another size."""
        self._worlds = write_states(self.scene, np.asarray(state)[None])
        self._started = True
        rows = self._worlds.vehicles[0].copy()
        self._build(self._worlds)
        write_vehicles(self.road, rows)
        self._read()

    def __getstate__(self) -> dict[str, Any]:
        """Return all but windows and pictures: a copy makes its own."""
        return self.__dict__ | {"viewer": None, "_record_video_wrapper": None, "_picture": None}

    def __deepcopy__(self, memo: dict[int, Any]) -> DrivingEnv:
        """Return a copy as a pickle would be; highway-env's own knows nothing of pictures."""
        memo[id(self)] = copy = type(self).__new__(type(self))
        copy.__dict__.update(deepcopy(self.__getstate__(), memo))
        return copy

    _picture: RoadPicture | None = None

    def render(self) -> np.ndarray | None:
        """Return a picture of the present state, shape (h, w, 3) uint8; mode `human` has highway-env's window.

        Raises:
            UserError: before the first reset.
        """
        self._require_start("render")
        if self.render_mode != "rgb_array":
            return super().render()
        position, heading = (np.array([getattr(b, name) for b in self._bodies()]) for name in ("position", "heading"))
        acceleration = np.array([vehicle.action["acceleration"] for vehicle in self.road.vehicles])
        return self.show(position, heading, {}, acceleration)

    def _automatic_rendering(self) -> None:
        """Let a video recorder that highway-env was told of take a picture between decisions."""
        if self.render_mode != "rgb_array":
            super()._automatic_rendering()
        elif self._record_video_wrapper and self._record_video_wrapper.recording:
            self._record_video_wrapper._capture_frame()

    def show(
        self,
        position: np.ndarray,
        heading: np.ndarray,
        colours: Mapping[int, tuple[int, int, int]],
        acceleration: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return a picture of the scene with its bodies at recorded poses, shape (h, w, 3) uint8.

        The scene itself stays as it is, and no window is opened. See `testbed.envs.driving.picture`.

        Args:
            position: Centres, shape (bodies, 2) [m]; vehicles, then pedestrians, as in the trace.
            heading: Headings, shape (bodies,) [rad].
            colours: Body number -> colour, for those that differ from their own.
            acceleration: Of the bodies, or of the vehicles alone, where it is known [m/s2]; brake lights show it.
        """
        if self._picture is None or self._picture.road is not self.road:
            self._picture = RoadPicture(self.scene, self.road, self._worlds.worlds[0]["context"])
        braking = () if acceleration is None else np.flatnonzero(acceleration < -BRAKING).tolist()
        return self._picture.draw(position, heading, colours, braking)

    def project(self, position: np.ndarray) -> np.ndarray:
        """Return where points, shape (n, 2) [m], are in the picture last shown [px from its top left corner].

        Raises:
            ValueError: if no picture was shown yet.
        """
        if self._picture is None:
            raise ValueError("no picture was shown yet: call `show` first")
        return self._picture.project(position)
