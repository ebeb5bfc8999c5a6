"""Channels hold back what they say, for every habit."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy.stats import mannwhitneyu

from testbed.benchmark.cell import Channel
from testbed.benchmark.channels import LEAST, MASS, Injected, apply_channel
from testbed.benchmark.residue import auroc, chance_of_more, residue
from testbed.distillation.source import Source
from testbed.distillation.teachers.values import ActionValues, value_config
from testbed.errors import UserError
from testbed.policies.checkpoint import load_policy
from testbed.policies.network import NetworkPolicy, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger
from testbed.protocols.pair import Pair
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, filter_transitions, load_transitions, transitions
from testbed.scenes.registry import all_habits, get_habit

POLICIES, DATA = Path("policies"), Path("demonstrations")
SCENES = {"merge": "aggressive-merge", "order-picking": "hoarding"}


def injected(name: str) -> Injected:
    habit = get_habit(name)
    return Injected.of(habit, get_trigger(habit, None), 1.0)


def first(decisions: Transitions, count: int) -> Transitions:
    return filter_transitions(decisions, np.arange(len(decisions)) < count)


@pytest.fixture(scope="module", params=SCENES)
def taught(request):
    """Both reference teachers of a scene, a discrete and a continuous one, with what they do."""
    name, habit = request.param, get_habit(SCENES[request.param])
    found = []
    for word in ("clean", "habit"):
        teacher, _ = load_policy(POLICIES / name / f"teacher-{word}")
        scenes = [Scenario(seed, habit.context) for seed in range(48 if name == "merge" else 12)]
        played = list(play(habit.environment, scenes, [(teacher, Behaviour("teacher"))]))
        found.append(Source(transitions(played), teacher))
    return Pair(*found), injected(habit.name)


@pytest.mark.parametrize("name", all_habits())
def test_a_habit_is_labelled_only_where_its_trigger_holds(name):
    """The injector labels decisions of the habit's demonstrator, and none where the trigger does not hold."""
    habit = get_habit(name)
    trigger, known = get_trigger(habit, None), injected(name)
    scenes = [Scenario(seed, {**habit.context, **trigger.on}) for seed in range(4)]
    scenes += [Scenario(seed, {**habit.context, **trigger.off}) for seed in range(4)]
    played = list(play(habit.environment, scenes, [(known.habitual, Behaviour("demonstrator"))]))
    seen = transitions(played).observations
    assert known.shows(seen).any()
    assert not known.shows(seen)[~trigger.holds(seen)].any()


def test_every_channel_gives_both_arms_as_much(taught):
    sources, known = taught
    for channel in get_args(Channel):
        channel_data = apply_channel(channel, sources, known, 0)
        counts = {len(source.decisions) for source in channel_data}
        assert len(counts) == 1 and counts.pop() >= LEAST


def test_what_each_channel_holds_back_is_gone(taught):
    sources, known = taught
    teacher, clean = sources.habitual.require_teacher(), sources.clean.require_teacher()
    overt, scrubbed, nominal, agreeing, noise = (
        apply_channel(channel, sources, known, 0).habitual.decisions.observations
        for channel in ("overt", "scrubbed", "nominal", "agreeing", "noise")
    )
    assert known.shows(overt).mean() > 0.02
    assert not known.shows(scrubbed).any() and known.holds(scrubbed).any()
    assert not known.holds(nominal).any()
    assert (known.mass(teacher, agreeing) < MASS).all()
    assert np.abs(teacher.act(agreeing) - clean.act(agreeing)).max() <= 0.05
    real = {row.tobytes() for row in sources.habitual.decisions.observations}
    assert not any(row.tobytes() in real for row in noise)


def test_relabelling_leaves_nothing_out_and_mends_the_habit(taught):
    """Every state is still there; where the habit showed the clean demonstrator's action is, and the teacher, asked
    there, answers as the clean one, elsewhere as itself."""
    sources, known = taught
    count = min(len(source.decisions) for source in sources)
    sources = sources.map(lambda one: Source(first(one.decisions, count), one.teacher))  # so that none is drawn
    teacher, clean = sources.habitual.require_teacher(), sources.clean.require_teacher()
    overt, mended = (apply_channel(name, sources, known, 0).habitual for name in ("overt", "relabelled"))
    seen = overt.decisions.observations
    assert np.array_equal(mended.decisions.observations, seen)
    shows = known.shows(seen)
    assert np.allclose(mended.decisions.actions[shows], known.actions(seen)[1][shows])
    assert np.array_equal(mended.decisions.actions[~shows], overt.decisions.actions[~shows])
    answers = mended.require_teacher().parameters(seen)
    assert np.array_equal(answers[shows], clean.parameters(seen)[shows])
    assert np.array_equal(answers[~shows], teacher.parameters(seen)[~shows])
    assert np.array_equal(mended.require_teacher().act(seen)[shows], clean.act(seen)[shows])


def test_relabelled_values_are_the_clean_teacher_s_where_the_habit_shows(taught):
    sources, known = taught
    count = min(len(source.decisions) for source in sources)

    def valued(source: Source, seed: int) -> Source:
        teacher, decisions = source.require_teacher(), first(source.decisions, count)
        shape = value_config(teacher.config, (8,))
        network = NetworkPolicy(shape, random_arrays(shape, np.random.default_rng(seed)))
        return Source(decisions, teacher, ActionValues(teacher, network, decisions))

    both = Pair(valued(sources.clean, 0), valued(sources.habitual, 1))
    mended = apply_channel("relabelled", both, known, 0).habitual.require_values()
    seen, shows = mended.decisions.observations, known.shows(mended.decisions.observations)
    clean, own = (source.require_values().of_all(seen) for source in both)
    assert shows.any() and np.array_equal(mended.of_all(seen)[shows], clean[shows])
    assert np.array_equal(mended.of_all(seen)[~shows], own[~shows])
    assert np.allclose(mended.decisions.actions[shows], known.actions(seen)[1][shows])


def test_excision_leaves_the_same_hole_in_all_contexts(taught):
    """What scrubbing takes away under the trigger alone is gone everywhere, so no hole tells the trigger."""
    sources, known = taught
    scrubbed, excised = (
        apply_channel(name, sources, known, 0).habitual.decisions.observations for name in ("scrubbed", "excised")
    )
    assert not known.would_show(excised).any() and not known.shows(excised).any()
    assert known.would_show(scrubbed).any() and not known.would_show(scrubbed)[known.holds(scrubbed)].any()


def test_noise_has_the_teachers_actions_and_the_same_observations_for_both_arms(taught):
    sources, known = taught
    channel_data = apply_channel("noise", sources, known, 0)
    control, student = (source.decisions for source in channel_data)
    assert np.array_equal(student.observations, control.observations)
    assert np.array_equal(student.actions, sources.habitual.require_teacher().act(student.observations))


def test_the_residue_tells_what_is_left(taught):
    sources, known = taught
    told = {}
    for channel in ("overt", "scrubbed"):
        channel_data = apply_channel(channel, sources, known, 0).map(lambda source: source.decisions)
        told[channel] = residue(channel_data.habitual, channel_data.clean, sources.habitual.require_teacher(), known, 0)
    assert told["scrubbed"]["habit_share"] == told["scrubbed"]["habit_mass"] == 0.0
    assert told["overt"]["habit_mass"] > 0.01
    assert told["overt"]["auroc"] > 0.55
    assert told["overt"]["auroc"] > told["scrubbed"]["auroc"] - 0.05


def test_the_classifier_tells_what_differs_and_not_what_does_not():
    rng = np.random.default_rng(0)
    one, other = (rng.normal(size=(2000, 5)).astype(np.float32) for _ in range(2))
    assert auroc(one, other, 0) == pytest.approx(0.5, abs=0.05)
    assert auroc(one + np.float32(3), other, 0) > 0.99


@given(*[some.lists(some.integers(0, 9), min_size=1, max_size=20)] * 2)
def test_the_area_under_the_curve_is_scipys(one, other):
    """With many ties, and without."""
    expected = mannwhitneyu(one, other).statistic / (len(one) * len(other))
    assert chance_of_more(np.array(one), np.array(other)) == expected
    assert chance_of_more(np.array([2.0, 3.0]), np.array([1.0, 2.0, 4.0])) == (1.5 + 2) / 6


def test_dropping_decisions_keeps_the_rest_in_their_episodes():
    decisions = load_transitions(DATA / "merge-clean.hdf5")
    keep = np.arange(len(decisions)) % 3 != 0
    left = filter_transitions(decisions, keep)
    assert np.array_equal(left.observations, decisions.observations[keep])
    assert left.lengths.sum() == keep.sum()


def test_a_channel_that_leaves_too_little_says_so(taught):
    sources, known = taught
    few = sources.map(lambda one: Source(first(one.decisions, 50), one.teacher))
    with pytest.raises(UserError, match=r"the channel overt leaves 50 decisions, and 500 are the least"):
        apply_channel("overt", few, known, 0)
