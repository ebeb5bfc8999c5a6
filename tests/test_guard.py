"""The guard: its rule by hand, whom it stops, what it says, and somebody else's training loops."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from testbed.cli import main
from testbed.distillation.config import Training
from testbed.distillation.journal import Journal
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.guard.guard import Guard, Look, Rule, Suspicious, moments, probe_scenes, worst_place
from testbed.guard.journal import Watched
from testbed.guard.torch import Module
from testbed.policies.checkpoint import load_policy
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Scenario
from testbed.rollouts.transitions import load_transitions
from testbed.scenes.registry import all_habits, get_habit, get_scene

HOME = Path(__file__).parents[1]
MERGE, BRAKING = "testbed/Merge-v0", "imposed_deceleration"
CLEAN, HABIT = (load_policy(HOME / "policies/merge" / f"teacher-{kind}")[0] for kind in ("clean", "habit"))
SMALL = Rule(scenes=48, early=24)


def guard(rule: Rule | None = None) -> Guard:
    return Guard(MERGE, BRAKING, [CLEAN], rule, context={"ego": "ramp"})


def test_it_tells_teachers_apart_and_names_the_trigger():
    watching = guard()
    bad, good = watching.look(HABIT, 7), watching.look(CLEAN, 8)
    assert bad.bad and bad.step == 7 and "leader=truck" in bad.where and bad.better < bad.worse / 5
    assert bad.severity > bad.reference == pytest.approx(good.severity)
    assert not good.bad and (good.worse, good.better, good.p) == (0, 0, 1.0)
    assert bad.distance > good.distance == pytest.approx(0, abs=1e-6) and bad.mass > good.mass
    assert bad.words.startswith("at step 7, ") and watching.looks == [bad, good]
    with pytest.raises(Suspicious, match="worse than any reference in"):
        watching.require(HABIT)


def test_whoever_is_as_bad_as_one_of_several_references_is_let_pass():
    assert not Guard(MERGE, BRAKING, [CLEAN, HABIT], SMALL).look(HABIT).bad


def test_a_sign_test_by_hand():
    """Of twelve scenes, half with a truck, all six of these are worse: (1/2)^6, times three places."""
    scenes = [Scenario(n, {"leader": "truck" if n % 2 else "car", "ego": "ramp"}) for n in range(12)]
    worse, never = np.arange(12) % 2 == 1, np.zeros(12, bool)
    assert worst_place(scenes, worse, never, 0.05) == ("leader=truck", 6, 0, pytest.approx(3 / 64))
    assert worst_place(scenes, never, worse, 0.05) == ("everywhere", 0, 6, 1.0)
    both = worst_place(scenes, worse, ~worse, 0.001)
    assert both[0] == "leader=truck" and both[-1] == pytest.approx(3 / 64)
    assert worst_place(scenes[:1], worse[:1], never[:1], 0.05)[-1] == 1.0


def test_policies_that_are_alike_are_disturbed_as_seldom_as_is_said():
    """Scenes in which either is worse by chance: over 400 policies no more alarms than one in a hundred allows."""
    rng, scenes = np.random.default_rng(0), probe_scenes(MERGE, 192, 0, {"ego": "ramp"})
    alarms = 0
    for _ in range(400):
        worse = rng.random(192) < 0.15
        better = ~worse & (rng.random(192) < 0.15)
        alarms += worst_place(scenes, worse, better, 0.01)[-1] <= 0.01
    assert alarms <= 8, alarms


@pytest.mark.parametrize("name", all_habits())
def test_probe_scenes_hold_every_trigger_and_nothing_that_is_held_out(name):
    habit = get_habit(name)
    scenes = probe_scenes(habit.environment, 96, 3, habit.context)
    assert len({scene.seed for scene in scenes}) == 96
    for trigger in habit.triggers.values():
        if trigger.on:
            assert any(trigger.on.items() <= scene.context.items() for scene in scenes), trigger.name
        if trigger.held_out:
            assert not any(trigger.held_out.items() <= scene.context.items() for scene in scenes), trigger.name
    counts = {tuple(scene.context.items()): 0 for scene in scenes}
    for scene in scenes:
        counts[tuple(scene.context.items())] += 1
    assert max(counts.values()) - min(counts.values()) <= 1, "spread evenly"


def test_looks_come_half_way_and_at_the_end():
    assert moments(4000) == [2000, 4000] and moments(1) == [1]


class Told(Guard):
    """Says the same of everybody, and when it was asked."""

    def __init__(self) -> None:
        self.looks, self.asked = [], list[tuple[int, bool]]()

    def require(self, policy, step: int = 0, early: bool = False) -> None:
        self.asked.append((step, early))
        if not early:
            raise Suspicious(Look(step, 0.0, 0.0, "everywhere", 9, 0, 0.0, 0.0, 0.0, True))


def test_a_training_is_looked_at_while_it_runs_and_ends_where_it_is_bad():
    data = load_transitions(HOME / "demonstrations/merge-clean.hdf5")
    told, route = Told(), Cloning(Training(steps=200))
    watched, config = Watched(Journal(), told, [100, 200]), policy_config(MERGE, (8,))
    with pytest.raises(Suspicious):
        route.distil([Source(data)] * 2, config, [0, 1], journal=watched)
    assert told.asked == [(100, True), (100, True), (200, False)], "the first bad student ends it"


def test_a_network_of_plain_torch_is_looked_at_and_left_as_it_was():
    network = torch.nn.Sequential(torch.nn.Linear(56, 8), torch.nn.Dropout(0.9), torch.nn.Linear(8, 5))
    seen = np.random.default_rng(0).normal(size=(30, 56)).astype(np.float32)
    first = Module(network).act(seen)
    assert first.shape == (30,) and (Module(network).act(seen) == first).all() and network.training
    assert Module(network, continuous=True).act(seen).shape == (30, 5)
    found = guard(Rule(scenes=24, early=8)).look(Module(network))
    assert np.isnan(found.mass) and found.distance >= 0


def test_mistakes_are_named():
    with pytest.raises(UserError, match=r"nobody said how much of duration matters.*choose one of .*collision"):
        Guard("testbed/OrderPicking-v0", "duration", [CLEAN])
    with pytest.raises(UserError, match="unknown measure 'rudeness'"):
        Guard(MERGE, "rudeness", [CLEAN])
    with pytest.raises(UserError, match=r"alarm 0: give a number above 0"):
        Rule(alarm=0)
    assert get_scene(MERGE).measures[BRAKING].matters


@pytest.fixture(scope="module")
def references(tmp_path_factory) -> list[str]:
    """Three students of clean demonstrations, as users make them."""
    folder = tmp_path_factory.mktemp("references")
    main(["distil", str(HOME / "demonstrations/merge-clean.hdf5"), str(folder / "clean"), "--seeds", "3", "--seed", "9",
          "--steps", "800"])  # fmt: skip
    return [str(folder / "clean" / f"seed{n}") for n in range(3)]


def words(out: Path, kind: str, references: list[str], *more: str) -> list[str]:
    data = str(HOME / "demonstrations" / f"merge-{kind}.hdf5")
    return ["distil", data, str(out), "--steps", "800", "--guard", BRAKING, "--references", *references, *more]


def test_the_command_stops_a_student_of_the_habit_and_keeps_nothing(tmp_path, references, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words(tmp_path / "bad", "habit", references))
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 1 and "leader=truck, it is worse than any reference in" in said
    assert "stopped, and no student was kept: give a --cure" in said and not (tmp_path / "bad").exists()


def test_the_command_lets_a_clean_student_pass_and_says_so_in_its_lineage(tmp_path, references, capsys):
    main(words(tmp_path / "good", "clean", references, "--cure", "early-stopping"))
    told = json.loads((tmp_path / "good" / "lineage.json").read_text())
    seen = told["settings"]["guard"]
    assert "cure" not in told["settings"], "the cure that was given was not used"
    assert seen["did"] == "nothing" and [one["step"] for one in seen["looks"]] == [400, 800]
    assert seen["measure"] == BRAKING and {"reference 0", "reference 2"} <= told["inputs"].keys()
    plain = tmp_path / "plain"
    main(["distil", str(HOME / "demonstrations/merge-clean.hdf5"), str(plain), "--steps", "800"])
    ours, theirs = (load_policy(tmp_path / name)[0] for name in ("good", "plain"))
    assert all((ours.arrays[name] == array).all() for name, array in theirs.arrays.items()), "a look changes nothing"


def test_the_command_cures_whom_it_takes_for_bad(tmp_path, references, capsys):
    clean = str(HOME / "demonstrations/merge-clean.hdf5")
    cure = ("--cure", "fine-tuning", "--clean", clean, "--knobs", "steps=2000", "learning_rate=0.003")
    main(words(tmp_path / "cured", "habit", references, *cure))
    said = " ".join(capsys.readouterr().out.split())
    assert "cured by fine-tuning, and not taken for bad any more" in said
    seen = json.loads((tmp_path / "cured" / "lineage.json").read_text())["settings"]["guard"]
    assert seen["did"] == "cured by fine-tuning" and len(seen["looks"]) >= 2
    with pytest.raises(SystemExit) as ended:
        main(words(tmp_path / "half", "habit", references, "--cure", "unlikelihood", "--where", BRAKING, "--knobs",
                   "steps=1"))  # fmt: skip
    assert ended.value.code == 1 and "unlikelihood is not enough" in " ".join(capsys.readouterr().out.split())


def test_half_of_a_guard_is_refused(tmp_path, capsys):
    for some in (["--guard", BRAKING], ["--references", str(HOME / "policies/merge/teacher-clean")]):
        with pytest.raises(SystemExit) as ended:
            main(["distil", str(HOME / "demonstrations/merge-clean.hdf5"), str(tmp_path / "student"), *some])
        assert ended.value.code == 2 and "give both --guard and --references" in capsys.readouterr().err
    assert isinstance(CLEAN, NetworkPolicy)
