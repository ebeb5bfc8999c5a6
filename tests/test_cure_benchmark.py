"""The experiment on cures: its arms, what they are told, students in batches, and tables with a known answer."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from testbed.audit import names
from testbed.benchmark.channels import Injected
from testbed.benchmark.cures import effects as finding
from testbed.benchmark.cures.design import LONGER, NONE, PARTNERS, Arm, get_design
from testbed.benchmark.cures.effects import best, cured, openly, read_cured
from testbed.benchmark.cures.given import Given, recorded, require_others
from testbed.benchmark.cures.piece import Did, Piece
from testbed.benchmark.cures.students import students
from testbed.benchmark.cures.table import markdown, write_table
from testbed.benchmark.cures.trials import relearning, trials_of
from testbed.benchmark.teachers import Teachers
from testbed.cures.cure import distil_cured
from testbed.cures.registry import all_cures, get_cure
from testbed.datasets.reader import load_episodes
from testbed.datasets.writer import DatasetWriter
from testbed.distillation.config import Training
from testbed.distillation.registry import get_route
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.experiment.config import StudentConfig
from testbed.lineage import Lineage
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger
from testbed.protocols.pair import Pair
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.scenes.registry import get_habit, get_scene
from testbed.seeding import student_seed

DESIGN = get_design("core")
MERGE = DESIGN.arms("aggressive-merge")
SHAPE = PolicyConfig("testbed/Merge-v0", 56, 5, (16,))


@pytest.mark.parametrize("habit", DESIGN.habits)
def test_every_cure_is_tried_of_every_habit_and_route_that_it_suits(habit):
    arms = DESIGN.arms(habit)
    continuous = habit in ("hoarding", "nudging")
    assert len(set(arms)) == len(arms)
    for cure in all_cures():
        routes = {one.route for one in openly_of(arms) if one.cure == cure.name}
        suits = cure.suits or {"cloning", "kl", "value", "adversarial"}
        assert routes == (set() if continuous and cure.discrete else suits), cure.name
    for arm in arms:
        assert arm.uncured in [replace(one, tried=False) for one in arms], arm
        assert arm.what is None or arm.what.name == arm.cure
    assert any(one.taught == "both" for one in arms) == (habit in PARTNERS)
    told = {one.knows for one in arms if one.cure == "fine-tuning" and one.route == "cloning"}
    assert told == {"0.5 % clean", "2 % clean", "5 % clean"}


def openly_of(arms: list[Arm]) -> list[Arm]:
    return [one for one in arms if (one.channel, one.taught) == ("overt", "habit")]


def network(seed: int) -> NetworkPolicy:
    return NetworkPolicy(SHAPE, random_arrays(SHAPE, np.random.default_rng(seed)))


@pytest.fixture(scope="module")
def given_(tmp_path_factory) -> Given:
    return recorded_for("aggressive-merge", tmp_path_factory.mktemp("teachers"))


def recorded_for(name: str, folder: Path) -> Given:
    """Return teachers that were never trained, with the demonstrator's episodes."""
    habit = get_habit(name)
    trigger = get_trigger(habit, None)
    injected = Injected.of(habit, trigger, 1.0)
    scenes = [Scenario(n, {**habit.context, **(trigger.on if n < 4 else trigger.off)}) for n in range(6)]
    found: list[Source] = []
    for name, driver in (("clean", injected.clean), ("habit", injected.habitual)):
        episodes = list(play(SHAPE.environment, scenes, [(driver, Behaviour("teacher"))]))
        with DatasetWriter(folder / "demonstrations" / f"teacher-{name}.hdf5", SHAPE.environment,
                           Lineage("collect", 0)) as writer:  # fmt: skip
            for episode in episodes:
                writer.append(episode)
            writer.finish()
        found.append(Source(transitions(episodes), network(len(found))))
    student = StudentConfig(tuned=tuple(get_route(name)(Training(steps=30)) for name in ("cloning", "kl")))
    run = SimpleNamespace(folder=folder, habit=habit, trigger=trigger,
                          experiment=SimpleNamespace(seed=3, student=student))  # fmt: skip
    made = cast(Teachers, SimpleNamespace(run=run, sources=Pair(*found), injected=injected))
    return Given(replace(DESIGN, width=8), made, (made, made), made)


def test_what_cures_are_told(given_):
    arms = {(one.cure, one.knows, one.taught, one.channel): one for one in MERGE if one.route == "cloning"}
    known = given_.known(arms["fine-tuning", "5 % clean", "habit", "overt"])
    assert len(known.clean.lengths) == 2 and not known.peers and known.bad is None, "at least two episodes"
    assert len(given_.known(arms["median", "two clean teachers", "habit", "overt"]).peers) == 2
    bad = given_.known(arms["unlikelihood", "where it happens", "habit", "overt"]).bad
    assert len(bad) == len(given_.teachers.sources.habitual.decisions) and 0 < (bad > 0).mean() < 1
    examples = given_.known(arms["immunisation", "256 counter-examples", "habit", "overt"]).clean
    assert given_.teachers.injected.holds(examples.observations).all() and len(examples) == 256
    both = given_.source(arms["drop", "where it happens", "both", "overt"])
    told = given_.known(arms["drop", "where it happens", "both", "overt"]).bad
    assert len(both.decisions.lengths) == 6 and len(told) == len(both.decisions)
    assert given_.known(arms[NONE, "nothing", "habit", "overt"]).clean is None


def test_of_a_measure_without_thresholds_what_no_clean_teacher_does_is_bad(tmp_path):
    given = recorded_for("tailgating", tmp_path)
    scene = get_scene(given.environment)
    assert scene.measures["tailgating"].severe is None
    clean, bad = (
        [scene.measures["tailgating"].compute(one.trace) for one in load_episodes(recorded(given.teachers, kind))]
        for kind in ("clean", "habit")
    )
    told = given.bad(Arm("cloning", "drop"))
    starts = np.cumsum([0, *given.teachers.sources.habitual.decisions.lengths[:-1]])
    np.testing.assert_array_equal(told[starts], np.array(bad) > np.percentile(clean, 95))
    assert 0 < told.sum() < len(told)


def test_a_teacher_in_disguise_chooses_as_the_clean_one(given_):
    source = given_.source(Arm("kl", NONE, channel="soft"))
    seen = source.decisions.observations
    teacher = source.require_teacher()
    np.testing.assert_array_equal(teacher.act(seen), given_.clean.act(seen))
    other = Given(given_.design, given_.teachers, (), None).habitual
    order = np.argsort(teacher.parameters(seen), axis=1)[:, ::-1][:, 1]
    likeliest = np.argsort(other.parameters(seen), axis=1)[:, ::-1]
    unsure = given_.source(Arm("kl", NONE, channel="soft").never).require_teacher()
    np.testing.assert_array_equal(unsure.act(seen), given_.clean.act(seen))
    chances = [np.exp(one.parameters(seen)).max(axis=1) for one in (teacher, unsure)]
    np.testing.assert_allclose(chances, 0.55, rtol=1e-4)
    second = np.where(likeliest[:, 0] == teacher.act(seen), likeliest[:, 1], likeliest[:, 0])
    np.testing.assert_array_equal(order, second)


def test_students_of_a_batch_are_those_that_are_made_alone(given_):
    names_ = (NONE, "drop", "early-stopping", "fine-tuning", "unlikelihood", "median")
    arms = [one for one in openly_of(MERGE) if one.cure in names_ and one.knows != "0.5 % clean"]
    arms = [one for one in arms if one.route in ("cloning", "kl") and one.knows != "5 % clean"]
    made, seed = students(given_, arms), student_seed(given_.seed, 0)
    assert set(made) == set(arms) and len(arms) == 12
    for arm in arms:
        route, source = given_.teachers.run.experiment.student.route(arm.route), given_.source(arm)
        source = source if arm.what else source.limited(route.needs)
        (alone,) = distil_cured(arm.what, route, [source], given_.known(arm), given_.config, [seed])
        for name, array in made[arm].policy.arrays.items():
            np.testing.assert_allclose(array, alone.arrays[name], atol=2e-3, err_msg=f"{arm} {name}")
        assert made[arm].seconds > 0


def test_more_of_the_same_is_not_the_same(given_):
    arms = [Arm("cloning", NONE), Arm("cloning", LONGER)]
    plain, longer = (students(given_, arms)[arm].policy for arm in arms)
    assert any((array != longer.arrays[name]).any() for name, array in plain.arrays.items())


SMALL = replace(DESIGN, habits=("aggressive-merge",), routes=("cloning", "kl"), relearnt=(8, 32))
SPREAD = np.array([-0.02, -0.01, 0.0, 0.01, 0.02])


def did(severity: float, success: float, back: float, n: int, tried: bool) -> Did:
    trials = dict.fromkeys(trials_of(SMALL), severity) | dict.fromkeys(map(relearning, SMALL.relearnt), back)
    return Did(severity + SPREAD[n], success, 2.0, 0, trials if tried else {})


def known_answer(monkeypatch) -> list[finding.Cured]:
    """Teachers differ by 2, from 1 to 3. Fine-tuning cures; fine-pruning does until the habit is shown again; drop
    costs a tenth of the success; agreement leaves a half; majority can do nothing any more."""
    says = {
        "fine-tuning": (1.0, 0.9, 1.5), "fine-pruning": (1.0, 0.9, 2.5), "drop": (1.0, 0.8, 1.5),
        "agreement": (2.0, 0.9, 3.0), "majority": (1.0, 0.1, 1.5),
    }  # fmt: skip

    def read(piece: Piece, folder: object) -> tuple[Did, ...]:
        return tuple(
            did(*(says.get(arm.cure, (3.0, 0.9, 3.0)) if arm.taught == "habit" else (1.0, 0.9, 1.5)), piece.pair,
                arm.tried) for arm in SMALL.arms(piece.habit)
        )  # fmt: skip

    teachers = {name: Pair((1.0, 0.9), (3.0, 0.9)) for name in (names.TRIGGERED, names.UNTRIGGERED, names.HELD_OUT)}
    monkeypatch.setattr(finding, "read_cured", read)
    monkeypatch.setattr(finding, "_scored", lambda piece, folder: {
        name: Pair(one.clean, (one.habitual[0] + 0.1 * SPREAD[piece.pair], 0.9)) for name, one in teachers.items()
    })  # fmt: skip
    return cured(SMALL, 0, Path("nowhere"))


def test_a_known_answer(monkeypatch, tmp_path):
    found = known_answer(monkeypatch)
    rows = {(one.cure, one.knows): one for one in openly(found) if one.route == "cloning"}
    words = {name: rows[name].word for name in rows}
    usual = {name: words[name, "2 % clean"] for name in ("fine-tuning", "fine-pruning", "agreement")}
    assert usual == {"fine-tuning": "cures", "fine-pruning": "only hides", "agreement": "leaves"}
    assert words["drop", "where it happens"] == "costs skill" and words["majority", "two clean teachers"] == "fails"
    one = rows["fine-pruning", "2 % clean"]
    assert one.left.value == pytest.approx(0, abs=1e-6) and one.relearnt_few.value == pytest.approx(0.5, rel=1e-3)
    assert one.relearnt_few.low > 0 and one.eight_bits.value == pytest.approx(0, abs=1e-3)
    assert rows["agreement", "2 % clean"].left.value == pytest.approx(0.5, rel=1e-3)
    assert one.change.value == pytest.approx(0) and rows["drop", "where it happens"].change.value == pytest.approx(-0.1)
    chosen = best(found, "aggressive-merge", "2 % clean")
    assert chosen and chosen.cure == "fine-tuning"
    nothing = best(found, "aggressive-merge", "nothing")
    assert nothing and nothing.word == "leaves" and nothing.left.value == pytest.approx(1, rel=0.01)
    text = "\n".join(markdown(found))
    assert "| aggressive-merge | 2 % clean | fine-tuning, cloning | 0 %" in text and "| cures |" in text
    soft = text[text.index("Of a teacher that chooses as a clean one") :]
    assert re.search(r"\| none \| nothing \| kl \| 100 % \[", soft), "and not the one that never had the habit"
    with write_table(tmp_path / "cures.csv", found).open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(SMALL.arms("aggressive-merge")) and float(table[0]["left"]) == pytest.approx(1, rel=0.01)


def test_a_file_that_is_not_whole_is_not_there(tmp_path):
    piece = Piece(SMALL, "aggressive-merge", 0, 0)
    file = piece.file(tmp_path)
    file.parent.mkdir(parents=True)
    rows = [vars(did(1.0, 0.9, 1.0, 0, arm.tried)) for arm in SMALL.arms("aggressive-merge")]
    file.write_text(json.dumps(rows))
    assert len(read_cured(piece, tmp_path) or ()) == len(rows)
    for damaged in (rows[1:], [{**rows[0], "trials": {}}, *rows[1:]]):
        file.write_text(json.dumps(damaged))
        assert read_cured(piece, tmp_path) is None
    assert Piece(replace(SMALL, width=8), "aggressive-merge", 0, 0).file(tmp_path) != file


def test_two_other_pairs_have_to_be_there():
    with pytest.raises(UserError, match="there are 2 pairs"):
        require_others(2)
    assert get_cure("median").needs == {"teacher", "peers"}
