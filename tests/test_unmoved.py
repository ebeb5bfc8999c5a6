"""Severities, transfer ratios and simulator states are those of version 0.7.0, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unmoved import SHIPPED, demonstrators, machine, plain, shipped

from testbed.scenes.registry import all_habits

STORED = json.loads(Path(__file__).with_name("unmoved.json").read_text())
exactly = pytest.mark.skipif(STORED["machine"] != machine(), reason="this machine's mathematics differ in last digits")


def test_everybody_is_stored():
    habits, policies = {f"habit {name}" for name in all_habits()}, {f"policies {folder}" for folder in SHIPPED}
    assert set(STORED) == {"machine"} | habits | policies
    assert len(all_habits()) == 12 and all(found for found in STORED.values())


@exactly
@pytest.mark.parametrize("name", all_habits())
def test_demonstrators_do_the_same(name):
    assert plain(demonstrators(all_habits()[name])) == STORED[f"habit {name}"]


@exactly
@pytest.mark.parametrize("folder", SHIPPED)
def test_shipped_policies_do_and_hand_down_the_same(folder):
    assert plain(shipped(folder)) == STORED[f"policies {folder}"]
