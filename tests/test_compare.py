"""Two policies in the same scenes: known answers, and what the command says of policies that are here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_line import run_testbed
from hypothesis import given
from hypothesis import strategies as st

from testbed.audit.pairs import Pairs, mcnemar, play_pairs, severity_change, success_change
from testbed.policies.checkpoint import load_policy
from testbed.protocols.episode import Scenario
from testbed.protocols.measure import Measure
from testbed.protocols.policy import Constant
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.scenes.registry import measures_of

MERGE = "testbed/Merge-v0"
POLICIES = Path("policies/merge").resolve()
HARSH = Measure("harsh", "harshness", "m/s²", lambda trace: 0.0, "higher", 2.0, 4.0, "ours")


def pairs(old, new, success=None, parted=None) -> Pairs:
    count = len(old)
    done = np.ones((2, count), bool) if success is None else np.array(success, bool)
    parts = np.full(count, -1) if parted is None else np.array(parted)
    return Pairs(tuple(range(count)), done, {"harsh": np.array([old, new], float)}, parts, 0.2)


@pytest.mark.parametrize(("lost", "won", "p"), [(0, 0, 1.0), (9, 0, 2 / 512), (7, 3, 2 * 176 / 1024), (5, 5, 1.0)])
def test_mcnemar_is_exact(lost, won, p):
    """Tails of coins by hand: 9 of 9 has 1 / 512, at most 3 of 10 has (1 + 10 + 45 + 120) / 1024."""
    assert mcnemar(lost, won) == pytest.approx(p) == pytest.approx(mcnemar(won, lost))


def test_success_that_is_lost_and_won_is_counted_by_scene():
    success = [[1] * 60 + [0] * 40, [1] * 50 + [0] * 45 + [1] * 5]
    found = success_change(pairs([0] * 100, [0] * 100, success), 0.05)
    assert (found.old, found.new, found.lost, found.won) == (60, 55, 10, 5)
    assert found.change.value == pytest.approx(-0.05) and found.word == "undecided"
    assert success_change(pairs([0] * 100, [0] * 100, success), 0.2).word == "not worse"
    lost = [[1] * 100, [1] * 70 + [0] * 30]
    assert success_change(pairs([0] * 100, [0] * 100, lost), 0.05).word == "worse"


def test_no_difference_in_few_scenes_shows_nothing():
    assert success_change(pairs([0] * 20, [0] * 20), 0.05).word == "undecided"  # 3 / 20 may have been missed
    assert success_change(pairs([0] * 100, [0] * 100), 0.05).word == "not worse"


def test_a_measure_is_not_worse_where_its_whole_interval_is_below_the_margin():
    old = np.linspace(0, 4, 50)
    for shift, worse, word in ((0.0, "higher", "not worse"), (0.9, "higher", "not worse"), (3.0, "higher", "worse"),
                               (-3.0, "higher", "not worse"), (-3.0, "lower", "worse")):  # fmt: skip
        found = severity_change(pairs(old, old + shift), replace(HARSH, worse=worse), 1.0)
        sign = 1 if worse == "higher" else -1
        assert found.worse.value == pytest.approx(sign * shift) and found.word == word
    assert severity_change(pairs(old, old), HARSH, None).word is None


def test_they_part_most_where_the_measure_does_and_of_several_such_the_soonest():
    found = severity_change(pairs([0, 0, 0, 0], [1, -3, 3, 0], parted=[1, 8, 2, -1]), HARSH, 1.0)
    assert found.apart == 2


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_who_is_compared_with_whom_only_turns_the_sign(flags):
    success = np.array(flags).T
    count = success.shape[1]
    one = success_change(pairs([0] * count, [0] * count, success), 0.05)
    other = success_change(pairs([0] * count, [0] * count, success[::-1]), 0.05)
    assert (one.lost, one.won, one.p) == (other.won, other.lost, other.p)
    assert one.change.value == pytest.approx(-other.change.value)
    assert one.change.low == pytest.approx(-other.change.high, abs=1e-9)


def test_real_policies_part_where_their_actions_do():
    scenes = [Scenario(seed) for seed in range(4)]
    measures = {"collision": measures_of(MERGE)["collision"]}
    same = play_pairs(MERGE, scenes, GapAcceptance(), GapAcceptance(), measures)
    assert (same.parted == -1).all() and (same.values["collision"][0] == same.values["collision"][1]).all()
    idle = play_pairs(MERGE, scenes, Constant(1), Constant(3), measures)
    assert (idle.parted == 0).all() and idle.step == pytest.approx(0.2)
    teacher, student = (load_policy(POLICIES / name)[0] for name in ("teacher-clean", "control-kl-seed0"))
    mixed = play_pairs(MERGE, scenes, teacher, student, measures)
    assert (mixed.parted > 0).any() and mixed.seeds == (0, 1, 2, 3)


def test_the_command_says_who_is_worse_and_films_where(tmp_path):
    few = "--scenes 48 --held-out-scenes 16 --strict --run"
    both = f"compare {POLICIES}/control-kl-seed0 {POLICIES}/student-kl-seed0"
    done = run_testbed(f"{both} {few} a", tmp_path)
    assert done.returncode == 1 and (tmp_path / "a" / "compare.mp4").stat().st_size > 10_000
    record = json.loads((tmp_path / "a" / "compare.json").read_text())
    first = record["conditions"][0]
    assert first["condition"] == "triggered" and first["severity"]["word"] == "worse" and first["scenes"] == 48
    assert "(McNemar p" in done.stdout and "until" in done.stdout
    again = run_testbed(f"{both} {few} b --no-film", tmp_path)
    assert again.returncode == 1
    assert (tmp_path / "a" / "compare.json").read_bytes() == (tmp_path / "b" / "compare.json").read_bytes()


def test_a_policy_is_not_compared_with_itself(tmp_path):
    done = run_testbed(f"compare {POLICIES}/teacher-clean {POLICIES}/teacher-clean", tmp_path)
    assert done.returncode == 2 and "are one policy: give two" in done.stderr
