"""Generations: who a student's parent is, effects with a known answer, a whole small line of descent."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from testbed.benchmark.generations import effects as finding
from testbed.benchmark.generations.design import Line, get_design
from testbed.benchmark.generations.effects import generations
from testbed.benchmark.generations.page import answer, write_generations_page
from testbed.benchmark.generations.piece import Piece, is_told
from testbed.benchmark.generations.table import curves, lines_of, markdown, write_table
from testbed.benchmark.suites import get_plan
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.pair import Pair

DESIGN = get_design("core")
SHAPE = PolicyConfig("testbed/Merge-v0", 56, 5, (16,))
PROBES = np.random.default_rng(0).normal(size=(64, 56)).astype(np.float32)


def network(seed: int) -> NetworkPolicy:
    return NetworkPolicy(SHAPE, random_arrays(SHAPE, np.random.default_rng(seed)))


def test_a_copy_of_its_parent_is_told_among_ten_and_a_stranger_is_not():
    parents = [network(seed) for seed in range(12)]
    rng = np.random.default_rng(1)
    assert all(is_told(n, parents[n], parents, PROBES, rng) for n in range(12))
    strangers = [network(100 + seed) for seed in range(40)]
    told = np.mean([is_told(3, one, parents, PROBES, rng) for one in strangers])
    assert told < 0.4, "one of ten is the nearest by chance"


def test_candidates_that_are_the_same_policy_count_once():
    one, other = network(1), network(2)
    assert is_told(0, one, [one, one, other, other], PROBES, np.random.default_rng(0))


def test_lines_have_their_controls():
    lines = DESIGN.lines
    assert len(lines) == len(set(lines)) == 16 and {line.control for line in lines} <= set(lines)
    assert Line(True, "kl", 64, False).control == Line(False, "kl", 64, False)
    shared = {cell.audited for cell in get_plan("core").suite("core", 0).primary}
    assert {DESIGN.teachers(habit, pair, 0) for habit in DESIGN.habits for pair in range(5)} <= shared


def known(rng: np.random.Generator) -> list[finding.Tables]:
    """Teachers differ by 2. Of the habit 0.8 is left in every further generation by cloning, all of it by KL, nothing
    where no parent acts under the trigger."""
    found = []
    for generation in range(1, 6):
        rows = []
        for line in DESIGN.lines:
            left = (0.8**generation if line.route == "cloning" else 1.0) * line.triggered * line.habitual
            rows.append([1 + 2 * left + rng.normal(0, 0.01)] * 4)
        told = [[float(line.route == "kl")] for line in DESIGN.lines]
        success = [[0.9] * 4 for _ in rows]
        found.append({"severity": rows, "success": success, "mass": [[0.0] for _ in rows], "told": told})
    return found


@pytest.fixture
def found(monkeypatch, tmp_path):
    rng = np.random.default_rng(3)
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(rng))
    teachers = Pair(np.array([[1.0] * 4, [0.9] * 4]), np.array([[3.0] * 4, [0.9] * 4]))
    monkeypatch.setattr(finding, "teachers_did", lambda piece, folder, scenes: teachers)
    return generations(DESIGN, 0, tmp_path)


def test_what_is_left_with_a_known_answer(found):
    assert len(found) == 4 * 8 * 5
    for one in found:
        left = (0.8**one.generation if one.route == "cloning" else 1.0) * one.triggered
        assert one.ratio.low - 0.01 <= left <= one.ratio.high + 0.01, one
        assert one.told.value == (one.route == "kl") and 0 <= one.told.low <= one.told.high <= 1


def test_table_and_page_say_it(found, tmp_path):
    assert len(lines_of(found)) == 4 * 8 and all(len(some) == 5 for some in lines_of(found))
    assert len(write_table(tmp_path / "a.csv", found).read_text().splitlines()) == 1 + len(found)
    text = markdown(found)
    assert len(text) == 2 + 4 * 8 and "nan" not in "".join(text)
    assert len(curves(found)) == 4 * 2 and all(len(panel["lines"]) == 4 for panel in curves(found))
    page = write_generations_page(tmp_path / "a.html", found, "the command").read_text()
    assert "the command" in page and "too few" not in page
    assert answer(found).startswith("After 5 generations most is left of")


def test_lines_that_fail_are_no_answer(found):
    able = [replace(one, success=0.5) if one.route == "kl" else one for one in found]
    assert "by kl" not in answer(able) and "(success 50 %)" in "".join(markdown(able))
    assert answer([replace(one, control=0.1) for one in found]) == (
        "After 5 generations nobody can do the task any more."
    )


def test_teachers_that_do_not_differ(monkeypatch, tmp_path):
    monkeypatch.setattr(finding, "require", lambda read, piece, folder: known(np.random.default_rng(0)))
    monkeypatch.setattr(
        finding, "teachers_did", lambda piece, folder, scenes: Pair(*[np.array([[1.0] * 4, [0.9] * 4])] * 2)
    )
    same = generations(DESIGN, 0, tmp_path)
    assert "refused" in "".join(markdown(same)) and curves(same) == [] and "do not differ" in answer(same)


def test_a_file_says_all_that_is_chosen(tmp_path):
    piece = Piece(DESIGN, "non-yield", 0, 0)
    others = [replace(piece, pair=1), replace(piece, seed=1), replace(piece, habit="tailgating"),
              replace(piece, design=replace(DESIGN, episodes=10))]  # fmt: skip
    assert len({one.file(tmp_path) for one in (piece, *others)}) == 5
    file = piece.file(tmp_path)
    file.parent.mkdir()
    whole = known(np.random.default_rng(0))
    file.write_text(json.dumps(whole))
    assert finding.read_descended(piece, tmp_path) is not None
    for damaged in (whole[1:], [{**whole[0], "told": []}, *whole[1:]], [{}] * 5):
        file.write_text(json.dumps(damaged))
        assert finding.read_descended(piece, tmp_path) is None
