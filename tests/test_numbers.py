"""Numbers of a scene: what a reset can fix beside its categorical factors, in every scene that declares some."""

from __future__ import annotations

from dataclasses import replace

import corridor
import gymnasium
import numpy as np
import pytest

from testbed.errors import UserError
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.number import Number
from testbed.rollouts.rollout import play
from testbed.scenes import outside
from testbed.scenes.declaration import problems
from testbed.scenes.registry import BUILT_IN, get_scene

ALL = [(scene, name) for scene in BUILT_IN for name in get_scene(scene).numbers]
SEEN = [pair for pair in ALL if pair[1] != "refills"]
"""Those that a state shows before they come to pass."""
SEED = 5


def begun(scene: str, *contexts: dict) -> np.ndarray:
    """Return the states of worlds of one seed, shape (contexts, size)."""
    env = gymnasium.make_vec(scene, num_envs=len(contexts))
    env.reset(seed=[SEED] * len(contexts), options={"context": contexts})
    states = env.states()
    env.close()
    return states


@pytest.mark.parametrize(("scene", "name"), SEEN)
def test_a_number_changes_the_scene_where_it_is_fixed_and_nowhere_else(scene, name):
    number = get_scene(scene).numbers[name]
    part = {"ego": "main"} if name in ("leader_headway", "ramp_car_ahead") else {}
    context = lambda value: {**part, name: repr(value)}  # noqa: E731
    middle = (number.low + number.high) / 2
    free, low, high, again = begun(scene, part, context(number.low), context(number.high), context(number.low))
    assert np.array_equal(low, again) and not np.array_equal(low, high)
    (alone,) = begun(scene, part)
    assert np.array_equal(free, alone)
    changed = low != high
    assert changed.sum() < 0.7 * low.size  # the rest is as the seed has it
    assert np.array_equal(begun(scene, context(middle))[0][~changed], low[~changed])


@pytest.mark.parametrize(("scene", "name"), ALL)
@pytest.mark.parametrize("value", ["x", "nan", "1e9", "-1e9", "inf", None, []])
def test_what_is_no_value_of_a_number_is_told(scene, name, value):
    number = get_scene(scene).numbers[name]
    with pytest.raises(UserError, match=f"context {name} cannot be .*: give a number from {number.low:g} to"):
        begun(scene, {name: value})


def test_the_ego_begins_as_it_was_told_in_both_forms():
    context = {"speed": "12.75", "start": "-100"}
    for env in (gymnasium.make("testbed/Crosswalk-v0"), gymnasium.make("testbed/Merge-v0")):
        with pytest.raises(UserError, match="unknown context factor"):
            env.reset(seed=1, options={"context": {"spee": "12"}})
        env.close()
    (episode,) = play("testbed/Crosswalk-v0", [Scenario(3, context)], [(Still(), Behaviour("still"))])
    assert episode.trace["speed"][0, 0] == pytest.approx(12.75, abs=0.2)
    assert episode.scenario.context == context and "speed" not in episode.context
    single = gymnasium.make("testbed/Crosswalk-v0")
    _, info = single.reset(seed=3, options={"context": context})
    assert np.array_equal(info["state"], episode.states[0])
    single.close()


class Still:
    def act(self, seen):
        return np.ones(len(seen), int)


def test_a_refill_comes_when_it_is_said():
    env = gymnasium.make_vec("testbed/OrderPicking-v0", num_envs=2)
    env.reset(seed=[9, 9], options={"context": [{"notice": "none", "refills": value} for value in ("2.5", "5.5")]})
    assert [float(world) for world in env.unwrapped.physics.worlds["refills"]] == [2.5, 5.5]
    env.close()


def test_an_adapter_is_given_numbers_with_the_factors(monkeypatch):
    told = []

    def reset(env, seed, context):
        told.append(dict(context))
        return env.reset(seed=seed, options=dict(context))

    windy = replace(
        corridor.SPEC, environment="own/Windy-v0", habits=(),
        adapter=replace(corridor.SPEC.adapter, reset=reset), numbers={"wind": Number(0.0, 4.0, "m/s", "the wind")},
    )  # fmt: skip
    monkeypatch.setattr(outside, "SCENES", {"own/Windy-v0": outside.Outside("windy:SPEC", windy)})
    from testbed.rollouts.adapter.batch import AdaptedVectorEnv

    env = AdaptedVectorEnv(windy, 3)
    told.clear()
    env.reset(seed=[1, 1, 2], options={"context": [{"wind": "2.5"}, {}, {}]})
    assert told[0]["wind"] == 2.5 and 0.0 <= told[1]["wind"] <= 4.0 and told[1]["wind"] != told[2]["wind"]
    assert told[0]["floor"] == told[1]["floor"]  # fixing one leaves the others as they are
    env.close()


@pytest.mark.parametrize(("numbers", "words"), [
    ({"wind": Number(4.0, 4.0, "m/s", "the wind")}, "its number wind is"), ({"wind": (0, 1)}, "low below high"),
    ({"floor": Number(0.0, 1.0, "", "x")}, "floor is one of its factors and one of its numbers"),
    ({"wind": Number(0.0, float("nan"), "", "x")}, "its number wind is"),
])  # fmt: skip
def test_a_number_that_is_none_is_told(numbers, words):
    (told,) = problems(replace(corridor.SPEC, numbers=numbers))
    assert words in told
