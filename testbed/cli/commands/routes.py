"""Every route in every scene: who succeeds, what is inherited and how long it takes, as one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

from rich.table import Table

from testbed.audit import names
from testbed.audit.result import Audit
from testbed.audit.text import percent, two_decimals
from testbed.cli.commands.pages import put, require_page
from testbed.console import console
from testbed.distillation.registry import all_routes
from testbed.distillation.times import read_time
from testbed.errors import unknown_name
from testbed.experiment.config import DRIVING, PROFILES, WAREHOUSE, Experiment, Run
from testbed.experiment.pipeline import audit_students
from testbed.experiment.train_teachers import CACHE
from testbed.files import Kind, require_replaceable
from testbed.policies.checkpoint import BROWSERS
from testbed.scenes.registry import stem_of, use

SCENES: dict[str, tuple[dict[str, Experiment], str]] = {
    "merge": (DRIVING, "aggressive-merge"),
    "crosswalk": (DRIVING, "observed-only-courtesy"),
    "order-picking": (WAREHOUSE, "hoarding"),
}
"""Name -> profiles and habit of the scenes in the table."""
MARK = "routes"
"""Name of the place of the table in a page."""
HEADINGS = (
    "scene", "route", "success, nominal", "control", "student", "severity, control", "student", "transfer ratio",
    "process min",
)  # fmt: skip
"""Columns of the page."""
SHOWN = {0: "scene", 1: "route", 2: "success, nominal", 7: "transfer ratio", 8: "min"}
"""Those that a terminal has room for, and what they are called there."""


def _are_runs(folder: Path, known: Iterable[str] = SCENES) -> bool:
    names = {part.name for part in folder.iterdir()} if folder.is_dir() else {"a file"}
    return names <= {*known, CACHE, *BROWSERS, *(f".{name}.lock" for name in known)}


def _own(reference: str) -> dict[str, tuple[dict[str, Experiment], str]]:
    """Return the scene at `module:SPEC`, by the stem of its id, with its first habit."""
    spec = use(reference)
    return {stem_of(spec.environment): (PROFILES[spec.domain], spec.habits[0].name)}


RUNS = Kind("a folder of this command's runs", _are_runs)
"""What goes on."""


def routes(
    names: Sequence[str], seeds: int, folder: Path, seed: int, write: Path | None, scene: str | None = None
) -> None:
    """Distil by every route in every scene, or in that at `module:SPEC`, and print the table; see its `--help`."""
    require_page(write, MARK)
    known = SCENES if scene is None else _own(scene)
    require_replaceable(folder, replace(RUNS, recognises=partial(_are_runs, known=known)))
    rows: list[tuple[str, ...]] = []
    for name in names or known:
        if name not in known:
            raise unknown_name("scene", name, known)
        profiles, habit = known[name]
        quick, every = profiles["quick"], tuple(route.name for route in all_routes())
        students = replace(quick.student, routes=every, seeds=seeds)
        experiment = replace(quick, habit=habit, scene=scene, seed=seed, student=students)
        audit = audit_students(Run(experiment, folder / name))
        rows += _rows(name, audit, folder / name / "curves")
    table = Table(title="routes: clean students in nominal scenes, transfer in triggered ones", title_justify="left")
    for column, heading in SHOWN.items():
        justify: Literal["left", "right"] = "left" if column < 2 else "right"
        table.add_column(heading, justify=justify, no_wrap=True)
    for row in rows:
        table.add_row(row[0].split(" ")[0], *(row[column] for column in list(SHOWN)[1:]))
    console.print(table)
    if write:
        command = f"testbed routes {' '.join(names)} --seeds {seeds} --seed {seed}"
        put(write, MARK, markdown(rows, " ".join(command.split())))
        console.print(f"{write}  the same table")


def _rows(name: str, audit: Audit, curves: Path) -> list[tuple[str, ...]]:
    """Return the teachers' row of a scene and that of every route."""
    ratios = {t.route: t.ratio for t in audit.transfers if t.condition == names.TRIGGERED}
    rows = [_row(f"{name} [{audit.unit}]", audit, "", (names.CLEAN, names.TEACHER), ("", ""))]
    for route, ratio in ratios.items():
        seconds = read_time(curves / route)
        ends = (two_decimals(ratio) if ratio else "refused", "lost" if seconds is None else f"{seconds / 60:.1f}")
        rows.append(_row("", audit, route, (names.CONTROL, names.STUDENT), ends))
    return rows


def _row(name: str, audit: Audit, route: str, arms: tuple[str, str], ends: tuple[str, str]) -> tuple[str, ...]:
    """Return a row: success of the clean one in nominal scenes, of both in triggered ones, and severity there."""
    found = {(arm.arm, arm.condition): arm for arm in audit.arms if arm.route == route}
    shown = [found[arm, names.TRIGGERED] for arm in arms]
    success = [percent(one.success) for one in (found[arms[0], names.UNTRIGGERED], *shown)]
    severity = [two_decimals(one.measures[audit.measure]) for one in shown]
    return (name, route or "(teachers)", *success, *severity, *ends)


def markdown(rows: Sequence[tuple[str, ...]], command: str) -> str:
    """Return the table as Markdown."""
    lines = [f"`{command}`:", "", f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])
