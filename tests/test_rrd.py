"""Recordings of rerun: read back by rerun itself they hold what the episodes do."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import run_testbed
from rerun.chunk import RrdReader

from testbed.datasets.reader import load_episode
from testbed.scenes.registry import get_scene

SETS = Path(__file__).parents[1] / "demonstrations"


def columns(path: Path) -> dict[str, tuple[np.ndarray, list]]:
    """Entity of a recording -> its times [s] and its first component, of those that change."""
    found = {}
    for chunk in RrdReader(str(path)).stream():
        if not chunk.is_static:
            table = chunk.to_record_batch()
            times = table.column("time").to_numpy(zero_copy_only=False).astype("timedelta64[ns]").astype(float) / 1e9
            found[str(chunk.entity_path).replace("\\", "")] = times, table.column(table.num_columns - 1).to_pylist()
    return found


@pytest.mark.parametrize(("name", "number"), [("merge-habit", 1), ("shared-bench-habit", 1)])
def test_signals_courses_bodies_and_violations_are_the_episodes_own(name, number, tmp_path):
    shutil.copy(SETS / f"{name}.hdf5", tmp_path)
    done = run_testbed(f"view {name}.hdf5 --episodes {number} 0 --rrd out.rrd", tmp_path)
    assert done.returncode == 0 and "2 episodes" in done.stdout, done.stderr
    episode, found = load_episode(SETS / f"{name}.hdf5", number), columns(tmp_path / "out.rrd")
    trace, scene, top = episode.trace, get_scene(episode.environment), f"/{name} {number}"
    times, values = found[f"{top}/measures/{scene.courses[0].title}"]
    np.testing.assert_allclose(times, np.arange(len(trace)) / trace.rate, atol=1e-8)
    np.testing.assert_allclose(np.ravel(values), scene.courses[0].over_time(trace))
    limits = found[f"{top}/measures/{scene.courses[0].title}/severe"][1]
    assert set(np.ravel(limits).tolist()) == {scene.courses[0].severe}
    _, contact = found[f"{top}/signals/contact/1"]
    np.testing.assert_array_equal(np.ravel(contact), trace["contact"][:, 1])
    _, said = found[f"{top}/violations"]
    assert [row[0] for row in said] == [seen.text for seen in scene.violations(trace)] != []
    assert sum(entity.startswith(f"{top}/scene/bodies/") for entity in found) == trace["position"].shape[1]
    assert any(entity.startswith(f"/{name} 0/") for entity in found)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("view merge-clean.hdf5 --rrd page.html", ".rrd"),
        ("view merge-clean.hdf5 --rrd thesis.rrd", "thesis.rrd"),
        ("view merge-clean.hdf5 --rrd a.rrd --write a.html", "give one of them"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_lost(tmp_path, line, told):
    shutil.copy(SETS / "merge-clean.hdf5", tmp_path)
    (tmp_path / "thesis.rrd").write_text("my thesis")
    done = run_testbed(line, tmp_path)
    assert done.returncode == 2 and told in done.stderr and done.stderr.strip().count("\n") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merge-clean.hdf5", "thesis.rrd"]
    assert (tmp_path / "thesis.rrd").read_text() == "my thesis"


def test_without_rerun_its_extra_is_named_and_nothing_is_left(tmp_path, monkeypatch):
    shutil.copy(SETS / "merge-clean.hdf5", tmp_path)
    monkeypatch.setitem(sys.modules, "rerun", None)
    done = run_testbed("view merge-clean.hdf5 --rrd out.rrd", tmp_path)
    assert done.returncode == 2 and "rerun-sdk" in done.stderr and "[rerun]" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["merge-clean.hdf5"]
