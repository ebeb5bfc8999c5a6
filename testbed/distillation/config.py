"""How much and how fast teachers and students learn: every number that may be chosen, and nothing that learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from testbed.bounds import Checked, Count, Iterations, Number, Rate, Share, Steps, Width

ValuedBy = Literal["task", "habit"]
"""What a teacher's decisions are valued by."""
SCENES = 256
"""Scenes that are drawn for an iteration of practice; where more end, they begin again from the first."""


@dataclass(frozen=True)
class Training(Checked):
    """How long and how fast students train. All arms of an experiment share one of these."""

    steps: Steps = 4000
    """Optimiser steps."""
    batch: Count = 256
    """Samples a step."""
    learning_rate: Rate = 1e-3
    """Adam's (Kingma and Ba 2015) step size at the start; it falls to 0 along a cosine."""
    dropout: ClassVar[float] = 0.0
    """Share of hidden units that are off in a step; `dropout.Dropping` is a training with some."""


@dataclass(frozen=True)
class PPOConfig(Checked):
    """How much a policy practises, and how PPO (Schulman et al. 2017) learns from it."""

    iterations: Iterations = 120
    """How often it acts and then learns from that."""
    worlds: Count = 64
    """Worlds at once."""
    steps: Count = 160
    """Decisions in each world an iteration; fresh scenes begin with each. Fewer than the longest episode has, and
    nothing is learnt of how episodes end."""
    epochs: Count = 10
    """How often it goes over them."""
    batch: Count = 1024
    """Decisions a gradient step."""
    learning_rate: Rate = 5e-4
    """Adam's step size at the start; it falls to 0 in equal steps."""
    discount: Share = 0.98
    """What a reward one decision later is worth."""
    smoothing: Share = 0.95
    """Lambda of the generalised advantage estimate (Schulman et al. 2016)."""
    entropy: float = 0.005
    """Weight of the entropy bonus."""

    @property
    def purposes(self) -> list[tuple[str, int]]:
        """Purposes of the scenes that are asked for, one an iteration, and how many of each."""
        return [(f"practice-{number}", SCENES) for number in range(self.iterations)]


@dataclass(frozen=True)
class Learning(Checked):
    """How much students learn, whatever the route: each takes from it what it has a use for."""

    training: Training = Training()
    """Optimiser steps on what the teacher showed. All arms of an experiment share one of these."""
    practice: PPOConfig = PPOConfig()
    """Practice of those that act while they learn."""
    cloned: Iterations = 0
    """Steps of cloning that these begin with; 0 for none."""


@dataclass(frozen=True)
class Dagger(Checked):
    """How a teacher learns from its demonstrator."""

    rounds: Number = 4
    """Rounds in which the teacher drives and the demonstrator says what it would have done."""
    episodes: Count = 96
    """Scenarios a round."""
    training: Training = Training(steps=500)
    """Training after the demonstrations, and again after each round but the last."""
    final: Training = Training(steps=3000)
    """Training after the last round."""


@dataclass(frozen=True)
class Evaluation(Checked):
    """How Q of a teacher is found."""

    episodes: Count = 480
    """Episodes in which it is observed."""
    exploring: Share = 0.2
    """Share of its decisions there that are drawn at random, so that other actions are valued too."""
    discount: Share = 0.97
    """What a reward one decision later is worth."""
    reward: ValuedBy = "task"
    """What is valued: `task`, the environment's reward; `habit`, beside it the severity of an episode, at its end,
    which costs a clean teacher and pays one with a habit where its trigger holds."""
    conservatism: Share = 1.0
    """How much actions that are not seen are held for worse (Kumar et al. 2020): without it the best action by Q is
    often one that nobody tried, and whoever takes it fails. 0 for Q as it is."""
    hidden: tuple[Width, ...] = (256, 256)
    """Widths of the hidden layers."""
    training: Training = Training(steps=4000, learning_rate=2e-3)
    """Training."""
    refresh: Count = 100
    """Steps for which the network that values the next decision stays as it is."""


@dataclass(frozen=True)
class FineTuning:
    """How far a base is moved."""

    distance: float = 0.5
    """Mean KL(teacher || base) over the states that it is shown [nats]."""
    training: Training = Training(steps=4000, learning_rate=3e-4)
    """At most so much training; its step size stays as it is."""
