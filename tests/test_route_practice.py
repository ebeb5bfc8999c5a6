"""Routes that ask the teacher or practise."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from route_cases import (
    CONTINUOUS,
    DISCRETE,
    MERGE,
    PRACTICE,
    SHORT,
    decisions,
    same,
    scenes,
    source,
)

from testbed.distillation.config import Training
from testbed.distillation.journal import Journal
from testbed.distillation.reinforcement.discriminator import Discriminators
from testbed.distillation.reinforcement.stage import Step
from testbed.distillation.routes.adversarial import CLONING_RATE, Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.policies.network import GAUSSIAN, NetworkPolicy, random_arrays
from testbed.protocols.episode import Behaviour
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.seeding import generator

# On-policy rounds.


class Asked(NetworkPolicy):
    """Remembers what it was asked about."""

    def act(self, observations):
        log.append(observations)
        return super().act(observations)

    def parameters(self, observations):
        log.append(observations)
        return super().parameters(observations)


log: list[np.ndarray] = []


@pytest.mark.parametrize(("chosen", "answer"), [(Cloning, "act"), (KL, "parameters")])
def test_a_round_adds_the_teachers_answers_where_the_student_went(chosen, answer, merges):
    """To the byte: of the round's student, in the round's scenes; what follows is trained on both."""
    log.clear()
    asked: list[tuple[str, int]] = []
    first, teacher = merges[0], Asked(MERGE, merges[0].teacher.arrays)
    given = replace(first, teacher=teacher, scenes=lambda *wanted: asked.append(wanted) or scenes(*wanted))
    (student,) = chosen(SHORT, rounds=1, episodes=3).distil([given], MERGE, [3])
    (offline,) = chosen(SHORT).distil([first], MERGE, [3])
    assert asked == [("round-0", 3)] and not same(student, offline)
    visited = transitions(list(play("testbed/Merge-v0", scenes("round-0", 3), [(offline, Behaviour("student"))])))
    np.testing.assert_array_equal(log[-1], visited.observations)
    both = decisions(
        np.concatenate([first.decisions.observations, visited.observations]),
        np.concatenate([first.decisions.actions, first.teacher.act(visited.observations)]),
        lengths=np.concatenate([first.decisions.lengths, visited.lengths]),
    )
    (expected,) = chosen(SHORT).distil([replace(first, decisions=both)], MERGE, [3])
    for name in MERGE.shapes:
        np.testing.assert_allclose(student.arrays[name], expected.arrays[name], atol=1e-4)


# Adversarial.


def test_what_practice_begins_with(merges):
    """Where no start is given: what so many steps of cloning make, or a fresh network."""
    none = replace(PRACTICE, iterations=0)
    begin = lambda cloned: Adversarial(none, cloned=cloned).distil(merges[:1], MERGE, [3])[0]  # noqa: E731
    assert same(begin(50), Cloning(Training(50, learning_rate=CLONING_RATE)).distil(merges[:1], MERGE, [3])[0])
    fresh = random_arrays(MERGE, generator(3, "weights"))
    assert all((begin(0).arrays[name] == fresh[name]).all() for name in MERGE.shapes if name not in ("mean", "std"))


def test_the_discriminator_learns_beside_the_student(merges, tmp_path):
    """Its loss and accuracy are in the curve, which is JSON to the letter: no NaN where no episode came to its end."""
    Adversarial(PRACTICE).distil(merges[:1], MERGE, [3], journal=Journal(tmp_path))
    lines = (tmp_path / "curve.jsonl").read_text().splitlines()
    curve = [json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON")) for line in lines]
    assert [line["step"] for line in curve] == [1, 2, 3]
    assert all({"reward", "discriminator loss", "discriminator accuracy"} <= line.keys() for line in curve)
    assert curve[2]["discriminator loss"] < curve[0]["discriminator loss"]


@pytest.mark.parametrize("reward", ["gail", "airl"])
@pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=lambda config: config.head)
def test_what_looks_demonstrated_is_paid_more(reward, config):
    """The demonstrator does as it should, the student something else; after a while the right action pays more, and
    a discriminator that went on from what was kept pays the same."""
    given = source(config)
    shown, other = given.decisions, given.values.decisions.actions
    normaliser = {"mean": shown.observations.mean(0), "std": shown.observations.std(0)}
    students = [NetworkPolicy(config, random_arrays(config, np.random.default_rng(k)) | normaliser) for k in range(2)]
    judges, again = (Discriminators(students, [shown] * 2, reward, [0, 1]) for _ in range(2))
    twice = lambda rows: np.concatenate([rows, rows])  # noqa: E731
    nothing = np.zeros(2400)
    step = Step(*map(twice, (shown.observations, other, shown.observations)), nothing, nothing > 0, nothing > 0, {})
    normalised = torch.from_numpy((shown.observations - normaliser["mean"]) / normaliser["std"]).expand(2, -1, -1)
    acted = torch.from_numpy(other).expand(2, *other.shape)
    found = [judges.learn(normalised, acted) for _ in range(8)]
    again.restore(deepcopy(judges.state()))
    assert found[-1]["discriminator loss"] < found[0]["discriminator loss"] - 0.1
    assert found[-1]["discriminator accuracy"] > found[0]["discriminator accuracy"] + 0.1
    wrong = (other != shown.actions) if config.head != GAUSSIAN else np.abs(other - shown.actions).max(1) > 0.5
    right, paid = judges.of(replace(step, actions=twice(shown.actions))), judges.of(step)
    assert ((right > paid).reshape(2, -1)[:, wrong].mean(1) > 0.8).all() and not (paid[:1200] == paid[1200:]).all()
    assert judges.learn(normalised, acted) == again.learn(normalised, acted)
    assert (judges.of(step) == again.of(step)).all() and (reward == "airl" or (paid >= 0).all())
