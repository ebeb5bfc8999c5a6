"""The batch form of the merge scene, behind `gymnasium.make_vec`."""

from __future__ import annotations

from functools import partial
from typing import Any

from gymnasium.vector import AutoresetMode, SyncVectorEnv

from testbed.envs.driving.merge import MergeEnv


def make_merge_vector(
    num_envs: int = 1, autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP, **options: Any
) -> SyncVectorEnv:
    """Return `num_envs` merge scenes that step together (Gymnasium's own synchronous form).

    Args:
        num_envs: Number of scenes.
        autoreset_mode: Gymnasium's; `AutoresetMode.DISABLED` leaves resets to the caller.
        options: Passed to `MergeEnv`, for example `render_mode="rgb_array"`.
    """
    scenes = [partial(MergeEnv, **options) for _ in range(num_envs)]
    return SyncVectorEnv(scenes, autoreset_mode=autoreset_mode)
