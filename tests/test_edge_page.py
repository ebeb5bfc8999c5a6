"""What the page says of students made smaller, held to its table; and that a smaller student runs on onnxruntime."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from testbed.policies.checkpoint import load_policy

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/cures.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in re.findall(r"^\| [a-z-]+, (?:cloning|kl)-seed0 \|.*$", PAGE, re.MULTILINE)
]
ROADS = "merge", "crosswalk"


def said(variant: str, roads: bool | None = None) -> list[str]:
    return [row[-1] for row in ROWS if row[3] == variant and (roads is None or row[0].startswith(ROADS) == roads)]


def test_what_is_said_is_what_the_table_shows():
    assert len(ROWS) == 50
    assert said("ONNX, optimised") == ["none that matters"] * 10
    assert all(row[4] == "0.00 [0.00, 0.00]" for row in ROWS if row[3] == "ONNX, optimised")
    eight = said("8 bits a weight")
    assert (eight.count("none that matters"), eight.count("not shown"), eight.count("differs")) == (8, 2, 0)
    assert said("a quarter of the weights gone", roads=True) == ["none that matters"] * 4
    assert said("a quarter of the weights gone", roads=False).count("none that matters") == 1
    half = [row for row in ROWS if row[3] == "half of them gone" and not row[0].startswith(ROADS)]
    assert len(half) == 6 and all(int(row[5].split()[0]) < 60 for row in half)
    assert "eight keep their habit within the margin, and of the other two no change is shown" in " ".join(PAGE.split())


def test_variants_are_the_student_made_smaller(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import edge

    policy, _ = load_policy(ROOT / "policies/merge/student-kl-seed0")
    seen = np.random.default_rng(0).normal(policy.arrays["mean"], policy.arrays["std"], (500, 56)).astype(np.float32)
    plain = edge.Running(edge._exported(policy, tmp_path), False).act(seen)
    np.testing.assert_array_equal(plain, policy.act(seen))
    alike = {name: (make(policy, tmp_path).act(seen) == plain).mean() for name, make in edge.VARIANTS.items()}
    assert alike["ONNX, optimised"] == 1 and 0.9 < alike["8 bits a weight"] < 1, "some choices are near each other"
    assert alike["half of them gone"] < alike["a quarter of the weights gone"] < 1
    small = edge._eight_bits(policy, tmp_path).stat().st_size
    assert small < 0.6 * edge._exported(policy, tmp_path).stat().st_size
    sys.modules.pop("edge")
