"""Policies that are programs, each in a process of its own: what they do is what they do in this one."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from testbed.errors import UserError
from testbed.policies.checkpoint import load_policy
from testbed.policies.loaders import load_any
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.policies.onnx import export_onnx
from testbed.seeding import generator

MERGE, PICKING = "testbed/Merge-v0", "testbed/OrderPicking-v0"
SEEN = np.random.default_rng(3).normal(size=(5, 9, 56)).astype(np.float32)
"""Five decisions of nine episodes."""


def network(**changes) -> NetworkPolicy:
    config = PolicyConfig(MERGE, 56, 5, (16, 16), "categorical", **changes)
    arrays, rng = random_arrays(config, generator(2, "weights")), np.random.default_rng(5)
    weights = {name: rng.normal(0, 0.5, array.shape).astype(np.float32) for name, array in arrays.items()}
    return NetworkPolicy(config, arrays | {name: weights[name] for name in arrays if name.endswith("weight")})


def in_turn(policy) -> np.ndarray:
    """Return what a policy does in nine episodes, five decisions each."""
    acting = policy.reset(9) if hasattr(policy, "reset") else policy
    return np.array([acting.act(observations) for observations in SEEN])


@pytest.mark.parametrize("memory", [0, 8])
def test_what_we_export_does_as_before(memory, tmp_path):
    policy = network(memory=memory)
    export_onnx(policy, tmp_path / "x.onnx")
    there = load_any(tmp_path / "x.onnx", MERGE).policy
    assert (in_turn(there) == in_turn(policy)).all() and len(np.unique(in_turn(policy))) > 1
    assert (in_turn(pickle.loads(pickle.dumps(there))) == in_turn(policy)).all()  # as other processes get it


class Recurrent(nn.Module):
    """An LSTM of anybody's."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(56, 12), nn.Linear(12, 5)

    def forward(self, obs, h, c):
        h, c = self.cell(obs, (h, c))
        return self.head(h), h, c


def exported(module: nn.Module, file, names, outputs, rows: int | None) -> None:
    given = (torch.zeros(rows or 1, 56), *(torch.zeros(rows or 1, 12) for _ in names[1:]))
    free = {} if rows else {name: {0: "n"} for name in (*names, *outputs)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its exporter
        torch.onnx.export(
            module, given, str(file), input_names=names, output_names=outputs, dynamic_axes=free, dynamo=False
        )


@pytest.mark.parametrize(("rows", "names", "told"), [
    (None, (["obs", "h", "c"], ["logits", "h_out", "c_out"]), ""),
    (1, (["obs", "h", "c"], ["logits", "next_h", "next_c"]), ""),  # one observation at a time
    (None, (["a", "b", "c"], ["x", "y", "z"]), "observation = 'a'\naction = 'x'\nstate = [['b', 'y'], ['c', 'z']]\n"),
], ids=["named", "one by one", "told"])  # fmt: skip
def test_a_program_remembers(rows, names, told, tmp_path):
    torch.manual_seed(4)
    module = Recurrent()
    exported(module, tmp_path / "x.onnx", *names, rows)
    (tmp_path / "x.toml").write_text("[network]\n" + told)
    h, c, expected = torch.zeros(9, 12), torch.zeros(9, 12), []
    with torch.no_grad():
        for observations in SEEN:
            logits, h, c = module(torch.from_numpy(observations), h, c)
            expected.append(logits.argmax(1).numpy())
    assert (in_turn(load_any(tmp_path / "x.onnx", MERGE).policy) == expected).all() and len(np.unique(expected)) > 1


def test_names_that_say_nothing_are_asked_for(tmp_path):
    exported(Recurrent(), tmp_path / "x.onnx", ["a", "b", "c"], ["x", "y", "z"], None)
    with pytest.raises(UserError, match=r"which of a, b, c is its observation .* under \[network\]"):
        load_any(tmp_path / "x.onnx", MERGE)
    (tmp_path / "x.toml").write_text("[network]\nobservation = 'a'\nstate = [['b', 'w']]\n")
    with pytest.raises(UserError, match="unknown input or output in state 'w': choose one of x, y, z"):
        load_any(tmp_path / "x.onnx", MERGE)


MODULE = nn.Sequential(nn.Linear(56, 8), nn.Tanh(), nn.Linear(8, 5))


def as_script(file) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(MODULE).save(str(file))


def as_export(file) -> None:
    free = ({0: torch.export.Dim("n", min=1, max=4096)},)
    torch.export.save(torch.export.export(MODULE, (torch.zeros(4, 56),), dynamic_shapes=free), str(file))


@pytest.mark.parametrize(("write", "name"), [(as_script, "x.pt"), (as_export, "x.pt2")])
def test_torchs_programs_do_as_their_modules(write, name, tmp_path):
    write(tmp_path / name)
    with torch.no_grad():
        expected = MODULE(torch.from_numpy(SEEN)).argmax(-1).numpy()
    assert (in_turn(load_any(tmp_path / name, MERGE).policy) == expected).all() and len(np.unique(expected)) > 1


def test_continuous_actions_are_the_outputs(tmp_path):
    env = load_policy("policies/order-picking/student-kl-seed0")[0].config
    module = nn.Linear(env.observation_size, env.actions)
    seen = np.random.default_rng(1).normal(0, 3, (6, env.observation_size)).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module).save(str(tmp_path / "x.pt"))
    with torch.no_grad():
        expected = module(torch.from_numpy(seen)).clamp(-1, 1).numpy()
    np.testing.assert_allclose(load_any(tmp_path / "x.pt", PICKING).policy.act(seen), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("size", "words"), [((50, 5), "it sees 50 numbers, and is shown 56"), ((56, 4), "it has 4 actions")]
)
def test_what_does_not_fit_is_told_before_it_acts(size, words, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            nn.Linear(*size), (torch.zeros(1, size[0]),), str(tmp_path / "x.onnx"), input_names=["observation"],
            output_names=["action"], dynamic_axes={"observation": {0: "n"}}, dynamo=False,
        )  # fmt: skip
    with pytest.raises(UserError, match=words):
        load_any(tmp_path / "x.onnx", MERGE)
