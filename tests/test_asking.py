"""What is asked of environments wrongly is a mistake that can be mended: one line, of both domains and both forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from asked import every, on_roads, two_worlds
from benches import line, same
from gymnasium.vector import AutoresetMode

from testbed.errors import UserError
from testbed.scenes import outside
from testbed.scenes.registry import (
    get_scene,
    make_batch,
    make_single,
    make_vector,
    modules_of,
    names,
)


def _single(name: str, **options: Any) -> Any:
    return gymnasium.make(name, disable_env_checker=True, **options).unwrapped


def _resets(name: str, form: str) -> list[tuple[dict[str, Any], str]]:
    """Return resets that make no sense, and what the answer says."""
    factor, values = next(iter(get_scene(name).context.items()))
    told = ", ".join(values)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"options": {"contxt": {factor: values[0]}}}, "Did you mean 'context'"),
        ({"options": {"config": {}}}, "choose one of context"),
        ({"options": {3: 4}}, "unknown reset option '3'"),
        ({"options": "context"}, "give a mapping with context"),
        ({"options": [("context", {})]}, "give a mapping with context"),
        ({"options": {"context": factor}}, factor),
        ({"options": {"context": 3}}, "context"),
        ({"options": {"context": True}}, "context"),
        ({"options": {"context": b"x"}}, "context"),
        ({"options": {"context": {factor, values[0]}}}, "context"),
        ({"options": {"context": {factor[:-1]: values[0]}}}, f"Did you mean '{factor}'"),
        ({"options": {"context": {None: values[0]}}}, "unknown context factor 'None'"),
        ({"options": {"context": {factor: None}}}, told),
        ({"options": {"context": {factor: 0}}}, told),
        ({"options": {"context": {factor: [values[0]]}}}, told),
        ({"options": {"context": {factor: np.array(list(values))}}}, told),
        ({"options": {"context": {factor: "a\nb"}}}, told),
        ({"seed": "7"}, "7"), ({"seed": 1.5}, "1.5"), ({"seed": True}, "seed True"), ({"seed": -1}, "seed -1"),
        ({"seed": np.array(3.0)}, "3"), ({"seed": {}}, "{}"), ({"seed": 2**63}, str(2**63)),
        ({"seed": np.int64(-3)}, "seed -3"), ({"seed": float("nan")}, "nan"), ({"seed": b"7"}, "7"),
    ]  # fmt: skip
    if form == "single":
        return [
            *wrong, ({"options": {"reset_mask": np.ones(1, bool)}}, "reset option 'reset_mask'"),
            ({"options": {"context": [{}]}}, "mapping"), ({"seed": [1]}, "seed [1]"),
        ]  # fmt: skip
    return [
        *wrong, ({"options": {"context": []}}, "0 contexts"), ({"options": {"context": [{}, "x"]}}, "context x"),
        ({"options": {"context": [{}, 3]}}, "context 3"), ({"seed": [1, [2]]}, "seed [2]"),
        ({"seed": [1, True]}, "seed True"), ({"seed": ["1", "2"]}, "seed 1"), ({"seed": "12"}, "seeds 12"),
        ({"options": {"reset_mask": 1}}, "reset_mask"),
        ({"options": {"reset_mask": [[True], []]}}, "reset_mask"), ({"options": {"reset_mask": "yes"}}, "reset_mask"),
        ({"options": {"reset_mask": {}}}, "reset_mask"),
    ]  # fmt: skip


@pytest.mark.parametrize(("form", "make"), [("single", _single), ("batch", two_worlds)], ids=["single", "batch"])
@every
def test_resets_that_make_no_sense(name, form, make):
    """And the environment goes on to the scene that follows, as if it had not been asked."""
    env, fresh = make(name), make(name)
    for wrong, part in _resets(name, form):
        assert part in line(lambda wrong=wrong: env.reset(**wrong)), wrong
    assert same(env.reset(seed=2)[0], fresh.reset(seed=2)[0])
    for wrong, part in _resets(name, form):
        assert part in line(lambda wrong=wrong: env.reset(**wrong)), wrong
    assert same(list(env.reset()), list(fresh.reset()))


@every
def test_what_gymnasium_asks_works(name):
    """Empty options, masks by its vector form of the single one, seeds of NumPy's types."""
    factor, values = next(iter(get_scene(name).context.items()))
    single = _single(name)
    first = single.reset(seed=3, options={})[0]
    for asked in (
        {"seed": np.int64(3)},
        {"seed": 3, "options": None},
        {"seed": np.uint8(3), "options": {"context": None}},
    ):
        assert same(single.reset(**asked)[0], first)
    theirs = gymnasium.make_vec(name, num_envs=2, vectorization_mode="sync")
    ours = two_worlds(name)
    for options in (None, {}, {"context": {factor: values[0]}}):
        for seed in (4, [4, 5]):
            assert same(ours.reset(seed=seed, options=options)[0], theirs.reset(seed=seed, options=options)[0])
    assert same(ours.reset(seed=range(4, 6))[0], ours.reset(seed=(4, 5), options={"context": ({}, {})})[0])
    mask = {"reset_mask": np.array([True, False])}
    theirs.reset(seed=[7, 8], options=dict(mask))
    assert len(ours.reset(seed=[7, 8], options=dict(mask))[0]) == 2
    theirs.close()


@every
def test_environments_that_make_no_sense(name):
    modes = _single(name).metadata["render_modes"]
    for mode in ("ansi", "rgb_array_list", "", 3, ["rgb_array"]):
        text = line(lambda mode=mode: make_single(name, render_mode=mode))
        assert name in text and all(mode in text for mode in modes)
    assert "choose" in line(lambda: gymnasium.make(name, render_mode="ansi"))
    for wrong in ({"threads": 0}, {"threads": -1}, {"threads": 1.5}, {"threads": "2"}, {"threads": True}):
        assert "threads" in line(lambda wrong=wrong: two_worlds(name, **wrong)) and "at least 1" in line(
            lambda wrong=wrong: two_worlds(name, **wrong)
        )
    for count in (0, -2, 2.5, "2", None, True, [2]):
        assert "give at least 1" in line(lambda count=count: two_worlds(name, num_envs=count))
    for mode in ("Never", None, 3, ["NextStep"]):
        text = line(lambda mode=mode: two_worlds(name, autoreset_mode=mode))
        assert all(known.value in text for known in AutoresetMode)
    assert "choose one of render_mode" in line(lambda: gymnasium.make(name, rendermode="human"))
    assert "Did you mean 'threads'" in line(lambda: two_worlds(name, thread=2))
    assert "choose one of autoreset_mode, num_envs, threads" in line(lambda: two_worlds(name, render_mode="rgb_array"))


@every
def test_nothing_is_done_before_the_first_reset(name):
    """But for what was restored, which is a scene as well."""
    env, other = _single(name, render_mode="rgb_array"), _single(name, render_mode="rgb_array")
    zero = env.action_space.sample()
    for call in (env.render, lambda: env.step(zero)):
        assert f"{name} was not reset yet" in line(call)
    _, info = other.reset(seed=1)
    env.restore(info["state"])
    assert same(env.render(), other.render())
    assert same(env.step(zero)[4]["state"].shape, info["state"].shape)
    for one in (env, other):
        one.close()


WRONG: dict[str, Any] = {
    "in a list": [1], "in an array": np.array([1]), "two": np.array([1, 2]), "ragged": [1, [2, 3]], "text": "1",
    "none": None, "too large": 5, "not whole": 1.5, "a mapping": {}, "much": np.zeros((30, 30)), "infinite": np.inf,
    "a set": {1}, "complex": 1j, "huge": 10**30, "bytes": b"\x01",
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
@every
def test_actions_that_are_none(name, what):
    """Where one number is wanted, and where four are; in both forms, and nothing moves."""
    for make, size in ((_single, {}), (two_worlds, {"num_envs": 3})):
        env, fresh = make(name, **size), make(name, **size)
        for one in (env, fresh):
            one.reset(seed=0)
        assert name in line(lambda env=env: env.step(WRONG[what]))
        zero = np.zeros(env.action_space.shape, env.action_space.dtype)
        assert same(list(env.step(zero)), list(fresh.step(zero)))


@on_roads
def test_actions_of_every_kind_of_number(name):
    said = []
    for action in (3, np.int8(3), np.array(3), 3.0, np.float32(3)):
        env = _single(name)
        env.reset(seed=0)
        said.append(list(env.step(action)))
    assert all(same(one, said[0]) for one in said)


@pytest.mark.parametrize(
    "name", ["this:testbed/Merge-v0", "testbed/Merge", "Merge-v0", "CartPole-v1", "", None, 3, ["x"]]
)
def test_names_of_environments_are_known_before_anything_is_imported(name, monkeypatch):
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("a module was imported")

    monkeypatch.setattr(outside, "import_module", never)
    monkeypatch.setattr(gymnasium, "make_vec", never)
    calls: list[Callable[[Any], Any]] = [get_scene, modules_of, make_single, make_batch, lambda n: make_vector(n, 1)]
    for call in calls:
        text = line(lambda call=call: call(name))
        assert text.startswith("unknown environment") and all(known in text for known in names())


def test_user_errors_keep_to_one_line_whatever_is_given():
    for wrong in ("a\nb", "x" * 5000, np.zeros((50, 50))):
        text = line(lambda wrong=wrong: _single("testbed/Merge-v0").reset(options={"context": {"leader": wrong}}))
        assert len(text) < 200
    with pytest.raises(UserError, match="unknown environment 'a b'"):
        get_scene("a\nb")
