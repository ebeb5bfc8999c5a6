"""Practice under a constraint: a small problem with a known answer, what is paid by hand, and a real scene."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from testbed.distillation.config import PPOConfig
from testbed.distillation.journal import Journal
from testbed.distillation.losses.lagrangian import Multipliers
from testbed.distillation.reinforcement import stage
from testbed.distillation.reinforcement.constrained import Constrained, Limit
from testbed.distillation.reinforcement.from_scratch import practised
from testbed.distillation.reinforcement.ppo import practise
from testbed.distillation.reinforcement.stage import Stage
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario, Trace
from testbed.protocols.measure import Measure
from testbed.rollouts.rollout import play
from testbed.scenes.registry import get_scene
from testbed.seeding import scenario_seeds

SHAPE = PolicyConfig("testbed/Coins-v0", 2, 2, (8,))


def taken(trace: Trace) -> float:
    return float(trace["taken"][0, 0])


TAKEN = Measure("taken", "coins taken", "coins", taken, "higher", 0.0, 1.0, "by hand")


class Coins:
    """n worlds of one decision each: whoever takes the coin (action 1) is paid 1, and its severity is 1 coin.

    Under the limit that d coins are taken on average, the best that can be done is to take one with probability d; its
    Lagrange multiplier is 1, where both actions are worth the same.
    """

    def __init__(self, environment: str, n: int) -> None:
        self.n = n
        self.metadata = {"trace_units": {"taken": "coins"}, "constant_units": {}, "trace_hz": 1.0}

    def reset(self, seed, options):
        return np.ones((self.n, 2), np.float32), {}

    def step(self, actions):
        over = np.ones(self.n, bool)
        info = {"success": actions == 1, "trace": {"taken": actions.astype(float)[:, None, None]}}
        return np.ones((self.n, 2), np.float32), (actions == 1).astype(float), over, ~over, info

    def close(self) -> None:
        pass


class Noted(Journal):
    """Keeps what is recorded."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Mapping[str, float]] = []

    def record(self, step: int, values: Mapping[str, float]) -> None:
        self.rows.append(dict(values))


def fresh(seed: int) -> NetworkPolicy:
    return NetworkPolicy(SHAPE, random_arrays(SHAPE, np.random.default_rng(seed)))


@pytest.fixture
def coins(monkeypatch):
    monkeypatch.setattr(stage, "make_vector", Coins)


def test_a_constraint_and_its_multiplier_come_to_the_known_answer(coins):
    """Three learners at once, each in worlds of its own; on average over the last half of the iterations."""
    limit, practice = 0.3, PPOConfig(300, 128, steps=2, epochs=4, batch=256, learning_rate=1e-2, entropy=0.02)
    judge, noted = Constrained(Limit(TAKEN, limit), 3, Coins("", 1).metadata), Noted()
    made = practise([fresh(n) for n in range(3)], [lambda *_: [Scenario(0)]] * 3, judge, practice, [0, 1, 2], judge,
                    noted)  # fmt: skip
    last = noted.rows[150:]
    assert np.mean([row["severity"] for row in last]) == pytest.approx(limit, abs=0.03)
    assert np.mean([row["multiplier"] for row in last]) == pytest.approx(1.0, abs=0.05)
    assert len(made) == 3 and len(set(judge.multipliers.values.tolist())) == 3, "each has a multiplier of its own"


def test_a_limit_that_binds_nobody_costs_nothing(coins):
    practice = PPOConfig(iterations=60, worlds=64, steps=2, epochs=4, batch=128, learning_rate=2e-2)
    judge, noted = Constrained(Limit(TAKEN, 1.0), 1, Coins("", 1).metadata), Noted()
    (made,) = practise([fresh(0)], [lambda *_: [Scenario(0)]], judge, practice, [0], judge, noted)
    assert made.act(np.ones((1, 2), np.float32))[0] == 1
    assert max(row["multiplier"] for row in noted.rows) == 0 and noted.rows[-1]["severity"] > 0.95


def test_multipliers_by_hand():
    multipliers = Multipliers(2, 0.5, 1.0)
    charged = multipliers.charged(torch.tensor([3.0, 0.0]), 1.0)
    np.testing.assert_allclose(charged, [2.0, -1.0])
    np.testing.assert_allclose(multipliers.values, [2.0, 0.5])
    multipliers.move(torch.tensor([0.0, -9.0]), 1.0)
    np.testing.assert_allclose(multipliers.values, [1.5, 0.0])
    damped = Multipliers(1, 0.5, 1.0, damping=2.0)
    for cost, expected in ((3.0, 2.0 + 4.0), (1.0, 2.0), (0.0, 0.0)):
        damped.move(torch.tensor([cost]), 1.0)
        np.testing.assert_allclose(damped.values, [expected])
    np.testing.assert_allclose(damped.sums, [1.5], err_msg="damping is of now, and not remembered")


def test_what_is_paid_by_hand():
    """Two learners of two worlds: the second one's multiplier is 3, so its coin is worth (1 - 3 * 0.7) / 4."""
    judge = Constrained(Limit(TAKEN, 0.3), 2, Coins("", 1).metadata, rate=1.0, damping=0.0)
    judge.multipliers.sums = judge.multipliers.values = torch.tensor([0.0, 3.0])
    world = Coins("", 4)
    judge.begin(np.ones(4, bool), *world.reset(0, {}))
    actions = np.array([0, 1, 0, 1])
    _, rewards, over, _, info = world.step(actions)
    step = SimpleNamespace(rewards=rewards, over=over, info=info)
    np.testing.assert_allclose(judge.of(step), [0, 1, 3 * 0.3 / 4, (1 - 3 * 0.7) / 4])
    told = judge.learn(torch.zeros(0), torch.zeros(0))
    assert told == {"severity": 0.5, "multiplier": pytest.approx((0.2 + 3.2) / 2)}
    other = Constrained(Limit(TAKEN, 0.3), 2, Coins("", 1).metadata)
    other.restore(judge.state())
    np.testing.assert_allclose(other.multipliers.values, judge.multipliers.values)


def test_limits_are_in_physical_units_whichever_way_is_worse():
    measures = get_scene("testbed/Merge-v0").measures
    braking, distance = measures["imposed_deceleration"], measures["min_ttc"]
    assert Limit(braking, 3.0).excess(5.0) == pytest.approx(2.0 / abs(braking.severe - braking.minor))
    assert distance.worse == "lower" and Limit(distance, 2.0).excess(1.0) > 0 > Limit(distance, 2.0).excess(3.0)
    assert Limit(distance, 2.0).excess(np.inf) == -10.0


def test_what_is_charged_is_what_a_recording_says():
    """One world plays one scene after the other; severities are those of the same episodes, recorded."""
    environment = "testbed/Merge-v0"
    config = PolicyConfig(environment, 56, 5, (16,))
    driver = NetworkPolicy(config, random_arrays(config, np.random.default_rng(3)))
    measure, scenes = get_scene(environment).measures["min_ttc"], [Scenario(seed) for seed in range(4)]
    played = Stage(environment, 1, 1)
    judge = Constrained(Limit(measure, 1.0), 1, played.env.metadata)
    played.put_on([scenes], judge)
    while len(judge.told[0]) < len(scenes):
        played.step(driver.act(played.observations))
    played.close()
    recorded = play(environment, scenes, [(driver, Behaviour("anybody"))], states=False)
    assert judge.told[0] == [measure.compute(one.trace) for one in recorded]


def test_nobody_teaches_and_the_limit_is_felt():
    """At the merge followers brake less for policies that practise under a limit than for those under none."""
    environment = "testbed/Merge-v0"
    measure = get_scene(environment).measures["imposed_deceleration"]
    practice = PPOConfig(iterations=20, worlds=32, steps=160, epochs=10, batch=1024, learning_rate=1e-3)

    def scenes(purpose: str, count: int) -> list[Scenario]:
        return [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]

    def severity(most: float) -> float:
        noted = Noted()
        practised(PolicyConfig(environment, 56, 5, (32,)), scenes, Limit(measure, most), practice, [0, 1], noted)
        return float(np.mean([row["severity"] for row in noted.rows[-5:]]))

    free, bound = severity(100.0), severity(1.0)
    assert bound < 0.8 * free, (bound, free)
