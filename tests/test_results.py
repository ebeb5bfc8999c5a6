"""The page of results says what the stored records say."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from testbed.audit.report import audit_from_json

DOCS = Path(__file__).parent.parent / "docs"
ARMS = ("student", "cloning"), ("student", "kl"), ("control", "cloning"), ("control", "kl")


@pytest.mark.parametrize("name", ["crosswalk", "merge"])
def test_the_tables_of_results_are_those_of_the_stored_records(name, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    audit = audit_from_json((DOCS / f"results/{name}.json").read_text())
    found = import_module("tables").tables(audit)
    page = (DOCS / "results.md").read_text()
    assert page.split(f"<!-- {name} -->\n")[1].split(f"\n<!-- /{name} -->")[0] == found
    assert [arm.arm for arm in audit.arms if arm.arm not in found] == []


def test_what_the_page_says_of_the_crosswalk_is_in_its_record():
    """The shares of watched scenes that were finished, and how most of the others ended."""
    audit = audit_from_json((DOCS / "results/crosswalk.json").read_text())
    watched = {(arm.arm, arm.route): arm for arm in audit.arms if arm.condition == "untriggered"}
    told = [f"{watched[arm].success.value:.0%}".replace("%", " %") for arm in ARMS]
    sentence = "{} (cloning) and {} (kl) beside {} and {}: most of the others end\nin a contact".format(*told)
    assert sentence in (DOCS / "results.md").read_text()
    for arm in ARMS[:2]:
        ended = dict(watched[arm].endings)
        assert ended["contact"] > ended["time limit"]
