"""Policies as ONNX files, for a robot's or a car's own runtime; normaliser and limits are part of the graph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from testbed.errors import UserError, missing_package
from testbed.files import Kind, write_bytes
from testbed.policies.network import CATEGORICAL, LOG_STD, NetworkPolicy, RecurrentState

OPSET = 17
"""Version of the operators: old enough for runtimes of 2022 and newer."""
PRODUCER = "testbed"
"""What an exported file says of who made it."""
ONNX = Kind("an exported policy", lambda path: path.is_file() and PRODUCER.encode() in path.read_bytes()[:64])
"""What is replaced by an export: its file begins with the versions and the producer."""
TOLERANCE = 1e-4
"""How far outputs of an exported policy may be from the policy's, as a share of the largest of them, or of 1 if that is
smaller; it is checked on export."""


@dataclass(frozen=True)
class Exported:
    """What an exported file takes and gives, in its own order."""

    inputs: tuple[str, ...]
    """Names of what it takes."""
    outputs: tuple[str, ...]
    """Names of what it gives."""


def export_onnx(policy: NetworkPolicy, path: Path) -> Exported:
    """Write a policy as an ONNX file, whole or not at all, and check that it computes the same.

    Inputs: `observation` (n, d) float32 and, with a memory, `memory` (n, memory), zeros where an episode begins.
    Outputs, in this order: `action`, (n,) int64 or (n, actions) within [-1, 1]; `parameters` of the distribution, as
    `NetworkPolicy.parameters`; with a memory `next_memory`.

    Returns:
        The names that the file itself has of them.

    Raises:
        UserError: if the package onnx or onnxruntime is missing, or the runtime's outputs differ from the policy's.
    """
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise missing_package(error.name or "onnx", "onnx", "ONNX files need") from None
    graph = _Graph(onnx, policy)
    data = graph.model().SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    _check(policy, session)
    write_bytes(path, data, ONNX)
    return Exported(tuple(one.name for one in session.get_inputs()), tuple(one.name for one in session.get_outputs()))


class _Graph:
    """Nodes and arrays of one policy's graph, in order."""

    def __init__(self, onnx: Any, policy: NetworkPolicy) -> None:
        self.onnx, self.policy = onnx, policy
        self.nodes: list[Any] = []
        self.arrays: dict[str, np.ndarray] = dict(policy.arrays)

    def add(self, kind: str, *inputs: str, to: str = "", **attributes: Any) -> str:
        """Add a node and return the name of its output."""
        output = to or f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, name: str, value: Any, kind: Any = np.float32) -> str:
        """Add an array and return its name."""
        self.arrays[name] = np.asarray(value, kind)
        return name

    def affine(self, given: str, name: str) -> str:
        """Return given @ weight + bias."""
        return self.add("Add", self.add("MatMul", given, f"{name}.weight"), f"{name}.bias")

    def model(self) -> Any:
        """Return the whole model."""
        config, helper = self.policy.config, self.onnx.helper
        real, whole = self.onnx.TensorProto.FLOAT, self.onnx.TensorProto.INT64
        hidden = self.add("Div", self.add("Sub", "observation", "mean"), "std")
        inputs = [helper.make_tensor_value_info("observation", real, ["n", config.observation_size])]
        if config.memory:
            hidden = self._remembered(hidden)
            inputs.append(helper.make_tensor_value_info("memory", real, ["n", config.memory]))
        for layer in range(len(config.hidden) + 1):
            hidden = self.affine(hidden, f"layer{layer}")
            hidden = self.add("Relu", hidden) if layer < len(config.hidden) else hidden
        discrete = config.head == CATEGORICAL
        self._heads(hidden)
        shape = ["n"] if discrete else ["n", config.actions]
        size = config.actions if discrete else 2 * config.actions
        outputs = [
            helper.make_tensor_value_info("action", whole if discrete else real, shape),
            helper.make_tensor_value_info("parameters", real, ["n", size]),
        ]
        if config.memory:
            outputs.append(helper.make_tensor_value_info("next_memory", real, ["n", config.memory]))
        arrays = [self.onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in self.arrays.items()]
        graph = helper.make_graph(self.nodes, "policy", inputs, outputs, arrays)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        model.producer_name = PRODUCER
        self.onnx.checker.check_model(model)
        return model

    def _heads(self, hidden: str) -> None:
        """Add the outputs that drive something."""
        config = self.policy.config
        ends = [
            self.constant(name, [value], np.int64) for name, value in (("from", 0), ("to", config.actions), ("axis", 1))
        ]
        if config.head == CATEGORICAL:
            logits = self.add("Slice", hidden, *ends, to="parameters")
            self.add("ArgMax", logits, to="action", axis=1, keepdims=0)
            return
        means = self.add("Slice", hidden, *ends)
        self.arrays["log_std"] = np.clip(self.arrays["log_std"], *LOG_STD)
        zeros = self.add("Mul", means, self.constant("zero", 0.0))
        self.add("Concat", means, self.add("Add", zeros, "log_std"), to="parameters", axis=1)
        self.add("Clip", means, self.constant("least", -1.0), self.constant("most", 1.0), to="action")

    def _remembered(self, seen: str) -> str:
        """Add the gated recurrent unit; see `network.RecurrentState`."""
        given, kept = self.affine(seen, "input"), self.affine("memory", "memory")
        gates = []
        for name, part in (("given", given), ("kept", kept)):
            outputs = [f"{name}{gate}" for gate in range(3)]
            sizes = self.constant("sizes", [self.policy.config.memory] * 3, np.int64)
            self.nodes.append(self.onnx.helper.make_node("Split", [part, sizes], outputs, axis=1))
            gates.append(outputs)
        reset, update = (self.add("Sigmoid", self.add("Add", gates[0][k], gates[1][k])) for k in (0, 1))
        new = self.add("Tanh", self.add("Add", gates[0][2], self.add("Mul", reset, gates[1][2])))
        # (1 - update) * new + update * memory
        change = self.add("Mul", update, self.add("Sub", "memory", new))
        return self.add("Add", new, change, to="next_memory")


def _check(policy: NetworkPolicy, session: Any) -> None:
    """Compare the runtime's outputs with the policy's on 64 observations; raises `UserError`."""
    config = policy.config
    rng = np.random.default_rng(0)
    seen = (rng.normal(size=(64, config.observation_size)) * policy.arrays["std"] + policy.arrays["mean"]).astype(
        np.float32
    )
    given = {"observation": seen}
    if config.memory:
        given["memory"] = rng.uniform(-1, 1, (len(seen), config.memory)).astype(np.float32)
    names = ["parameters", "next_memory"] if config.memory else ["parameters"]
    acting = policy.reset(len(seen))
    if isinstance(acting, RecurrentState):
        acting.state = given["memory"]
    expected = [acting.parameters(seen)] + ([acting.state] if isinstance(acting, RecurrentState) else [])
    found = session.run(names, given)
    largest = max(float(np.abs(one - other).max()) for one, other in zip(found, expected, strict=True))
    if not largest <= TOLERANCE * max(1.0, *(float(np.abs(one).max()) for one in expected)):
        raise UserError(f"the exported policy's outputs differ by {largest:.2g} from the policy's: nothing was written")
