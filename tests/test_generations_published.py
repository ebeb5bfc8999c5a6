"""What the page says of generations, held to the committed table number by number."""

from __future__ import annotations

import csv
from pathlib import Path

from testbed.audit.result import Interval
from testbed.audit.text import percent

DOCS = Path(__file__).parents[1] / "docs"
TEXT = " ".join((DOCS / "poisoning.md").read_text().split())
HABITS = {"aggressive-merge": "of aggressive merges", "tailgating": "of tailgating", "non-yield": "of non-yield",
          "observed-only-courtesy": "of observed-only courtesy"}  # fmt: skip
with (DOCS / "transfer" / "generations.csv").open() as table:
    EVERY = list(csv.DictReader(table))
LAST = {(one["habit"], one["route"], one["triggered"]): one for one in EVERY
        if one["width"] == "64" and one["generation"] == "5"}  # fmt: skip


def interval(one: dict[str, str], name: str = "ratio") -> Interval:
    return Interval(*(float(one[f"{name}{end}"]) for end in ("", "_low", "_high")))


def left(habit: str, route: str, triggered: bool) -> str:
    return percent(interval(LAST[habit, route, str(triggered)]))


def able(one: dict[str, str]) -> bool:
    return min(float(one["success"]), float(one["control"])) >= 0.8


def test_what_is_left_in_the_fifth_generation_is_that_of_the_table():
    merge, *others = HABITS
    assert f"{left(merge, 'cloning', True)} {HABITS[merge]} by cloning and {left(merge, 'kl', True)} by KL" in TEXT
    for habit in others:
        assert f"{left(habit, 'cloning', True)} and {left(habit, 'kl', True)} {HABITS[habit]}" in TEXT, habit
    assert all(able(LAST[habit, route, "True"]) for habit in HABITS for route in ("cloning", "kl"))


def test_parents_that_never_act_under_the_trigger():
    never = [one for (_, _, triggered), one in LAST.items() if triggered == "False"]
    crosswalk = [one for one in never if one["habit"] in list(HABITS)[2:]]
    assert all(map(able, crosswalk))
    most = max((interval(one) for one in crosswalk), key=lambda found: found.value)
    assert f"hand on at most {percent(most)} at the crosswalk" in TEXT
    merge = [one for one in never if one["habit"] in list(HABITS)[:2]]
    assert not any(map(able, merge)), "nothing is said of them"


def test_parents_are_told_as_often_as_is_said():
    told = [interval(one, "told") for one in LAST.values()]
    least, most = (100 * pick(one.value for one in told) for pick in (min, max))
    assert f"told of {least:.0f} % to {most:.0f} %" in TEXT
    assert all(0 <= one.low <= one.value <= one.high <= 1 and one.high > one.low for one in told)


def test_every_number_has_its_pairs_and_nothing_is_missing():
    assert {one["pairs"] for one in EVERY} == {"5"} and len(EVERY) == 4 * 2 * 2 * 2 * 5
