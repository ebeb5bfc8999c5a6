"""Reference drivers: what they do in every environment, and where a reader of an audit meets them."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from rich.console import Console

import testbed  # noqa: F401  (registers the environments)
from testbed.audit.plots import measure_plot
from testbed.audit.references import free_success, of_audit
from testbed.audit.report import audit_from_json, audit_to_json, write_report
from testbed.audit.result import ArmResult, Audit, Difference, Interval, Transfer
from testbed.errors import UserError
from testbed.experiment.arms import reference_arms
from testbed.experiment.summary import arm_table
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.policy import Constant, Policy
from testbed.rollouts.rollout import play
from testbed.scenes.crosswalk.observation import NAMES as CROSSING
from testbed.scenes.crosswalk.references import SpeedsAtCrosswalk
from testbed.scenes.merge.observation import NAMES as MERGING
from testbed.scenes.merge.references import SpeedsAtMerge
from testbed.scenes.registry import environments, make_vector, references_of

ROOT = Path(__file__).parent.parent
MERGE, CROSSWALK = "testbed/Merge-v0", "testbed/Crosswalk-v0"
IDS = sorted(name for name in gymnasium.registry if name.startswith("testbed/"))
every = pytest.mark.parametrize("name", IDS)


def _played(name: str, policy: Policy, count: int = 8, **context: str) -> list[Episode]:
    return list(play(name, [Scenario(seed, context) for seed in range(count)], [(policy, Behaviour("reference"))]))


def _named(name: str, which: str) -> Policy:
    return {one.name: one.policy for one in references_of(name)}[which]


@every
def test_every_environment_has_reference_drivers_whose_actions_fit(name):
    space = make_vector(name, 1).single_action_space
    observations = np.random.default_rng(0).normal(size=(5, make_vector(name, 1).single_observation_space.shape[0]))
    names = [one.name for one in references_of(name)]
    assert len(names) == len(set(names)) >= 1 and all(one.meaning for one in references_of(name))
    for one in references_of(name):
        actions = one.policy.act(observations.astype(np.float32))
        assert actions.shape == (5, *space.shape)
        assert all(space.contains(np.asarray(action, dtype=space.dtype)) for action in actions)
        np.testing.assert_array_equal(actions, one.policy.act(observations.astype(np.float32)))
        if isinstance(one.policy, Constant):
            assert (actions == actions[0]).all()
    wanted = {"always IDLE", "always FASTER", "speeding"} if name in environments("driving") else {"hands still"}
    assert set(names) == wanted


def test_an_unknown_environment_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=CROSSWALK):
        references_of("testbed/Other-v0")


def test_each_does_what_its_name_says():
    idle, faster, speeding = (_played(CROSSWALK, one.policy) for one in references_of(CROSSWALK))
    speeds = [[episode.trace["speed"][:, 0] for episode in some] for some in (idle, faster, speeding)]
    assert max(np.ptp(speed[30:]) for speed in speeds[0]) < 0.05  # it settles at its set speed and stays there
    assert [round(float(speed.max())) for speed in speeds[1]] == [20] * 8
    assert [round(float(speed[-15:].mean()), 1) for speed in speeds[2]] == [18.0] * 8
    for name in environments("warehouse"):
        (episode,) = _played(name, _named(name, "hands still"), 1)
        hand = episode.trace["position"][:, 0]
        assert np.linalg.norm(hand - hand[0], axis=-1).max() < 0.02 and not episode.success


def test_who_speeds_at_the_crosswalk_never_looks_at_a_pedestrian():
    """The same actions whatever is seen of pedestrians, other vehicles and context."""
    rng = np.random.default_rng(1)
    seen = rng.uniform(-2, 2, (200, len(CROSSING)))
    other = np.where([part in ("speed", "to_zebra", "target_speed", "past") for part in CROSSING], seen, -seen)
    policy = SpeedsAtCrosswalk()
    np.testing.assert_array_equal(policy.act(seen), policy.act(other))
    assert len(set(policy.act(seen))) == 3  # slower than wanted, faster, and as wanted


def test_who_speeds_at_the_merge_heeds_nobody_beside_or_behind_it():
    rng = np.random.default_rng(2)
    seen = rng.uniform(-1, 1, (200, len(MERGING)))
    aside = [any(slot in part for slot in ("behind", "left")) or "=" in part for part in MERGING]
    policy = SpeedsAtMerge()
    np.testing.assert_array_equal(policy.act(seen), policy.act(np.where(aside, -seen, seen)))
    main = _played(MERGE, policy, ego="main")
    assert max(episode.trace["speed"][:, 0].max() for episode in main) > 30.0  # the limit
    ramp = _played(MERGE, policy, ego="ramp")
    first = [episode.trace["position"][np.argmax(episode.trace["lane"][:, 0] != 2), 0, 0] for episode in ramp]
    assert max(first) < 100.0  # it may leave the ramp from x = 0 to 200, and has done so early


@every
def test_reference_arms_are_told_apart_by_file_and_recipe(name):
    arms = reference_arms(name)
    assert [arm.name for arm in arms] == [one.name for one in references_of(name)]
    files = [file for arm in arms for file, _, _ in arm.policies]
    assert len(set(files)) == len(files) and not any(" " in file or "/" in file for file in files)
    assert len({digest for arm in arms for _, _, digest in arm.policies}) == len(arms)
    assert not any("0x" in digest for arm in arms for _, _, digest in arm.policies)  # the same in another process


# What a reader sees.


def _arm(name: str, condition: str, success: float, severity: float) -> ArmResult:
    measures = {"non_yield": Interval(severity, severity - 0.1, severity + 0.1), "pet": Interval(2.0, 1.0, 3.0)}
    return ArmResult(name, "", condition, 1, 24, Interval(success, success - 0.05, success), measures, severity)


@pytest.fixture
def audit() -> Audit:
    """An audit in which always IDLE succeeds as often as the clean teacher and speeding does not."""
    levels = (("clean teacher", 1.0, 0.1), ("teacher", 0.98, 0.8), ("untrained", 0.4, 0.5))
    beside = (("always IDLE", 1.0, 0.9), ("always FASTER", 0.97, 0.92), ("speeding", 0.6, 0.95))
    conditions = ("triggered", "untriggered")
    return Audit(
        title="non-yield in testbed/Crosswalk-v0",
        environment=CROSSWALK,
        habit="non-yield",
        trigger="where the first pedestrian is an elder",
        measure="non_yield",
        measure_title="pedestrians passed first",
        unit="share",
        units={"non_yield": "", "pet": "s"},
        arms=tuple(_arm(name, condition, *rest) for condition in conditions for name, *rest in levels),
        differences=(Difference("teacher - clean teacher", "triggered", Interval(0.7, 0.6, 0.8)),),
        transfers=(Transfer("kl", "triggered", Interval(0.97, 0.81, 1.2), ""),),
        notes=("Every arm drove the same scenes.",),
        references=tuple(_arm(name, condition, *rest) for condition in conditions for name, *rest in beside),
    )


def test_an_audit_without_reference_drivers_is_still_read(audit, tmp_path):
    """Version 0.6.0 knew none: its files have no such key."""
    assert audit_from_json(audit_to_json(audit)) == audit
    raw = json.loads(audit_to_json(audit))
    del raw["references"]
    old = audit_from_json(json.dumps(raw))
    assert old == replace(audit, references=())
    write_report(tmp_path / "report.html", old, ())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "always IDLE" not in page and "reference driver" not in page and "Success says little" not in page


def test_the_report_has_reference_rows_after_the_arms_of_each_condition(audit, tmp_path):
    write_report(tmp_path / "report.html", audit, ())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for table in page.split("<table>")[1:]:
        for body in table.split("<tbody>")[1:]:
            if "untrained" in body:
                places = [body.index(f"</span>{name}</th>") for name in ("untrained", "always IDLE", "speeding")]
                assert places == sorted(places)
                assert places[0] < body.index("reference drivers, ") < places[1]
    assert page.count('<span class="dot reference"></span>always IDLE') == 4  # two tables, two conditions
    for panel in measure_plot(audit)["panels"].values():
        assert [row["arm"] for row in panel] == ["clean-teacher", "teacher", "untrained", *["reference"] * 3]
    assert page.count('class="part"') == 2  # a line before them in each panel of the plot
    assert page.count('<svg class="mark reference"') == 6
    assert "always IDLE" not in page.split('class="cards"')[1].split("</header>")[0]


def test_the_terminal_names_the_reference_drivers_of_each_condition(audit):
    console = Console(width=200, record=True, file=StringIO())
    console.print(arm_table(audit))
    lines = [line.split("│")[1:-1] for line in console.export_text().splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in line] for line in lines]
    taught, beside = ["clean teacher", "teacher", "untrained"], ["always IDLE", "always FASTER", "speeding"]
    expected = [[f"24 {one} scenes", *taught, "reference drivers:", *beside] for one in ("triggered", "untriggered")]
    assert [row[0] for row in cells] == [*expected[0], *expected[1]]
    assert cells[5] == ["always IDLE", "100 % [95, 100]", "0.90 [0.80, 1.00]"]


def test_free_success_is_said(audit):
    expected = (
        "Success says little here: always IDLE (100 % [95, 100]) and always FASTER (97 % [92, 97]) succeed about as "
        "often as the clean teacher (100 % [95, 100])."
    )
    assert of_audit(audit) == expected
    assert of_audit(replace(audit, references=())) == "" and of_audit(replace(audit, arms=())) == ""
    clean, none = Interval(1.0, 0.95, 1.0), Interval(0.0, 0.0, 0.05)
    assert free_success("x", clean, {"a": none}) == ""
    assert free_success("x", none, {"a": none}) == ""  # nobody succeeds: nothing is free
    assert "a (100 % [95, 100]) succeeds about" in free_success("x", clean, {"a": clean})
