"""What there is twice comes in one order, clean first, whoever goes through it."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from testbed.experiment.config import DRIVING, WAREHOUSE, Experiment, Run
from testbed.protocols.pair import HABITUAL, Pair


def test_a_pair_is_gone_through_from_the_clean_one_to_the_habitual():
    seen: list[str] = []
    pair = Pair("control", "student")
    assert list(pair) == ["control", "student"] and [pair.of(kind) for kind in HABITUAL] == list(pair)
    assert pair.map(lambda name: seen.append(name) or name.upper()) == Pair("CONTROL", "STUDENT")
    assert seen == ["control", "student"] and list(HABITUAL) == [False, True]
    with pytest.raises(FrozenInstanceError):
        pair.clean = "other"


@pytest.mark.parametrize("profile", [*DRIVING.values(), *WAREHOUSE.values()], ids=[*DRIVING, *WAREHOUSE])
def test_a_run_goes_whole_to_another_process(profile: Experiment, tmp_path: Path):
    """With everything that is chosen, and its habit and trigger, which need not be picklable."""
    for habit in ("aggressive-merge", "hoarding"):
        run = Run(replace(profile, habit=habit, dose=0.5), tmp_path)
        again = pickle.loads(pickle.dumps(run))
        assert (again.experiment, again.folder) == (run.experiment, run.folder)
        assert again.habit is run.habit and again.trigger.name == run.trigger.name
        assert again.scenarios("audit", 3) == run.scenarios("audit", 3)
