"""Audits of data sets: tables, contexts and outliers with known answers, and what the command leaves."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from testbed.audit.recorded import ODD, Recorded, by_context, different, measure_data, measured, over_all, welch
from testbed.cli import main
from testbed.datasets.reader import each_episode, load_episodes
from testbed.protocols.episode import Behaviour
from testbed.scenes.registry import measures_of

ROOT = Path(__file__).parent.parent
SETS = sorted((ROOT / "demonstrations").glob("*.hdf5"))


def made(**values: np.ndarray) -> Recorded:
    """Return episodes of the merge with known measures; every second one has a truck ahead."""
    count = len(next(iter(values.values())))
    contexts = tuple({"leader": "truck" if n % 2 else "car", "ego": "ramp"} for n in range(count))
    everything = {name: np.full(count, 0.0) for name in measures_of("testbed/Merge-v0")} | values
    return Recorded("testbed/Merge-v0", np.arange(10, 10 + count), contexts, np.ones(count, bool), everything)


def test_a_measure_over_all_episodes_by_hand():
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])  # minor from 2 on, severe from 4 on
    row = next(row for row in over_all(made(imposed_deceleration=values)) if row.measure == "imposed_deceleration")
    half = stats.t.ppf(0.975, 5) * values.std(ddof=1) / np.sqrt(6)
    assert (row.mean.value, row.mean.low, row.mean.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half))
    assert row.minor is not None and row.severe is not None
    assert (row.minor.value, row.severe.value, row.worst, row.episodes) == pytest.approx((4 / 6, 2 / 6, 15, 6))
    low = next(r for r in over_all(made(min_ttc=np.array([1.0, 2.0, 9.0]))) if r.measure == "min_ttc")
    assert low.minor is not None and (low.worst, low.minor.value) == (10, pytest.approx(2 / 3))


def test_a_measure_that_hangs_on_the_context_is_found_and_one_that_does_not_is_not():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=40)
    truck = np.arange(40) % 2 == 1
    found = by_context(made(imposed_deceleration=noise + 3 * truck, jerk=rng.normal(size=40)))
    assert {(one.factor, one.measure) for one in found} == {("leader", "imposed_deceleration")}
    worst = next(one for one in found if one.value == "truck")
    assert worst.here.value - worst.elsewhere.value == pytest.approx(3, abs=0.7) and worst.episodes == 20
    assert by_context(made(jerk=noise[:8])) == []  # too few of either


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_welch_is_scipys(seed, shift):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=7), shift + 2 * rng.normal(size=12)
    assert welch(one, other) == pytest.approx(stats.ttest_ind(one, other, equal_var=False).pvalue)
    assert welch(np.ones(3), np.ones(4)) == 1.0 and welch(np.ones(3), np.zeros(4)) == 0.0


def test_who_looks_different_is_told_with_the_measure_if_it_matters():
    """Of twenty between 0 and 1 m/s2 one with 6 is far away; so is one with 0.001 beside zeros, but that is nothing."""
    values = np.linspace(0, 1, 20)
    values[7] = 6.0
    tiny = np.zeros(20)
    tiny[3] = 0.001
    found = different(made(imposed_deceleration=values, drac=tiny))
    assert [(one.episode, one.measure) for one in found] == [(17, "imposed_deceleration")]
    assert found[0].score > ODD and found[0].median == pytest.approx(np.median(values))
    assert different(made(min_ttc=np.r_[np.full(19, 9.0), 0.5]))[0].episode == 29  # lower is worse
    assert different(made(min_ttc=np.r_[np.full(19, 5.0), 9.9])) == []  # better is not worse


@pytest.mark.parametrize("source", SETS, ids=lambda path: path.stem)
def test_every_set_is_measured_as_its_measures_say(source):
    episodes = load_episodes(source)
    found = measured(enumerate(each_episode(source)))
    assert len(found) == len(episodes)
    for name, measure in found.measures.items():
        assert found.values[name].tolist() == [measure.compute(episode.trace) for episode in episodes]
    primary = next(iter(found.measures))
    worst = found.worst(primary, 3)
    assert len(worst) == min(3, len(found))
    sign = 1 if found.measures[primary].worse == "higher" else -1
    assert sign * found.values[primary][worst[0]] == (sign * found.values[primary]).max()


def test_labels_do_not_count():
    """The same traces with other labels have the same severities."""
    episodes = load_episodes(SETS[0])
    others = [replace(one, behaviour=Behaviour("anybody", "hoarding", "always", 1.0)) for one in episodes]
    one, other = (measured(enumerate(some)) for some in (episodes, others))
    assert all(np.array_equal(one.values[name], other.values[name]) for name in one.values)
    with pytest.raises(ValueError, match="no episode"):
        measured([])


@pytest.mark.parametrize("source", SETS, ids=lambda path: path.stem)
def test_episodes_and_traces_are_columns_that_arrow_takes(source):
    episode = load_episodes(source)[0]
    for columns, rows in ((episode.columns(), len(episode)), (episode.trace.columns(), len(episode.trace))):
        table = pyarrow.table(columns)
        assert table.num_rows == rows and table.column_names == list(columns)
    trace = episode.trace
    columns = trace.columns()
    for name, signal in trace.signals.items():
        flat = [values for key, values in columns.items() if key == name or key.startswith(f"{name}.")]
        assert np.array_equal(np.stack(flat, axis=1), signal.values.reshape(len(trace), -1)), name
    assert columns["time"][1] == 1 / trace.rate
    found = measure_data(source)
    assert pyarrow.table(found.columns()).num_rows == len(found)


def test_a_notebook_shows_text_and_nothing_else():
    episode = replace(load_episodes(SETS[0])[0], context={"<script>": "alert(1)"})
    assert "&lt;script&gt;=alert(1)" in episode._repr_html_() and "<script>" not in episode._repr_html_()
    assert episode.trace._repr_html_().count("<tr>") == 1 + len(episode.trace.signals)
    many = made(jerk=np.arange(50.0))
    assert "the first 20 of 50 rows" in many._repr_html_() and many._repr_html_().count("<tr>") == 21


def test_the_command_leaves_a_row_for_every_episode_and_films_of_the_worst(tmp_path, capsys):
    source = ROOT / "demonstrations" / "crosswalk-habit.hdf5"
    main(["audit", str(source), "--run", str(tmp_path / "run")])
    told = capsys.readouterr().out
    assert "crosswalk-habit.hdf5 (" in told and "pedestrians passed" in told
    with (tmp_path / "run" / "episodes.csv").open() as file:
        rows = list(csv.DictReader(file))
    episodes = load_episodes(source)
    assert [row["observer"] for row in rows] == [episode.context["observer"] for episode in episodes]
    measure = measures_of("testbed/Crosswalk-v0")["non_yield"]
    assert [float(row["non_yield"]) for row in rows] == [measure.compute(episode.trace) for episode in episodes]
    films = sorted((tmp_path / "run" / "videos").glob("*.mp4"))
    assert len(films) == 3 and all(film.stat().st_size > 10_000 for film in films)


def test_what_is_of_policies_is_refused_beside_a_data_set(tmp_path, capsys):
    shutil.copy(SETS[0], tmp_path / "a.hdf5")
    for words in (["--habit", "nudging"], ["--budget", "3"]):
        with pytest.raises(SystemExit):
            main(["audit", str(tmp_path / "a.hdf5"), *words, "--run", str(tmp_path / "run")])
        assert "of a data set give it" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["audit", str(tmp_path / "a.hdf5"), str(tmp_path / "a.hdf5"), "--run", str(tmp_path / "run")])
    assert "give one" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
