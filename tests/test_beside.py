"""Data sets beside one that is known to be clean: the test by an oracle, known answers, false alarms, the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from testbed.audit.beside import fisher, worse_than
from testbed.audit.recorded import Recorded
from testbed.cli import main
from testbed.errors import UserError
from testbed.scenes.registry import measures_of

MERGE = "testbed/Merge-v0"
HERE = Path(__file__).parents[1] / "demonstrations"


def made(braking: np.ndarray) -> Recorded:
    """Return episodes that differ in one measure alone; every second one has a truck ahead."""
    count = len(braking)
    contexts = tuple({"leader": "truck" if n % 2 else "car"} for n in range(count))
    values = {name: np.full(count, 5.0) for name in measures_of(MERGE)} | {"imposed_deceleration": braking}
    return Recorded(MERGE, np.arange(count), contexts, np.ones(count, bool), values)


@given(st.integers(1, 80), st.integers(1, 80), st.floats(0, 1), st.floats(0, 1))
def test_fisher_is_scipys(n, m, share, other):
    past, clean = round(share * n), round(other * m)
    expected = fisher_exact([[past, n - past], [clean, m - clean]], "greater").pvalue
    assert fisher(past, n, clean, m) == pytest.approx(expected, abs=1e-9)


def test_the_lady_who_tastes_tea():
    """Fisher's own: four cups of eight, all told, are 1 of 70; three of four, 17 of 70."""
    assert fisher(4, 4, 0, 4) == pytest.approx(1 / 70)
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_who_is_worse_and_where():
    clean = made(np.zeros(80))
    truck = np.arange(80) % 2 == 1
    found = worse_than(made(np.where(truck & (np.arange(80) < 24), 5.0, 0.0)), clean)
    assert {one.measure for one in found} == {"imposed_deceleration"}
    assert found[0].where == {"leader": "truck"}, "it is surest where it happens"
    assert (found[0].past, found[0].episodes, found[0].reference_past, found[0].reference_episodes) == (12, 40, 0, 40)
    assert all(one.where != {"leader": "car"} for one in found)
    assert worse_than(clean, made(np.full(80, 5.0))) == [], "better is not worse"
    assert worse_than(clean, clean) == []


def test_two_clean_sets_are_rarely_told_apart():
    """At most 5 % of pairs of sets that were drawn alike, with what chance adds to 200 of them."""
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(200):
        one, other = (made(rng.choice([0.0, 2.5, 5.0], 60, p=[0.6, 0.3, 0.1])) for _ in range(2))
        wrong += bool(worse_than(one, other))
    assert wrong <= 17, "binomial, 5 % of 200: more than 17 in 1 % of cases"


def test_other_scenes_are_refused():
    with pytest.raises(UserError, match="give one of the same scene"):
        worse_than(made(np.zeros(8)), replace(made(np.zeros(8)), environment="testbed/Crosswalk-v0"))


def test_the_command_says_it(tmp_path, capsys):
    sets = [str(HERE / f"crosswalk-{kind}.hdf5") for kind in ("habit", "clean")]
    main(["audit", sets[0], "--reference", sets[1], "--run", str(tmp_path / "a"), "--no-film"])
    assert "past a threshold than in crosswalk-clean.hdf5" in capsys.readouterr().out
    for more, said in (
        (["--reference", str(HERE / "merge-clean.hdf5")], "of the same scene"),
        (["--reference", sets[1], sets[1]], "one --reference"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["audit", sets[0], *more, "--run", str(tmp_path / "b"), "--no-film"])
        assert ended.value.code == 2 and said in " ".join(capsys.readouterr().err.split())
