"""Zip files of Stable-Baselines3, read without it: actions are those of its own `predict`."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import A2C, DDPG, DQN, PPO, SAC, TD3
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from testbed.errors import UserError
from testbed.policies.formats.sb3 import load_sb3
from testbed.policies.formats.vecnormalize import load_vecnormalize

SIZE = 7
LOW, HIGH = np.array([-2.0, 0.0, -1.0], np.float32), np.array([2.0, 0.5, 1.0], np.float32)
ALGORITHMS = PPO, A2C, DQN, SAC, TD3, DDPG
ACTIVATIONS = [
    "ReLU",
    "Tanh",
    "ELU",
    "LeakyReLU",
    "SiLU",
    "GELU",
    "Sigmoid",
    "Softplus",
    "Softsign",
    "ReLU6",
    "Hardtanh",
]


class Numbers(gymnasium.Env):
    """Shows random numbers."""

    observation_space = spaces.Box(-np.inf, np.inf, (SIZE,), np.float32)

    def __init__(self, discrete: bool) -> None:
        self.action_space = spaces.Discrete(4) if discrete else spaces.Box(LOW, HIGH)
        self.rng = np.random.default_rng(3)

    def reset(self, *, seed=None, options=None):
        return self._seen(), {}

    def step(self, action):
        return self._seen(), 0.0, False, False, {}

    def _seen(self):
        return (5 + 3 * self.rng.normal(size=SIZE)).astype(np.float32)


def kwargs(activation: str | None = None, **more):
    return more if activation is None else more | {"activation_fn": getattr(torch.nn, activation)}


CASES = {
    **{f"{kind.__name__}-default": (kind, kind in (A2C, DQN), {}, {}) for kind in ALGORITHMS},
    "PPO-discrete": (PPO, True, {}, {}),
    **{f"PPO-{name}": (PPO, False, kwargs(name), {}) for name in ACTIVATIONS},
    **{f"{kind.__name__}-ELU": (kind, kind is DQN, kwargs("ELU", net_arch=[16, 8]), {}) for kind in ALGORITHMS},
    "PPO-box": (PPO, False, {}, {}),
    "A2C-no-hidden": (A2C, True, kwargs(net_arch=[]), {}),
    "PPO-apart": (PPO, False, kwargs(net_arch={"pi": [8], "vf": [32, 32]}), {}),
    "PPO-gsde": (PPO, False, {}, {"use_sde": True}),
    "PPO-gsde-squashed": (PPO, False, kwargs(squash_output=True), {"use_sde": True}),
    "SAC-gsde": (SAC, False, {}, {"use_sde": True}),
    "SAC-gsde-unclipped": (SAC, False, kwargs(clip_mean=0.0), {"use_sde": True}),
}  # fmt: skip


def saved(folder: Path, case: str):
    """Return a model that was never trained, but whose last layer is not near nothing, and its file."""
    kind, discrete, arguments, more = CASES[case]
    model = kind("MlpPolicy", Numbers(discrete), policy_kwargs=arguments, seed=1, device="cpu", **more)
    with torch.no_grad():
        for parameter in model.policy.parameters():
            parameter.add_(
                0.5
                / parameter.shape[-1] ** 0.5
                * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel()))
            )
    model.save(folder / "model.zip")
    return model, folder / "model.zip"


@pytest.mark.parametrize("case", CASES)
def test_actions_are_those_of_predict(case, tmp_path):
    model, file = saved(tmp_path, case)
    seen = np.random.default_rng(5).normal(0, 3, (1000, SIZE)).astype(np.float32)
    theirs, _ = model.predict(seen, deterministic=True)
    ours = load_sb3(file).act(seen)
    assert ours.shape == theirs.shape
    # sums of 400 products in single precision, in whatever order a processor takes them
    assert np.abs(ours - theirs).max() <= 1e-5 * max(1.0, np.abs(theirs).max())
    assert len(np.unique(theirs.round(3), axis=0)) > 2  # it does not do the same whatever it sees


@pytest.mark.parametrize("settings", [{}, {"clip_obs": 1.5}, {"epsilon": 0.3}, {"norm_obs": False}], ids=str)
def test_a_normaliser_is_that_of_vecnormalize(settings, tmp_path):
    around = VecNormalize(DummyVecEnv([lambda: Numbers(True)]), **settings)
    around.reset()
    for _ in range(50):
        around.step([0])
    around.save(str(tmp_path / "v.pkl"))
    seen = np.random.default_rng(6).normal(5, 4, (200, SIZE)).astype(np.float32)
    ours = load_vecnormalize(tmp_path / "v.pkl")
    given = seen if ours is None else ours(seen)
    assert (ours is None) == (settings == {"norm_obs": False})
    np.testing.assert_allclose(given, around.normalize_obs(seen), rtol=1e-6, atol=1e-7)


def altered(file: Path, change) -> Path:
    """Write a copy of a zip file whose settings were changed."""
    copy = file.with_name("altered.zip")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(copy, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "data":
                told = json.loads(data)
                change(told)
                data = json.dumps(told)
            new.writestr(name, data)
    return copy


@pytest.fixture(scope="module")
def ppo(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("ppo"), "PPO-box")[1]


@pytest.mark.parametrize(("change", "words"), [
    (lambda told: told.pop("policy_class"), "no entry 'policy_class'"),
    (lambda told: told.update(policy_class={":type:": "x", ":serialized:": "####"}), "cannot be read"),
    (lambda told: told.update(policy_class={":serialized:": "gAWVBAAAAAAAAACMAWGULg=="}), "no such"),
    (lambda told: told.update(policy_kwargs={"features_extractor_class": 3}), "features extractor"),
    (lambda told: told.update(policy_kwargs={"lstm_hidden_size": 3}), "lstm_hidden_size"),
    (lambda told: told.update(action_space={"n": 3}), "action space"),
])  # fmt: skip
def test_settings_that_are_not_known_are_named(ppo, change, words):
    with pytest.raises(UserError) as error:
        load_sb3(altered(ppo, change))
    assert words in str(error.value) and "\n" not in str(error.value) and str(ppo.parent) in str(error.value)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    model, _ = saved(tmp_path, "PPO-box")
    with torch.no_grad():
        model.policy.action_net.weight[0, 0] = np.nan
    model.save(tmp_path / "nan.zip")
    with pytest.raises(UserError, match="NaN"):
        load_sb3(tmp_path / "nan.zip")
