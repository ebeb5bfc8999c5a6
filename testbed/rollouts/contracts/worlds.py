"""Contracts of the environment itself: resets, factors, observations, copies, autoreset, both forms."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from testbed.protocols.scene import SceneSpec
from testbed.rollouts.contracts.finding import Finding, Played
from testbed.scenes.registry import make_vector

STEPS = 12
"""Decisions that an environment is looked at."""


def resets(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that the same seed and actions give the same, in a fresh world as in one that was used."""
    scene = played.scene
    env: Any
    with closing(make_vector(scene.environment, 2)) as env:
        first = _acted(env, scene, [3, 4])
        again = _acted(env, scene, [3, 4])
        other = _acted(env, scene, [5, 6])
    if not _same(first, again):
        yield Finding(
            "the same seed and actions do not give the same again",
            "let everything random come from what `reset(seed=...)` seeds (`self.np_random`), and reset all of it",
        )
    elif _same(first, other):
        yield Finding("every seed gives the same scene", "draw something of a scene from the seed of its reset")


def factors(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that a reset fixes factors, draws the others, and never draws what is held out."""
    scene = played.scene
    env: Any
    with closing(make_vector(scene.environment, 64)) as env:
        for factor, values in scene.context.items():
            place = list(scene.context).index(factor)
            for number, value in enumerate(values):
                _, info = env.reset(seed=list(range(64)), options={"context": {factor: value}})
                if not (info["context"][:, place] == number).all():
                    yield Finding(
                        f"a reset does not fix {factor}={value}", "let info['context'] say what was asked for"
                    )
        _, info = env.reset(seed=list(range(64)), options={"context": {}})
    for factor, value in sorted(scene.held_out):
        place = list(scene.context).index(factor)
        if (info["context"][:, place] == scene.context[factor].index(value)).any():
            yield Finding(f"{factor}={value} is held out by a trigger and drawn all the same", "draw it never unasked")


def observations(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that what is seen is finite and within its space."""
    scene = played.scene
    env: Any
    with closing(make_vector(scene.environment, 2)) as env:
        space = env.single_observation_space
        if not isinstance(space, spaces.Box) or len(space.shape) != 1 or space.dtype != np.float32:
            yield Finding(f"observations are {space}", "give flat vectors of float32 (an adapter does)")
            return
        rows = np.concatenate([step[0] for step in _acted(env, scene, [3, 4])])
    if not np.isfinite(rows).all():
        yield Finding("an observation is not a number", "return finite ones")
    elif not ((rows >= space.low) & (rows <= space.high)).all():
        yield Finding("an observation is outside its space", "widen the space, or clip what is seen")


def autoreset(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that worlds that are over begin anew as Gymnasium says, in the next step or the same one."""
    episode = played.triggered()[0]
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP):
        env: Any = gymnasium.make_vec(episode.environment, num_envs=1, autoreset_mode=mode)
        with closing(env):
            env.reset(seed=[episode.scenario.seed], options={"context": dict(episode.scenario.context)})
            for action in episode.actions:
                *_, terminated, truncated, info = env.step(action[None])
            if not (terminated[0] or truncated[0]):
                yield Finding("an episode does not end where it ended before", "let a reset set everything")
                continue
            if mode == AutoresetMode.SAME_STEP and "final_obs" not in info:
                what = "a world that begins anew in the same step does not say its last observation"
                yield Finding(what, "put final_obs and final_info into the info of that step, as Gymnasium has it")
            *_, terminated, truncated, _ = env.step(episode.actions[:1])
            if terminated[0] or truncated[0]:
                yield Finding(
                    f"a world that is over does not begin anew ({mode.value})", "see Gymnasium's autoreset modes"
                )


def copies(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that a copy and a pickle in mid-episode go on the same."""
    scene = played.scene
    ways: dict[str, Callable[[Any], Any]] = {
        "copied": copy.deepcopy,
        "pickled": lambda env: pickle.loads(pickle.dumps(env)),
    }
    for how, way in ways.items():
        env: Any = make_vector(scene.environment, 2)
        with closing(env):
            actions = _actions(env)
            env.reset(seed=[3, 4])
            for row in actions[: STEPS // 2]:
                env.step(row)
            try:
                other = way(env)
            except Exception as error:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
                yield Finding(f"it cannot be {how} ({reason})", "leave what belongs to a process out of __getstate__")
                continue
            with closing(other):
                if not all(_same(list(env.step(row)), list(other.step(row))) for row in actions[STEPS // 2 :]):
                    yield Finding(f"what is {how} in mid-episode goes on otherwise", "copy all that a step hangs on")


def _acted(env: Any, scene: SceneSpec, seeds: list[int]) -> list[list[Any]]:
    """Return what resets and steps of two worlds return."""
    context = {factor: values[0] for factor, values in scene.context.items()}
    seen, info = env.reset(seed=seeds, options={"context": context})
    said = [[seen, info]]
    for row in _actions(env):
        observations, rewards, terminated, truncated, info = env.step(row)
        said.append([observations, rewards, terminated, truncated, info["trace"]])
    return said


def _actions(env: Any) -> np.ndarray:
    """Return the same random actions each time."""
    env.action_space.seed(1)
    return np.array([env.action_space.sample() for _ in range(STEPS)])


def _same(one: Any, other: Any) -> bool:
    """Return whether two results are equal to the last bit, at every depth."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return np.array_equal(np.asarray(one), np.asarray(other), equal_nan=np.asarray(one).dtype.kind == "f")
