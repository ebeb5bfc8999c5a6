"""The journal of a training: its curve, how it goes on, and what was damaged."""

from __future__ import annotations

import io
import json
import os
import pickle
import sys

import numpy as np
import pytest
import torch
from training_cases import BOTH, CONFIGS, PLAIN, same, samples, trained

from testbed.distillation.batches import make_batches
from testbed.distillation.config import Training
from testbed.distillation.journal import Journal
from testbed.distillation.losses.likelihood import negative_log_likelihood
from testbed.distillation.stacked import fresh_weights, stacked_outputs
from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.seeding import generator

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
