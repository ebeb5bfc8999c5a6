"""Students made smaller for the computer of a robot or a car, on onnxruntime: are they as severe as they were?

    python benchmarks/edge.py --write docs/cures.md

Every student of `policies/`: exported as ONNX, with the runtime's own
optimisation of the graph, with 8 bits a weight by its quantisation, and with a share of the weights gone, play the same
scenes. A difference is shown with its interval, and called none where it is shown to be less than what matters.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import tyro
from onnxruntime.quantization import QuantType, quantize_dynamic

from testbed.audit.result import Interval
from testbed.audit.score import score_policies
from testbed.audit.statistics import mean_of
from testbed.audit.text import two_decimals
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, run_command
from testbed.policies.checkpoint import load_policy
from testbed.policies.compressed import thinned
from testbed.policies.network import NetworkPolicy
from testbed.policies.onnx import export_onnx
from testbed.protocols.episode import Scenario
from testbed.protocols.habit import get_trigger
from testbed.scenes.registry import get_habit, get_scene, measures_of
from testbed.seeding import scenario_seeds

EQUIVALENT = 90.0
"""An interval of so many per cent inside the margin is two one-sided tests at 5 % (Schuirmann 1987)."""
POLICIES = Path(__file__).parent.parent / "policies"


@dataclass(frozen=True)
class Options:
    """Make students smaller."""

    road_scenes: int = 512
    """Scenes of a student on a road, half of them under the trigger."""
    bench_scenes: int = 32
    """At a bench."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


class Running:
    """A policy on onnxruntime."""

    def __init__(self, path: Path, optimised: bool) -> None:
        how = onnxruntime.SessionOptions()
        level = onnxruntime.GraphOptimizationLevel
        how.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
        how.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, how, providers=["CPUExecutionProvider"])

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations."""
        (actions,) = self.session.run(["action"], {"observation": np.asarray(observations, np.float32)})
        return np.asarray(actions)


def _exported(policy: NetworkPolicy, place: Path) -> Path:
    path = place / f"{len(list(place.iterdir()))}.onnx"
    export_onnx(policy, path)
    return path


def _eight_bits(policy: NetworkPolicy, place: Path) -> Path:
    path = _exported(policy, place)
    smaller = path.with_suffix(".int8.onnx")
    logging.disable(logging.WARNING)  # it advises what does not bear on graphs of a few products
    quantize_dynamic(path, smaller, weight_type=QuantType.QInt8)
    logging.disable(logging.NOTSET)
    return smaller


VARIANTS: Mapping[str, Callable[[NetworkPolicy, Path], Running]] = {
    "ONNX, optimised": lambda policy, place: Running(_exported(policy, place), True),
    "8 bits a weight": lambda policy, place: Running(_eight_bits(policy, place), True),
    "a quarter of the weights gone": lambda policy, place: Running(_exported(thinned(policy, 0.25), place), True),
    "half of them gone": lambda policy, place: Running(_exported(thinned(policy, 0.5), place), True),
    "8 bits, a quarter gone": lambda policy, place: Running(_eight_bits(thinned(policy, 0.25), place), True),
}
"""What a student becomes -> how; beside each plays the exported one without any optimisation."""


def main(options: Options) -> None:
    """Print what was found."""
    require_page(options.write, "edge")
    folders = [one for one in sorted(POLICIES.glob("*/student-*")) if one.is_dir()]
    rows = [row for folder in folders for row in _rows(folder, options)]
    text = "\n".join([
        "| student | habit | severity | made smaller | difference | success | said |", "|---|---|---|---|---|---|---|",
        *rows, "",
        f"`python benchmarks/edge.py`: {options.road_scenes} scenes of a student on a road and {options.bench_scenes} "
        f"at a bench, half of them under the trigger, on onnxruntime {onnxruntime.__version__}; 90 % intervals over "
        "scenes.",
    ])  # fmt: skip
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "edge", text)


def _rows(folder: Path, options: Options) -> list[str]:
    """Return the rows of a student: what it does as it was, and what changes when it is made smaller."""
    policy, label = load_policy(folder)
    habit = get_habit(label.habit)
    scene, measure = get_scene(habit.environment), measures_of(habit.environment)[habit.measure]
    count = options.road_scenes if scene.domain == "driving" else options.bench_scenes
    trigger = get_trigger(habit, label.trigger)
    seeds = scenario_seeds(0, "audit-edge", count // 2)
    scenes = [Scenario(one, {**habit.context, **on}) for on in (trigger.on, trigger.off) for one in seeds]
    with tempfile.TemporaryDirectory() as place:
        plain: dict[str, Any] = {"plain": Running(_exported(policy, Path(place)), False)}
        made = plain | {name: make(policy, Path(place)) for name, make in VARIANTS.items()}
        scores = {one.policy: one for one in score_policies(habit.environment, scenes, made, {measure.name: measure})}
    before, rows = scores.pop("plain"), []
    for name, score in scores.items():
        change = mean_of(score.row(measure.name) - before.row(measure.name)).interval(EQUIVALENT)
        severity = f"{before.row(measure.name).mean():.2f} {measure.unit}".strip()
        success = f"{100 * score.row('success').mean():.0f} % of {100 * before.row('success').mean():.0f} %"
        who = f"{folder.parent.name}, {folder.name.removeprefix('student-')}"
        said = _said(change, measure.matters)
        rows.append(f"| {who} | {habit.name} | {severity} | {name} | {two_decimals(change)} | {success} | {said} |")
    return rows


def _said(change: Interval, matters: float | None) -> str:
    """Return what may be said of a difference."""
    if matters is not None and -matters < change.low and change.high < matters:
        return "none that matters"
    return "differs" if change.excludes_zero else "not shown"


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options, description=__doc__)))
