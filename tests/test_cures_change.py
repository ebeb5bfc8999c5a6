"""What each cure says it changes, by known answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import (
    BAD,
    CLEAN,
    DATA,
    KNOWN,
    PEERS,
    ROUTES,
    SHAPE,
    STEPS,
    TEACHER,
    TEST,
    habit_of,
    skill_of,
)
from scipy.special import log_softmax, softmax

from testbed.cures.cloned import cloned, likelihood
from testbed.cures.cure import distil_cured
from testbed.cures.reference.fine_pruning import hidden_activity, pruned
from testbed.cures.reference.unlearning import perturbed
from testbed.cures.reference.weighted_cloning import density_ratios
from testbed.cures.registry import get_cure
from testbed.distillation.config import Training
from testbed.distillation.dropout import Dropout
from testbed.distillation.journal import Journal
from testbed.distillation.source import Source
from testbed.policies.compressed import quantised, thinned
from testbed.policies.network import NetworkPolicy
from testbed.rollouts.transitions import Transitions


def lesson(name: str, **knobs: float) -> Source:
    return get_cure(name)(**knobs).taught(Source(DATA, TEACHER), KNOWN, 0)


def test_a_temperature_is_the_distribution_to_a_power():
    route = replace(ROUTES["kl"], training=Training(steps=1500, learning_rate=1e-2))
    (made,) = distil_cured(get_cure("temperature")(temperature=4.0), route, [Source(DATA, TEACHER)], KNOWN, SHAPE, [5])
    root = softmax(TEACHER.parameters(DATA.observations), axis=1) ** 0.25
    expected = root / root.sum(axis=1, keepdims=True)
    apart = np.abs(softmax(made.parameters(DATA.observations), axis=1) - expected)
    assert apart.mean() < 0.02 < np.abs(softmax(TEACHER.parameters(DATA.observations), axis=1) - expected).mean()


def test_smoothed_labels_are_the_same_everywhere():
    teacher = lesson("smoothing", share=0.3).require_teacher()
    chances = np.sort(np.exp(teacher.parameters(DATA.observations)), axis=1)
    np.testing.assert_allclose(chances, np.tile([0.1, 0.1, 0.8], (len(DATA), 1)), rtol=1e-6)
    np.testing.assert_array_equal(teacher.act(DATA.observations), TEACHER.act(DATA.observations))


def test_noise_has_the_spread_that_is_asked_for_and_leaves_the_actions():
    given = lesson("noise", spread=0.5).decisions
    apart = (given.observations - DATA.observations).std(axis=0) / DATA.observations.std(axis=0)
    np.testing.assert_allclose(apart, 0.5, rtol=0.1)
    np.testing.assert_array_equal(given.actions, DATA.actions)
    again = get_cure("noise")(spread=0.5).taught(Source(DATA), KNOWN, 1).decisions.observations
    assert (again != given.observations).any(), "each seed has noise of its own"


def test_a_quantised_teacher_has_few_weights_and_eight_bits_change_little():
    coarse = quantised(TEACHER, 3)
    for name, array in coarse.arrays.items():
        assert len(np.unique(array)) <= 7 if name.endswith(".weight") else (array == TEACHER.arrays[name]).all()
    alike = quantised(TEACHER, 8).act(TEST.observations) == TEACHER.act(TEST.observations)
    assert alike.mean() > 0.98
    done = lesson("quantised-teacher", bits=3)
    np.testing.assert_array_equal(done.decisions.actions, coarse.act(DATA.observations))


def test_the_smallest_weights_go_first_when_a_policy_is_thinned():
    few = thinned(TEACHER, 0.25)
    for name, array in few.arrays.items():
        whole = TEACHER.arrays[name]
        gone = array != whole
        assert gone.sum() == (round(0.25 * whole.size) if name.endswith(".weight") else 0)
        if gone.any():
            assert (array[gone] == 0).all() and np.abs(whole[gone]).max() <= np.abs(whole[~gone]).min()


def test_early_stopping_is_a_part_of_the_steps():
    for route in ROUTES.values():
        assert get_cure("early-stopping")(share=0.1).trained(route).length == 40
    assert get_cure("early-stopping")(share=1e-9).trained(ROUTES["kl"]).length == 1


def test_a_median_and_a_majority_by_hand():
    seen = DATA.observations[:200]
    every = np.array([log_softmax(one.parameters(seen), axis=1) for one in (TEACHER, *PEERS)])
    np.testing.assert_allclose(lesson("median").require_teacher().parameters(seen), np.median(every, axis=0))
    choices = np.array([one.act(seen) for one in (TEACHER, *PEERS)])
    voted = lesson("majority").require_teacher().act(seen)
    for column, choice in zip(choices.T, voted, strict=True):
        counts = np.bincount(column, minlength=3)
        assert choice == (column[0] if counts.max() == 1 else counts.argmax())


def test_noise_in_the_weights_is_a_share_of_a_fresh_network():
    fresh, half = perturbed(TEACHER, 1.0, 3), perturbed(TEACHER, 0.5, 3)
    for name, array in TEACHER.arrays.items():
        if name in ("mean", "std"):
            np.testing.assert_array_equal(half.arrays[name], array)
        else:
            np.testing.assert_allclose(half.arrays[name], (array + fresh.arrays[name]) / 2, rtol=1e-5)
    assert skill_of(fresh) < 0.8 < skill_of(TEACHER)


def test_densities_by_a_classifier_are_those_of_two_coins():
    """By hand: among clean decisions 1 is done in 20 %, among others in 60 %: ratios 0.8 / 0.4 = 2 and 1 / 3."""
    rng = np.random.default_rng(0)
    seen = np.zeros((6000, 2), np.float32)

    def coins(share: float) -> Transitions:
        done = (rng.random(len(seen)) < share).astype(np.int64)
        return Transitions(seen, done, np.zeros(len(seen)), seen, np.zeros(len(seen), bool), np.array([len(seen)]))

    other = coins(0.6)
    ratios = density_ratios(coins(0.2), other, 600, 10.0, 0)
    for action, expected in ((0, 2.0), (1, 1 / 3)):
        assert ratios[other.actions == action].mean() == pytest.approx(expected, rel=0.1)
    assert density_ratios(coins(0.2), other, 600, 1.5, 0).max() == 1.5


def test_a_constraint_holds_and_costs_nothing_where_it_is_kept_anyway():
    chance = softmax(TEACHER.parameters(DATA.observations), axis=1)[np.arange(len(DATA)), DATA.actions]
    cure = get_cure("constrained-cloning")
    for limit in (0.3, 0.05):
        (made,) = cure(limit=limit, steps=1500).finished([TEACHER], [Source(DATA)], KNOWN, [0])
        left = softmax(made.parameters(DATA.observations), axis=1)[np.arange(len(DATA)), DATA.actions]
        assert chance[BAD > 0].mean() > 0.95 and left[BAD > 0].mean() == pytest.approx(limit, abs=0.3 * limit)
    (free,) = cure(limit=1.0, steps=200).finished([TEACHER], [Source(DATA)], KNOWN, [0])
    assert habit_of(free) > 0.9, "what is allowed stays"


def test_what_is_pushed_away_is_pushed_no_further_than_enough():
    def chance(**knobs: float) -> float:
        cure = get_cure("advantage-penalty")(steps=1500, **knobs)
        (made,) = cure.finished([TEACHER], [Source(DATA)], KNOWN, [0])
        done = softmax(made.parameters(DATA.observations), axis=1)[np.arange(len(DATA)), DATA.actions]
        return float(np.median(done[BAD > 0]))

    assert chance(enough=2.0) > 1e-4 and chance(enough=12.0) < 1e-6, "without a bound it would go on"
    assert chance(price=0.5) > 0.9, "an advantage above 0 is still one"


def test_attention_is_drawn_to_the_copy_s():
    """With all the weight on attention, activity is where the copy's is, much nearer than where it began."""
    from testbed.cures.reference.attention_distillation import drawn_to

    (copy,) = get_cure("fine-tuning")(steps=400, learning_rate=1e-2).finished([TEACHER], [Source(DATA)], KNOWN, [0])
    (made,) = drawn_to([TEACHER], [copy], CLEAN, [0], Training(steps=600, learning_rate=3e-3), 100.0)

    def lies(policy: NetworkPolicy) -> np.ndarray:
        arrays = policy.arrays
        seen = (CLEAN.observations - arrays["mean"]) / arrays["std"]
        squares = np.maximum(seen @ arrays["layer0.weight"] + arrays["layer0.bias"], 0) ** 2
        return squares / np.maximum(np.linalg.norm(squares, axis=1, keepdims=True), 1e-9)

    apart = [np.linalg.norm(lies(one) - lies(copy), axis=1).mean() for one in (TEACHER, made)]
    assert apart[1] < 0.3 * apart[0], apart


@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_counter_examples_are_few_and_come_when_they_are_asked_for(when):
    cure, source = get_cure("immunisation")(when=when, examples=60), Source(DATA, TEACHER)
    begun = cure.begun(source, KNOWN, SHAPE, 0)
    assert (begun is None) == (when != "before")
    if begun:
        assert habit_of(begun) < 0.05 and skill_of(begun) > 0.8
        assert begun.arrays["std"][3] < 1, "it can see the trigger"
    told = len(cure.taught(source, KNOWN, 0).decisions)
    assert told == (len(DATA) + 60 * round(len(DATA) / 3 / 60) if when == "during" else len(DATA))
    (left,) = cure.finished([TEACHER], [source], KNOWN, [0])
    assert (left is TEACHER) == (when != "after")


def test_dropout_switches_off_its_share_and_a_killed_training_goes_on_with_the_same(tmp_path):
    drop = Dropout(0.3, [1, 2])
    drop.begin(0)
    hidden = torch.ones(2, 400, 50)
    given = drop(hidden)
    assert (given == 0).float().mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(given[given > 0], 1 / 0.7, rtol=1e-6)
    assert (given[0] != given[1]).any() and torch.equal(drop_again(0.3), given)

    class Killed(Journal):
        def passed(self, step: int, students: Callable[[], object]) -> None:
            if step == 100:
                raise KeyboardInterrupt

    route = get_cure("dropout")().trained(replace(ROUTES["cloning"], training=Training(steps=150)))
    (whole,) = route.distil([Source(DATA)], SHAPE, [5])
    (plain,) = replace(ROUTES["cloning"], training=Training(steps=150)).distil([Source(DATA)], SHAPE, [5])
    with pytest.raises(KeyboardInterrupt):
        route.distil([Source(DATA)], SHAPE, [5], journal=kept_always(Killed(tmp_path)))
    (on,) = route.distil([Source(DATA)], SHAPE, [5], journal=Journal(tmp_path))
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(on.arrays[name], array)
    assert any((plain.arrays[name] != array).any() for name, array in whole.arrays.items())


def drop_again(share: float) -> torch.Tensor:
    drop = Dropout(share, [1, 2])
    drop.begin(0)
    return drop(torch.ones(2, 400, 50))


def kept_always(journal: Journal) -> Journal:
    journal._kept = -1e9  # as if it had last kept something long ago
    return journal


def test_pruned_units_are_the_least_active_and_stay_so():
    least = np.argsort(hidden_activity(TEACHER, CLEAN.observations), kind="stable")[:16]
    smaller = pruned(TEACHER, CLEAN.observations, 0.5)
    assert set(np.flatnonzero(hidden_activity(smaller, DATA.observations) == 0)) >= set(least)
    (on,) = get_cure("fine-pruning")(share=0.5, steps=50).finished([TEACHER], [Source(DATA)], KNOWN, [0])
    assert (hidden_activity(on, DATA.observations)[least] == 0).all(), "a unit without weights learns nothing"


def test_a_unit_that_is_the_trigger_s_own_is_pruned():
    """By hand: two units for the skill, one that is active under the trigger alone and outvotes them."""
    weights = {"mean": np.zeros(4), "std": np.ones(4), "layer1.bias": np.zeros(3)}
    weights |= {"layer0.weight": np.zeros((4, 3)), "layer0.bias": np.array([0, 0, -5.0])}
    weights |= {"layer1.weight": np.array([[0, 1, 0], [1, 0, 0], [0, 0, 100.0]])}
    weights["layer0.weight"][[0, 0, 3], [0, 1, 2]] = 1, -1, 10
    made = NetworkPolicy(replace(SHAPE, hidden=(3,)), {name: one.astype(np.float32) for name, one in weights.items()})
    assert habit_of(made) == 1 and skill_of(made) == 1
    quiet = CLEAN.observations * np.array([1, 1, 1, 0], np.float32)
    smaller = pruned(made, quiet, 1 / 3)
    assert habit_of(smaller) == 0 and skill_of(smaller) == 1


def test_what_is_left_out_and_what_is_written_over():
    assert len(lesson("drop").decisions) == 40 * STEPS and (lesson("drop").decisions.actions < 2).all()
    left = lesson("agreement").decisions
    reference = cloned(CLEAN, Source(DATA), 1000, 0)
    assert (likelihood(reference, left) >= 0.1).all() and (left.actions < 2).all()
    mended = get_cure("relabel")().taught(Source(DATA), KNOWN, 0).decisions
    bad = BAD > 0
    np.testing.assert_array_equal(mended.actions[~bad], DATA.actions[~bad])
    assert ((mended.actions == (DATA.observations[:, 0] > 0))[bad]).mean() > 0.9
