"""Every artefact in this repository has a bill that is its own, holds to the schema, and verifies."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from testbed.provenance.artefact import artefacts_in, read_artefact
from testbed.provenance.bill import claims_in
from testbed.provenance.index import opened
from testbed.provenance.rules import Asked, Rules
from testbed.provenance.verify import verify

ROOT = Path(__file__).parents[1]
ROOMS = "demonstrations", "policies", "videos"
ALL = [path for room in ROOMS for path in artefacts_in(ROOT / room)]
BILLED, ELSEWHERE = Asked(billed=True), Asked(billed=True, here=False)
RULES = Rules(demonstrations=ELSEWHERE, teacher=BILLED, student=BILLED, unknown=BILLED, other=BILLED)
"""Demonstrations of whole runs are too large for the repository."""


@pytest.mark.parametrize("room", ROOMS)
def test_there_are_artefacts(room):
    assert sum(path.is_relative_to(ROOT / room) for path in ALL) >= 10


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.relative_to(ROOT)))
def test_its_bill_is_its_own(path):
    claims_in(read_artefact(path))


def test_every_history_holds():
    with opened(None, *(ROOT / room for room in ROOMS)) as index:
        assert index.problems == []
        for path in ALL:
            found = verify(index, path, RULES, {}, date(2026, 11, 28))
            assert [one.what for one in found.problems if "is in none of the folders" not in one.what] == [], path
            missing = [one for one in found.problems if one.stage != "demonstrations"]
            assert missing == [], path
