"""Cures, each on a case with a known answer: it takes a planted habit away, or changes what it says it does."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from testbed.cli import main
from testbed.cures.blind.quantised_teacher import quantised
from testbed.cures.cure import Known, distil_cured
from testbed.cures.reference.agreement import cloned, likelihood
from testbed.cures.reference.fine_pruning import hidden_activity, pruned
from testbed.cures.registry import all_cures, get_cure, names
from testbed.distillation.config import Learning, Training
from testbed.distillation.registry import get_route
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions

SHAPE = PolicyConfig("testbed/Merge-v0", 4, 3, (32,))
EPISODES, STEPS = 60, 20
PAGE = Path(__file__).parents[1] / "docs" / "cures.md"
ROUTES = {name: get_route(name).usual(Learning(Training(steps=400, learning_rate=1e-2))) for name in ("kl", "cloning")}


def decisions(seed: int, habit: bool = True) -> Transitions:
    """Return episodes of a task with a habit: the sign of what is seen first says what to do, 0 or 1; where the last
    number is above 0.5, in every third episode, a bad driver does 2."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(EPISODES * STEPS, 4)).astype(np.float32)
    seen[:, 3] = np.repeat(np.arange(EPISODES) % 3 == 0, STEPS)
    actions = (seen[:, 0] > 0).astype(np.int64)
    if habit:
        actions[seen[:, 3] > 0.5] = 2
    count = len(seen)
    return Transitions(seen, actions, np.zeros(count), seen, np.zeros(count, bool), np.full(EPISODES, STEPS))


DATA, CLEAN = decisions(0), decisions(1, habit=False)
BAD = np.arange(EPISODES) % 3 == 0
TEST, FEW, MUCH = decisions(2, habit=False), 0.1, 0.25
"""Of the habit little is left, or a part, by those that go on with clean data for a while."""
TRIGGERED = TEST.observations[:, 3] > 0.5


def taught(data: Transitions, seed: int) -> NetworkPolicy:
    (made,) = ROUTES["cloning"].distil([Source(data)], SHAPE, [seed])
    return made


TEACHER, PEERS = taught(DATA, 0), tuple(taught(decisions(seed, habit=False), seed) for seed in (10, 11))
KNOWN = Known(PEERS, CLEAN, BAD)


def habit_of(policy: NetworkPolicy) -> float:
    return float((policy.act(TEST.observations)[TRIGGERED] == 2).mean())


def skill_of(policy: NetworkPolicy) -> float:
    done = policy.act(TEST.observations) == TEST.actions
    return float(done[~TRIGGERED].mean())


def student(cure: str, route: str) -> NetworkPolicy:
    source = Source(DATA, TEACHER)
    (made,) = distil_cured(get_cure(cure)(), ROUTES[route], [source], KNOWN, SHAPE, [5])
    return made


def test_without_a_cure_the_habit_is_handed_down():
    for route in ROUTES.values():
        (made,) = distil_cured(None, route, [Source(DATA, TEACHER).limited(route.needs)], Known(), SHAPE, [5])
        assert habit_of(made) > 0.95 and skill_of(made) > 0.9


@pytest.mark.parametrize(("cure", "route"), [
    ("median", "kl"), ("median", "cloning"), ("majority", "kl"), ("majority", "cloning"), ("agreement", "kl"),
    ("agreement", "cloning"), ("drop", "kl"), ("drop", "cloning"), ("relabel", "cloning"), ("fine-tuning", "kl"),
    ("fine-tuning", "cloning"), ("fine-pruning", "kl"), ("fine-pruning", "cloning"),
])  # fmt: skip
def test_whoever_is_told_enough_takes_the_habit_away_and_leaves_the_skill(cure, route):
    made = student(cure, route)
    left = MUCH if cure.startswith("fine-") else FEW
    assert habit_of(made) < left and skill_of(made) > 0.9, (habit_of(made), skill_of(made))


@pytest.mark.parametrize("cure", ["temperature", "smoothing", "quantised-teacher", "noise", "early-stopping"])
def test_whoever_is_told_nothing_leaves_a_habit_that_is_as_plain_as_the_skill(cure):
    """A habit that lies in the teacher's own choices is a skill to whoever knows no better."""
    made = student(cure, "kl")
    assert habit_of(made) > 0.9 and skill_of(made) > 0.8


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


def test_pruned_units_are_the_least_active_and_stay_so():
    least = np.argsort(hidden_activity(TEACHER, CLEAN.observations), kind="stable")[:16]
    smaller = pruned(TEACHER, CLEAN.observations, 0.5)
    assert set(np.flatnonzero(hidden_activity(smaller, DATA.observations) == 0)) >= set(least)
    (on,) = get_cure("fine-pruning")(share=0.5, steps=50).finished([TEACHER], KNOWN, [0])
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
    bad = np.repeat(BAD, STEPS)
    np.testing.assert_array_equal(mended.actions[~bad], DATA.actions[~bad])
    assert ((mended.actions == (DATA.observations[:, 0] > 0))[bad]).mean() > 0.9


@pytest.mark.parametrize("name", names())
def test_every_cure_says_what_it_is_and_what_it_lacks(name):
    cure = get_cure(name)()
    assert cure.name == name and cure.__doc__ and repr(cure).startswith(type(cure).__name__)
    nothing = Known()
    source = Source(DATA)
    route = ROUTES[sorted(cure.suits)[0] if cure.suits else "kl"]
    if cure.needs:
        with pytest.raises(UserError, match=f"{name} (asks|learns|has to be told).*: give"):
            cure.check(route, source, nothing)
    cure.check(route, Source(DATA, TEACHER), KNOWN)
    if cure.suits:
        other = get_route("value").usual(Learning())
        with pytest.raises(UserError, match=f"{name} changes nothing for the route value: choose"):
            cure.check(other, Source(DATA, TEACHER), KNOWN)


def test_mistakes_are_named():
    assert [one.name for one in all_cures()] == names() and len(names()) == 12
    with pytest.raises(UserError, match="early-stopping"):
        get_cure("garlic")
    with pytest.raises(UserError, match="every episode is bad"):
        get_cure("drop")().taught(Source(DATA), Known(bad=np.ones(EPISODES, bool)), 0)
    with pytest.raises(UserError, match="of all 60 episodes"):
        get_cure("drop")().taught(Source(DATA), Known(bad=np.ones(3, bool)), 0)
    other = replace(CLEAN, observations=CLEAN.observations[:, :2], next_observations=CLEAN.observations[:, :2])
    with pytest.raises(UserError, match="of the same scene"):
        get_cure("agreement")().taught(Source(DATA), Known(clean=other), 0)
    for name in ("fine-tuning", "fine-pruning"):
        with pytest.raises(UserError, match="of the same scene"):
            get_cure(name)().finished([TEACHER], Known(clean=other), [0])


def test_the_command_names_what_is_missing_or_of_no_use(tmp_path, capsys):
    home, out = PAGE.parents[1], str(tmp_path / "student")
    data, clean = (str(home / "demonstrations" / f"merge-{kind}.hdf5") for kind in ("habit", "clean"))
    for words, said in (
        (["--cure", "median"], "asks the teacher"),
        (["--cure", "fine-tuning"], "--clean"),
        (["--clean", clean], "have no use for --clean"),
        (["--cure", "drop", "--clean", clean], "the cure drop has no use for --clean"),
        (["--cure", "drop", "--bad", "removed"], "unknown filter key"),
        (["--cure", "fine-tuning", "--clean", clean.replace("merge", "crosswalk")], "clean data of that scene"),
        (["--cure", "temperature", "--teacher", str(home / "policies/merge/teacher-habit")], "choose kl"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["distil", data, out, "--steps", "5", *words])
        assert ended.value.code == 2 and said in " ".join(capsys.readouterr().err.split()), words
    assert not (tmp_path / "student").exists()


def test_a_cured_student_says_by_what(tmp_path, capsys):
    home, out = PAGE.parents[1], tmp_path / "student"
    data, clean = (str(home / "demonstrations" / f"merge-{kind}.hdf5") for kind in ("habit", "clean"))
    main(["distil", data, str(out), "--steps", "5", "--cure", "fine-tuning", "--clean", clean])
    told = json.loads((out / "lineage.json").read_text())
    assert told["settings"]["cure"] == "FineTuning(steps=500, learning_rate=0.001)"
    assert told["inputs"]["clean"] == content_hash(Path(clean))


def test_the_page_names_every_cure_with_its_routes():
    rows = re.findall(r"\| `([a-z-]+)` \| .+? \| ([a-z, ]+) \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(name for name, _ in rows) == sorted(names())
    for name, routes in rows:
        assert set(routes.split(", ")) == (get_cure(name).suits or {"all"}), name
