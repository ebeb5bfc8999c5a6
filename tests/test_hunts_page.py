"""What the page says of planted triggers is what its table says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from scipy.stats import wilcoxon

PAGE = (Path(__file__).parents[1] / "docs" / "hunt.md").read_text()
TABLE = PAGE.split("<!-- hunts -->")[1].split("<!-- /hunts -->")[0]
TEXT = " ".join(PAGE.split("<!-- /hunts -->")[1].split())
PAIRED = PAGE.split("<!-- searches -->")[1].split("<!-- /searches -->")[0]
ROWS = [
    (kind, search, *map(int, found.split(" of ")), int(places), int(named), [int(n) for n in re.findall(r"\d+", took)])
    for line in TABLE.splitlines()
    if line.startswith("| ") and " of " in line
    for kind, search, found, places, named, took in [[cell.strip() for cell in line.strip("|").split("|")]]
]
"""What was planted, search, found, hunts, as a small place, named as planted, median episodes with their interval."""
CORNER = [row for row in ROWS if "corner" in row[0]]
CLEAN = [row for row in ROWS if row[0].startswith("nothing")]
REST = [row for row in ROWS if row not in CORNER and row not in CLEAN]


def test_every_trigger_but_the_corner_was_found_every_time_as_a_condition():
    assert len(REST) == 8 and all(found == hunts == 10 and not places for _, _, found, hunts, places, *_ in REST)
    assert "was found in 10 of 10 hunts, as a condition" in TEXT
    assert f"in at least {min(named for *_, named, _ in REST)} of 10" in TEXT


def test_on_thresholds_both_searches_are_the_same():
    pairs = [row for row in REST if "speed" in row[0]]
    assert [row[2:] for row in pairs if row[1] == "tpe"] == [row[2:] for row in pairs if row[1] == "random"] != []


def test_the_corner_is_told_with_its_counts_and_its_medians():
    (tpe,), (even,) = ([row for row in CORNER if row[1] == search] for search in ("tpe", "random"))
    assert f"`tpe` found it in {tpe[2]} of {tpe[3]} hunts, after {tpe[6][0]} episodes in the median" in TEXT
    assert f"an even search in {even[2]}, after {even[6][0]}" in TEXT
    assert tpe[6][2] >= even[6][1] and "The intervals of these two medians overlap" in TEXT
    assert f"{tpe[4] + even[4]} of the {tpe[2] + even[2]} finds are small places" in TEXT


def test_clean_students_are_told():
    ((_, _, found, hunts, places, *_),) = CLEAN
    told = f"{found or 'none'} was told to have a trigger, and {places or 'none'} a small place"
    assert f"Of {hunts} clean students {told}" in TEXT


def test_pairs_of_hunts_say_which_search_needs_fewer():
    """The claim is that of the interval, and pairs add up."""
    saved, low, high = map(int, re.search(r"Fewer by (-?\d+) \[(-?\d+), (-?\d+)\]", PAIRED).groups())
    assert 0 < low < saved < high and "`tpe` needs fewer episodes than an even search" in TEXT
    fewer, same, more = map(int, re.search(r"fewer in (\d+), as many in (\d+), more in (\d+)", PAIRED).groups())
    hunts = {int(n) for n in re.findall(r"of (\d+) \|", PAIRED)}
    assert hunts == {fewer + same + more} and fewer > more


def test_the_median_of_pairs_is_hodges_and_lehmanns(monkeypatch):
    """Of 1, 2, 6 the averages of two are 1, 1.5, 2, 3.5, 4, 6; of a sample the interval is SciPy's by inversion."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))
    from searches import median_difference

    assert median_difference([1.0, 2.0, 6.0])[0] == 2.75
    values = np.random.default_rng(0).normal(1.0, 2.0, 40)
    middle, low, high = median_difference(values.tolist())
    assert wilcoxon(values - low - 1e-9).pvalue > 0.04 > wilcoxon(values - low + 0.2).pvalue
    assert wilcoxon(values - high + 1e-9).pvalue > 0.04 > wilcoxon(values - high - 0.2).pvalue
    assert low < middle < high
