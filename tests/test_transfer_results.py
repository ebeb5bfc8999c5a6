"""The committed tables and page of the benchmark: what the documents quote is in them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pyarrow.parquet
import pytest

from testbed.benchmark.plan import plan_text
from testbed.benchmark.published import ESTABLISHED, OPEN, REFUTED, UNJUDGED, markdown, published
from testbed.benchmark.silent.table import read_effects
from testbed.benchmark.suites import make_suite
from testbed.benchmark.table import read_findings

FOLDER = Path(__file__).parents[1] / "docs" / "transfer"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (FOLDER / "transfer.csv").open() as file:
        return list(csv.DictReader(file))


def test_both_tables_are_the_same(rows):
    other = pyarrow.parquet.read_table(FOLDER / "transfer.parquet").to_pylist()
    assert [{name: str(value) for name, value in row.items()} for row in other] == rows


def test_the_page_says_how_it_was_made():
    page = (FOLDER / "transfer.html").read_text()
    assert "testbed benchmark transfer --suite core --seed 0" in page and "mujoco" in page and "torch" in page
    assert "too few for a claim" not in page


def test_what_the_documents_quote_is_in_the_table(rows):
    """Every ratio with an interval, in the benchmark's section and on the page of results."""
    known = {tuple(f"{float(row[name]):.2f}" for name in ("ratio", "ratio_low", "ratio_high")) for row in rows}
    root = FOLDER.parents[1]
    section = (root / "docs/transfer.md").read_text().split("## What `core` found")[1]
    paragraph = (root / "docs/results.md").read_text().split("## Which route hands habits down?")[1]
    for text, least in ((section, 30), (paragraph, 2)):
        quoted = re.findall(r"(-?\d+\.\d\d) \[(-?\d+\.\d\d), (-?\d+\.\d\d)\]", text)
        assert len(quoted) >= least
        assert [one for one in quoted if one not in known] == []


SHARE = re.compile(r"(−?\d+ %) \[(−?\d+, −?\d+)\]")


def shares(text: str) -> list[tuple[str, ...]]:
    """Return the quoted shares that have intervals."""
    return SHARE.findall(" ".join(text.split()))


def test_what_the_documents_quote_of_the_crossed_experiment_is_in_its_tables():
    silent, claims = (set(shares((FOLDER / name).read_text())) for name in ("silent-table.md", "published.md"))
    root = FOLDER.parents[1]
    section = (root / "docs/transfer.md").read_text().split("## What `silent` found")[1].split("What this does not")[0]
    paragraph = (root / "README.md").read_text().split("of [published claims]")[1].split("## Next")[0]
    result = (root / "docs/results.md").read_text().split("## Which route hands habits down?")[1]
    for text, known, least in ((section, silent, 13), (paragraph, claims, 7), (result, silent, 2)):
        assert len(shares(text)) >= least
        assert [one for one in shares(text) if one not in known] == []


def test_one_placebo_of_fifteen_leaves_out_nothing():
    rows = [one for one in read_effects(FOLDER, "") if one.other == "placebo" and one.length == 2000]
    outside = [one for one in rows if one.ratio.low > 0 or one.ratio.high < 0]
    assert (len(rows), len(outside)) == (15, 1)


def test_the_decisions_on_published_claims_follow_from_the_tables():
    """And the documents count them, and name what was established, refuted or left open."""
    decided = published(read_findings(FOLDER, ""), read_effects(FOLDER, ""))
    page = (FOLDER / "published.md").read_text()
    assert page.split("<!-- published -->\n")[1].split("\n<!-- /published -->")[0] == "\n".join(markdown(decided))
    says = [one.says for one in decided]
    assert [says.count(word) for word in (ESTABLISHED, REFUTED, OPEN, UNJUDGED)] == [2, 3, 2, 1]
    told = " ".join((FOLDER.parent / "transfer.md").read_text().split())
    assert "two of the eight sentences are established" in told and "three refuted" in told
    assert "two open, and one cannot be judged" in told
    assert says[:3] == [ESTABLISHED, ESTABLISHED, REFUTED] and says[5] == OPEN


def test_few_claims_are_false_where_there_is_nothing_to_claim():
    """Of 200 pairs of clean teachers, five together: at most 5 % of what may be claimed is (docs/experiment.md)."""
    page = (FOLDER.parent / "experiment.md").read_text()
    told, text = page.split("<!-- false-claims -->")[1].split("<!-- /false-claims -->")
    shares = [float(share) for share in re.findall(r"^\| five pairs .* \| (\d+\.\d) % \|$", told, re.MULTILINE)]
    assert "200 pairs of clean teachers" in told and len(shares) == 2 and max(shares) <= 5
    assert "fewer than the 5 % that are put up with are false" in text


def test_the_plan_is_that_of_the_suite():
    """What will be claimed, and by which rules, is committed; whoever changes the suite changes it, and says so."""
    page = (FOLDER / "plan.md").read_text()
    told = page.split("<!-- plan -->")[1].split("<!-- /plan -->")[0].strip()
    assert told == plan_text(make_suite("core", 0), 0)
    assert "## Changed after looking" in page


def test_a_plan_counts_its_family():
    suite = make_suite("core", 0)
    places = {cell.place for cell in suite.primary}
    told = plan_text(suite, 0)
    assert f"**Family.** {len(places)} places" in told and f"adjustment over all {len(places)} places" in told
    for place in places:
        row = next(line for line in told.splitlines() if line.startswith(f"| {place.habit} |") and "overt" in line)
        assert place.channel in row


def test_what_the_documents_count_is_in_the_table(rows):
    """How many places can be judged, and of how many no transfer is shown; and how long the parts took."""
    family = [row for row in rows if row["condition"] == "triggered" and row["p_holm"] != "nan"]
    judged = [row for row in family if row["verdict"] in ("transfers", "opposite", "no transfer", "undecided")]
    nominal = [row for row in family if row["channel"] == "nominal"]
    none = [row for row in nominal if row["verdict"] == "no transfer"]
    text = " ".join((FOLDER.parent / "transfer.md").read_text().split("## What `core` found")[1].split())
    assert f"{len(judged)} of {len(family)} places can be judged ({100 * len(judged) / len(family):.0f} %)" in text
    assert f"no transfer is shown for {len(none)} of {len(nominal)} places" in text
    assert max(float(row["ratio"]) for row in nominal if row not in none) < 0.065
    for channel in ("tailgating", "hoarding", "nudging"):
        gone = [row["verdict"] for row in family if (row["habit"], row["channel"]) == (channel, "relabelled")]
        assert gone == ["no transfer"] * 3
    page = (FOLDER / "ratios.md").read_text().split("<!-- again -->")[1].split("<!-- /again -->")[0]
    hours, two = re.findall(r"take ([\d.]+) hours of one, ([\d.]+) of two", page)[0]
    parts = sum(map(float, re.findall(r"^\| \w+ \| \w+ \| \d+ \| ([\d.]+) \|$", page, re.MULTILINE)))
    assert abs(5 * parts - float(hours)) < 0.3 and float(two) <= 4
    assert f"{hours} hours of one core, {two} of two" in (FOLDER.parent / "transfer.md").read_text()
    ((places, same),) = re.findall(r"of (\d+) differences .*?, (\d+) are those of the table to the last bit", page)
    assert places == same and f"in all {same} differences" in text
