"""What every policy promises: students of all routes, with and without a memory, act alike alone, in batches, from
their folders and as ONNX files; what is no policy is refused in one line."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from testbed.cli.commands.export import export
from testbed.distillation.reinforcement.ppo import PPOConfig
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.distillation.routes.value import Value
from testbed.distillation.source import Source
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.values import ActionValues, value_config
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.exploring import REACH, ExploringPolicy
from testbed.policies.network import CATEGORICAL, GAUSSIAN, NetworkPolicy, PolicyConfig, random_arrays
from testbed.policies.onnx import export_onnx
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.transitions import Transitions, as_actions
from testbed.seeding import scenario_seeds

DISCRETE = PolicyConfig("testbed/Merge-v0", 56, 5, (8, 8))
CONTINUOUS = PolicyConfig("testbed/OrderPicking-v0", 44, 4, (8, 8), GAUSSIAN)
REMEMBERING = {"memory": 6, "auxiliary": 2}
TRAINING = Training(steps=20, batch=48, learning_rate=1e-2)
PRACTICE = PPOConfig(iterations=1, worlds=2, steps=4, epochs=1, batch=8)
STUDENTS = {
    "cloning": (Cloning(TRAINING), DISCRETE),
    "cloning, memory": (Cloning(TRAINING), replace(DISCRETE, **REMEMBERING)),
    "cloning, gaussian": (Cloning(TRAINING), CONTINUOUS),
    "cloning, gaussian, memory": (Cloning(TRAINING, "squared-error"), replace(CONTINUOUS, **REMEMBERING)),
    "kl": (KL(TRAINING), replace(DISCRETE, auxiliary=2, hidden=())),
    "kl, memory": (KL(TRAINING), replace(DISCRETE, **REMEMBERING, hidden=())),
    "kl, gaussian": (KL(TRAINING), replace(CONTINUOUS, auxiliary=2)),
    "kl, gaussian, memory": (KL(TRAINING), replace(CONTINUOUS, **REMEMBERING)),
    "value": (Value(TRAINING), DISCRETE),
    "value, memory": (Value(TRAINING, policy="greedy"), replace(DISCRETE, **REMEMBERING)),
    "value, gaussian": (Value(TRAINING), CONTINUOUS),
    "adversarial": (Adversarial(PRACTICE), DISCRETE),
    "adversarial, gaussian": (Adversarial(PRACTICE), CONTINUOUS),
}
FEW, ROWS = 7, 60


def seen(config: PolicyConfig, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.5, 2.0, (*shape, config.observation_size)).astype(np.float32)


def network(config: PolicyConfig, seed: int = 0) -> NetworkPolicy:
    return NetworkPolicy(config, random_arrays(config, np.random.default_rng(seed)))


def source(config: PolicyConfig) -> Source:
    """Decisions of a fresh network in a scene that is made up, and scenes that are not."""
    config = replace(config, memory=0, auxiliary=0)
    teacher, observations = network(config), seen(config, 200)
    done = as_actions(teacher.act(observations))
    nothing = np.zeros(200)
    decisions = Transitions(observations, done, nothing, observations, nothing.astype(bool), np.full(5, 40))
    values = ActionValues(teacher, network(value_config(config, (8,))), decisions)
    scenes = lambda purpose, count: [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]  # noqa: E731
    return Source(decisions, teacher, values, scenes)


@pytest.fixture(scope="module", params=STUDENTS)
def student(request) -> NetworkPolicy:
    route, config = STUDENTS[request.param]
    (made,) = route.distil([source(config)], config, [0])
    return made


def played(policy: NetworkPolicy, steps: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return actions and parameters for some steps of n episodes, shape (steps, n, d)."""
    acting, asked = policy.reset(steps.shape[1]), policy.reset(steps.shape[1])
    return [(acting.act(observations), asked.parameters(observations)) for observations in steps]


# Acting.


def test_a_student_acts_alike_alone_and_in_a_batch(student):
    """60 episodes at once or one by one, three decisions each; the likeliest action is the parameters' largest."""
    steps, config = seen(student.config, 3, ROWS), student.config
    together = played(student, steps)
    for row in range(ROWS):
        for (action, parameters), (actions, all_parameters) in zip(
            played(student, steps[:, [row]]), together, strict=True
        ):
            np.testing.assert_allclose(parameters[0], all_parameters[row], atol=1e-6, rtol=1e-6)
            np.testing.assert_allclose(action[0], actions[row], atol=0 if config.head == CATEGORICAL else 2e-6)
    for actions, parameters in together:
        size = config.actions if config.head == CATEGORICAL else 2 * config.actions
        assert parameters.shape == (ROWS, size) and parameters.dtype == np.float32
        means = np.clip(parameters[:, : config.actions], -1, 1)
        assert (actions == (parameters.argmax(1) if config.head == CATEGORICAL else means)).all()


def test_a_memory_matters_and_what_has_none_has_none(student):
    """The same observation again gives other parameters where something is remembered, and else the same bytes."""
    first, second = (parameters for _, parameters in played(student, np.repeat(seen(student.config, 1, ROWS), 2, 0)))
    means = slice(0, student.config.actions)
    changed = (first[:, means] != second[:, means]).any(1)
    assert changed.all() if student.config.memory else first.tobytes() == second.tobytes()


def test_other_observations_are_refused_in_one_line(student):
    size = student.config.observation_size
    for observations in (np.zeros((2, size + 1)), np.zeros((2, size - 1)), np.zeros(size), np.zeros((2, 1, size))):
        for ask in (student.act, student.parameters, student.reset(2).act, student.reset(2).parameters):
            with pytest.raises(UserError, match=r"do not fit|through what reset\(\) returns") as caught:
                ask(observations.astype(np.float32))
            assert "\n" not in str(caught.value)


def test_a_memory_is_begun_and_goes_on_with_the_same_episodes():
    """Also where it is as wide as the observation."""
    for memory in (6, 56):
        policy = network(replace(DISCRETE, memory=memory))
        for ask in (policy.act, policy.parameters, policy.auxiliary):
            with pytest.raises(UserError, match=r"through what reset\(\) returns"):
                ask(seen(DISCRETE, 2))
        with pytest.raises(UserError, match="3 observations for the 2 episodes that were begun"):
            policy.reset(2).act(seen(DISCRETE, 3))


# Folders.

LABEL = Behaviour("student", "aggressive-merge", "always", 0.5)


def test_a_policy_comes_back_as_it_was(student, tmp_path):
    """Bit for bit, and it remembers what kind it is."""
    save_policy(tmp_path / "policy", student, LABEL, Lineage("test", 0))
    again, behaviour = load_policy(tmp_path / "policy")
    assert again.config == student.config and behaviour == LABEL
    assert again.arrays.keys() == student.arrays.keys() == student.config.shapes.keys()
    for name, array in student.arrays.items():
        assert again.arrays[name].dtype == np.float32 and again.arrays[name].tobytes() == array.tobytes()
    steps = seen(student.config, 3, ROWS)
    for ours, theirs in zip(played(again, steps), played(student, steps), strict=True):
        assert [array.tobytes() for array in ours] == [array.tobytes() for array in theirs]
    files = [path.name for path in (tmp_path / "policy").iterdir()]
    assert sorted(files) == ["config.json", "lineage.json", "model.safetensors"]
    assert len({file.stat().st_mode for file in (tmp_path / "policy").iterdir()}) == 1


def spoil_missing(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def spoil_truncated(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def spoil_nan(folder: Path) -> None:
    arrays = load_file(folder / "model.safetensors")
    arrays["layer0.weight"][0, 0] = np.nan
    save_file(arrays, folder / "model.safetensors")


def spoil_shape(folder: Path) -> None:
    arrays = load_file(folder / "model.safetensors")
    save_file(arrays | {"memory.bias": np.zeros(3, np.float32)}, folder / "model.safetensors")


def spoil_memory(folder: Path) -> None:
    arrays = load_file(folder / "model.safetensors")
    save_file({name: array for name, array in arrays.items() if name != "memory.weight"}, folder / "model.safetensors")


def spoil_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def spoil_format(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99}))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoil_missing, "no model.safetensors"), (spoil_truncated, "damaged"), (spoil_nan, "NaN"),
        (spoil_shape, "shape"), (spoil_memory, "no array 'memory.weight'"), (spoil_json, "cannot be read"),
        (spoil_format, "format 99"),
    ],
)  # fmt: skip
def test_a_spoilt_policy_is_refused_in_one_line(spoil, says, tmp_path):
    folder = tmp_path / "policy"
    save_policy(folder, network(replace(DISCRETE, memory=6)), LABEL, Lineage("test", 0))
    spoil(folder)
    with pytest.raises(UserError, match=says) as caught:
        load_policy(folder)
    assert "\n" not in str(caught.value)


def test_pickles_are_refused(tmp_path):
    with pytest.raises(UserError, match="pickle"):
        load_policy(tmp_path / "stranger.zip")


# Exploring.


@pytest.mark.parametrize("config", [DISCRETE, CONTINUOUS], ids=lambda config: config.head)
def test_exploring_does_something_else_now_and_then(config):
    """In the stated share of decisions, within reach, by the observation alone; another seed elsewhere."""
    policy, observations = network(config), seen(config, 4000)
    own, done = policy.act(observations), ExploringPolicy(policy, 0.3, 1).act(observations)
    other = (done != own).reshape(4000, -1).any(1)
    share = 0.3 * (1 - 1 / config.actions) if config.head == CATEGORICAL else 0.3  # a draw may be what it does anyway
    assert abs(other.mean() - share) < 4 * np.sqrt(share / 4000)
    again = ExploringPolicy(policy, 0.3, 1).act(observations[::-1])[::-1]
    np.testing.assert_allclose(again, done, atol=2e-6)
    elsewhere = (ExploringPolicy(policy, 0.3, 2).act(observations) != own).reshape(4000, -1).any(1)
    assert abs((other & elsewhere).mean() - share**2) < 4 * np.sqrt(share**2 / 4000)
    assert (ExploringPolicy(policy, 0.0, 1).act(observations) == own).all()
    if config.head == CATEGORICAL:
        always = np.bincount(ExploringPolicy(policy, 1.0, 1).act(observations), minlength=5) / 4000
        assert (np.abs(always - 1 / 5) < 4 * np.sqrt(1 / 5 / 4000)).all()
    else:
        assert 0.9 * REACH < np.abs(done - own).max() <= REACH + 1e-6 and np.abs(done).max() <= 1


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
