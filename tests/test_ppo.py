"""Practice: what k policies learn at once is what SB3's PPO makes of each, from its acting to its gradient steps."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv

from testbed.distillation.config import PPOConfig
from testbed.distillation.losses.policy_gradient import clipped_surrogate, generalised_advantages, standardised
from testbed.distillation.optimiser import Adam
from testbed.distillation.reinforcement import ppo
from testbed.distillation.reinforcement.actor_critic import ActorCritics
from testbed.distillation.reinforcement.stage import Stage, TaskReward
from testbed.distillation.teachers.sb3 import action_space, export_actor, import_actor, policy_arguments
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Scenario
from testbed.seeding import generator

CONFIGS = {
    "merge": PolicyConfig("testbed/Merge-v0", 56, 5, (24, 16), CATEGORICAL),
    "order-picking": PolicyConfig("testbed/OrderPicking-v0", 44, 4, (16, 16), GAUSSIAN),
}
PRACTICE = PPOConfig(
    iterations=1, worlds=3, steps=40, epochs=2, batch=48, learning_rate=5e-3, discount=0.9, smoothing=0.8, entropy=0.02
)
"""A batch of 48 does not go into 120 decisions: the last one of an epoch has 24."""
SCENES = [[Scenario(seed) for seed in range(first, first + 4)] for first in (10, 50)]
SEEDS = 3, 8


def starts(config: PolicyConfig) -> list[NetworkPolicy]:
    """Two policies that act at random and differ in everything, the normaliser too."""
    made = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        arrays = random_arrays(config, rng)
        arrays |= {"mean": rng.normal(size=arrays["mean"].shape), "std": rng.uniform(1, 2, arrays["std"].shape)}
        made.append(NetworkPolicy(config, {name: array.astype(np.float32) for name, array in arrays.items()}))
    return made


class Staged(VecEnv):
    """One learner's worlds, as SB3 wants them; it does what it is told, whatever SB3 would do."""

    render_mode = None

    def __init__(self, config: PolicyConfig, scenes: list[Scenario], start: NetworkPolicy) -> None:
        self.stage, self.scenes, self.start = Stage(config.environment, 1, PRACTICE.worlds), scenes, start
        size = config.observation_size
        super().__init__(PRACTICE.worlds, spaces.Box(-np.inf, np.inf, (size,), np.float32), action_space(config))

    def shown(self, seen: np.ndarray) -> np.ndarray:
        return (seen - self.start.arrays["mean"]) / self.start.arrays["std"]

    def reset(self) -> np.ndarray:
        self.stage.put_on([self.scenes], TaskReward())
        return self.shown(self.stage.observations)

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> tuple:
        step, paid = self.stage.step(self.actions)
        last = self.shown(step.next_observations)
        told = [
            {"terminal_observation": last[world], "TimeLimit.truncated": bool(step.cut[world])} if over else {}
            for world, over in enumerate(step.over)
        ]
        return self.shown(self.stage.observations), paid.astype(np.float32), step.over, told

    def close(self) -> None:
        self.stage.close()

    def get_attr(self, attr_name, indices=None):
        return [None] * self.num_envs

    def set_attr(self, attr_name, value, indices=None):
        raise NotImplementedError

    def env_method(self, method_name, *args, indices=None, **kwargs):
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False] * self.num_envs


def theirs(config: PolicyConfig, scenes: list[Scenario], start: NetworkPolicy, learners: ActorCritics, k: int) -> PPO:
    """SB3's PPO with the same settings, whose actor and critic are those of learner k."""
    model = PPO(
        "MlpPolicy", Staged(config, scenes, start), n_steps=PRACTICE.steps, batch_size=PRACTICE.batch,
        n_epochs=PRACTICE.epochs, gamma=PRACTICE.discount, gae_lambda=PRACTICE.smoothing, ent_coef=PRACTICE.entropy,
        learning_rate=PRACTICE.learning_rate, policy_kwargs=policy_arguments(config), device="cpu",
    )  # fmt: skip
    model.set_logger(Logger(None, []))
    import_actor(model.policy, start)
    critic = [one for one in model.policy.mlp_extractor.value_net if isinstance(one, torch.nn.Linear)]
    with torch.no_grad():
        for layer, module in enumerate([*critic, model.policy.value_net]):
            module.weight.copy_(learners.critics[f"layer{layer}.weight"][k].T)
            module.bias.copy_(learners.critics[f"layer{layer}.bias"][k])
    return model


def told_to_do(model: PPO, actions: np.ndarray) -> None:
    """Let SB3's policy draw the given actions, one row a decision, instead of others."""
    policy, rows = model.policy, iter(torch.from_numpy(actions))

    def forward(observations, deterministic=False):
        action = next(rows)
        values, likelihood, _ = policy.evaluate_actions(observations, action)
        return action, values, likelihood

    policy.forward = forward


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("cut", [False, True], ids=["", "the time limit ends all"])
@pytest.mark.parametrize("name", CONFIGS)
def test_an_iteration_is_sb3s(name, cut, monkeypatch):
    """Of each of two learners: what it is paid and what that comes to, and every weight after all gradient steps."""
    config = CONFIGS[name]
    learners, given = ActorCritics(starts(config), SEEDS), starts(config)
    optimiser = Adam(learners.weights.values(), PRACTICE.learning_rate, epsilon=ppo.EPSILON, longest=ppo.LONGEST)
    models = [theirs(config, SCENES[k], given[k], learners, k) for k in range(2)]
    with closing(Stage(config.environment, 2, PRACTICE.worlds)) as stage:
        if cut:  # every scene is over after seven decisions
            for env in (stage.env, *(model.env.stage.env for model in models)):
                end_early(env, monkeypatch)
        stage.put_on(SCENES, TaskReward())
        done = ppo.collect(learners, stage, PRACTICE, [generator(seed, "acting") for seed in SEEDS])
        ppo.improve(learners, optimiser, done, PRACTICE, [generator(seed, "order") for seed in SEEDS])
    for k, model in enumerate(models):
        by_step = lambda one: one.detach().numpy().reshape(PRACTICE.steps, PRACTICE.worlds, *one.shape[1:])  # noqa: E731
        told_to_do(model, by_step(done.actions[k]))
        order, buffer = generator(SEEDS[k], "order"), model.rollout_buffer
        # SB3 goes through the worlds one after the other, and ours through the decisions.
        place = np.arange(PRACTICE.steps * PRACTICE.worlds).reshape(PRACTICE.worlds, PRACTICE.steps).T.ravel()
        monkeypatch.setattr(np.random, "permutation", lambda n, order=order, place=place: place[order.permutation(n)])
        model.learn(PRACTICE.steps * PRACTICE.worlds)
        shape = (PRACTICE.worlds, PRACTICE.steps)
        for what, ours in (("advantages", done.advantages), ("returns", done.returns)):
            found = getattr(buffer, what).reshape(shape).T
            np.testing.assert_allclose(found, by_step(ours[k]), atol=1e-5, err_msg=what)
        policy = export_actor(config, model.policy, (given[k].arrays["mean"], given[k].arrays["std"]), cut=True)
        ours, moved = learners.policies()[k], 0.0
        for array in config.shapes:
            np.testing.assert_allclose(ours.arrays[array], policy.arrays[array], atol=1e-5, err_msg=array)
            moved = max(moved, np.abs(ours.arrays[array] - given[k].arrays[array]).max())
        assert moved > 1e-3
        critic = [one for one in model.policy.mlp_extractor.value_net if isinstance(one, torch.nn.Linear)]
        for layer, module in enumerate([*critic, model.policy.value_net]):
            weight, bias = (learners.critics[f"layer{layer}.{part}"][k].detach() for part in ("weight", "bias"))
            torch.testing.assert_close(module.weight.detach().T, weight, atol=1e-5, rtol=0)
            torch.testing.assert_close(module.bias.detach(), bias, atol=1e-5, rtol=0)


def end_early(env, monkeypatch, after: int = 7) -> None:
    """Let every scene of a batch be over by the time limit after some decisions, at whatever decision it is."""
    step, reset, taken = env.step, env.reset, np.zeros(env.num_envs, int)

    def begun(seed=None, options=None):
        taken[options["reset_mask"]] = 0
        return reset(seed=seed, options=options)

    def stepped(actions):
        taken[:] += 1
        seen, rewards, terminated, truncated, info = step(actions)
        return seen, rewards, terminated, truncated | (taken >= after), info

    monkeypatch.setattr(env, "step", stepped)
    monkeypatch.setattr(env, "reset", begun)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_learner_is_the_same_in_any_company(name):
    """To the last bit where the arithmetic is the same; at least to rounding."""
    config = CONFIGS[name]
    scenes = [lambda purpose, count, mine=mine: mine for mine in SCENES]
    practice = replace(PRACTICE, iterations=2)
    together = ppo.practise(starts(config), scenes, TaskReward(), practice, SEEDS)
    for k in range(2):
        (alone,) = ppo.practise(starts(config)[k : k + 1], scenes[k : k + 1], TaskReward(), practice, SEEDS[k : k + 1])
        for array in config.shapes:
            np.testing.assert_allclose(together[k].arrays[array], alone.arrays[array], atol=1e-5, err_msg=array)


def test_drawn_actions_are_as_often_as_they_are_likely():
    """Of 20,000 draws at one observation, and of a Gaussian head mean and deviation."""
    rng = np.random.default_rng(0)
    for name in CONFIGS:
        config = replace(CONFIGS[name], observation_size=3)
        learners = ActorCritics(starts(config), SEEDS)
        seen = torch.ones(2, 20_000, 3)
        shape = (2, 20_000) if config.head == CATEGORICAL else (2, 20_000, 4)
        drawn = rng.random(shape, np.float32) if config.head == CATEGORICAL else rng.standard_normal(shape, np.float32)
        with torch.no_grad():
            actions, likelihoods = learners.act(seen, torch.from_numpy(drawn))
            again, entropy = learners.likelihood(seen, actions)
        torch.testing.assert_close(likelihoods, again)
        torch.testing.assert_close(-likelihoods.mean(1), entropy[:, 0], atol=0.04, rtol=0)
        if config.head == CATEGORICAL:
            for k in range(2):
                often = np.bincount(actions[k], minlength=5) / 20_000
                likely = [float(likelihoods[k][actions[k] == action][0].exp()) for action in range(5)]
                np.testing.assert_allclose(often, likely, atol=0.015)
                assert np.isclose(sum(likely), 1, atol=1e-5)


def test_the_surrogate_by_hand():
    """Ratios 1.5 and 0.5 of decisions that were better and worse than expected, cut at 1.2 and 0.8."""
    ratio = torch.tensor([[1.5, 1.5, 0.5, 0.5]]).log()
    advantages = torch.tensor([[2.0, -2.0, 2.0, -2.0]])
    found = clipped_surrogate(ratio, advantages, 0.2)
    assert found.tolist() == pytest.approx([-(1.2 * 2 - 1.5 * 2 + 0.5 * 2 - 0.8 * 2) / 4])
    assert standardised(torch.tensor([[3.0]])).tolist() == [[3.0]]
    assert standardised(torch.tensor([[1.0, 3.0]])).tolist() == [pytest.approx([-(0.5**0.5), 0.5**0.5])]


def test_advantages_by_hand():
    """Three decisions, the second of which ends an episode: what comes after it does not count."""
    rewards, values, over = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0, 7.0]), torch.tensor([0.0, 1, 0])
    last = 3 + 0.5 * 7 - 6
    second = 2 - 5
    first = 1 + 0.5 * 5 - 4 + 0.5 * 0.25 * second
    found = generalised_advantages(rewards, values, over, 0.5, 0.25)
    assert found.tolist() == pytest.approx([first, second, last])
