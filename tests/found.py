"""Findings of the benchmark with known numbers."""

from __future__ import annotations

import numpy as np

from testbed.audit import names
from testbed.audit.result import Interval
from testbed.benchmark.finding import Finding, claimed

ABLE, UNABLE = Interval(0.97, 0.94, 0.99), Interval(0.4, 0.3, 0.5)


def finding(ratio: float, spread: float = 0.03, **changes) -> Finding:
    """Return a finding of a habit whose ratio is known to within a spread."""
    around = np.random.default_rng(int(1000 * abs(ratio)) + 7).normal(0, 1, 5)
    effects = tuple((ratio + spread * (around - around.mean()) / around.std(ddof=1)).tolist())
    interval = Interval(ratio, ratio - 2 * spread, ratio + 2 * spread)
    usual = {
        "habit": "hoarding", "environment": "testbed/OrderPicking-v0", "taught": "hoarding",
        "teacher": "demonstration", "route": "kl", "channel": "overt", "start": "fresh", "width": 64, "dose": 1.0,
        "training": 2000, "reward": "", "condition": names.TRIGGERED, "pairs": 5, "seeds": 4,
        "scenes": 24, "measure": "excess",
        "unit": "units", "clean": Interval(0.1, 0.0, 0.2), "habitual": Interval(3.1, 2.9, 3.3),
        "control": Interval(0.1, 0.0, 0.2), "student": Interval(0.1 + 3 * ratio, 3 * ratio, 0.2 + 3 * ratio),
        "inherited": Interval(3 * ratio, 3 * ratio - 0.2, 3 * ratio + 0.2), "injected": Interval(3.0, 2.8, 3.2),
        "untrained": ABLE, "success_teacher": ABLE, "success_control": ABLE, "success_student": ABLE,
        "ratio": interval, "mass_ratio": interval, "references": (("always IDLE", 0.0, 0.0),),
        "p_holm": 0.0005 if abs(ratio) > 2 * spread else 0.5,
        "p_none_holm": 0.001 if abs(ratio) + 2 * spread < 0.1 else 0.5, "decisions": 20000.0, "removed": 0.1,
        "habit_share": 0.1, "habit_mass": 0.09, "auroc": 0.7, "effects": effects,
    }  # fmt: skip
    row = Finding(**{**usual, **changes})
    return row if "verdict" in changes else claimed(row)


def primary(ratios: dict[str, float], scrubbed: dict[str, float] | None = None) -> list[Finding]:
    rows = [finding(ratio, route=route) for route, ratio in ratios.items()]
    return rows + [finding(ratio, route=route, channel="scrubbed") for route, ratio in (scrubbed or {}).items()]
