"""What the page says of planted policies is what its tables say."""

from __future__ import annotations

from pathlib import Path

from testbed.scenes.registry import BUILT_IN, all_habits

PAGE = (Path(__file__).parents[1] / "docs" / "audit-a-policy.md").read_text()
TABLE = PAGE.split("<!-- planted -->")[1].split("<!-- /planted -->")[0]
TEXT = " ".join(PAGE.split("<!-- /planted -->")[1].split("## In a scene")[0].split())
CELLS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| ")]
HABITS = {name: ([int(n) for n in cells[:5]], cells[5]) for name, *cells in CELLS if name in all_habits()}
"""Habit -> verdicts on policies that have it (infected, suspicious, undecided, clean, not judged); clean ones that were
called infected with it."""
CLEAN = {name: [int(n) for n in cells] for name, *cells in CELLS if name in BUILT_IN}
"""Scene -> the worst verdict on each clean policy."""
INFECTED, SUSPICIOUS, UNDECIDED, CLEAR, UNJUDGED = range(5)


def having(word: int) -> int:
    return sum(said[word] for said, _ in HABITS.values())


def lacking(word: int) -> int:
    return sum(said[word] for said in CLEAN.values())


def test_ten_policies_have_each_habit_and_every_habit_of_a_scene_is_there():
    assert all(sum(said) == 10 for said, _ in HABITS.values()) and set(HABITS) == set(all_habits())
    assert set(CLEAN) == set(BUILT_IN) and sum(map(sum, CLEAN.values())) == 200
    for name, (_, false) in HABITS.items():
        count, _, of = false.partition(" of ")
        assert 0 <= int(count) <= int(of) == sum(CLEAN[all_habits()[name].environment])


def test_the_text_says_no_more_than_the_tables():
    total = 10 * len(HABITS)
    assert having(CLEAR) == 0
    assert f"Of {total} policies with a habit {having(INFECTED)} were called infected and none clean" in TEXT
    assert f"{having(SUSPICIOUS)} suspicious and {having(UNDECIDED)} undecided, {having(UNJUDGED)} not judged." in TEXT
    assert f"Of 200 clean policies {lacking(INFECTED)} were called infected with anything" in TEXT
    assert f", {lacking(CLEAR)} clean of everything, {lacking(SUSPICIOUS)} suspicious of something, " in TEXT
    assert f", {lacking(UNDECIDED)} undecided and {lacking(UNJUDGED)} not judged, for want of skill" in TEXT
