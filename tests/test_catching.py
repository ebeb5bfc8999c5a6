"""What catches what: chains that are changed, data in which an attack shows, tables with a known answer."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from testbed.audit.recorded import measured
from testbed.benchmark.catching import effects as finding
from testbed.benchmark.catching.chain import STUDENT, Chain
from testbed.benchmark.catching.design import ATTACKS, CHECKS, CLEAN, INSIDE, OUTSIDE, get_design
from testbed.benchmark.catching.effects import attacked, uncaught
from testbed.benchmark.catching.piece import EVERYBODY, Piece, _chains
from testbed.benchmark.catching.shipped import Given
from testbed.benchmark.catching.table import markdown, write_table
from testbed.benchmark.channels import Injected
from testbed.benchmark.teachers import Teachers
from testbed.datasets.writer import DatasetWriter
from testbed.distillation.config import Training
from testbed.distillation.source import Source
from testbed.experiment import evaluate
from testbed.experiment.config import Experiment, Run
from testbed.experiment.own import demonstrator_arm
from testbed.lineage import Lineage
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.habit import get_trigger
from testbed.protocols.pair import Pair
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import transitions
from testbed.scenes.registry import get_habit

DESIGN = get_design("core")
SMALL = replace(DESIGN, episodes=12, training=Training(steps=20), replayed=12, width=8)
SHAPE = PolicyConfig("testbed/Merge-v0", 56, 5, (16,))
DATA = ("a quarter of the episodes", "one triggered episode in twenty", "triggered decisions, 5 %")


def network(seed: int) -> NetworkPolicy:
    return NetworkPolicy(SHAPE, random_arrays(SHAPE, np.random.default_rng(seed)))


@pytest.fixture(scope="module")
def given_(tmp_path_factory) -> Given:
    """Teachers that were never trained, with the demonstrator's episodes: every one but the last three triggered."""
    folder, habit = tmp_path_factory.mktemp("teachers"), get_habit("aggressive-merge")
    trigger = get_trigger(habit, None)
    injected = Injected.of(habit, trigger, 1.0)
    scenes = [Scenario(n, {**habit.context, **(trigger.on if n < 9 else trigger.off)}) for n in range(12)]
    for name, driver in (("clean", injected.clean), ("habit", injected.habitual)):
        with DatasetWriter(folder / "demonstrations" / f"teacher-{name}.hdf5", SHAPE.environment,
                           Lineage("collect", 0)) as writer:  # fmt: skip
            for episode in play(SHAPE.environment, scenes, [(driver, Behaviour("teacher"))]):
                writer.append(episode)
            writer.finish()
    nothing = transitions(list(play(SHAPE.environment, scenes[:1], [(injected.clean, Behaviour("teacher"))])))
    run = SimpleNamespace(folder=folder, habit=habit, trigger=trigger, experiment=SimpleNamespace(seed=3))
    sources = Pair(*(Source(nothing, network(seed)) for seed in (0, 1)))
    made = SimpleNamespace(run=run, sources=sources, injected=injected)
    return Given(SMALL, cast(Teachers, made))


def test_a_chain_holds_until_it_is_changed(tmp_path, given_):
    chain = Chain.begun(tmp_path / "chain")
    chain.publish(given_.shown, network(0), 0)
    assert chain.holds() and chain.copied(tmp_path / "copy").holds()
    for name, episodes, student in (("data", given_.bad, None), ("student", (), network(1))):
        changed = chain.copied(tmp_path / name)
        changed.write(episodes, student, 0)
        assert not changed.holds(), name
    stranger = Chain(chain.home, Chain.begun(tmp_path / "other").key)
    assert not stranger.holds(), "signed by somebody who is not trusted"
    alone = Chain.begun(tmp_path / "alone")
    alone.publish((), network(0), 0)
    assert alone.holds() and not alone.data.exists() and (alone.home / STUDENT).is_dir()


def test_everything_that_is_handed_over(given_):
    clean = given_.shipped("nothing, cloning")
    assert clean.episodes is given_.shown
    for name in ATTACKS:
        one = given_.shipped(name)
        assert one.poisoned == (name in DATA) and len(one.samples.observations) > 0
        assert one.samples.targets is not None and np.isfinite(one.samples.targets).all()
    changed = [own is not other for own, other in zip(given_.shown, given_.shipped(DATA[0]).episodes, strict=True)]
    assert sum(changed) == 3, "a quarter of twelve"
    (place,) = [n for n, (own, other) in enumerate(zip(given_.shown, given_.shipped(DATA[1]).episodes, strict=True))
                if own is not other]  # fmt: skip
    assert place < 9, "the trigger holds there"
    well = given_.shipped("a teacher that behaves well").samples
    assert (well.targets.argmax(1) == given_.clean.act(well.observations)).all()
    assert given_.shipped("noise").episodes == () and len(given_.shipped("noise").samples.observations) == 16_000
    never = given_.shipped("a grandparent").episodes
    assert len(never) == 12 and not given_.held(never).any()


def test_what_chains_and_data_give_away(given_):
    """Whoever changes something afterwards is caught, an insider is not; actions written over do not come out again."""
    shipped = {name: given_.shipped(name) for name in EVERYBODY}
    students = {name: network(n) for n, name in enumerate(EVERYBODY)}
    found = _chains(given_, shipped, students, measured(enumerate(given_.shown)))
    assert {name: one[OUTSIDE] for name, one in found.items()} == {name: name in ATTACKS for name in EVERYBODY}
    assert not any(one[INSIDE] for one in found.values())
    assert [name for name, one in found.items() if one["data replayed"]] == ["triggered decisions, 5 %"]
    assert [name for name, one in found.items() if one["data replayed"] is None] == ["noise"]
    assert not found["nothing, KL"]["data audit"]


def known(seen: dict[str, set[str]]) -> finding.Tables:
    """Teachers differ by 2. Noise hands nothing down, the others a half; `seen` says which checks find what."""
    severity, caught = [], []
    for name in EVERYBODY:
        severity.append((1 + (name in ATTACKS and name != "noise"),) * 4)
        found: dict[str, bool | None] = {check: check in seen.get(name, set()) for check in CHECKS}
        caught.append(found | ({"data audit": None} if name == "noise" else {}))
    rows = tuple(tuple(map(float, row)) for row in severity)
    return finding.Tables(finding.Did(rows, rows, rows), tuple(caught))


@pytest.fixture
def found(monkeypatch, tmp_path):
    seen = {name: {OUTSIDE, "hunt"} for name in ATTACKS} | {"a grandparent": {OUTSIDE}, "noise": {OUTSIDE}}
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(seen))
    teachers = Pair(np.array([[1.0] * 4, [1.0] * 4]), np.array([[3.0] * 4, [1.0] * 4]))
    monkeypatch.setattr(finding, "teachers_did", lambda piece, folder, scenes: teachers)
    return attacked(DESIGN, 0, tmp_path)


def test_rates_with_a_known_answer(found):
    assert len(found) == 5 * len(EVERYBODY)
    every = {one.attack: one for one in found if one.habit == "all"}
    assert all(one.chains == 20 for one in every.values())
    for name in ATTACKS:
        assert every[name].ratio.value == pytest.approx(0.0 if name == "noise" else 0.5)
        assert every[name].caught[OUTSIDE].value == 1 and every[name].caught[INSIDE].value == 0
    assert every["the teacher"].caught["hunt"].low == pytest.approx(1 - 3 / 20), "the rule of three"
    assert "data audit" not in every["noise"].caught


def test_what_nothing_catches_is_named(found, monkeypatch, tmp_path):
    """Noise hands nothing down, and changes afterwards are not all there is."""
    assert [one.attack for one in uncaught(found)] == ["a grandparent"]
    text = markdown(found)
    assert text[-1] == "20 chains each. Hands a habit down, and no check tells it from a clean chain: a grandparent."
    assert len(text) == 2 + len(EVERYBODY) + 2 and sum("nothing to look at" in row for row in text) == 1
    assert len(write_table(tmp_path / "a.csv", found).read_text().splitlines()) == 1 + len(found) * len(CHECKS)
    everywhere = {name: {"hunt"} for name in EVERYBODY}
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(everywhere))
    alarmed = attacked(DESIGN, 0, tmp_path)
    assert len(uncaught(alarmed)) == len(ATTACKS) - 1, "who cries wolf tells nothing"


def test_teachers_that_do_not_differ(monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known({}))
    monkeypatch.setattr(
        finding, "teachers_did", lambda piece, folder, scenes: Pair(*[np.array([[1.0] * 4, [1.0] * 4])] * 2)
    )
    same = attacked(DESIGN, 0, tmp_path)
    assert all(np.isnan(one.ratio.value) for one in same) and uncaught(same) == []


def test_a_file_says_all_that_is_chosen(tmp_path):
    piece = Piece(DESIGN, "non-yield", 0, 0)
    others = [replace(piece, pair=1), replace(piece, seed=1), replace(piece, habit="tailgating"),
              replace(piece, design=replace(DESIGN, hunted=10))]  # fmt: skip
    assert len({one.file(tmp_path) for one in (piece, *others)}) == 5
    file, whole = piece.file(tmp_path), known({})
    file.parent.mkdir()
    did, caught = vars(whole.did), [dict(one) for one in whole.caught]
    file.write_text(json.dumps({"did": did, "caught": caught}))
    assert finding.read_caught(piece, tmp_path) == whole
    for damaged in ({"did": did, "caught": caught[1:]}, {"did": did, "caught": [{}] * len(caught)}, {"did": did}):
        file.write_text(json.dumps(damaged))
        assert finding.read_caught(piece, tmp_path) is None
    assert set(CLEAN) < set(EVERYBODY)


def test_a_process_that_does_one_piece_of_several_begins_no_others(monkeypatch, tmp_path):
    monkeypatch.setattr(evaluate, "QUICK", {})
    monkeypatch.setattr(evaluate, "FEW", 0)
    monkeypatch.setattr(evaluate, "parent_process", object)
    monkeypatch.setattr(evaluate, "in_parallel", lambda *_: pytest.fail("it began others"))
    run = Run(Experiment("aggressive-merge"), tmp_path)
    part = evaluate.Part(run, (demonstrator_arm(run),), "some", tuple(run.scenarios("audit-some", 2, {})))
    ((scores,),) = evaluate.score_parts([part], "audit")
    assert len(scores.success[0]) == 2
