"""What every policy promises: students of all routes, with and without a memory, act alike alone, in batches, from
their folders and as ONNX files; what is no policy is refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from students import (
    CONTINUOUS,
    DISCRETE,
    LABEL,
    ROWS,
    network,
    played,
    seen,
)

from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.exploring import REACH, ExploringPolicy
from testbed.policies.network import CATEGORICAL

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
