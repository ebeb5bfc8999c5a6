"""Gymnasium environments. Each id exists as one scene (`make`) and as a batch (`make_vec`).

The rooms, from the bottom up: `kernel`, highway-env's equations compiled; `driving`, the two forms
that every driving scene has; `merge` and `crosswalk`, the scenes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gymnasium.envs.registration import register, registry

_SCENES = {"testbed/Crosswalk-v0": "testbed.envs.crosswalk.task", "testbed/Merge-v0": "testbed.envs.merge.task"}


def register_environments() -> None:
    """Register every environment of the testbed under `testbed/<Name>-v0` (safe to call twice)."""
    for name in _SCENES:
        if name not in registry:
            register(
                id=name,
                entry_point="testbed.envs:make_single",
                vector_entry_point="testbed.envs:make_batch",
                kwargs={"name": name},
            )


def scene_of(name: str) -> Any:
    """Return the declared scene (`testbed.envs.driving.scene.Scene`) of a driving environment's id."""
    return import_module(_SCENES[name]).SCENE


def make_single(name: str, **options: Any) -> Any:
    """Return an environment's single form, highway-env's own (`testbed.envs.driving.single.DrivingEnv`)."""
    from testbed.envs.driving.single import DrivingEnv  # highway-env takes a while to import

    return DrivingEnv(scene_of(name), **options)


def make_batch(name: str, **options: Any) -> Any:
    """Return an environment's batch form, the kernel's (`testbed.envs.driving.batch.DrivingVectorEnv`)."""
    from testbed.envs.driving.batch import DrivingVectorEnv

    return DrivingVectorEnv(scene_of(name), **options)
