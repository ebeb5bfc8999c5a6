"""Stable-Baselines3 trains on the batch form of a scene, ours or somebody else's, as on any of its own."""

from __future__ import annotations

from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import registry as gymnasium_registry
from stable_baselines3 import PPO, SAC
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from testbed.errors import UserError
from testbed.sb3 import VecEnv
from testbed.scenes import outside
from testbed.scenes.registry import BUILT_IN, make_vector, use

MERGE, PICKING, CORRIDOR = "testbed/Merge-v0", "testbed/OrderPicking-v0", "own/Corridor-v0"


@pytest.fixture(autouse=True)
def corridor_known(monkeypatch) -> Iterator[None]:
    """The corridor is known here, and not afterwards."""
    monkeypatch.setattr(outside, "SCENES", {})
    monkeypatch.setattr(outside, "_plugins_loaded", True)
    before = set(gymnasium_registry)
    use("corridor:SPEC")
    yield
    for name in set(gymnasium_registry) - before:
        del gymnasium_registry[name]


@pytest.mark.filterwarnings("ignore:We recommend you to use a symmetric:UserWarning")
@pytest.mark.parametrize("name", [*BUILT_IN, CORRIDOR])
def test_the_single_form_passes_its_own_check(name):
    check_env(gymnasium.make(name, disable_env_checker=True).unwrapped, skip_render_check=True)


@pytest.mark.parametrize("name", [MERGE, CORRIDOR])
def test_ppo_trains_and_is_told_of_episodes(name):
    env = VecMonitor(VecEnv(name, 16))
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=256, n_epochs=1, seed=0, device="cpu")
    before = model.policy.state_dict()["action_net.weight"].clone()
    model.learn(2 * 16 * 64)
    assert model.num_timesteps == 2048 and not (before == model.policy.state_dict()["action_net.weight"]).all()
    assert len(model.ep_info_buffer) > 16 and set(model.ep_success_buffer) <= {True, False}
    env.close()


def test_sac_trains_where_actions_are_continuous():
    env = VecNormalize(VecEnv(PICKING, 2))
    model = SAC("MlpPolicy", env, learning_starts=10, batch_size=16, buffer_size=100, seed=0, device="cpu")
    before = model.actor.mu.weight.clone()
    model.learn(40)
    assert model.num_timesteps == 40 and not (before == model.actor.mu.weight).all()
    env.close()


def test_what_is_over_says_its_last_observation_and_begins_the_next_scene():
    """As the batch itself says it, world by world."""
    env, alone = VecEnv(CORRIDOR, 3, context={"floor": "dry"}), make_vector(CORRIDOR, 3)
    env.seed(7)
    seen, _ = alone.reset(seed=[7, 8, 9], options={"context": {"floor": "dry"}})
    np.testing.assert_array_equal(env.reset(), seen)
    ends = []
    for step in range(90):
        actions = np.array([2, 1, 0])  # the last one stands until its time is over
        seen, rewards, dones, infos = env.step(actions)
        wanted, paid, terminated, truncated, info = alone.step(actions)
        over = terminated | truncated
        np.testing.assert_array_equal(dones, over)
        np.testing.assert_array_equal(rewards, paid.astype(np.float32))
        for world in np.flatnonzero(over):
            np.testing.assert_array_equal(infos[world]["terminal_observation"], wanted[world])
            assert infos[world]["TimeLimit.truncated"] == truncated[world]
            assert infos[world]["is_success"] == info["success"][world]
            ends.append((world, bool(truncated[world]), step))
        assert all("terminal_observation" not in infos[world] for world in np.flatnonzero(~over))
        if over.any():
            wanted, _ = alone.reset(options={"context": {"floor": "dry"}, "reset_mask": over})
        np.testing.assert_array_equal(seen, wanted)
    assert (2, True, 39) in ends and sum(world == 0 for world, *_ in ends) > 3
    env.close(), alone.close()


def test_options_fix_factors_until_the_next_reset():
    env = VecEnv(CORRIDOR, 20)
    for wanted in ({"floor": "icy"}, {}):
        env.seed(1)
        env.set_options({"context": wanted})
        icy = env.reset()[:, 4]
        assert icy.all() if wanted else not icy.any()  # it is held out: never drawn
    env.close()


def test_mistakes_are_said_in_a_line():
    with pytest.raises(UserError, match="unknown environment"):
        VecEnv("testbed/Nowhere-v0", 2)
    with pytest.raises(UserError, match="num_envs"):
        VecEnv(MERGE, 0)
    with pytest.raises(UserError, match="context floor cannot be"):
        VecEnv(CORRIDOR, 2, context={"floor": "oily"}).reset()
