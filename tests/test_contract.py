"""Somebody else's policy in a scene of ours: order, scale, history, rate and actions go through its contract."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from testbed.errors import UserError
from testbed.policies.adapted import adapt
from testbed.policies.contract import (
    Actions,
    Contract,
    Interface,
    Network,
    Observations,
    contract_beside,
    read_contract,
)
from testbed.policies.formats.vecnormalize import Normaliser
from testbed.policies.found import Found

SCENE = Interface("testbed/Merge-v0", 4, 5, None)
ROOM = Interface("testbed/OrderPicking-v0", 4, 2, (-np.ones(2, np.float32), np.array([1, 3], np.float32)))


@dataclass
class Spy:
    """Remembers what it saw, and does what it is told."""

    does: np.ndarray
    seen: list = None

    def act(self, observations):
        self.seen = [*(self.seen or []), observations]
        return np.repeat(self.does[None], len(observations), axis=0)


def adapted(spy, told, scene=SCENE, sees=None, normaliser=None, does=None, bounds=None):
    return adapt(Found(spy, sees, does, scene.bounds is None, bounds), told, scene, normaliser).reset(2)


SEEN = np.arange(24, dtype=np.float64).reshape(3, 2, 4)
"""Three decisions of two episodes."""


def test_order_scale_and_history_come_in_this_order():
    spy = Spy(np.array(1))
    told = Contract(Observations(take=(2, 0), stack=2))
    acting = adapted(spy, told, sees=4, normaliser=Normaliser(np.array([1.0, 0.0]), np.array([4.0, 1.0]), limit=5.0))
    for observations in SEEN:
        acting.act(observations)
    # the first episode sees (2, 0), (10, 8), (18, 16), of which (x - 1) / 2 and x, at most 5
    np.testing.assert_allclose([one[0] for one in spy.seen], [[0, 0, 0.5, 0], [0.5, 0, 4.5, 5], [4.5, 5, 5, 5]])
    assert spy.seen[0].dtype == np.float32


def test_a_decision_may_last_several_of_the_scene():
    spy = Spy(np.array(3))
    acting = adapted(spy, Contract(actions=Actions(every=2)))
    assert [acting.act(one).tolist() for one in SEEN] == [[3, 3]] * 3
    assert [one[0, 0] for one in spy.seen] == [0, 16]


def test_discrete_actions_may_be_others_of_the_scene():
    acting = adapted(Spy(np.array(1)), Contract(actions=Actions(order=(4, 2, 0))), does=3)
    assert acting.act(SEEN[0]).tolist() == [2, 2]


def test_continuous_actions_may_be_scaled_and_ordered():
    bounds = np.array([-2, 0], np.float32), np.array([2, 10], np.float32)
    told = Contract(actions=Actions(order=(1, 0), rescale=True))
    acting = adapted(Spy(np.array([2.0, 2.5])), told, ROOM, does=2, bounds=(bounds[0], bounds[1]))
    # the scene goes from -1 to 1 and from -1 to 3: 2 is the highest of the first of the policy's, ...
    swapped = adapted(Spy(np.array([2.0, 2.5])), Contract(actions=Actions(rescale=True)), ROOM, does=2, bounds=bounds)
    np.testing.assert_allclose(swapped.act(SEEN[0])[0], [1.0, 0.0])
    # ... and where the order is turned round, it is the scene's second that is the highest
    np.testing.assert_allclose(acting.act(SEEN[0])[0], [-0.5, 3.0])
    unscaled = adapted(Spy(np.array([2.0, 2.5])), Contract(actions=Actions(rescale=False)), ROOM, does=2, bounds=bounds)
    np.testing.assert_allclose(unscaled.act(SEEN[0])[0], [1.0, 2.5])


@given(st.permutations(range(4)), st.integers(1, 3))
def test_a_policy_that_sees_all_in_another_order_sees_the_same(order, stack):
    plain, turned = Spy(np.array(0)), Spy(np.array(0))
    one = adapted(plain, Contract(Observations(stack=stack)))
    other = adapted(turned, Contract(Observations(take=tuple(order), stack=stack)))
    for observations in SEEN:
        one.act(observations)
        other.act(observations)
    for seen, again in zip(plain.seen, turned.seen, strict=True):
        np.testing.assert_array_equal(seen.reshape(2, stack, 4)[:, :, order], again.reshape(2, stack, 4))


@pytest.mark.parametrize(("found", "told", "scene", "words"), [
    (Found(None, 7, 5, True), Contract(), SCENE, r"it sees 7 numbers, and is shown 4 of testbed/Merge-v0: .*take"),
    (Found(None, 7, 5, True), Contract(Observations(stack=2)), SCENE, "4 of testbed/Merge-v0, 2 times"),
    (Found(None, 1, 5, True), Contract(Observations(take=(9,))), SCENE, "takes number 9 .* has 4"),
    (Found(None, 4, 3, True), Contract(), SCENE, "it has 3 actions, and testbed/Merge-v0 5: .*order"),
    (Found(None, 4, 5, False), Contract(), SCENE, "its actions are continuous, and those of testbed/Merge-v0 discrete"),
    (Found(None, 4, 2, False, (np.zeros(2), np.ones(2))), Contract(), ROOM, r"from 0 to 1, .* -1 to \[1, 3\]: "),
    (Found(None, 4, 5, True), Contract(actions=Actions(order=(0, 1, 2, 3, 9))), SCENE, "which has 0 to 4"),
    (Found(None, 9, 3, True), Contract(), SCENE, "it sees 9 .*; it has 3 actions"),
])  # fmt: skip
def test_every_mismatch_is_told_with_its_mend(found, told, scene, words):
    with pytest.raises(UserError, match=words):
        adapt(found, told, scene, None)


def test_a_normaliser_of_another_size_is_told():
    with pytest.raises(UserError, match="its normaliser is for 9 numbers, and it is shown 4"):
        adapt(Found(None, 4, 5, True), Contract(), SCENE, Normaliser(np.zeros(9), np.ones(9)))


def contract_of(policy, given=None):
    return read_contract(contract_beside(policy, given))


def test_a_contract_is_read_from_beside_its_policy(tmp_path):
    (tmp_path / "policy.toml").write_text("[network]\nactor = 'pi'\n")
    assert contract_of(tmp_path / "a.zip") == Contract(network=Network("pi"))
    (tmp_path / "a.toml").write_text(
        "[observations]\ntake = [1, 0]\nmean = [0.5, 1.0]\nstd = [1, 2]\nlimit = 10\nstack = 2\n"
        "[actions]\norder = [1, 0]\nrescale = true\nevery = 3\n"
    )
    whole = Contract(Observations((1, 0), "", (0.5, 1.0), (1.0, 2.0), 10.0, "", 2), Actions((1, 0), True, 3), Network())
    assert contract_of(tmp_path / "a.zip") == whole and contract_of(tmp_path / "b.zip") != whole
    assert contract_of(tmp_path / "b.zip", tmp_path / "a.toml") == whole
    assert replace(whole) == whole


@pytest.mark.parametrize(("text", "words"), [
    ("[observation]\n", "unknown setting of a contract 'observation': choose one of actions, network, observations"),
    ("[observations]\norder = [1]\n", r"unknown setting of a contract's \[observations\] 'order'"),
    ("[observations]\ntake = [-1]\n", "count from 0"),
    ("[observations]\ntake = ['x']\n", "is no contract"),
    ("[observations]\nmean = [1.0]\n", "as many positive std as mean"),
    ("[observations]\nmean = [1.0]\nstd = [inf]\n", "as many positive std as mean"),
    ("[observations]\nmean = [1.0]\nstd = [0.0]\n", "as many positive std as mean"),
    ("[observations]\nmean = [1.0]\nstd = [1.0]\nvecnormalize = 'v.pkl'\n", "not both"),
    ("[observations]\nstack = 0\n", "are 1 to 1000"),
    ("observations = 3\n", "is no contract"),
    ("[observations\n", "is no contract"),
    ("\x00", "empty"),
])  # fmt: skip
def test_a_contract_that_is_none_is_told_in_one_line(text, words, tmp_path):
    (tmp_path / "policy.toml").write_text(text)
    with pytest.raises(UserError, match=words) as error:
        read_contract(tmp_path / "policy.toml")
    assert "\n" not in str(error.value) and "policy.toml" in str(error.value)
