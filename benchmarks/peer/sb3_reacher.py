"""Train Stable-Baselines3's PPO on Gymnasium's Reacher, in an environment of its own: sb3_reacher.py OUT.zip STEPS."""

import sys

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

if __name__ == "__main__":
    env = make_vec_env("Reacher-v5", n_envs=8, seed=0, env_kwargs={"max_episode_steps": 100})
    model = PPO(
        "MlpPolicy", env, n_steps=256, batch_size=256, gamma=0.97, gae_lambda=0.9, seed=0, device="cpu",
        learning_rate=lambda left: 1e-3 * left, policy_kwargs={"log_std_init": -1.0},
    )  # fmt: skip
    model.learn(int(sys.argv[2]))
    model.save(sys.argv[1])
