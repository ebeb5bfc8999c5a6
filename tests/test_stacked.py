"""Stacked training: each student as if trained alone, memories, batches, curves, and what a killed one goes on from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn import numbers
from training_cases import BOTH, CONFIGS, PLAIN, TRAINING, same, samples, trained

from testbed.distillation.batches import BURN_IN, WINDOW, Samples, make_batches
from testbed.distillation.config import Training
from testbed.distillation.normaliser import UNKNOWN
from testbed.distillation.stacked import fresh_weights, stacked_outputs, started_weights
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, random_arrays
from testbed.seeding import generator

# Students.


@pytest.mark.parametrize(("name", "started"), [*((n, False) for n in CONFIGS), ("categorical", True), (BOTH, True)])
def test_stacked_students_are_the_students_trained_alone(name, started):
    """To 1e-5, of two data sets of different size, one of which two students share."""
    config, seeds = CONFIGS[name], [3, 4, 5]
    large, small = samples(config, 0, 17), samples(config, 1, 6)
    data = [large, small, large]
    starts = [NetworkPolicy(config, random_arrays(config, np.random.default_rng(k))) for k in range(3)]
    together = trained(config, data, seeds, starts=starts if started else None)
    assert not same(together[0], together[2])
    for number in range(3):
        rest = {"starts": [starts[number]]} if started else {}
        (alone,) = trained(config, [data[number]], [seeds[number]], **rest)
        assert alone.arrays.keys() == together[number].arrays.keys() == config.shapes.keys()
        for array_name, array in alone.arrays.items():
            np.testing.assert_allclose(together[number].arrays[array_name], array, atol=1e-5, err_msg=array_name)


def test_students_begin_as_they_are_told():
    """At a learning rate of 0 a student is its start, normaliser included, or a fresh network that knows its data."""
    config, still = CONFIGS[BOTH], replace(TRAINING, learning_rate=0.0)
    data, start = samples(config, 0), NetworkPolicy(config, random_arrays(config, np.random.default_rng(8)))
    (student,) = trained(config, [data], [1], still, starts=[start])
    assert same(student, start)
    (student,) = trained(config, [data], [1], still)
    fresh = random_arrays(config, generator(1, "weights"))
    fresh |= {"mean": data.observations.mean(0), "std": data.observations.std(0)}
    assert same(student, NetworkPolicy(config, fresh))
    with pytest.raises(ValueError, match="differ in shape"):
        trained(config, [data], [1], starts=[NetworkPolicy(PLAIN, random_arrays(PLAIN, np.random.default_rng(0)))])


def test_a_number_that_never_changed_stays_unseen_whatever_it_becomes():
    """It is not divided by its deviation, which is 0; and where it does change, nothing untrained is woken."""
    data = samples(PLAIN, 0)
    data.observations[:, 2] = 7.0
    weights = fresh_weights(PLAIN, [data], [0])
    assert (float(weights["mean"][0, 2]), float(weights["std"][0, 2])) == (7.0, UNKNOWN)
    (student,) = trained(PLAIN, [data], [0], Training(steps=20, batch=64))
    otherwise = data.observations.copy()
    otherwise[:, 2] = -50.0
    assert student.parameters(otherwise) == pytest.approx(student.parameters(data.observations), abs=1e-3)


@pytest.mark.parametrize("taught", [True, False])
def test_auxiliary_outputs_learn_beside_the_policy_or_alone(taught):
    """Where they alone are taught, the outputs that drive keep the weights that they began with."""
    config, data, unseen = replace(PLAIN, auxiliary=2), samples(PLAIN, 0), samples(PLAIN, 9)
    answer = lambda seen: np.tanh(seen[:, 1:] / 3 - 1).astype(np.float32)  # noqa: E731
    data = replace(data, auxiliary=answer(data.observations), targets=data.targets if taught else None)
    (student,) = trained(config, [data], [0], Training(steps=400, batch=64, learning_rate=1e-2))
    assert np.abs(student.auxiliary(unseen.observations) - answer(unseen.observations)).mean() < 0.1
    fresh = random_arrays(config, generator(0, "weights"))["layer2.weight"]
    assert (student.arrays["layer2.weight"] == fresh)[:, :4].all() != taught
    assert ((student.act(unseen.observations) == unseen.targets).mean() > 0.95) == taught


# Memory.


def recurrent(seed: int, **changes) -> NetworkPolicy:
    """A policy with a memory and a normaliser of its own."""
    config = replace(CONFIGS["memory"], **changes)
    rng = np.random.default_rng(seed)
    normaliser = {"mean": rng.normal(size=3).astype(np.float32), "std": rng.uniform(1, 2, 3).astype(np.float32)}
    return NetworkPolicy(config, random_arrays(config, rng) | normaliser)


@pytest.mark.parametrize("head", [CATEGORICAL, GAUSSIAN])
def test_the_memory_is_torchs_gated_recurrent_unit(head):
    """Twelve decisions in five episodes that go on together."""
    policy, seen = recurrent(0, head=head, auxiliary=1), numbers(1, 12, 5, 3)
    arrays = {name: torch.from_numpy(array) for name, array in policy.arrays.items()}
    cell = torch.nn.GRUCell(3, 6)
    with torch.no_grad():
        cell.weight_ih.copy_(arrays["input.weight"].T)
        cell.bias_ih.copy_(arrays["input.bias"])
        cell.weight_hh.copy_(arrays["memory.weight"].T)
        cell.bias_hh.copy_(arrays["memory.bias"])
        state, acting = torch.zeros(5, 6), policy.reset(5)
        for observations in seen:
            state = cell((torch.from_numpy(observations) - arrays["mean"]) / arrays["std"], state)
            hidden = torch.relu(state @ arrays["layer0.weight"] + arrays["layer0.bias"])
            outputs = (hidden @ arrays["layer1.weight"] + arrays["layer1.bias"])[:, :4]
            found = acting.parameters(observations)
            np.testing.assert_allclose(acting.state, state, atol=1e-5)
            np.testing.assert_allclose(found[:, :4], outputs, atol=1e-5)


def test_windows_are_the_memory_going_on_decision_by_decision():
    """Of two networks at once; where an episode begins within a window, nothing of the one before it is remembered."""
    policies, seen = [recurrent(0), recurrent(1)], numbers(2, 2, 3, 20, 3)
    firsts = np.zeros((2, 3, 20), np.float32)
    firsts[0, 1, 15] = firsts[1, 0, 0] = firsts[1, 2, 4] = firsts[1, 2, 11] = 1
    weights = started_weights(policies[0].config, policies)
    outputs = stacked_outputs(weights, torch.from_numpy(seen), policies[0].config, torch.from_numpy(firsts))
    outputs = outputs.reshape(2, 3, 20 - BURN_IN, 4)
    for k, policy in enumerate(policies):
        for window in range(3):
            for t in range(20):
                if t == 0 or firsts[k, window, t]:
                    acting = policy.reset(1)
                alone = acting.parameters(seen[k, window, [t]])[0]
                if t >= BURN_IN:
                    np.testing.assert_allclose(outputs[k, window, t - BURN_IN], alone, atol=1e-5)


def test_a_memory_learns_what_is_no_longer_seen():
    """The right action is the sign that was seen one decision ago; a student without a memory has to guess."""
    seen = numbers(0, 4000, 3)
    targets = np.concatenate([[0], (seen[:-1, 0] > 0)]).astype(np.int64)
    data, unseen = Samples(seen, targets, lengths=np.full(100, 40)), numbers(1, 60, 20, 3)
    training = Training(steps=200, batch=256, learning_rate=2e-2)
    right = []
    for memory in (0, 6):
        (student,) = trained(replace(PLAIN, actions=2, memory=memory, hidden=(8,)), [data], [0], training)
        acting = student.reset(20)
        actions = np.stack([acting.act(observations) for observations in unseen])
        right.append((actions[1:] == (unseen[:-1, :, 0] > 0)).mean())
    assert right[0] < 0.6 < 0.9 < right[1]


# Batches.


def numbered(data: int, lengths: list[int]) -> Samples:
    """Samples that say which they are: data set, row, and whether an episode begins there."""
    count = sum(lengths)
    rows, begins = np.arange(count), np.isin(np.arange(count), np.cumsum([0, *lengths[:-1]]))
    seen = np.stack([np.full(count, data), rows, begins], 1).astype(np.float32)
    return Samples(seen, rows + 1000 * data, seen[:, 1:] / 2, np.array(lengths))


def test_batches_are_of_each_students_own_data():
    one, two = numbered(1, [30, 20]), numbered(2, [7])
    orders = [np.random.default_rng(k) for k in range(3)]
    rows = [set(), set(), set()]
    for batch in make_batches(PLAIN, [one, two, one], orders, 16).draw(40):
        assert batch.observations.shape == (3, 16, 3)
        assert (batch.observations[:, :, 0] == torch.tensor([[1], [2], [1]])).all()
        assert (batch.targets == batch.observations[..., 1] + 1000 * batch.observations[..., 0]).all()
        assert (batch.auxiliary == batch.observations[..., 1:] / 2).all()
        for student, found in zip(rows, batch.observations[..., 1].int().tolist(), strict=True):
            student |= set(found)
    assert rows == [set(range(50)), set(range(7)), set(range(50))]


def test_windows_are_decisions_in_a_row_and_say_where_episodes_begin():
    one, two = numbered(1, [30, 20]), numbered(2, [33])
    orders, config = [np.random.default_rng(k) for k in range(2)], CONFIGS["memory"]
    starts = [set(), set()]
    for batch in make_batches(config, [one, two], orders, 48).draw(40):
        seen, counted = batch.observations, batch.observations[:, :, BURN_IN:].flatten(1, 2)
        assert seen.shape == (2, 48 // (WINDOW - BURN_IN), WINDOW, 3)
        assert (seen[..., 1].diff() == 1).all() and (seen[0, ..., 0] == 1).all() and (seen[1, ..., 0] == 2).all()
        assert (batch.firsts == seen[..., 2]).all()
        assert (batch.targets == counted[..., 1] + 1000 * counted[..., 0]).all()
        assert (batch.auxiliary == counted[..., 1:] / 2).all()
        for student, found in zip(starts, seen[:, :, 0, 1].int().tolist(), strict=True):
            student |= set(found)
    assert starts == [set(range(50 - WINDOW + 1)), {0, 1}]


def test_data_that_cannot_be_drawn_from_are_refused():
    orders, whole, config = [np.random.default_rng(0)] * 2, numbered(1, [40]), CONFIGS["memory"]
    with pytest.raises(ValueError, match="lengths"):
        make_batches(config, [replace(whole, lengths=None)], orders[:1], 48)
    with pytest.raises(ValueError, match=f"at least {WINDOW}"):
        make_batches(config, [numbered(1, [20, 11])], orders[:1], 48)
    with pytest.raises(ValueError, match="or none"):
        make_batches(PLAIN, [whole, replace(whole, targets=None)], orders, 48)
