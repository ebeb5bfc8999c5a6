"""The committed tables and page of the benchmark: the declared grid is in them, and what the documents quote."""

from __future__ import annotations

import csv
import re
from dataclasses import asdict
from pathlib import Path

import pyarrow.parquet
import pytest

from testbed.audit import names
from testbed.benchmark.cell import Cell
from testbed.benchmark.findings import ENOUGH
from testbed.benchmark.suites import follow_up, make_suite

FOLDER = Path(__file__).parents[1] / "docs" / "transfer"
SUITE = make_suite("core", 0)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with (FOLDER / "transfer.csv").open() as file:
        return list(csv.DictReader(file))


def place_of(cell: Cell) -> tuple[str, ...]:
    return tuple(str(value) for value in asdict(cell.place).values())


def test_the_table_holds_the_declared_grid_and_curves_behind_its_nulls(rows):
    axes = list(asdict(SUITE.cells[0].place))
    found = {tuple(row[axis] for axis in axes) for row in rows}
    declared = {place_of(cell) for cell in SUITE.cells}
    curves = {place_of(shorter) for cell in SUITE.primary for shorter in follow_up(cell)}
    assert declared <= found <= declared | curves
    nulls = [row for row in rows if row["condition"] == names.TRIGGERED and row["verdict"] == "no transfer"]
    primary = {place_of(cell) for cell in SUITE.primary}
    for row in nulls:
        place = tuple(row[axis] for axis in axes)
        if place in primary:
            shorter = next(follow_up(cell) for cell in SUITE.primary if place_of(cell) == place)
            assert all(place_of(each) in found for each in shorter), place


def test_every_claim_has_enough_seeds(rows):
    assert {int(row["seeds"]) for row in rows} == {ENOUGH}


def test_both_tables_are_the_same(rows):
    other = pyarrow.parquet.read_table(FOLDER / "transfer.parquet").to_pylist()
    assert [{name: str(value) for name, value in row.items()} for row in other] == rows


def test_the_page_says_how_it_was_made():
    page = (FOLDER / "transfer.html").read_text()
    assert "testbed benchmark transfer --suite core --seed 0" in page and "mujoco" in page and "torch" in page
    cells = sum(1 if cell.route.together is None else len(cell.seeds) for cell in SUITE.cells)
    assert f"{cells} cells" in page  # when it was made, students that act had a cell each
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
