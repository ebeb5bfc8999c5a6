"""The one step loop: play scenarios with a policy and record what happened.

Everything that collects, trains or audits goes through here.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from testbed.episode import Behaviour, Episode, Policy, Scenario, Signal, Trace
from testbed.errors import UserError, unknown_name

SLOTS = 2
"""Scenes that step together in one process."""
CHUNK = 8
"""Scenarios handed to a process at once."""


class Workers:
    """Processes that play scenarios; with one process, everything runs in this one."""

    def __init__(self, processes: int) -> None:
        self._pool = None
        if processes > 1:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["testbed.demonstrations.rollout", "testbed.envs.driving.vector"])
            self._pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent)

    def play(
        self, environment: str, scenarios: Sequence[Scenario], jobs: Sequence[tuple[Policy, Behaviour]]
    ) -> Iterator[Episode]:
        """Play all scenarios with the first policy, then with the next, and yield episodes in that order."""
        chunks = [
            (policy, behaviour, environment, scenarios[start : start + CHUNK])
            for policy, behaviour in jobs
            for start in range(0, len(scenarios), CHUNK)
        ]
        run = self._pool.map if self._pool else map
        for episodes in run(_play_chunk, chunks):
            yield from episodes

    def close(self) -> None:
        """Stop the processes; work not begun is dropped."""
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def workers(processes: int) -> Iterator[Workers]:
    """Open `Workers` for the length of a `with` block."""
    pool = Workers(processes)
    try:
        yield pool
    finally:
        pool.close()


def _end_with_parent() -> None:
    """Let a worker end when the process that started it is gone, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _play_chunk(chunk: tuple[Policy, Behaviour, str, Sequence[Scenario]]) -> list[Episode]:
    return play(*chunk)


def make_vector(environment: str, count: int) -> VectorEnv:
    """Return the batch form of an environment that leaves resets to the caller.

    Raises:
        UserError: for an id that is not one of the testbed's.
    """
    known = [name for name in gymnasium.registry if name.startswith("testbed/")]
    if environment not in known:
        raise unknown_name("environment", environment, known)
    return gymnasium.make_vec(environment, num_envs=count, autoreset_mode=AutoresetMode.DISABLED)


def play(
    policy: Policy,
    behaviour: Behaviour,
    environment: str,
    scenarios: Sequence[Scenario],
) -> list[Episode]:
    """Play scenarios in a batch and return their episodes in the same order.

    Args:
        policy: Chooses the actions.
        behaviour: The label the episodes carry.
        environment: Gymnasium id.
        scenarios: What to play; each starts in a slot of the batch as soon as one is free.

    Raises:
        UserError: if the policy does not fit the environment or returns something that is no action.
    """
    slots = min(SLOTS, len(scenarios))
    env = make_vector(environment, slots)
    waiting = list(enumerate(scenarios))[::-1]
    finished: dict[int, Episode] = {}
    running: list[_Recording | None] = [None] * slots
    env.reset(seed=0)  # Gymnasium wants every slot reset once before slots are reset one by one.
    for slot in range(slots):
        running[slot], observations = _start(env, slot, waiting.pop(), environment, behaviour)
    while any(running):
        actions = _checked_actions(policy, env, observations)
        observations, rewards, terminated, truncated, infos = env.step(actions)
        for slot, recording in enumerate(running):
            if recording:
                recording.add(slot, actions, observations, rewards, infos)
        for slot in np.flatnonzero(terminated | truncated).tolist():
            recording = running[slot]
            if recording:
                success = bool(infos["success"][slot])
                finished[recording.number] = recording.finish(bool(terminated[slot]), success)
            # A slot that has nothing left to play goes on with its last scene, unrecorded: the batch
            # steps all slots or none.
            following = waiting.pop() if waiting else (-1, scenarios[-1])
            started, observations = _start(env, slot, following, environment, behaviour)
            running[slot] = started if following[0] >= 0 else None
    env.close()
    return [finished[number] for number in range(len(scenarios))]


def _start(
    env: VectorEnv, slot: int, following: tuple[int, Scenario], environment: str, behaviour: Behaviour
) -> tuple[_Recording, np.ndarray]:
    """Reset one slot to a scenario; return its recording and the observations of all slots."""
    number, scenario = following
    mask = np.zeros(env.num_envs, dtype=bool)
    mask[slot] = True
    options = {"reset_mask": mask, "context": dict(scenario.context)}
    seeds: Any = [scenario.seed] * env.num_envs  # Gymnasium's own batches take a list, its type says int
    observations, infos = env.reset(seed=seeds, options=options)
    recording = _Recording(number, scenario, environment, behaviour, env.metadata)
    recording.begin(slot, observations, infos)
    return recording, observations


def _checked_actions(policy: Policy, env: VectorEnv, observations: np.ndarray) -> np.ndarray:
    if not np.isfinite(observations).all():
        raise UserError("the environment returned an observation that is not a number; the scene cannot go on")
    actions = np.asarray(policy.act(observations))
    if actions.shape != env.action_space.shape:
        raise UserError(
            f"the policy returned actions of shape {actions.shape}; the environment takes {env.action_space.shape}"
        )
    if not np.isfinite(actions).all():
        raise UserError("the policy returned an action that is not a number; check its weights")
    return actions.astype(env.action_space.dtype, casting="unsafe")


class _Recording:
    """One episode while it runs."""

    def __init__(self, number: int, scenario: Scenario, environment: str, behaviour: Behaviour, metadata: dict):
        self.number, self.scenario, self.environment, self.behaviour = number, scenario, environment, behaviour
        self.metadata = metadata
        self.observations: list[np.ndarray] = []
        self.actions: list[np.ndarray] = []
        self.rewards: list[float] = []
        self.states: list[np.ndarray] = []
        self.samples: dict[str, list[np.ndarray]] = {name: [] for name in metadata["trace_units"]}

    def begin(self, slot: int, observations: np.ndarray, infos: dict) -> None:
        factors = self.metadata["context"]
        self.context = {name: factors[name][index] for name, index in zip(factors, infos["context"][slot], strict=True)}
        units = self.metadata["constant_units"]
        self.constants = {name: Signal(infos[name][slot].copy(), unit) for name, unit in units.items()}
        self.observations.append(observations[slot].copy())
        self.states.append(infos["state"][slot].copy())

    def add(self, slot: int, actions, observations, rewards, infos: dict) -> None:
        self.actions.append(actions[slot])
        self.observations.append(observations[slot].copy())
        self.rewards.append(float(rewards[slot]))
        self.states.append(infos["state"][slot].copy())
        for name, rows in self.samples.items():
            rows.append(infos["trace"][name][slot])

    def finish(self, terminated: bool, success: bool) -> Episode:
        units = self.metadata["trace_units"]
        signals = {name: Signal(np.concatenate(rows), units[name]) for name, rows in self.samples.items()}
        return Episode(
            environment=self.environment,
            scenario=self.scenario,
            context=self.context,
            observations=np.stack(self.observations),
            actions=np.stack(self.actions),
            rewards=np.array(self.rewards),
            terminated=terminated,
            states=np.stack(self.states),
            trace=Trace(self.metadata["simulation_hz"], signals, self.constants),
            success=success,
            behaviour=self.behaviour,
        )
