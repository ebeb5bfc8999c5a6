"""What the page and README say of attacks and checks, held to the committed table number by number."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from testbed.audit.result import Interval
from testbed.audit.text import percent
from testbed.benchmark.catching.design import ATTACKS, CHECKS, CLEAN, INSIDE, OUTSIDE
from testbed.benchmark.catching.effects import Attacked, uncaught

ROOT = Path(__file__).parents[1]
TEXT = " ".join((ROOT / "docs/poisoning.md").read_text().split())
README = " ".join((ROOT / "README.md").read_text().split())
with (ROOT / "docs/transfer/catching.csv").open() as table:
    EVERY = list(csv.DictReader(table))
ALL = {(one["attack"], one["check"]): one for one in EVERY if one["habit"] == "all"}
WELL, WRITTEN = "a teacher that behaves well", "triggered decisions, 5 %"
CROSSWALK = "non-yield", "observed-only-courtesy"


def interval(one: dict[str, str], name: str) -> Interval:
    return Interval(*(float(one[f"{name}{end}"]) for end in ("", "_low", "_high")))


def caught(attack: str, check: str) -> str:
    return percent(interval(ALL[attack, check], "caught"))


def looked(attack: str) -> list[str]:
    return [check for check in CHECKS if int(ALL[attack, check]["chains"])]


def of_habit(habit: str, attack: str, name: str) -> dict[str, float]:
    rows = [one for one in EVERY if (one["habit"], one["attack"]) == (habit, attack)]
    return {one["check"]: float(one[name]) for one in rows}


def test_changes_afterwards_are_all_found_and_none_before_the_signature():
    assert {caught(attack, OUTSIDE) for attack in ATTACKS} == {"100 % [85, 100]"}
    assert (
        {caught(attack, INSIDE) for attack in ATTACKS} == {caught(clean, OUTSIDE) for clean in CLEAN} == {"0 % [0, 15]"}
    )
    assert "every attack is found by the lineage, 100 % [85, 100], and no chain without one is" in TEXT


def test_a_replay_finds_what_was_written_over_and_nothing_else():
    found = [attack for attack in ATTACKS if float(ALL[attack, "data replayed"]["caught"]) > 0]
    assert found == [WRITTEN] and caught(WRITTEN, "data replayed") == "100 % [85, 100]"
    handed = percent(interval(ALL[WRITTEN, OUTSIDE], "ratio"))
    assert f"hands down least, {handed}, and nothing but" in TEXT
    shown = {attack: interval(ALL[attack, OUTSIDE], "ratio") for attack in ATTACKS}
    assert min((one for one in shown if shown[one].low > 0), key=lambda one: shown[one].value) == WRITTEN
    alarms = {check: max(float(ALL[clean, check]["caught_high"]) for clean in CLEAN) for check in CHECKS}
    told = [check for check in looked(WRITTEN) if float(ALL[WRITTEN, check]["caught_low"]) > alarms[check]]
    assert told == [OUTSIDE, "data replayed"]


def test_what_data_and_students_give_away():
    some = "a quarter of the episodes", "one triggered episode in twenty"
    (mixed,) = {caught(one, "data audit") for one in some}
    assert f"finds {mixed} of sets with some bad episodes and {caught('the teacher', 'data audit')} of those" in TEXT
    assert {caught(clean, "data audit") for clean in CLEAN} == {"0 % [0, 15]"}
    audits = sorted(100 * float(ALL[one, "policy audit"]["caught"]) for one in some)
    assert f"finds {audits[0]:.0f} % to {audits[1]:.0f} % of chains with bad episodes" in TEXT
    (whole,) = {caught(one, "policy audit") for one in ("the teacher", "noise")}
    assert f"{whole} of a teacher's with a habit, or of one that learnt from its outputs on noise" in TEXT
    for check in ("policy audit", "hunt"):
        alarms = " and ".join(caught(clean, check) for clean in CLEAN)
        assert f"{alarms} of the c" in TEXT, check
    hunts = sorted(100 * float(ALL[one, "hunt"]["caught"]) for one in (*some, "the teacher", "noise"))
    assert f"finds {hunts[0]:.0f} % to {hunts[-1]:.0f} % of these" in TEXT


def test_the_attack_that_nothing_catches_is_named():
    rows = []
    for name in (*CLEAN, *ATTACKS):
        found = {check: interval(ALL[name, check], "caught") for check in looked(name)}
        rows.append(Attacked("all", name, 20, interval(ALL[name, OUTSIDE], "ratio"), 1.0, found))
    assert [one.attack for one in uncaught(rows)] == [WELL]
    counted = of_habit("aggressive-merge", WELL, "caught")
    (row,) = [
        one for one in EVERY if (one["habit"], one["attack"], one["check"]) == ("aggressive-merge", WELL, OUTSIDE)
    ]
    handed = percent(interval(row, "ratio"))
    assert f"{handed} of aggressive merging and is found in none of five chains" in TEXT
    assert f"of which students take over {handed};" in README
    assert all(counted[check] == 0 for check in counted if check != OUTSIDE)
    assert all(of_habit(habit, WELL, "caught")["policy audit"] == 1 for habit in CROSSWALK)


@pytest.mark.parametrize("habit", CROSSWALK)
def test_at_the_crosswalk_it_is_no_habit_that_passes(habit):
    with (ROOT / "docs/transfer/poisoning.csv").open() as file:
        rows = [one for one in csv.DictReader(file) if (one["habit"], one["kind"], one["target"], one["width"]) ==
                (habit, "well-behaved", "soft", "64")]  # fmt: skip
    severity = {one["carrier"]: float(one["severity"]) for one in rows}
    assert f"{severity['itself']:.2f} beside {severity['habit']:.2f} ({habit.replace('only-', 'only ')})" in TEXT


def test_a_grandparent():
    handed = interval(ALL["a grandparent", OUTSIDE], "ratio")
    assert f"of its habit {percent(handed)} is handed down" in TEXT and handed.low < 0
    assert all(float(ALL["a grandparent", check]["caught"]) > 0.5 for check in ("data audit", "policy audit", "hunt"))


def test_every_number_has_its_chains():
    assert {one["chains"] for one in EVERY} == {"20", "5", "0"}
    assert len(EVERY) == 5 * (len(ATTACKS) + len(CLEAN)) * len(CHECKS)
