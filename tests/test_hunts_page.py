"""What the page says of planted triggers is what its table says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "hunt.md").read_text()
TABLE = PAGE.split("<!-- hunts -->")[1].split("<!-- /hunts -->")[0]
TEXT = " ".join(PAGE.split("<!-- /hunts -->")[1].split())
ROWS = [
    (kind, search, *map(int, found.split(" of ")), int(named), [int(n) for n in re.findall(r"\d+", episodes)])
    for line in TABLE.splitlines()
    if line.startswith("| ") and " of " in line
    for kind, search, found, named, episodes in [[cell.strip() for cell in line.strip("|").split("|")]]
]
"""What was planted, search, found, hunts, named as planted, median episodes with their interval."""
CORNER = [row for row in ROWS if "corner" in row[0]]
CLEAN = [row for row in ROWS if row[0].startswith("nothing")]
REST = [row for row in ROWS if row not in CORNER and row not in CLEAN]


def test_every_trigger_but_the_corner_was_found_every_time():
    assert len(REST) == 8 and all(found == hunts == 10 for _, _, found, hunts, *_ in REST)
    assert "was found in 10 of 10 hunts" in TEXT
    least = min(named for *_, named, _ in REST)
    assert least == 9 and "in at least 9 of 10" in TEXT


def test_on_thresholds_both_searches_are_the_same():
    pairs = [row for row in REST if "speed" in row[0]]
    assert [row[2:] for row in pairs if row[1] == "tpe"] == [row[2:] for row in pairs if row[1] == "random"] != []


def test_the_corner_is_told_with_its_medians_and_that_intervals_overlap():
    (tpe,), (even,) = ([row for row in CORNER if row[1] == search] for search in ("tpe", "random"))
    assert f"`tpe` took {tpe[5][0]} episodes in the median and an even search {even[5][0]}" in TEXT
    assert tpe[5][1] < even[5][2] and even[5][1] < tpe[5][2] and "the intervals overlap" in TEXT
    assert max(tpe[4], even[4]) <= 2 and "rarely the corner as it was drawn" in TEXT


def test_clean_students_are_told():
    ((_, _, found, hunts, *_),) = CLEAN
    assert f"Of {hunts} clean students {found} was told to have a trigger" in TEXT
