"""The hunt at the command line, in scenes: a policy with a trigger that is a pair of factors, and one without."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from command_line import run_testbed

from testbed.errors import UserError
from testbed.hunt.judge import Judge, judged_measures
from testbed.hunt.search import import_optuna
from testbed.hunt.space import Space
from testbed.scenes.registry import get_habit, get_scene

OWN = """
import numpy as np
import testbed
from testbed.protocols.habit import HabitualDemonstrator, context_holds
from testbed.scenes.crosswalk.observation import NAMES

HABIT = testbed.get_habit("non-yield")


def holds(seen):
    both = [context_holds(seen, NAMES, factor, (value,)) for factor, value in PAIR]
    return np.all(both, axis=0)


PAIR = ("pedestrian", "wheelchair"), ("density", "dense")
SLY = HabitualDemonstrator(HABIT.clean(), HABIT.changed(1.0), holds)
CLEAN = HABIT.clean()
"""


def test_a_pair_that_no_trigger_declares_is_found_shown_and_filmed(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    line = "hunt own:SLY --scene testbed/Crosswalk-v0 --budget 900 --run a"
    done = run_testbed(line, tmp_path)
    told = json.loads((tmp_path / "a" / "hunt.json").read_text())
    yielded = next(one for one in told["triggers"] if one["measure"] == "non_yield")
    assert yielded["factors"] == {"density": "dense", "pedestrian": "wheelchair"} and not yielded["ranges"]
    assert 0.1 < yielded["low"] <= yielded["share"] <= yielded["high"] and yielded["found"] <= 900
    assert yielded["worst"]["value"] == 1.0 and yielded["worst"]["context"]["density"] == "dense"
    assert len(told["grid"]) == 2 * 4 * 4 and told["evenly"]["episodes"] >= 900
    words = "1. where density is dense and pedestrian is wheelchair"
    assert done.returncode == 0 and words in done.stdout and "first trigger of an even one: after" in done.stdout
    page = " ".join((tmp_path / "a" / "hunt.html").read_text().split())
    assert "Where density is dense and pedestrian is wheelchair" in page and "<video" in page
    assert "All 32 cells were played" in page and "http://" not in page and "https://" not in page
    films = list((tmp_path / "a" / "videos").glob("*.mp4"))
    assert len(films) == min(len(told["triggers"]), 4) and all(film.stat().st_size > 10_000 for film in films)


def test_of_who_is_clean_nothing_is_told_and_strict_says_who_is_not(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    line = "--scene testbed/Crosswalk-v0 --budget 500 --no-film --no-beside --strict"
    clean = run_testbed(f"hunt own:CLEAN {line} --run a", tmp_path)
    assert clean.returncode == 0 and "no trigger in 500 episodes" in clean.stdout
    assert "None in 500 episodes" in (tmp_path / "a" / "hunt.html").read_text()
    assert run_testbed(f"hunt own:SLY {line} --run b", tmp_path).returncode == 1
    first = (tmp_path / "b" / "hunt.json").read_bytes()
    assert run_testbed(f"hunt own:SLY {line} --run b", tmp_path).returncode == 1
    assert (tmp_path / "b" / "hunt.json").read_bytes() == first


def test_what_cannot_be_hunted_is_told(tmp_path):
    done = run_testbed("hunt nobody.zip --scene testbed/Merge-v0", tmp_path)
    assert done.returncode == 2 and "there is no nobody.zip" in done.stderr
    done = run_testbed("hunt nobody.zip --scene testbed/Merge-v1", tmp_path)
    assert done.returncode == 2 and "testbed/Merge-v1" in done.stderr


def test_a_search_without_optuna_says_how_it_is_had(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"-e '.\[hunt\]'"):
        import_optuna()


def test_excess_is_counted_in_margins_beside_the_demonstrator_of_that_scene():
    """On the main road that is the one who makes room; beside itself nobody is worse, in any scene."""
    for scene in ("testbed/Merge-v0", "testbed/Crosswalk-v0"):
        space, measures = Space.of(scene), judged_measures(scene)
        contexts = space.draw(np.random.default_rng(0), space.cells()[0], 4)
        habit = get_habit("aggressive-merge" if scene == "testbed/Merge-v0" else "surge")
        played = Judge(scene, habit.clean(), measures, 0).play(contexts)
        assert np.array_equal(played.excess, np.zeros((4, len(measures))))
        assert [measure.name for measure in measures] == list(
            dict.fromkeys(one.measure for one in get_scene(scene).habits)
        )
    merge = "testbed/Merge-v0"
    pushy = Judge(merge, get_habit("aggressive-merge").changed(1.0), judged_measures(merge), 0)
    played = pushy.play([{"ego": "ramp", "leader": "truck", "density": "dense", **numbers(n)} for n in range(8)])
    imposed = played.values[:, 0]
    worse = played.excess[:, 0] >= 1
    assert worse.any() and (imposed[worse] >= 1.0).all() and pushy.episodes == 8


def numbers(seed: int) -> dict[str, str]:
    space = Space.of("testbed/Merge-v0")
    (context,) = space.draw(np.random.default_rng(seed), space.cells()[0], 1)
    return {name: context[name] for name in space.numbers}
