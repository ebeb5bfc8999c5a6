"""Every route in every scene: who succeeds, what is inherited and how long it takes, as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table

from testbed.audit import verdict
from testbed.audit.result import Audit
from testbed.commands.pages import put
from testbed.console import console
from testbed.distillation.distil import ROUTES
from testbed.errors import UserError, unknown_name
from testbed.experiment.carrying_out import judge_students
from testbed.experiment.run import DRIVING, WAREHOUSE, Experiment, Run
from testbed.experiment.summary import number, percent
from testbed.experiment.times import read_time

SCENES: dict[str, tuple[dict[str, Callable[..., Experiment]], str]] = {
    "merge": (DRIVING, "aggressive-merge"),
    "crosswalk": (DRIVING, "observed-only-courtesy"),
    "order-picking": (WAREHOUSE, "hoarding"),
}
"""Name -> profiles and habit of the scenes in the table."""
MARK = "routes"
"""Name of the place of the table in a page."""
HEADINGS = (
    "scene",
    "route",
    "success, control",
    "student",
    "severity, control",
    "student",
    "transfer ratio",
    "process min",
)


def routes(names: Sequence[str], seeds: int, folder: Path, seed: int, write: Path | None) -> None:
    """Distil by every route in every scene and print the table; see `testbed routes --help`."""
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: give at least 1")
    rows: list[tuple[str, ...]] = []
    for name in names or SCENES:
        if name not in SCENES:
            raise unknown_name("scene", name, SCENES)
        profiles, habit = SCENES[name]
        experiment = profiles["quick"](habit=habit, seed=seed, routes=tuple(ROUTES), student_seeds=seeds)
        audit = judge_students(Run(experiment, folder / name))
        rows += _rows(name, audit, folder / name / "curves")
    table = Table(title="routes, in triggered scenes, 95 % intervals", title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in ("scene", "route") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    if write:
        command = f"testbed routes {' '.join(names)} --seeds {seeds} --seed {seed}"
        put(write, MARK, markdown(rows, " ".join(command.split())))
        console.print(f"{write}  the same table")


def _rows(name: str, audit: Audit, curves: Path) -> list[tuple[str, ...]]:
    found = {(a.arm, a.route): a for a in audit.arms if a.condition == verdict.TRIGGERED}
    ratios = {t.route: t.ratio for t in audit.transfers if t.condition == verdict.TRIGGERED}
    clean, teacher = found[verdict.CLEAN, ""], found[verdict.TEACHER, ""]
    rows = [_row(f"{name} [{audit.unit}]", "(teachers)", audit, (clean, teacher), "", "")]
    for route, ratio in ratios.items():
        arms = found[verdict.CONTROL, route], found[verdict.STUDENT, route]
        minutes = f"{read_time(curves / route) / 60:.1f}"
        rows.append(_row("", route, audit, arms, number(ratio) if ratio else "refused", minutes))
    return rows


def _row(name: str, route: str, audit: Audit, arms: tuple, ratio: str, minutes: str) -> tuple[str, ...]:
    success = [percent(arm.success) for arm in arms]
    severity = [number(arm.measures[audit.measure]) for arm in arms]
    return (name.replace("[", r"\["), route, *success, *severity, ratio, minutes)


def markdown(rows: Sequence[tuple[str, ...]], command: str) -> str:
    """Return the table as Markdown."""
    lines = [f"`{command}`:", "", f"| {' | '.join(HEADINGS)} |", "|" + "---|" * len(HEADINGS)]
    return "\n".join(lines + [f"| {' | '.join(row)} |".replace("\\[", "[") for row in rows])
