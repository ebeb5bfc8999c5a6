"""One scorer, one audit: policies of one's own get the record, page, stored scores and endings of a task."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from testbed.audit import score as scoring
from testbed.audit.compare import gather_scores, over_demonstrator
from testbed.audit.names import DEMONSTRATOR
from testbed.audit.report import answer
from testbed.audit.result import Audit
from testbed.audit.score import UNSTABLE, score_episode, score_policies
from testbed.cli.commands.audit import audit as audit_policies
from testbed.cli.commands.report import report
from testbed.errors import UserError
from testbed.experiment import evaluate
from testbed.experiment.stored import read_audit, read_clips
from testbed.policies.checkpoint import load_policy
from testbed.protocols.episode import Episode, Scenario
from testbed.scenes.registry import get_habit, measures_of, references_of

ROOT = Path(__file__).parent.parent
POLICIES = {"non-yield": ROOT / "policies/crosswalk", "barging": ROOT / "policies/shared-bench"}
SCENES, HELD_OUT = 4, 2
CONDITIONS = {"triggered": SCENES, "untriggered": SCENES, "held-out": HELD_OUT}


@pytest.fixture(scope="module", params=POLICIES)
def audited(request, tmp_path_factory) -> tuple[str, Path]:
    """Return a habit, and the folder of an audit of two policies of its scene."""
    habit, folder = request.param, tmp_path_factory.mktemp("audit") / "run"
    _audit(habit, folder)
    return habit, folder


def _audit(habit: str, folder: Path, policies: tuple[str, ...] = ("teacher-clean", "student-kl-seed0")) -> None:
    audit_policies([POLICIES[habit] / name for name in policies], habit, None, SCENES, HELD_OUT, 0, folder, False)


def test_the_record_is_a_tasks(audited):
    """Every measure of every arm under every condition, held-out scenes included; endings of all episodes."""
    habit, folder = audited
    found, environment = read_audit(folder), get_habit(habit).environment
    names = [DEMONSTRATOR, "teacher-clean", "student-kl-seed0"]
    assert [(arm.condition, arm.arm, arm.scenes) for arm in found.arms] == [
        (condition, name, scenes) for condition, scenes in CONDITIONS.items() for name in names
    ]
    beside = [one.name for one in references_of(environment)]
    assert [arm.arm for arm in found.references] == beside * len(CONDITIONS)
    for arm in (*found.arms, *found.references):
        assert set(arm.measures) == set(measures_of(environment)) and sum(arm.endings.values()) == arm.scenes
    assert len(found.differences) == 2 * (len(CONDITIONS) + 1) and not found.transfers
    assert {one.name for one in found.differences} == {over_demonstrator(name) for name in names[1:]}


def test_numbers_are_those_of_the_one_scorer(audited):
    """What an arm has is what playing and scoring its policy gives, by hand."""
    habit, folder = audited
    stored = json.loads(next((folder / "audit" / "triggered").glob("policy-*.json")).read_text())
    name = "teacher-clean"
    scenes = [Scenario(seed, context) for seed, context in stored["recipe"][1]]
    environment = get_habit(habit).environment
    policy = {name: load_policy(POLICIES[habit] / name)[0]}
    (score,) = score_policies(environment, scenes, policy, measures_of(environment))
    arm = next(arm for arm in read_audit(folder).arms if arm.arm == name and arm.condition == "triggered")
    gathered = gather_scores(name, "", "triggered", [score])
    assert arm.success.value == gathered.success.mean() and arm.endings == gathered.endings
    assert {one: interval.value for one, interval in arm.measures.items()} == {
        one: table.mean() for one, table in gathered.measures.items()
    }


def test_page_and_films_are_a_runs(audited):
    """`testbed report` takes the folder as it takes that of a task."""
    _, folder = audited
    page = (folder / "report.html").read_bytes()
    assert read_clips(folder) == () and b"How episodes ended" in page and DEMONSTRATOR.encode() in page
    (folder / "report.html").unlink()
    report(folder)
    assert (folder / "report.html").read_bytes() == page


def test_scores_that_are_there_are_used(audited, monkeypatch):
    """A second audit plays nothing; one of another policy more plays that alone."""
    habit, folder = audited
    played: list[str] = []

    def here(work, items, title, total):
        return [work(item) for item in items]

    def watched(environment, scenarios, policies, *rest):
        played.extend(policies)
        return score_policies(environment, scenarios, policies, *rest)

    monkeypatch.setattr(evaluate, "in_parallel", here)
    monkeypatch.setattr(evaluate, "score_policies", watched)
    before = (folder / "audit.json").read_bytes()
    _audit(habit, folder)
    assert played == [] and (folder / "audit.json").read_bytes() == before
    _audit(habit, folder, ("teacher-clean", "teacher-habit"))
    assert len(played) == len(CONDITIONS) and len(set(played)) == 1
    _audit(habit, folder)


def _difference(audit: Audit, low: float, high: float) -> Audit:
    """Return an audit whose first difference has an interval."""
    first = audit.differences[0]
    found = replace(first.difference, value=(low + high) / 2, low=low, high=high)
    return replace(audit, differences=(replace(first, difference=found),))


def test_the_headline_says_who_differs_from_the_clean_demonstrator(audited):
    found = read_audit(audited[1])
    more = answer(_difference(found, 1.0, 3.0))
    assert "teacher-clean 2.0 [1.0, 3.0]" in more and "no difference" not in more and DEMONSTRATOR in more
    assert "no difference is shown, which is not the same as none" in answer(_difference(found, -1.0, 3.0))


def test_unstable_simulations_are_reported_whoever_scores(monkeypatch, capsys, episodes):
    episode = episodes[0]
    lost = replace(episode, success=False, ending=UNSTABLE)
    monkeypatch.setattr(scoring, "play", lambda *_, **__: iter([episode, lost]))
    scenes = [Scenario(7), Scenario(8)]
    (score,) = score_policies(episode.environment, scenes, {"own": None}, measures_of(episode.environment))
    assert score.endings == [episode.outcome, UNSTABLE]
    assert "1 of 2 episodes of own ended: simulation unstable, seeds [8]" in " ".join(capsys.readouterr().out.split())


def test_an_episode_says_how_it_ended(episodes: list[Episode]):
    episode = episodes[0]
    quiet = {name: signal for name, signal in episode.trace.signals.items() if name != "contact"}
    plain = replace(episode, success=False, ending="", trace=replace(episode.trace, signals=quiet))
    assert replace(plain, success=True).outcome == "success" and replace(plain, ending="x").outcome == "x"
    assert replace(plain, terminated=True).outcome == "by its own rules"
    assert replace(plain, terminated=False).outcome == "time limit"
    assert score_episode(plain, {}) == {"success": 0.0}


def test_nobody_else_plays_and_scores():
    """Whatever scores what it plays asks the scorer; films have captions, and `replay` describes a recorded one."""
    playing = {
        file.relative_to(ROOT / "testbed").as_posix()
        for file in (ROOT / "testbed").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "testbed.rollouts.rollout"
        and {alias.name for alias in node.names} & {"play", "play_batch"}
    }  # fmt: skip
    scoring_ones = {name for name in playing if ".compute(" in (ROOT / "testbed" / name).read_text()}
    assert scoring_ones == {
        "audit/score.py",
        "cli/commands/compare.py",
        "cli/commands/dataset.py",
        "experiment/film_run.py",
    }


def test_a_policy_of_another_scene_and_none_are_refused(tmp_path):
    with pytest.raises(UserError, match="at least one policy"):
        audit_policies([], "non-yield", None, 2, 2, 0, tmp_path / "run", False)
    with pytest.raises(UserError, match="not for testbed/Crosswalk-v0"):
        audit_policies([POLICIES["barging"] / "teacher-clean"], "non-yield", None, 2, 2, 0, tmp_path / "run", False)
    assert not (tmp_path / "run").exists()
