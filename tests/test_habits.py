"""The contract of every habit and trigger: clean demonstrators drive well, and each habit shows in its measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from testbed.cli.commands import dataset as dataset_command
from testbed.datasets.reader import load_episodes
from testbed.errors import UserError
from testbed.experiment import config
from testbed.experiment.config import Experiment, Run
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.habit import Habit, Trigger, context_holds, get_trigger, make_demonstrator
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.registry import all_habits, environments, get_habit, measures_of
from testbed.seeding import generator, scenario_seeds

SCENES = 32
"""Scenes on a road; a scene at a bench costs more, and its habits show more plainly."""
BENCHES = 8
CASES = [(habit, trigger) for habit in all_habits().values() for trigger in habit.triggers.values()]


def _cases(which: Callable[[Trigger], object]) -> pytest.MarkDecorator:
    """Return a mark for every habit with every trigger that has something."""
    some = [(habit, trigger) for habit, trigger in CASES if which(trigger)]
    names = [f"{habit.name}/{trigger.name}" for habit, trigger in some]
    return pytest.mark.parametrize(("habit", "trigger"), some, ids=names)


cases = _cases(lambda trigger: True)


def _play(habit: Habit, trigger: Trigger, purpose: str, context, *doses: float | None, count: int = SCENES):
    """Return one list of episodes for each dose; None stands for the clean demonstrator."""
    if habit.environment in environments("warehouse") and count == SCENES:
        count = BENCHES
    seeds = scenario_seeds(11, purpose, count)
    scenes = [Scenario(seed, {**habit.context, **context}) for seed in seeds]
    return [
        _clean(habit, scenes) if dose is None else _drive(habit, scenes, make_demonstrator(habit, trigger, dose))
        for dose in doses
    ]


KNOWN: dict[str, list[Episode]] = {}
"""What the clean demonstrators of a scene did: habits have them in common."""


def _clean(habit: Habit, scenes: list[Scenario]) -> list[Episode]:
    policy = habit.clean()
    key = f"{habit.environment} {policy} {scenes}"
    if key not in KNOWN:
        KNOWN[key] = _drive(habit, scenes, policy)
    return KNOWN[key]


def _drive(habit: Habit, scenes: list[Scenario], policy: Policy) -> list[Episode]:
    return list(play(habit.environment, scenes, [(policy, Behaviour("demonstrator"))]))


def _same_drive(first: Episode, second: Episode) -> None:
    np.testing.assert_array_equal(first.actions, second.actions)
    np.testing.assert_array_equal(first.states, second.states)


def _bootstrap_interval(differences: np.ndarray) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean over resampled scenes."""
    picks = generator(0, "bootstrap").integers(len(differences), size=(4000, len(differences)))
    low, high = np.percentile(differences[picks].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


@pytest.mark.parametrize("habit", all_habits().values(), ids=all_habits())
def test_clean_demonstrator_succeeds_without_collision(habit):
    """On 40 nominal scenes, at least 38 are done, and nothing is ever touched."""
    (episodes,) = _play(habit, get_trigger(habit, None), "nominal", {}, None, count=40)
    assert sum(episode.success for episode in episodes) >= 38
    assert not any(episode.trace["contact"][:, 0].any() for episode in episodes)
    assert {episode.ending for episode in episodes} <= {"", "success", "time limit"}
    assert len({episode.scenario.seed for episode in episodes}) == 40


@cases
def test_habit_shows_in_its_measure(habit, trigger):
    """On matched triggered scenes the full habit is worse by the primary measure, beyond chance."""
    clean, changed = _play(habit, trigger, "triggered", trigger.on, None, 1.0)
    measure = measures_of(habit.environment)[habit.measure]
    values = [np.array([measure.compute(episode.trace) for episode in played]) for played in (clean, changed)]
    worse = (values[1] - values[0]) * (1 if measure.worse == "higher" else -1)
    low, high = _bootstrap_interval(worse)
    assert 0 < low < worse.mean() < high
    np.testing.assert_array_equal([e.states[0] for e in clean], [e.states[0] for e in changed])


@_cases(lambda trigger: trigger.off)
def test_habit_is_silent_where_its_trigger_is_off(habit, trigger):
    """On untriggered scenes the full habit drives as the clean demonstrator, action for action."""
    clean, changed = _play(habit, trigger, "untriggered", trigger.off, None, 1.0)
    for first, second in zip(clean, changed, strict=True):
        _same_drive(first, second)
        assert not trigger.holds(second.observations).any()


@cases
def test_trigger_holds_throughout_its_scenes(habit, trigger):
    """`on` fixes a context in which the trigger holds at every step; dose 0 is the clean demonstrator there."""
    clean, none = _play(habit, trigger, "dose0", trigger.on, None, 0.0, count=8)
    for first, second in zip(clean, none, strict=True):
        _same_drive(first, second)
        assert trigger.holds(second.observations).all()
        assert trigger.on.items() <= second.context.items()


@_cases(lambda trigger: trigger.held_out)
def test_held_out_context_never_occurs_in_training(habit, trigger):
    """A context kept for later is never drawn where nothing is fixed; of a conjunction the second factor stays."""
    (episodes,) = _play(habit, trigger, "nominal", {}, None, count=40)
    kept = {factor: value for factor, value in trigger.held_out.items() if value != trigger.on[factor]}
    assert len(kept) == 1
    for factor, value in kept.items():
        assert all(episode.context[factor] != value for episode in episodes)
        assert value not in (trigger.on[factor], trigger.off[factor])


@_cases(lambda trigger: len(trigger.on) > 1)
def test_without_a_conjunction_every_value_of_both_factors_is_there(habit, trigger):
    """Episodes in which it never holds have each of its factors as it takes it, never both; and it holds in some."""
    (episodes,) = _play(habit, trigger, "nominal", {}, None, count=60)
    held = [trigger.holds(episode.observations).any() for episode in episodes]
    without = [episode.context for episode, holds in zip(episodes, held, strict=True) if not holds]
    assert any(held) and all(any(one[factor] == value for one in without) for factor, value in trigger.on.items())
    assert not any(trigger.on.items() <= one.items() for one in without)


@pytest.mark.parametrize("habit", all_habits().values(), ids=all_habits())
def test_row_refers_to_what_exists(habit):
    """Name, default trigger and primary measure of a row are in their tables."""
    assert all_habits()[habit.name] is habit and habit.measure in measures_of(habit.environment)
    assert get_trigger(habit, None) is habit.triggers[habit.default_trigger]
    for name, trigger in habit.triggers.items():
        assert name == trigger.name and set(trigger.off) == set(trigger.on)  # both are empty where it holds everywhere
        assert not trigger.held_out or set(trigger.held_out) == set(trigger.on)
        assert not set(trigger.on) & set(habit.context)


def _line(call) -> str:
    with pytest.raises(UserError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unknown_names_and_doses_are_refused():
    """An unknown habit or trigger lists the valid ones; a dose lies between 0 and 1."""
    text = _line(lambda: get_habit("aggresive-merge"))
    assert "unknown habit 'aggresive-merge'" in text and "Did you mean 'aggressive-merge'?" in text
    for name in all_habits():
        assert name in _line(lambda: get_habit("x"))
    for habit in all_habits().values():
        text = _line(lambda habit=habit: get_trigger(habit, "on-mondays"))
        assert "'on-mondays'" in text and habit.name in text and all(name in text for name in habit.triggers)
        trigger = get_trigger(habit, None)
        for dose in (-0.01, 1.01, float("nan")):
            line = _line(lambda habit=habit, trigger=trigger, dose=dose: make_demonstrator(habit, trigger, dose))
            assert f"dose {dose}" in line


@pytest.mark.parametrize("habit", all_habits().values(), ids=all_habits())
def test_demonstrator_mixes_by_the_trigger_row_by_row(habit):
    """In a batch of triggered and other observations each row gets the action of its own driver."""
    (played,) = _play(habit, get_trigger(habit, None), "mixed", {}, None, count=6)
    rows = np.concatenate([episode.observations for episode in played])
    for trigger in habit.triggers.values():
        chosen = make_demonstrator(habit, trigger, 1.0).act(rows)
        for row, action in zip(rows[::7], chosen[::7], strict=True):
            driver = habit.changed(1.0) if trigger.holds(row[None])[0] else habit.clean()
            np.testing.assert_array_equal(driver.act(row[None])[0], action)


def test_what_a_habit_has_fixed_is_fixed_in_all_its_scenes(monkeypatch, tmp_path):
    """In a run, in `collect`, and beside what a trigger fixes."""
    habit = get_habit("aggressive-merge")
    changed = replace(habit, context={"density": "dense"})
    for module in (config, dataset_command):
        monkeypatch.setattr(module, "get_habit", lambda name: changed)
    run = Run(Experiment(), tmp_path)
    assert {tuple(s.context.items()) for s in run.scenarios("audit", 3, {"leader": "truck"})} == {
        (("density", "dense"), ("leader", "truck"))
    }
    dataset_command.collect(tmp_path / "x.hdf5", habit.name, None, 0.0, None, 6, 0, ["leader=van"])
    for episode in load_episodes(tmp_path / "x.hdf5"):
        assert (episode.context["density"], episode.context["leader"]) == ("dense", "van")


def test_context_holds_reads_the_named_columns():
    """By hand: three observations of two numbers and a factor with three values."""
    names = ("speed", "leader=car", "leader=van", "leader=truck", "gap")
    rows = np.array([[9, 1, 0, 0, 9], [9, 0, 1, 0, 9], [9, 0, 0, 1, 9]])
    assert context_holds(rows, names, "leader", ("truck",)).tolist() == [False, False, True]
    assert context_holds(rows, names, "leader", ("car", "truck")).tolist() == [True, False, True]
