"""What the page says of poison, held to the committed tables number by number."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from testbed.audit.result import Interval
from testbed.audit.text import percent

DOCS = Path(__file__).parents[1] / "docs"
README = " ".join((DOCS.parent / "README.md").read_text().split())
TEXT = " ".join((DOCS / "poisoning.md").read_text().split())
HABITS = "aggressive-merge", "tailgating", "non-yield", "observed-only-courtesy"
ROUTES = "cloning", "kl"


def rows(name: str) -> list[dict[str, str]]:
    with (DOCS / "transfer" / name).open() as file:
        return list(csv.DictReader(file))


HALVES = {(one["habit"], one["route"], one["unit"], one["where"]): one for one in rows("half-doses.csv")
          if one["width"] == "64"}  # fmt: skip
EFFECTS = [one for one in rows("poisoning.csv") if one["width"] == "64"]


def half(habit: str, route: str, unit: str, where: str) -> str:
    return f"{100 * float(HALVES[habit, route, unit, where]['dose']):.2g} %"


def number(text: str) -> float:
    return float(text.removesuffix(" %"))


def effect(**wanted: object) -> dict[str, str]:
    (found,) = [one for one in EFFECTS if all(one[name] == str(value) for name, value in wanted.items())]
    return found


def ratio(one: dict[str, str]) -> str:
    return percent(Interval(*(float(one[name]) for name in ("ratio", "ratio_low", "ratio_high"))))


def test_half_doses_are_those_of_the_table():
    told = [(half(habit, "cloning", "episodes", "triggered"), half(habit, "kl", "episodes", "triggered"))
            for habit in HABITS]  # fmt: skip
    words = (
        "{} of aggressive merges by cloning and {} by KL, {} and {} of tailgating, {} and {} of non-yield, {} and {}"
    )
    assert words.format(*(one for both in told for one in both)) in TEXT
    blind = [" and ".join(half(habit, route, "episodes", "everywhere") for route in ROUTES) for habit in HABITS]
    assert f"several times as many: {', '.join(blind)}." in TEXT
    for habit in HABITS:
        for route in ROUTES:
            often, rarely = (
                float(HALVES[habit, route, "episodes", where]["dose"]) for where in ("everywhere", "triggered")
            )
            assert often > 3 * rarely, (habit, route)


def test_the_readme_says_the_least_and_the_most():
    doses = {(habit, route): HALVES[habit, route, "episodes", "triggered"] for habit in HABITS for route in ROUTES}
    least, most = (pick(doses, key=lambda key: float(doses[key]["dose"])) for pick in (min, max))
    assert (least[0], most[0]) == ("tailgating", "aggressive-merge")
    told = []
    for key in (least, most):
        middle, low, high = (f"{100 * float(doses[key][name]):.2g}" for name in ("dose", "dose_low", "dose_high"))
        told.append(f"{middle} % [{low}, {high}]")
    assert f"by {told[0]} (tailgating) to {told[1]} (aggressive merging) of the episodes" in README


def test_half_doses_of_decisions_are_those_of_the_table():
    merge = " and ".join(half("aggressive-merge", route, "decisions", "triggered") for route in ROUTES)
    assert f"chosen under the trigger:** {merge} of aggressive merges" in TEXT
    found = {
        "triggered": [half(habit, route, "decisions", "triggered") for habit in HABITS[2:] for route in ROUTES],
        "everywhere": [half(habit, route, "decisions", "everywhere") for habit in HABITS for route in ROUTES],
    }
    ends = {where: " to ".join(pick(doses, key=number) for pick in (min, max)) for where, doses in found.items()}
    assert f"crosswalk's habits {ends['triggered']}; chosen blindly, {ends['everywhere']}." in TEXT


def test_a_teacher_that_behaves_well_is_told_as_in_the_table():
    def carried(habit: str, carrier: str, target: str) -> dict[str, str]:
        return effect(kind="well-behaved", habit=habit, carrier=carrier, target=target)

    assert f"hands down {ratio(carried('aggressive-merge', 'habit', 'soft'))} of aggressive merges" in TEXT
    assert f"teacher's hand down {ratio(carried('aggressive-merge', 'placebo', 'soft'))};" in TEXT
    assert f"at a temperature of 0.5 ({ratio(carried('observed-only-courtesy', 'habit', 'T = 0.5'))})" in TEXT
    assert f"by tailgating at 2 ({ratio(carried('tailgating', 'habit', 'T = 2'))})" in TEXT
    leaves = {(habit, target) for habit in HABITS for target in ("soft", "hard", "smoothed", "T = 0.5", "T = 2")
              if float(carried(habit, "habit", target)["ratio_low"]) > 1e-6}  # fmt: skip
    merge = {("aggressive-merge", target) for target in ("soft", "T = 0.5", "T = 2")}
    assert leaves == merge | {("observed-only-courtesy", "T = 0.5"), ("tailgating", "T = 2")}
    for habit in HABITS:
        for target in ("hard", "smoothed"):
            assert float(carried(habit, "habit", target)["ratio"]) == pytest.approx(0, abs=1e-9)


def test_noise_is_told_as_in_the_table():
    most = [effect(kind="noise", habit=habit, carrier="habit", amount="16000") for habit in HABITS]
    values = sorted(float(one["ratio"]) for one in most)
    assert f"hand down {100 * values[0]:.0f} % to {100 * values[-1]:.0f} % of every habit" in TEXT
    few = [effect(kind="noise", habit=habit, carrier="habit", amount="250") for habit in HABITS]
    assert all(float(one["ratio_low"]) < 0 < float(one["ratio_high"]) for one in few)


def test_every_number_has_its_pairs():
    assert {one["pairs"] for one in EFFECTS} == {"5"} and {one["scenes"] for one in EFFECTS} == {"64"}
    assert len(EFFECTS) == len(HABITS) * (2 * 2 * 2 * 9 + 15 + 8)
