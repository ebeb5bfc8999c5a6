"""What runs programs: onnxruntime and torch, on one thread. Each is imported and tried before any program is there."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from testbed.policies.confined.messages import Port


class Program(Protocol):
    """A program that was loaded."""

    inputs: tuple[Port, ...]
    """What it takes."""
    outputs: tuple[Port, ...]
    """What it gives, where that is known before it runs."""

    def run(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        """Return what it gives."""
        ...


Load = Callable[[bytes], Program]
_ONNX = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(float16)": "f2", "tensor(int64)": "i8",
         "tensor(int32)": "i4", "tensor(bool)": "?"}  # fmt: skip


class _Onnx:
    """A session of onnxruntime."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.inputs, self.outputs = (
            tuple(map(_port, ports)) for ports in (session.get_inputs(), session.get_outputs())
        )

    def run(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        given = {port.name: arrays[port.name].astype(port.kind, copy=False) for port in self.inputs}
        return dict(zip((port.name for port in self.outputs), self.session.run(None, given), strict=True))


def _port(one: Any) -> Port:
    shape = tuple(size if isinstance(size, int) else None for size in one.shape) if one.shape is not None else None
    return Port(one.name, _ONNX.get(one.type), shape)  # type: ignore[arg-type]


def _onnx() -> Load:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4

    def load(data: bytes) -> Program:
        return _Onnx(onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"]))

    return load


class _Torch:
    """A module of torch's that takes observations and gives a tensor, or several of which the first is the action."""

    inputs: tuple[Port, ...] = (Port("observation", "f4", None),)
    outputs: tuple[Port, ...] = ()

    def __init__(self, module: Any) -> None:
        self.module = module

    def run(self, arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        import torch

        with torch.no_grad():
            given = self.module(torch.from_numpy(arrays["observation"].astype(np.float32)))
        several: Sequence[Any] = given if isinstance(given, tuple | list) else [given]
        return {f"output {number}": one.detach().numpy() for number, one in enumerate(several)}


def _script() -> Load:
    import torch

    torch.set_num_threads(1)
    return lambda data: _Torch(torch.jit.load(io.BytesIO(data), map_location="cpu").eval())


def _exported() -> Load:
    import torch

    torch.set_num_threads(1)

    def load(data: bytes) -> Program:
        return _Torch(torch.export.load(io.BytesIO(data)).module())

    load(_anything()).run({"observation": np.zeros((1, 1))})  # for whatever it imports only then
    return load


def _anything() -> bytes:
    """Return an exported program."""
    import torch

    file, rows = io.BytesIO(), torch.export.Dim("rows", min=1, max=16)
    torch.export.save(
        torch.export.export(torch.nn.Linear(1, 1), (torch.zeros(2, 1),), dynamic_shapes=({0: rows},)), file
    )
    return file.getvalue()


RUNTIMES: Mapping[str, Callable[[], Load]] = {"onnx": _onnx, "torchscript": _script, "torch.export": _exported}
"""What is imported first, by name; it returns what loads a program."""
