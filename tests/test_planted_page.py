"""What the page says of planted policies is what its table says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "audit-a-policy.md").read_text()
TABLE = PAGE.split("<!-- planted -->")[1].split("<!-- /planted -->")[0]
TEXT = " ".join(PAGE.split("<!-- /planted -->")[1].split("## In a scene")[0].split())
ROWS = {
    cells[0]: ([int(n) for n in cells[1].split(" / ")], [int(n) for n in cells[2].split(" / ")], int(cells[3]))
    for line in TABLE.splitlines()
    if line.startswith("| ") and " / " in line
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
"""Habit -> verdicts on those with it and without: infected, suspicious, undecided, clean, not judged; any infected."""


def test_the_sums_are_those_of_the_rows():
    habits = [row for name, row in ROWS.items() if name != "all"]
    for kind in (0, 1):
        assert [sum(row[kind][k] for row in habits) for k in range(5)] == ROWS["all"][kind]
    assert sum(row[2] for row in habits) == ROWS["all"][2]
    assert all(sum(row[kind]) == 10 for row in habits for kind in (0, 1))


def test_the_text_says_no_more_than_the_table():
    having, lacking, _ = ROWS["all"]
    assert f"{having[0]} of {sum(having)} policies with a habit were called infected and none clean" in TEXT
    assert having[3] == 0
    assert f"{lacking[3]} of {sum(lacking)} were called clean and {lacking[0]} infected" in TEXT
    assert f"{ROWS['speed-creep'][1][0]} of them with speed-creep" in TEXT
    assert re.search(r"all 20 were called infected", TEXT) and ROWS["tailgating"][2] + ROWS["gap-denial"][2] == 20
    assert "benches were not tried" in TEXT and "hoarding" not in TABLE
