"""Policies as ONNX files, held to onnxruntime."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from students import (
    CONTINUOUS,
    DISCRETE,
    FEW,
    LABEL,
    network,
    played,
    seen,
)

from testbed.cli.commands.export import export
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import save_policy
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.policies.onnx import export_onnx

# ONNX.


@pytest.fixture
def session(tmp_path):
    """Exports a policy and returns the runtime's session of it."""
    pytest.importorskip("onnx")
    runtime, file = pytest.importorskip("onnxruntime"), tmp_path / "policy.onnx"

    def exported(policy: NetworkPolicy):
        export_onnx(policy, file)
        return runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    return exported


@pytest.mark.parametrize("count", [1, FEW])
def test_an_onnx_file_is_the_policy(student, count, session):
    """To 1e-5, over three decisions of each episode, the memory handed on from one to the next."""
    config, steps, given = student.config, seen(student.config, 3, count, seed=5), {}
    session = session(student)
    if config.memory:
        given["memory"] = np.zeros((count, config.memory), np.float32)
    assert {one.name for one in session.get_inputs()} == {"observation", *given}
    names = ["action", "parameters", *(["next_memory"] if config.memory else [])]
    assert {one.name for one in session.get_outputs()} == set(names)
    acting = student.reset(count)
    for (actions, parameters), observations in zip(played(student, steps), steps, strict=True):
        found = dict(zip(names, session.run(names, {"observation": observations, **given}), strict=True))
        assert found["parameters"].dtype == np.float32 and found["parameters"].shape == parameters.shape
        np.testing.assert_allclose(found["parameters"], parameters, atol=1e-5, rtol=0)
        assert found["action"].shape == actions.shape
        np.testing.assert_allclose(found["action"], actions, atol=1e-5, rtol=0)
        if config.memory:
            acting.act(observations)
            np.testing.assert_allclose(found["next_memory"], acting.state, atol=1e-5, rtol=0)
            given["memory"] = found["next_memory"]


def test_export_tells_inputs_and_outputs_in_the_order_of_the_file(student, tmp_path, capsys):
    """Whoever takes them by place gets what was printed."""
    runtime = pytest.importorskip("onnxruntime")
    save_policy(tmp_path / "policy", student, LABEL, Lineage("test", 0))
    export(tmp_path / "policy", tmp_path / "policy.onnx")
    file = runtime.InferenceSession(str(tmp_path / "policy.onnx"), providers=["CPUExecutionProvider"])
    taken, given = ([one.name for one in names] for names in (file.get_inputs(), file.get_outputs()))
    told = " ".join(capsys.readouterr().out.split())
    assert told.endswith(f"takes {', '.join(taken)}; gives {', '.join(given)}")
    assert given[:2] == ["action", "parameters"]


def test_an_onnx_file_keeps_limits_and_normaliser(session):
    """Deviations beyond their limits, means beyond the box, and a normaliser that is none of the identity."""
    rng, config = np.random.default_rng(0), replace(CONTINUOUS, actions=2)
    arrays = random_arrays(config, rng) | {
        "mean": rng.normal(size=44).astype(np.float32), "std": rng.uniform(0.2, 3, 44).astype(np.float32),
        "log_std": np.array([-9, 9], np.float32), "layer2.bias": np.array([3, -3], np.float32),
    }  # fmt: skip
    policy, observations = NetworkPolicy(config, arrays), seen(config, FEW)
    action, parameters = session(policy).run(["action", "parameters"], {"observation": observations})
    np.testing.assert_allclose(parameters, policy.parameters(observations), atol=1e-5)
    assert parameters[0, 2:].tolist() == [-3.0, 0.5] and (action == [1, -1]).all()


def test_vast_outputs_are_compared_by_their_size(tmp_path):
    """What a policy computes in single precision differs in its seventh digit, however large it is."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    policy = network(DISCRETE)
    vast = {
        name: array * np.float32(1e9) if name.endswith("weight") else array for name, array in policy.arrays.items()
    }
    export_onnx(NetworkPolicy(policy.config, vast), tmp_path / "vast.onnx")
    assert (tmp_path / "vast.onnx").is_file()


def test_a_wrong_onnx_file_is_not_written(tmp_path, monkeypatch):
    """Nor is the one that was there before harmed; a missing package is named with what brings it."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    (tmp_path / "policy.onnx").write_text("before")
    monkeypatch.setattr("testbed.policies.onnx.TOLERANCE", -1.0)
    with pytest.raises(UserError, match="nothing was written"):
        export_onnx(network(DISCRETE), tmp_path / "policy.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(
        UserError, match=r"onnxruntime, which is not installed: in your clone, pip install .*'\.\[onnx\]'"
    ) as caught:
        export_onnx(network(DISCRETE), tmp_path / "policy.onnx")
    assert "\n" not in str(caught.value)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("policy.onnx", "before")]
