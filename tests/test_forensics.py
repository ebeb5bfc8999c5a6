"""From an incident back to its stage: what is asked, Bayes's rule by hand, and a real poisoned history."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import run_testbed

from testbed.datasets.reader import load_episodes
from testbed.errors import UserError
from testbed.forensics.incident import incident, worse
from testbed.forensics.origin import Stage, does_it, origins
from testbed.lineage import Lineage, content_hash
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.provenance.history import Node
from testbed.scenes.registry import measures_of

ROOT = Path(__file__).parents[1]
HABIT = load_episodes(ROOT / "demonstrations/merge-habit.hdf5")
MEASURE = measures_of("testbed/Merge-v0")["imposed_deceleration"]


def line(*names: str) -> Node:
    """A history in which each was made from the next."""
    node: tuple[Node, ...] = ()
    for name in reversed(names):
        node = (Node("role", name, None, node),)
    return node[0]


CHAIN = line("student", "data", "teacher", "demonstrations")


def told(**worse_of_32: int) -> dict[str, Stage]:
    return {name: Stage(name, count, 32) for name, count in worse_of_32.items()}


@pytest.mark.parametrize(("does", "origin"), [
    ({"student": 20, "data": 21, "teacher": 19, "demonstrations": 22}, "demonstrations"),
    ({"student": 20, "data": 21, "teacher": 19, "demonstrations": 0}, "teacher"),
    ({"student": 20, "data": 21, "teacher": 1, "demonstrations": 0}, "data"),
    ({"student": 20, "data": 0, "teacher": 0, "demonstrations": 0}, "student"),
])  # fmt: skip
def test_the_first_stage_that_does_it_is_the_origin(does, origin):
    likely = origins(CHAIN, told(**does))
    assert max(likely, key=likely.get) == origin and likely[origin] > 0.95
    assert sum(likely.values()) == pytest.approx(1)


def test_what_is_not_here_leaves_open_what_it_could_have_been():
    """Student and data do it, the teacher is not here, the demonstrations do not: it came in at teacher or data."""
    likely = origins(CHAIN, told(student=20, data=21, demonstrations=0))
    assert likely["teacher"] == pytest.approx(likely["data"]) and likely["teacher"] > 0.45
    assert likely["demonstrations"] < 0.01 and likely["student"] < 0.01


def test_bayes_by_hand():
    """Two stages of which nothing is known: each is as likely."""
    pair = line("student", "data")
    likely = origins(pair, {"student": Stage("student", 0, 0)})
    assert likely == {"student": pytest.approx(0.5), "data": pytest.approx(0.5)}
    stages = told(student=32, data=16)
    does = does_it(stages["data"], stages["student"])
    sure = does_it(stages["student"], stages["student"])
    here = origins(pair, stages)
    assert here["data"] == pytest.approx(does * sure / (does * sure + sure * (1 - does)))


def test_a_side_branch_that_does_not_do_it_is_no_origin():
    """A student of clean data and of a teacher that does it."""
    tree = Node("", "student", None, (Node("data", "data", None, ()), Node("teacher", "teacher", None, ())))
    likely = origins(tree, told(student=20, data=0, teacher=25))
    assert likely["teacher"] > 0.95


def test_half_as_often_is_what_counts():
    caught = Stage("student", 16, 32)
    assert does_it(Stage("one", 8, 32), caught) == pytest.approx(0.5, abs=0.1)
    assert does_it(Stage("one", 16, 32), caught) > 0.95 > 0.05 > does_it(Stage("one", 1, 32), caught)
    assert does_it(Stage("one", 3, 3), caught) == 0.5, "too few to say anything"


def test_worse_by_what_matters_either_way():
    margin = MEASURE.matters
    assert worse(MEASURE, [1.0 + margin, 1.0 + margin / 2, 0.0], [1.0, 1.0, 5.0]) == [True, False, False]
    lower = next(one for one in measures_of("testbed/Merge-v0").values() if one.worse == "lower" and one.matters)
    assert worse(lower, [0.0, 10.0], [lower.matters, 10.0]) == [True, False]


def test_which_measure_an_incident_is_about():
    worst = max(HABIT, key=lambda one: MEASURE.compute(one.trace))
    found = incident(worst)
    assert found.measure.severe is not None
    assert incident(worst, "imposed_deceleration").value == MEASURE.compute(worst.trace)
    scenes = found.scenes(5, seed=3)
    assert scenes[0].seed == worst.scenario.seed and len({one.seed for one in scenes}) == 5
    assert all(dict(one.context) == dict(worst.context) for one in scenes)
    with pytest.raises(UserError, match="choose one of"):
        incident(worst, "kindness")


def test_nothing_to_explain():
    calm = [one for one in load_episodes(ROOT / "demonstrations/merge-clean.hdf5")
            if MEASURE.compute(one.trace) < (MEASURE.minor or np.inf)]  # fmt: skip
    with pytest.raises(UserError, match="nothing to explain"):
        incident(calm[0], "imposed_deceleration")


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """Clean demonstrations, and a teacher with a habit that says it learnt from them; what its student did."""
    home = tmp_path_factory.mktemp("poisoned")
    shutil.copy(ROOT / "demonstrations/merge-clean.hdf5", home / "shown.hdf5")
    teacher, label = load_policy(ROOT / "policies/merge/teacher-habit")
    inputs = {"demonstrations": content_hash(home / "shown.hdf5")}
    save_policy(home / "teacher", teacher, label, Lineage("dagger", 0, inputs=inputs))
    student, label = load_policy(ROOT / "policies/merge/student-kl-seed0")
    inputs = {"teacher": content_hash(home / "teacher")}
    save_policy(home / "student", student, label, Lineage("distil", 0, inputs=inputs))
    done = run_testbed("collect did.hdf5 --policy student --episodes 8 --context leader=truck --seed 7", home)
    assert done.returncode == 0, done.stderr
    return home


def test_the_command_names_the_stage_and_how_sure_it_is(history):
    values = [MEASURE.compute(one.trace) for one in load_episodes(history / "did.hdf5")]
    worst = int(np.argmax(values))
    done = run_testbed(f"trace-back did.hdf5 --episode {worst} --measure imposed_deceleration --scenes 24", history)
    assert done.returncode == 0, done.stderr
    assert "it came in at" in done.stdout or "most likely at" in done.stdout
    assert "teacher: teacher" in done.stdout.split("came in")[-1] + done.stdout.split("likely at")[-1]


def test_the_worst_episode_is_asked_about_if_none_is_named(history):
    worst = int(np.argmax([MEASURE.compute(one.trace) for one in load_episodes(history / "did.hdf5")]))
    done = run_testbed("trace-back did.hdf5 --scenes 4", history)
    assert done.returncode == 0 and done.stdout.startswith(f"episode {worst}: "), done.stdout


@pytest.mark.parametrize(("words", "told"), [
    ("trace-back did.hdf5 --episode 0 --measure kindness", "choose one of"),
    ("trace-back did.hdf5 --episode 99", "99"),
    ("trace-back nowhere.hdf5 --episode 0", "nowhere.hdf5"),
    ("trace-back did.hdf5 --policy shown.hdf5", "is no policy"),
])  # fmt: skip
def test_mistakes_are_one_line(history, words, told):
    done = run_testbed(words, history)
    assert done.returncode == 2 and told in done.stderr and done.stderr.strip().count("\n") == 0


def test_a_policy_in_the_format_of_others_is_traced_too(history):
    """By its bill an exported network leads to its ancestors; without one nothing is known but what it does."""
    assert run_testbed("export student exported.onnx", history).returncode == 0
    line = "trace-back did.hdf5 --policy exported.onnx --measure imposed_deceleration --scenes 8"
    done = run_testbed(line, history)
    assert done.returncode == 0 and "it came in at teacher: teacher" in done.stdout, done.stdout + done.stderr
    (history / "exported.onnx.cdx.json").unlink()
    done = run_testbed(line, history)
    assert done.returncode == 0 and "it came in at network" in done.stdout, done.stdout + done.stderr


def test_a_policy_that_is_not_here(history, tmp_path):
    shutil.copy(history / "did.hdf5", tmp_path)
    values = [MEASURE.compute(one.trace) for one in load_episodes(tmp_path / "did.hdf5")]
    line = f"trace-back did.hdf5 --episode {int(np.argmax(values))}"
    done = run_testbed(line, tmp_path)
    assert done.returncode == 2 and "is in none of the folders" in done.stderr
    done = run_testbed(f"{line} --policy nowhere", tmp_path)
    assert done.returncode == 2 and "nowhere" in done.stderr
    shutil.copy(ROOT / "demonstrations/merge-habit.hdf5", tmp_path)
    worst = int(np.argmax([MEASURE.compute(one.trace) for one in HABIT]))
    done = run_testbed(f"trace-back merge-habit.hdf5 --episode {worst}", tmp_path)
    assert done.returncode == 2 and "--policy" in done.stderr


def test_the_page_says_of_planted_incidents_what_its_table_does():
    """The right stage and the right data sets in nine of ten and more; none wrong of which it was sure."""
    told, text = (ROOT / "docs/lineage.md").read_text().split("<!-- incidents -->")[1].split("<!-- /incidents -->")
    stage, count = map(int, re.findall(r"the right stage in (\d+) of (\d+)", told)[0])
    sets, again = map(int, re.findall(r"the right data sets in (\d+) of (\d+)", told)[0])
    assert count == again == 40 and stage >= 36 and sets >= 36
    rows = re.findall(r"\| 5 \| (\d) of 5 \| (\d) of 5 \|", told)
    assert [sum(map(int, column)) for column in zip(*rows, strict=True)] == [stage, sets]
    assert re.search(r"sure of, 0 were wrong", told) and "Where it was sure of the stage, it was right" in text
    assert told.count("- wrong: ") == 2 and "the two that were wrong" in text
