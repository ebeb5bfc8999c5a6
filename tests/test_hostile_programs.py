"""Programs of strangers that would open files, never end or fill the memory: one line, and nothing happens."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import MERGE, refused
from torch import Tensor, nn

from testbed.policies.confined import process
from testbed.policies.confined.process import Confined
from testbed.policies.loaders import load_any


@pytest.fixture
def mark(tmp_path) -> Path:
    return tmp_path / "mark"


class Opens(nn.Module):
    """Would write a file."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, seen: Tensor) -> Tensor:
        mark = torch.from_file(self.name, shared=True, size=10)
        mark.fill_(1.0)
        return seen[:, :5] + mark[0]


class Loops(nn.Module):
    """Never comes to an end."""

    def forward(self, seen: Tensor) -> Tensor:
        while True:
            seen = seen + 0.0
            if bool(seen[0, 0] > 1e9):
                break
        return seen[:, :5]


class Grows(nn.Module):
    """Asks for 400 GB."""

    def forward(self, seen: Tensor) -> Tensor:
        return seen[:, :5] + torch.ones(100_000_000_000).sum()


def script(module: nn.Module, file: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # which says to use another format
        torch.jit.script(module).save(str(file))
    return file


@pytest.mark.parametrize(("module", "words"), [(Opens, "fails within its limits"), (Loops, "took more than 2 s"),
                                               (Grows, "fails within its limits")])  # fmt: skip
def test_a_script_opens_nothing_and_gets_no_more_than_its_share(module, words, tmp_path, mark, monkeypatch):
    monkeypatch.setattr(process, "ANSWERING", 2.0)
    made = module(str(mark)) if module is Opens else module()
    policy = load_any(script(made, tmp_path / "a.pt"), MERGE).policy
    refused(policy.act, np.zeros((2, 56)), words=words)
    assert not mark.exists()


def onnx_model(nodes, arrays=(), output="action"):
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info("observation", TensorProto.FLOAT, ["n", 56])]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", 5])]
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(arrays))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_numbers_outside_of_an_onnx_file_are_not_read(tmp_path, monkeypatch):
    from onnx import TensorProto, external_data_helper, helper, numpy_helper

    monkeypatch.chdir(tmp_path)
    outside = numpy_helper.from_array(np.ones((56, 5), np.float32), "w")
    (tmp_path / "secret").write_bytes(outside.raw_data)
    external_data_helper.set_external_data(outside, "secret")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    model = onnx_model([helper.make_node("MatMul", ["observation", "w"], ["action"])], [outside])
    (tmp_path / "a.onnx").write_bytes(model.SerializeToString())
    refused(load_any, tmp_path / "a.onnx", MERGE, words="fails within its limits")


def test_an_onnx_file_that_never_ends_is_ended(tmp_path, monkeypatch):
    from onnx import TensorProto, helper, numpy_helper

    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["x", "x"], ["y"])], "body",
        [info("i", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("x", TensorProto.FLOAT, None)],
        [info("go_on", TensorProto.BOOL, []), info("y", TensorProto.FLOAT, None)],
    )  # fmt: skip
    arrays = [numpy_helper.from_array(np.array(2**62), "most"), numpy_helper.from_array(np.array(True), "yes"),
              numpy_helper.from_array(np.ones((56, 5), np.float32), "w")]  # fmt: skip
    nodes = [helper.make_node("MatMul", ["observation", "w"], ["z"]),
             helper.make_node("Loop", ["most", "yes", "z"], ["action"], body=body)]  # fmt: skip
    (tmp_path / "a.onnx").write_bytes(onnx_model(nodes, arrays).SerializeToString())
    monkeypatch.setattr(process, "ANSWERING", 2.0)
    refused(load_any(tmp_path / "a.onnx", MERGE).policy.act, np.zeros((2, 56)), words="took more than 2 s")


@pytest.mark.parametrize("name", ["onnxruntime", "numpy", "msgspec", "torch"])
def test_nothing_in_the_current_folder_is_imported(name, tmp_path, mark, monkeypatch):
    (tmp_path / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")
    (tmp_path / "a.onnx").write_bytes(b"no model")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", ":".join(["", ".", *filter(None, sys.path[-3:])]))
    refused(load_any, tmp_path / "a.onnx", MERGE, words="fails within its limits")  # the runtime itself was reached
    assert not mark.exists()


class Two(nn.Module):
    """Gives two rows of scores."""

    def forward(self, seen: Tensor):
        return seen[:, :5], -seen[:, :5]


class Few(nn.Module):
    """Gives nothing."""

    def forward(self, seen: Tensor) -> list[Tensor]:
        return [seen][1:]


def test_the_output_that_is_told_is_the_one_that_acts(tmp_path):
    file, seen = script(Two(), tmp_path / "a.pt"), np.tile(np.arange(56.0), (2, 1))
    for told, expected in (("", 4), ("output 1", 0)):
        (tmp_path / "a.toml").write_text(f"[network]\naction = '{told}'\n")
        assert load_any(file, MERGE).policy.act(seen).tolist() == [expected] * 2
    (tmp_path / "a.toml").write_text("[network]\naction = 'other'\n")
    refused(load_any(file, MERGE).policy.act, seen, words="gives no other: it gives output 0, output 1")
    refused(load_any(script(Few(), tmp_path / "b.pt"), MERGE).policy.act, seen, words="gives no output")


def test_too_few_components_are_no_action(tmp_path):
    file = script(nn.Linear(44, 3), tmp_path / "a.pt")
    refused(load_any(file, "testbed/OrderPicking-v0").policy.act, np.zeros((2, 44)), words="takes")


def test_a_program_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"no model")
    refused(load_any, tmp_path / "a.onnx", MERGE, words="fails within its limits")


def test_no_process_stays_behind(tmp_path):
    program = Confined("torchscript", script(nn.Linear(3, 2), tmp_path / "a.pt").read_bytes(), "it")
    program.describe()
    child = program._process
    assert child is not None and child.poll() is None
    del program
    assert child.wait(10) is not None
