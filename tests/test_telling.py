"""Scenes that tell: those in which a habit would show, drawn until there are enough, whoever is audited."""

from __future__ import annotations

import numpy as np
import pytest

from testbed.audit.names import HELD_OUT, TRIGGERED, UNTRIGGERED
from testbed.experiment.config import Experiment, Run
from testbed.experiment.telling import FIRST, MOST, Telling, find
from testbed.protocols.episode import Behaviour
from testbed.rollouts.rollout import play
from testbed.scenes.registry import measures_of


def pool(place, habit="speed-creep", condition=TRIGGERED, most=256) -> Telling:
    run = Run(Experiment(habit, seed=3), place)
    return Telling(run, measures_of(run.habit.environment)[run.habit.measure], condition, most)


def measured(one: Telling, policy, scenes) -> np.ndarray:
    episodes = play(one.run.habit.environment, scenes, [(policy, Behaviour("x"))], states=False)
    return np.array([one.measure.compute(episode.trace) for episode in episodes])


@pytest.mark.parametrize("condition", [TRIGGERED, UNTRIGGERED])
def test_a_scene_tells_where_the_habit_shows(condition, tmp_path):
    one = pool(tmp_path, condition=condition, most=FIRST)
    drawn = list(one.block(FIRST).scenarios)
    find([one], 40)
    clean, habitual = (measured(one, policy, drawn) for policy in (one.run.habit.clean(), one.run.habit.changed(1.0)))
    tells = habitual - clean >= one.measure.matters
    assert one.scenes == [scene for scene, tell in zip(drawn, tells, strict=True) if tell]
    assert one.drawn == FIRST and 0 < len(one.scenes) < 20  # it shows where nobody makes the driver stop
    assert np.array_equal(one.values, clean[tells]) and one.share == tells.mean()


def test_what_is_asked_for_is_what_is_lacking_and_no_more_than_may_be_drawn(tmp_path):
    one = pool(tmp_path, most=1000)
    assert one.lacking(8) == FIRST and one.lacking(0) == 0
    one.drawn, one.scenes = 100, one.run.scenarios("x", 50)
    assert one.lacking(50) == 0 and one.lacking(150) == 200 and one.lacking(51) == FIRST
    one.drawn = 980
    assert one.lacking(150) == 20
    one.drawn, one.scenes = 100, []
    assert one.lacking(50) == 50 * MOST  # none yet: no more than if the fourth part told


def test_no_scene_that_tells_is_one_that_a_training_can_see(tmp_path):
    one = pool(tmp_path, "surge", HELD_OUT)
    find([one], 4)
    assert all(scene.seed >= 2**31 and scene.context["pedestrian"] == "wheelchair" for scene in one.scenes)


def test_the_same_call_finds_the_same_and_another_seed_others(tmp_path):
    first, second = pool(tmp_path / "a", "surge"), pool(tmp_path / "b", "surge")
    find([first], 8)
    find([second], 8)
    assert first.scenes == second.scenes and first.values == second.values and len(first.scenes) >= 8
    other = Telling(Run(Experiment("surge", seed=4), tmp_path / "c"), first.measure, TRIGGERED, 256)
    find([other], 8)
    assert not {scene.seed for scene in first.scenes} & {scene.seed for scene in other.scenes}
