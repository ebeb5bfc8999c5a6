"""Gymnasium environments. Each id exists as one scene (`make`) and as a batch (`make_vec`)."""

from gymnasium.envs.registration import register, registry


def register_environments() -> None:
    """Register every environment of the testbed under `testbed/<Name>-v0` (safe to call twice)."""
    if "testbed/Merge-v0" not in registry:
        register(
            id="testbed/Merge-v0",
            entry_point="testbed.envs.driving.merge:MergeEnv",
            vector_entry_point="testbed.envs.driving.vector:make_merge_vector",
        )
