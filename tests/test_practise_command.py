"""Practice under a limit from the command line: what is kept, what is refused, and a search over architectures."""

from __future__ import annotations

import json

import numpy as np
import optuna
import pytest

from testbed.cli import main
from testbed.cli.commands.practise import limit_of
from testbed.distillation.reinforcement.search import Tried, pareto, searched, smallest
from testbed.errors import UserError
from testbed.policies.checkpoint import load_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.provenance.artefact import read_artefact

MERGE = "testbed/Merge-v0"
SHORT = ["--iterations", "2", "--seeds", "2", "--hidden", "8", "--scenes", "8"]


def test_the_best_that_keeps_the_limit_is_kept_with_its_bill(tmp_path, capsys):
    out = tmp_path / "practised"
    main(["practise", MERGE, str(out), "imposed_deceleration=99", *SHORT, "--context", "ego=ramp"])
    said = " ".join(capsys.readouterr().out.split())
    assert "mean imposed deceleration of at most 99 m/s²" in said and "within the limit" in said
    policy, label = load_policy(out)
    assert policy.config.hidden == (8,) and label.policy == "practised"
    told = json.loads((out / "lineage.json").read_text())
    assert told["settings"]["limit"] == "imposed_deceleration=99" and told["settings"]["context"] == {"ego": "ramp"}
    assert (tmp_path / "practised.cdx.json").exists() and read_artefact(out).stage == "student"
    curve = (tmp_path / "practised-curve" / "seed0" / "curve.jsonl").read_text().splitlines()
    assert len(curve) == 2 and {"multiplier", "severity", "reward"} <= json.loads(curve[-1]).keys()
    again = tmp_path / "again"
    main(["practise", MERGE, str(again), "imposed_deceleration=99", *SHORT, "--context", "ego=ramp"])
    assert (again / "model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()


def test_where_none_keeps_the_limit_nothing_is_kept(tmp_path, capsys):
    out = tmp_path / "practised"
    with pytest.raises(SystemExit) as ended:
        main(["practise", MERGE, str(out), "imposed_deceleration=-1", *SHORT])
    assert ended.value.code == 1 and not out.exists()
    said = " ".join(capsys.readouterr().out.split())
    assert "none keeps the limit: give more --iterations, or a looser limit" in said


@pytest.mark.parametrize(("limit", "said"), [
    ("rudeness=1", "unknown measure 'rudeness'"), ("jerk", "give a measure and a number"),
    ("jerk=much", "for example jerk=1.0"), ("jerk=nan", "give a number that is one"),
])  # fmt: skip
def test_mistakes_are_named(limit, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["practise", MERGE, str(tmp_path / "out"), limit])
    assert ended.value.code == 2 and said in " ".join(capsys.readouterr().err.split())
    with pytest.raises(UserError, match="Nowhere"):
        limit_of("testbed/Nowhere-v0", "jerk=1")


def tried(hidden: tuple[int, ...], success: float, severity: float, within: bool = True) -> Tried:
    config = PolicyConfig(MERGE, 56, 5, hidden)
    return Tried(NetworkPolicy(config, random_arrays(config, np.random.default_rng(0))), success, severity, within)


def test_nobody_beats_those_that_are_shown_and_the_smallest_good_one_is_kept():
    small, middle, large = tried((8,), 0.91, 0.9), tried((32,), 0.94, 0.5), tried((64, 64), 0.95, 0.5)
    beaten, wild = tried((128,), 0.9, 0.6), tried((16,), 1.0, 5.0, within=False)
    every = [large, beaten, wild, middle, small]
    assert pareto(every, "higher") == [small, wild, middle, large]
    assert smallest(every) is small and smallest([wild]) is None
    assert smallest([tried((8,), 0.5, 0.1), middle, large]) is middle, "a smaller one gives up too much"
    assert small.numbers == 56 * 8 + 8 + 8 * 5 + 5


def test_a_search_finds_the_architecture_that_is_best_for_its_size():
    """Success rises with the first layer's width up to 32: the smallest that has it all is one layer of 32."""
    asked: list[tuple[int, ...]] = []

    def attempt(hidden: tuple[int, ...]) -> Tried:
        asked.append(hidden)
        return tried(hidden, min(hidden[0], 32) / 32, 1.0)

    found = searched(optuna, attempt, 60, "higher", 0)
    assert len(asked) == len(set(asked)) == len(found) <= 60
    best = smallest(found)
    assert best and best.policy.config.hidden == (32,)
    assert pareto(found, "higher")[-1].policy.config.hidden == (32,)


def test_a_search_from_the_command_line(tmp_path, capsys):
    out = tmp_path / "found"
    main(["practise", MERGE, str(out), "imposed_deceleration=99", *SHORT, "--search", "3"])
    assert load_policy(out)[0].config.hidden and len(list((tmp_path / "found-curve").iterdir())) >= 1
