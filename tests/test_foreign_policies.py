"""SB3's policies as ours: the same policy, or a refusal that says what it has and ours have not."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.policies import ActorCriticCnnPolicy, ActorCriticPolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor, FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from torch import nn

from testbed.distillation.teachers.sb3 import action_space, export_actor, observation_space
from testbed.errors import UserError
from testbed.policies.network import GAUSSIAN, PolicyConfig

DISCRETE = PolicyConfig("testbed/Merge-v0", 5, 4, (16, 8))
CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 5, 3, (16, 8), GAUSSIAN)
BOTH = pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=lambda config: config.head)


class World(gymnasium.Env):
    """Numbers of very different sizes to see, and nothing to win."""

    def __init__(self, config: PolicyConfig, limit: float = np.inf) -> None:
        self.observation_space = spaces.Box(-limit, limit, (config.observation_size,), np.float32)
        self.action_space = action_space(config)
        self.scale = np.logspace(-2, 1, config.observation_size)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._seen(), {}

    def step(self, action):
        return self._seen(), 0.0, False, self.np_random.random() < 0.1, {}

    def _seen(self) -> np.ndarray:
        seen = self.scale * (1 + self.np_random.normal(size=len(self.scale)))
        return np.clip(seen, self.observation_space.low, self.observation_space.high).astype(np.float32)


class Wide(FlattenExtractor):
    """Has weights of its own."""

    def __init__(self, observation_space):
        BaseFeaturesExtractor.__init__(self, observation_space, 7)
        self.layer = nn.Linear(observation_space.shape[0], 7)

    def forward(self, observations):
        return self.layer(observations)


class Doubled(ActorCriticPolicy):
    """Somebody's own class."""


def sb3(config: PolicyConfig, kind=ActorCriticPolicy, space=None, actions=None, **options) -> ActorCriticPolicy:
    torch.manual_seed(0)
    options = {"net_arch": list(config.hidden), "activation_fn": nn.ReLU, "log_std_init": -0.5} | options
    policy = kind(space or observation_space(config), actions or action_space(config), lambda _: 1e-3, **options)
    with torch.no_grad():
        if isinstance(policy.action_net, nn.Linear):
            policy.action_net.weight.mul_(100)  # SB3 begins with next to nothing there
    return policy


def seen(config: PolicyConfig, scale: float = 3.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0, scale, (500, config.observation_size)).astype(np.float32)


# Converted.


@BOTH
@pytest.mark.parametrize(
    "options",
    [{}, {"share_features_extractor": False}, {"ortho_init": False}, {"net_arch": {"pi": [16, 8], "vf": [4]}}],
)
def test_a_policy_with_relu_is_converted(config, options):
    """SB3's own deterministic actions, whatever the critic and how it began; nothing random is used up."""
    policy = sb3(config, **options)
    state = torch.get_rng_state()
    ours = export_actor(config, policy)
    assert (torch.get_rng_state() == state).all() and policy.training
    np.testing.assert_allclose(ours.act(seen(config)), policy.predict(seen(config), deterministic=True)[0], atol=1e-4)


@BOTH
@pytest.mark.parametrize("algorithm", [PPO, A2C])
def test_a_model_and_its_vecnormalize_are_converted(config, algorithm):
    """Trained behind a VecNormalize that never cuts off: ours acts on what the environment shows."""
    env = VecNormalize(DummyVecEnv([lambda: World(config)]), clip_obs=np.inf)
    shape = {"net_arch": list(config.hidden), "activation_fn": nn.ReLU, "log_std_init": -0.5}
    model = algorithm("MlpPolicy", env, n_steps=64, policy_kwargs=shape, seed=0).learn(256)
    with torch.no_grad():
        model.policy.action_net.weight.mul_(100)
    shown = env.obs_rms.mean + np.sqrt(env.obs_rms.var) * seen(config)
    expected = model.predict(env.normalize_obs(shown), deterministic=True)[0]
    for ours in (export_actor(config, model), export_actor(config, model.policy, env)):
        acted = ours.act(shown.astype(np.float32))
        assert np.isclose(acted, expected, atol=1e-3).mean() > 0.995  # rounding decides between equals
        np.testing.assert_allclose(ours.arrays["mean"], env.obs_rms.mean, rtol=1e-6)
    blind, knowing = (one.parameters(shown.astype(np.float32)) for one in (export_actor(config, model.policy), ours))
    assert np.abs(blind - knowing).max() > 1  # a policy by itself does not know of it


def test_a_vecnormalize_that_cannot_cut_off_is_converted_and_one_that_leaves_observations_alone_is_none():
    env = DummyVecEnv([lambda: World(DISCRETE, limit=4.0)])
    far = VecNormalize(env, clip_obs=10.0)
    far.obs_rms.mean, far.obs_rms.var = np.full(5, 1.0), np.full(5, 0.26)  # (4 + 1) / 0.51 = 9.8
    policy = sb3(DISCRETE, space=env.observation_space)
    assert export_actor(DISCRETE, policy, far).arrays["mean"].tolist() == [1.0] * 5
    far.obs_rms.var = np.full(5, 0.2)  # 11.2
    with pytest.raises(UserError, match=r"VecNormalize cuts .* off at 10, and 11.2 may come.*`normaliser`"):
        export_actor(DISCRETE, policy, far)
    assert export_actor(DISCRETE, policy, VecNormalize(env, norm_obs=False)).arrays["std"].tolist() == [1.0] * 5


def test_deviations_beyond_ours_are_cut_off_only_where_that_is_meant():
    policy = sb3(CONTINUOUS, log_std_init=0.6)
    with pytest.raises(UserError, match=r"log_std is .* ours is within -3 to 0.5"):
        export_actor(CONTINUOUS, policy)
    assert (export_actor(CONTINUOUS, policy, cut=True).arrays["log_std"] == 0.5).all()


# Refused.

IMAGE = spaces.Box(0, 255, (3, 64, 64), np.uint8)
REFUSED = {
    "Tanh": lambda: (DISCRETE, sb3(DISCRETE, activation_fn=nn.Tanh)),
    "layer ELU": lambda: (CONTINUOUS, sb3(CONTINUOUS, activation_fn=nn.ELU)),
    "features extractor is a Wide": lambda: (DISCRETE, sb3(DISCRETE, features_extractor_class=Wide)),
    "gSDE": lambda: (CONTINUOUS, sb3(CONTINUOUS, use_sde=True)),
    "gSDE or squashes": lambda: (CONTINUOUS, sb3(CONTINUOUS, use_sde=True, squash_output=True)),
    "is a ActorCriticCnnPolicy": lambda: (DISCRETE, sb3(DISCRETE, ActorCriticCnnPolicy, IMAGE)),
    "is a Doubled": lambda: (DISCRETE, sb3(DISCRETE, Doubled)),
    "Box of 5 numbers": lambda: (DISCRETE, sb3(DISCRETE, space=spaces.Box(-1, 1, (6,)))),
    "it sees Discrete": lambda: (DISCRETE, sb3(DISCRETE, space=spaces.Discrete(5))),
    "4 discrete ones": lambda: (DISCRETE, sb3(DISCRETE, actions=spaces.Discrete(5))),
    "3 continuous ones": lambda: (CONTINUOUS, sb3(CONTINUOUS, actions=spaces.Discrete(3))),
    "4 discrete ones from 0": lambda: (DISCRETE, sb3(DISCRETE, actions=spaces.MultiDiscrete([2, 2]))),
    "within -1 to 1": lambda: (CONTINUOUS, sb3(CONTINUOUS, actions=spaces.Box(-2, 2, (3,)))),
    r"layers have \(5, 16, 8, 4\) units": lambda: (replace(DISCRETE, hidden=(16,)), sb3(DISCRETE)),
    r"of the given config \(5, 8, 16, 4\)": lambda: (replace(DISCRETE, hidden=(8, 16)), sb3(DISCRETE)),
    "memory or auxiliary": lambda: (replace(DISCRETE, memory=4), sb3(DISCRETE)),
    "not float32": lambda: (DISCRETE, sb3(DISCRETE).double()),
    "is a DQNPolicy": lambda: (DISCRETE, DQN("MlpPolicy", World(DISCRETE), buffer_size=10)),
    "is a SACPolicy": lambda: (CONTINUOUS, SAC("MlpPolicy", World(CONTINUOUS), buffer_size=10).policy),
    "is a Linear": lambda: (DISCRETE, nn.Linear(5, 4)),
}  # fmt: skip


@pytest.mark.parametrize("says", REFUSED)
def test_what_ours_have_not_is_refused_by_name(says):
    config, policy = REFUSED[says]()
    with pytest.raises(UserError, match=says) as caught:
        export_actor(config, policy)
    assert "\n" not in str(caught.value)


def normalised_layer(policy: ActorCriticPolicy) -> None:
    policy.mlp_extractor.policy_net.insert(1, nn.LayerNorm(16))


def another_order(policy: ActorCriticPolicy) -> None:
    policy.mlp_extractor.policy_net = nn.Sequential(*list(policy.mlp_extractor.policy_net)[:3])


def another_way(policy: ActorCriticPolicy) -> None:
    """Looks like any other, and is not."""
    policy.mlp_extractor.policy_net.register_forward_hook(lambda module, given, found: found + 0.01)


@pytest.mark.parametrize(
    ("change", "says"),
    [(normalised_layer, "layer LayerNorm"), (another_order, "layers have"), (another_way, "acts otherwise at 1000")],
)
@BOTH
def test_a_policy_that_was_changed_afterwards_is_refused(change, says, config):
    policy = sb3(config)
    change(policy)
    with pytest.raises(UserError, match=says):
        export_actor(config, policy)
