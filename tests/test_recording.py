"""Gymnasium's recorders, and the final info of an episode."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
import pytest
from asked import every, on_roads, two_worlds
from benches import same
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import RecordVideo
from gymnasium.wrappers.vector import DictInfoToList

from testbed.scenes.registry import (
    environments,
    get_scene,
)


def _last_steps(name: str) -> tuple[Any, Any]:
    """Return the infos of the step in which the second of two worlds ends and starts anew, ours and Gymnasium's."""
    ours = two_worlds(name, autoreset_mode=AutoresetMode.SAME_STEP)
    theirs = gymnasium.make_vec(
        name, num_envs=2, vectorization_mode="sync", vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP}
    )
    ours.reset(seed=1)
    theirs.reset(seed=1)
    zero = np.zeros(ours.action_space.shape, ours.action_space.dtype)
    limit = get_scene(name).task.time_limit * ours.metadata["decision_hz"]
    states = ours.states()
    at = _clock(ours)
    states[1, at] = (limit - 1) * (3 if name in environments("driving") else 1)
    ours.restore(states)
    for env, state in zip(theirs.envs, states, strict=True):
        env.unwrapped.restore(state)
    for _ in range(3):
        said, told = ours.step(zero), theirs.step(zero)
        if (said[2] | said[3]).any():
            assert (said[2] | said[3]).tolist() == (told[2] | told[3]).tolist() == [False, True]
            theirs.close()
            return said[4], told[4]
    raise AssertionError("no episode ended")


def _clock(env: Any) -> int:
    """Return the column of a state that counts the steps of a world."""
    if env.environment in environments("driving"):
        return 0
    memory = env.scene.task_state
    return env.states().shape[1] - memory.itemsize // 8 + memory.names.index("steps")


@every
def test_final_info_is_gymnasiums(name):
    """All that the info of the step says, with a mask beside each part, of both domains; a list can be made of it."""
    ours, theirs = _last_steps(name)
    own, final = {key for key in ours if not key.lstrip("_").startswith("final")}, ours["final_info"]
    assert final.keys() == own | {f"_{key}" for key in own} and {"success", "trace"} <= own
    # What Gymnasium's vector form of the single one says has the state besides, which a batch gives by `states()`.
    assert theirs["final_info"].keys() == final.keys() | {"state", "_state"}
    assert final["trace"].keys() == theirs["final_info"]["trace"].keys()
    over = [False, True]
    _masks_are(final, over)
    assert ours["_final_info"].tolist() == ours["_final_obs"].tolist() == over
    assert final["success"][1] == theirs["final_info"]["success"][1]
    lists = DictInfoToList(two_worlds(name))._convert_info_to_list(ours)
    assert "final_info" not in lists[0] and lists[1]["final_info"].keys() == own
    assert same(lists[1]["final_info"]["trace"], {k: v[1] for k, v in ours["trace"].items()})


def _masks_are(info: Mapping[str, Any], over: list[bool]) -> None:
    for key, value in info.items():
        if isinstance(value, Mapping):
            _masks_are(value, over)
        if key.startswith("_"):
            assert value.tolist() == over
        else:
            assert f"_{key}" in info


@pytest.fixture
def films(monkeypatch) -> list[tuple[int, float]]:
    """Stand in for moviepy, which is not needed otherwise; return frames and frames a second of what is written."""
    made: list[tuple[int, float]] = []

    class ImageSequenceClip:
        def __init__(self, frames: list[np.ndarray], fps: float) -> None:
            made.append((len(frames), fps))
            assert all(frame.dtype == np.uint8 and frame.ndim == 3 for frame in frames)

        def write_videofile(self, *_: Any, **__: Any) -> None:
            """Write nothing."""

    for module in ("moviepy", "moviepy.video", "moviepy.video.io", "moviepy.video.io.ImageSequenceClip"):
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    sys.modules["moviepy.video.io.ImageSequenceClip"].ImageSequenceClip = ImageSequenceClip  # type: ignore[attr-defined]
    return made


@every
def test_recorded_videos_are_as_fast_as_the_scene(name, films, tmp_path):
    """One picture before the first decision, one after each."""
    env = RecordVideo(gymnasium.make(name, render_mode="rgb_array"), str(tmp_path / "films"))
    env.reset(seed=0)
    decisions = 10
    for _ in range(decisions):
        env.step(env.action_space.sample())
    env.close()
    ((frames, fps),) = films
    assert frames == decisions + 1
    assert (frames - 1) / fps == pytest.approx(decisions / env.metadata["decision_hz"])
    assert two_worlds(name).metadata["render_fps"] == env.metadata["render_fps"]


@on_roads
def test_a_recorder_that_highway_env_is_told_of_has_every_simulation_step(name, films, tmp_path):
    """Three times the pictures at three times the rate; steps before it records are no mistake."""
    env = RecordVideo(
        gymnasium.make(name, render_mode="rgb_array"), str(tmp_path / "films"), lambda episode: episode == 1
    )
    env.unwrapped.set_record_video_wrapper(env)
    env.reset(seed=0)
    env.step(1)
    env.reset(seed=0)
    for _ in range(4):
        env.step(1)
    env.close()
    assert films == [(1 + 4 * 3, 15)]
