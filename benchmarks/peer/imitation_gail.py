"""The half of `imitation.py` that runs in an environment with the `imitation` package; it is started by the other half.

Does what it is asked over a local connection: clones, for speed or for the students, and lets a student practise by
GAIL in the worlds of the process that asks.
"""

from __future__ import annotations

import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from imitation.algorithms.adversarial.gail import GAIL
from imitation.algorithms.bc import BC
from imitation.data.types import Transitions
from imitation.rewards.reward_nets import BasicRewardNet
from imitation.util.logger import HierarchicalLogger, configure
from imitation.util.networks import RunningNorm
from stable_baselines3 import PPO
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecEnv

BLOCK = 50
"""Gradient steps between looks at the clock."""


class Worlds(VecEnv):
    """The worlds of the process that asks, as SB3's vectorised environment; observations come normalised."""

    def __init__(self, connection: Connection, count: int, size: int, actions: int) -> None:
        self.connection, self.size = connection, size
        super().__init__(count, *spaces(size, actions))

    def _asked(self, what: str, content: bytes = b"") -> np.ndarray:
        self.connection.send((what, content))
        return np.frombuffer(self.connection.recv_bytes(), np.float32).reshape(self.num_envs, -1).copy()

    def reset(self) -> np.ndarray:
        """Begin a scene in every world."""
        return self._asked("reset")

    def step_async(self, actions: np.ndarray) -> None:
        """Take the next actions."""
        self.actions = actions

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        """Have them carried out."""
        table = self._asked("step", self.actions.astype(np.int64).tobytes())
        seen, last = table[:, : self.size], table[:, self.size : 2 * self.size]
        rewards, over, truncated = table[:, 2 * self.size :].T
        told: list[dict] = [{} for _ in range(self.num_envs)]
        for world in np.flatnonzero(over):
            told[world] = {"terminal_observation": last[world], "TimeLimit.truncated": bool(truncated[world])}
        return seen, rewards, over.astype(bool), told

    def close(self) -> None:
        """Leave the worlds to their owner."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Return that there is nothing to be seen."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Refuse."""
        raise NotImplementedError

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Refuse."""
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Return that no world is wrapped."""
        return [False] * self.num_envs


def spaces(size: int, actions: int) -> tuple[gymnasium.Space, gymnasium.Space]:
    """Return the spaces of observations and actions."""
    return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32), gymnasium.spaces.Discrete(actions)


def silent() -> HierarchicalLogger:
    """Return a logger that writes nothing."""
    return configure(tempfile.mkdtemp(), [])


def save(policy: ActorCriticPolicy, file: str) -> None:
    """Write the actor's arrays, weights as (in, out)."""
    layers = [module for module in policy.mlp_extractor.policy_net if isinstance(module, torch.nn.Linear)]
    arrays = {}
    for number, layer in enumerate([*layers, policy.action_net]):
        arrays[f"layer{number}.weight"] = layer.weight.detach().numpy().T
        arrays[f"layer{number}.bias"] = layer.bias.detach().numpy()
    np.savez(file, **arrays)


class Peer:
    """What may be asked for."""

    def __init__(self, connection: Connection, file: str) -> None:
        self.connection = connection
        with np.load(file) as data:
            count, self.size, self.actions = *data["obs"].shape, int(data["actions"])
            names = ("obs", "acts", "next_obs", "dones")
            self.shown = Transitions(infos=np.array([{}] * count), **{name: data[name] for name in names})

    def versions(self) -> str:
        """Return what this is."""
        return f"torch {torch.__version__}, Gymnasium {gymnasium.__version__}, NumPy {np.__version__}"

    def _cloning(self, width: int, batch: int, rate: float, seed: int) -> BC:
        set_random_seed(seed)
        sees, does = spaces(self.size, self.actions)
        policy = ActorCriticPolicy(
            sees, does, constant(rate), net_arch=[width, width], activation_fn=torch.nn.ReLU
        )  # fmt: skip
        return BC(
            observation_space=sees, action_space=does, rng=np.random.default_rng(seed), policy=policy,
            demonstrations=self.shown, batch_size=batch, optimizer_kwargs={"lr": rate}, ent_weight=0.0, l2_weight=0.0,
            device="cpu", custom_logger=silent(),
        )  # fmt: skip

    def clone_fast(self, width: int, training: dict[str, Any], threads: int, seconds: float) -> float:
        """Return samples a second of behaviour cloning over at least so many seconds."""
        torch.set_num_threads(threads)
        batch = training["batch"]
        cloning = self._cloning(width, batch, training["learning_rate"], 0)
        cloning.train(n_batches=5, progress_bar=False)
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            cloning.train(n_batches=BLOCK, progress_bar=False)
            done += BLOCK * batch
        return done / (time.perf_counter() - start)

    def clone(self, width: int, training: dict[str, Any], cosine: bool, seed: int, file: str) -> None:
        """Write a student that was cloned for so many gradient steps, whose size may fall to 0 along a cosine."""
        torch.set_num_threads(1)
        cloning = self._cloning(width, training["batch"], training["learning_rate"], seed)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(cloning.optimizer, training["steps"])
        after = schedule.step if cosine else None
        cloning.train(n_batches=training["steps"], on_batch_end=after, progress_bar=False)
        save(cloning.policy, file)

    def train_ppo(
        self, width: int, practice: dict[str, Any], judge: dict[str, Any], seed: int, file: str
    ) -> None:  # fmt: skip
        """Write a student that practised by GAIL."""
        torch.set_num_threads(1)
        set_random_seed(seed)
        env = Worlds(self.connection, practice["worlds"], self.size, self.actions)
        rate, iterations = practice["learning_rate"], practice["iterations"]
        learner = PPO(
            "MlpPolicy", env, n_steps=practice["steps"], batch_size=practice["batch"], n_epochs=practice["epochs"],
            gamma=practice["discount"], gae_lambda=practice["smoothing"], ent_coef=practice["entropy"],
            learning_rate=rate, seed=seed, device="cpu",
            policy_kwargs={"net_arch": [width, width], "activation_fn": torch.nn.ReLU},
        )  # fmt: skip
        reward = BasicRewardNet(
            *spaces(self.size, self.actions), hid_sizes=[judge["width"]] * 2, normalize_input_layer=RunningNorm
        )  # fmt: skip
        trainer = GAIL(
            demonstrations=self.shown, venv=env, gen_algo=learner, reward_net=reward,
            demo_batch_size=judge["batch"], n_disc_updates_per_round=judge["updates"],
            disc_opt_kwargs={"lr": judge["rate"]}, allow_variable_horizon=True, custom_logger=silent(),
        )  # fmt: skip

        def slow_down(done: int) -> None:
            learner.lr_schedule = constant(rate * (1 - (done + 1) / iterations))

        learner.lr_schedule = constant(rate)
        trainer.train(iterations * practice["worlds"] * practice["steps"], slow_down)
        save(learner.policy, file)


def constant(value: float) -> Callable[[float], float]:
    """Return a schedule that does not change."""
    return lambda _: value


def main() -> None:
    """Do what is asked until nobody asks any more."""
    warnings.simplefilter("ignore")
    address, file = sys.argv[1:]
    with Client(address, authkey=bytes.fromhex(sys.stdin.read())) as connection:
        peer = Peer(connection, str(Path(file)))
        while True:
            try:
                name, arguments = connection.recv()
            except EOFError:
                return
            connection.send(("done", getattr(peer, name)(**arguments)))


if __name__ == "__main__":
    main()
