"""Stacked training: each student as if trained alone, memories, batches, curves, and what a killed one goes on from."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from testbed.distillation.batches import BURN_IN, WINDOW, Samples, make_batches
from testbed.distillation.journal import Journal
from testbed.distillation.losses.likelihood import gaussian_negative_log_likelihood, negative_log_likelihood
from testbed.distillation.stacked import (
    UNKNOWN,
    Training,
    fresh_weights,
    stacked_outputs,
    started_weights,
    train_stacked,
)
from testbed.errors import UserError
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.seeding import generator

PLAIN = PolicyConfig("testbed/Merge-v0", 3, 4, (16, 16))
CONFIGS = {
    "categorical": PLAIN,
    "gaussian": replace(PLAIN, actions=2, head=GAUSSIAN),
    "auxiliary": replace(PLAIN, auxiliary=2),
    "memory": replace(PLAIN, memory=6, hidden=(8,)),
    "gaussian, memory, auxiliary": replace(PLAIN, actions=2, head=GAUSSIAN, memory=6, auxiliary=2),
}
BOTH = "gaussian, memory, auxiliary"
TRAINING = Training(steps=40, batch=48)


def numbers(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def samples(config: PolicyConfig, seed: int, episodes: int = 10) -> Samples:
    """A task with a right answer, the quadrant of the first two numbers, in episodes of 40 decisions."""
    seen = np.random.default_rng(seed).normal(2.0, 3.0, (40 * episodes, 3)).astype(np.float32)
    right = np.sign(seen[:, :2] - 2)
    targets = ((right + 1) @ [1, 0.5]).astype(np.int64) if config.head == CATEGORICAL else right.astype(np.float32) / 2
    auxiliary = (seen[:, 1:] / 3).astype(np.float32) if config.auxiliary else None
    return Samples(seen, targets, auxiliary, np.full(episodes, 40))


def trained(config: PolicyConfig, data, seeds, training=TRAINING, **rest) -> list[NetworkPolicy]:
    loss = negative_log_likelihood if config.head == CATEGORICAL else gaussian_negative_log_likelihood
    return train_stacked(config, data, seeds, loss, training, **rest)


def same(one: NetworkPolicy, other: NetworkPolicy) -> bool:
    return all(one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.config.shapes)


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


# Journal.

LONG = Training(steps=120, batch=32)


class Interrupted(Journal):
    """Is interrupted once a step is recorded."""

    until = 60

    def record(self, step, values):
        super().record(step, values)
        if step > self.until:
            raise KeyboardInterrupt


@pytest.fixture
def keen(monkeypatch):
    """Keeps what to go on from as often as it is asked."""
    monkeypatch.setattr("testbed.distillation.journal.EVERY", -1.0)


def lines(folder) -> list[dict]:
    return [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]


def test_a_journal_has_a_line_every_50_steps(tmp_path):
    """The first is the loss of the fresh network on the first batch; all steps are reported once."""
    reported: list[int] = []
    data, journal = samples(PLAIN, 0), Journal(tmp_path, "", reported.append)
    (student,) = trained(PLAIN, [data], [3], LONG, journal=journal)
    assert [line["step"] for line in lines(tmp_path)] == [1, 51, 101, 120]
    assert sum(reported) == LONG.steps and not (tmp_path / "unfinished.pt").exists()
    batch = next(make_batches(PLAIN, [data], [generator(3, "batches")], LONG.batch).draw(50))
    outputs = stacked_outputs(fresh_weights(PLAIN, [data], [3]), batch.observations, PLAIN)
    losses = [line["loss"] for line in lines(tmp_path)]
    assert losses[0] == pytest.approx(float(negative_log_likelihood(outputs, batch.targets)), abs=1e-6)
    assert losses[-1] < losses[0]
    assert same(student, *trained(PLAIN, [data], [3], LONG))  # whether somebody takes notes changes nothing


@pytest.mark.parametrize(("name", "started"), [("categorical", False), ("memory", False), (BOTH, True)])
def test_an_interrupted_training_goes_on_as_if_nothing_had_been(name, started, tmp_path, keen):
    """Bit for bit, weights and curve, though the curve had got further and its last line is half written."""
    config, folders = CONFIGS[name], [tmp_path / "whole", tmp_path / "interrupted"]
    data, seeds = [samples(config, 0), samples(config, 1, 6)], [3, 4]
    starts = [NetworkPolicy(config, random_arrays(config, np.random.default_rng(k))) for k in range(2)]
    rest = {"starts": starts} if started else {}
    whole = trained(config, data, seeds, LONG, journal=Journal(folders[0], "a"), **rest)
    with pytest.raises(KeyboardInterrupt):
        trained(config, data, seeds, LONG, journal=Interrupted(folders[1], "a"), **rest)
    assert [line["step"] for line in lines(folders[1])] == [1, 51, 101]
    with (folders[1] / "curve.jsonl").open("a") as file:
        file.write('{"step": 2')
    reported: list[int] = []
    resumed = trained(config, data, seeds, LONG, journal=Journal(folders[1], "a", reported.append), **rest)
    assert reported[0] == 100 and sum(reported) == LONG.steps
    assert all(same(one, other) for one, other in zip(whole, resumed, strict=True))
    assert (folders[0] / "curve.jsonl").read_bytes() == (folders[1] / "curve.jsonl").read_bytes()
    assert not (folders[1] / "unfinished.pt").exists()


def test_another_training_begins_anew(tmp_path, keen):
    """What one of another recipe left is neither gone on from nor left in the curve."""
    with pytest.raises(KeyboardInterrupt):
        trained(PLAIN, [samples(PLAIN, 0)], [3], LONG, journal=Interrupted(tmp_path / "a", "one"))
    reported: list[int] = []
    data = [samples(PLAIN, 1)]
    (student,) = trained(PLAIN, data, [3], LONG, journal=Journal(tmp_path / "a", "two", reported.append))
    (fresh,) = trained(PLAIN, data, [3], LONG, journal=Journal(tmp_path / "b", "two"))
    assert reported[0] == 0 and same(student, fresh)
    assert (tmp_path / "a" / "curve.jsonl").read_bytes() == (tmp_path / "b" / "curve.jsonl").read_bytes()


class Evil:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return open, (str(self.trace), "w")


def other_weights(file) -> bytes:
    """Return the same file with a number of it changed, and its check sum not."""
    data = bytearray(file.read_bytes())
    data[data.index(torch.load(file)["weights"]["layer0.weight"].numpy().tobytes())] ^= 1
    return bytes(data)


DAMAGES = {
    "cut off": lambda file: file.read_bytes()[: file.stat().st_size // 2],
    "empty": lambda file: b"",
    "zeros": lambda file: bytes(file.stat().st_size),
    "another number": other_weights,
    "other weights": lambda file: saved(torch.load(file) | {"weights": {"layer0.weight": torch.zeros(2)}}),
    "nothing but the recipe": lambda file: saved({"recipe": "a", "step": 100}),
    "a list": lambda file: saved([1, 2]),
    "no torch": lambda file: b"PK\x03\x04" + bytes(50),
}


def saved(content) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("damage", [*DAMAGES, "code"])
def test_a_damaged_file_counts_as_not_there_and_runs_no_code(damage, tmp_path, keen):
    """The training begins anew and ends at the same weights, with the same curve."""
    data = [samples(PLAIN, 0)]
    whole = trained(PLAIN, data, [3], LONG, journal=Journal(tmp_path / "whole", "a"))
    with pytest.raises(KeyboardInterrupt):
        trained(PLAIN, data, [3], LONG, journal=Interrupted(tmp_path / "cut", "a"))
    file = tmp_path / "cut" / "unfinished.pt"
    file.write_bytes(pickle.dumps(Evil(tmp_path / "trace")) if damage == "code" else DAMAGES[damage](file))
    reported: list[int] = []
    again = trained(PLAIN, data, [3], LONG, journal=Journal(tmp_path / "cut", "a", reported.append))
    assert reported[0] == 0 and same(*whole, *again) and not (tmp_path / "trace").exists()
    assert (tmp_path / "cut" / "curve.jsonl").read_bytes() == (tmp_path / "whole" / "curve.jsonl").read_bytes()


@pytest.mark.parametrize(
    "lines",
    [b"", bytes(40), b"\xff\xfe\n", b"[1]\n", b'{"loss": 1}\n', b'{"step": "1"}\n', b"[" * 5000 + b"\n", b"{\n{\n"],
)
def test_a_damaged_curve_is_begun_anew(lines, tmp_path):
    """So is one of which lines are none; those that are whole stay."""
    (tmp_path / "curve.jsonl").write_bytes(lines + b'{"step": 40, "loss": NaN}\n{"step": 90, "loss": 1}\n')
    Journal(tmp_path).begin(50)
    glued = not lines.endswith(b"\n") and lines  # to the line after it, which is none then either
    assert (tmp_path / "curve.jsonl").read_bytes() == (b"" if glued else b'{"step": 40, "loss": NaN}\n')
    (tmp_path / "curve.jsonl").write_bytes(lines)
    Journal(tmp_path).begin(50)
    assert (tmp_path / "curve.jsonl").read_bytes() == b""


def test_what_is_no_file_is_not_opened(tmp_path, keen):
    """A FIFO would hold the training up for ever."""
    os.mkfifo(tmp_path / "unfinished.pt")
    with pytest.raises(UserError, match=r"unfinished.pt is a device, a FIFO or a socket"):
        trained(PLAIN, [samples(PLAIN, 0)], [3], journal=Journal(tmp_path, "a"))


def test_curves_go_to_tensorboard_where_it_is_installed(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained(PLAIN, [samples(PLAIN, 0)], [3], journal=Journal(tmp_path))
    shown = EventAccumulator(str(tmp_path)).Reload().Scalars("loss")
    assert [event.step for event in shown] == [line["step"] for line in lines(tmp_path)] == [1, 40]
    np.testing.assert_allclose([event.value for event in shown], [line["loss"] for line in lines(tmp_path)], rtol=1e-6)


def test_without_tensorboard_the_curve_is_the_same(tmp_path, monkeypatch):
    trained(PLAIN, [samples(PLAIN, 0)], [3], journal=Journal(tmp_path / "a"))
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    trained(PLAIN, [samples(PLAIN, 0)], [3], journal=Journal(tmp_path / "b"))
    assert (tmp_path / "a" / "curve.jsonl").read_bytes() == (tmp_path / "b" / "curve.jsonl").read_bytes()
    assert [file.name for file in (tmp_path / "b").iterdir()] == ["curve.jsonl"]
