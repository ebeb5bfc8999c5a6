"""`testbed check` holds a scene to what ours keep: ours do, and of broken ones it names what is missing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import corridor
import numpy as np
import pytest
from corridor import PACE, WAY, WET, Corridor, Walker, trace, varied
from gymnasium.envs.registration import registry as gymnasium_registry
from gymnasium.vector import AutoresetMode

from testbed.cli.commands.check import check as command
from testbed.datasets.form import form_of
from testbed.protocols.measure import Violation
from testbed.protocols.scene import SceneSpec
from testbed.rollouts.adapter import world
from testbed.rollouts.adapter.batch import AdaptedVectorEnv
from testbed.rollouts.contracts.all import check
from testbed.scenes import outside
from testbed.scenes.registry import BUILT_IN, get_scene, use


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch) -> Iterator[None]:
    """No scene of somebody else's is known before, nor is any afterwards."""
    monkeypatch.setattr(outside, "SCENES", {})
    monkeypatch.setattr(outside, "_plugins_loaded", True)
    monkeypatch.setattr(world, "_idle", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(gymnasium_registry)
    yield
    for name in set(gymnasium_registry) - before:
        del gymnasium_registry[name]
    form_of.cache_clear()


def _said(spec: SceneSpec, count: int = 6) -> str:
    return "\n".join(f"{one.what}: {one.mend}" for _, findings in check(spec, count) for one in findings)


@pytest.mark.parametrize("name", BUILT_IN)
def test_our_scenes_keep_every_contract(name):
    assert _said(get_scene(name), 32 if get_scene(name).domain == "driving" else 4) == ""


def test_the_command_says_that_a_whole_scene_is_one(capsys):
    command("corridor:SPEC", 6)
    said = capsys.readouterr().out.splitlines()
    assert (
        len(said) == 12
        and all(line.startswith("✓") for line in said[:-1])
        and said[-1].startswith("corridor:SPEC keeps")
    )


def _unseeded(env: Corridor, seed: int, context: Any) -> Any:
    return env.reset(seed=int(_dice.integers(2**31)), options=dict(context))


_dice = np.random.default_rng(0)


class _Forgetful(AdaptedVectorEnv):
    """Draws factors that were fixed."""

    def _begin(self, mask: np.ndarray) -> None:
        self._fixed[mask] = -1
        super()._begin(mask)


class _Stuck(AdaptedVectorEnv):
    """Never begins anew by itself."""

    def __init__(self, scene: SceneSpec, num_envs: int = 1, autoreset_mode: Any = AutoresetMode.NEXT_STEP) -> None:
        super().__init__(scene, num_envs, autoreset_mode)
        self.autoreset_mode = AutoresetMode.DISABLED


class _Locked(AdaptedVectorEnv):
    """Cannot be copied."""

    def __getstate__(self) -> dict:
        raise TypeError("it holds a lock")


def _holds_nothing(observations: np.ndarray) -> np.ndarray:
    return np.zeros(len(observations), bool)


class _Counting:
    """A demonstrator that remembers."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        return 1 + np.arange(len(observations)) % 2


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "seeds": ({"reset": _unseeded}, "do not give the same again: let everything random come from"),
    "one scene": ({"reset": lambda env, seed, context: env.reset(seed=1)}, "every seed gives the same scene"),
    "factors": ({"batch": _Forgetful}, "a reset does not fix floor=dry"),
    "bounds": ({"make": lambda render_mode: _far(Corridor())}, "outside its space"),
    "autoreset": ({"batch": _Stuck}, r"a world that is over does not begin anew"),
    "copies": ({"batch": _Locked}, r"it cannot be copied \(TypeError: it holds a lock\): leave what belongs"),
    "shapes": ({"trace": lambda env: trace(env) | {"speed": np.zeros(1 + (env.place > 0))}}, "always return the same"),
    "numbers": ({"trace": lambda env: trace(env) | {"speed": np.array([np.inf])}}, "speed of own/Corridor-v0 is not a"),
    "size": ({"trace": lambda env: trace(env) | {"speed": np.array([1e9])}}, "larger than 1e\\+06: record SI units"),
    "a measure fails": ({"measures": (WAY, replace(PACE, compute=lambda trace: 1 / 0))}, "pace fails on an episode"),
    "a measure is NaN": ({"measures": (WAY, replace(PACE, compute=lambda trace: np.nan))}, "pace is nan on an episode"),
    "a measure draws": ({"measures": (WAY, replace(PACE, compute=lambda trace: _dice.random()))}, "another number for"),
    "thresholds": ({"measures": (WAY, replace(PACE, worse="lower"))}, r"severe \(2.0\) comes before minor"),
    "a trigger": ({"triggers": {"wet": replace(WET, holds=_holds_nothing)}}, "trigger wet does not hold as its"),
    "not seen": ({"triggers": {"wet": replace(WET, holds=lambda seen: seen[:, 0] > 0)}}, "trigger wet does not hold"),
    "no habit": ({"changed": lambda dose: Walker()}, "acts no otherwise where the trigger holds"),
    "memory": ({"changed": lambda dose: _Counting()}, "acts otherwise when states come in another order"),
    "no success": ({"success": lambda env, info: False}, "succeeds in none of 6 scenes"),
    "told apart": ({"measures": (replace(WAY, worse="lower", minor=2.0, severe=0.5),)}, "way does not tell running-in"),
    "violations": ({"violations": lambda trace: [Violation(0, 99, "way", "", True, None)]}, "is none of an"),
}  # fmt: skip


def _far(env: Corridor) -> Corridor:
    seen = env._seen
    env._seen = lambda: seen() | {"speed": np.array([9.0], np.float32)}  # type: ignore[method-assign]
    return env


@pytest.mark.parametrize("what", BROKEN)
def test_what_a_broken_scene_lacks_is_named_with_its_mend(what, monkeypatch):
    changes, said = BROKEN[what]
    monkeypatch.setattr(corridor, "OTHER", varied(**changes), raising=False)
    found = _said(use("corridor:OTHER"))
    assert re.search(said, found), found


UNDECLARED: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"environment": "Corridor"}, "give a Gymnasium id such as own/Crossing-v0"),
    "no form": ({"adapter": None}, "it has neither an adapter nor single"),
    "no signals": ({"trace_units": {}}, "its adapter records no signal"),
    "no ending": ({"endings": ()}, r"give endings=\(...\)"),
    "no context": ({"context": {}}, "it has no context"),
    "one value": ({"context": {"floor": ("dry", "wet", "icy"), "light": ("day",)}}, "its factor light has the values"),
    "no measure": ({"measures": ()}, "it has no measure"),
    "primary": ({"primary": "haste"}, "its primary measure 'haste' is none of them: choose one of way, pace"),
    "no habits": ({"habits": ()}, r"it has no habit: give habits=\(Habit"),
    "measure": ({"measure": "haste"}, "is shown by 'haste', no measure here"),
    "trigger": ({"default_trigger": "dusk"}, "has no trigger 'dusk'"),
    "context": ({"triggers": {"wet": replace(WET, on={"floor": "oily"})}}, "on of the trigger wet has floor=oily"),
}


@pytest.mark.parametrize("what", UNDECLARED)
def test_what_a_declaration_lacks_is_named_and_exits_with_1(what, monkeypatch, capsys):
    changes, said = UNDECLARED[what]
    adapterless = "adapter" in changes
    monkeypatch.setattr(
        corridor, "OTHER", replace(corridor.SPEC, **changes) if adapterless else varied(**changes), raising=False
    )
    with pytest.raises(SystemExit) as left:
        command("corridor:OTHER", 6)
    found = capsys.readouterr()
    assert left.value.code == 1 and re.search(said, found.out), found.out
    assert len(found.err.splitlines()) == 1
