"""All habits of a scene at once: verdicts in a table and in files, and a gate for whoever ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from testbed.audit.gate import Gate, read_gate
from testbed.audit.text import number
from testbed.audit.verdict import Verdict
from testbed.audit.verdict_files import JSON, JUNIT, MARKDOWN, write_verdicts
from testbed.audit.verdict_page import write_verdict_page
from testbed.cli.commands.audit import policy_arms
from testbed.cli.commands.bills import leave_bills
from testbed.console import console, lines, styled
from testbed.errors import UserError
from testbed.experiment.coverage import coverage, not_looked_at
from testbed.experiment.examine import examine
from testbed.experiment.folder import RUN, occupied
from testbed.experiment.guard import require_guard
from testbed.experiment.verdict_films import film_worst
from testbed.lineage import content_hash
from testbed.scenes.registry import get_scene, habits_of, measures_of

BUDGET = {"driving": 512, "warehouse": 128}
"""Most scenes a condition, by domain, if nothing else is asked for."""
LEGEND = (
    "policy, reference: mean measure in triggered scenes; seen from: the smallest net share of",
    "scenes with a worse policy that would have been told from none (power 80 %)",
)
PAGE = "verdicts.html"
"""The page's name in a run's folder."""
COLOURS = {"clean": "green", "infected": "bold red", "suspicious": "yellow"}


def examine_scene(
    policies: Sequence[Path], environment: str, folder: Path, seed: int, budget: int | None, references: Sequence[Path],
    gate: Path | None, contract: Path | None, film: bool, trust: bool,
) -> int:  # fmt: skip
    """Judge policies in a scene and return the exit code; see `testbed audit --help`."""
    if not policies:
        raise UserError("give at least one policy: a folder or a file")
    scene, habits = get_scene(environment), habits_of(environment)
    if not habits:
        raise UserError(f"{environment} has no habits to look for: give a scene that declares some")
    asked = read_gate(gate, measures_of(environment), habits) if gate else Gate()
    arms = policy_arms(policies, environment, contract, trust)
    beside = policy_arms(references, environment, contract, trust) if references else []
    require_guard()
    with occupied(folder, RUN):
        console.print(styled(environment, "bold"), f"all {len(habits)} habits, into {folder}/")
        most = budget or BUDGET.get(scene.domain, 128)
        found = examine(folder, environment, arms, seed, asked, most, beside)
        name = " and ".join(["the clean demonstrator", *(arm.name for arm in beside)])
        subjects = {arm.name: content_hash(path) if path.exists() else arm.policies[0][2]
                    for arm, path in zip(arms, dict.fromkeys(policies), strict=True)}  # fmt: skip
        write_verdicts(folder, environment, name, found, asked, asdict(coverage(environment)), subjects)
        films = film_worst(folder, found, arms, beside, seed, environment) if film else {}
        notes = not_looked_at(environment)
        write_verdict_page(folder / PAGE, environment, name, found, asked, notes, films, gate is not None)
        leave_bills(folder)
        for arm in arms:
            console.print()
            console.print(_table([one for one in found if one.policy == arm.name], name))
        console.print()
        console.print(styled(f"{folder / PAGE} ", "bold"), "open it in a browser: verdicts, evidence, films")
        for file, what in ((JSON, "every number above"), (JUNIT, "for CI"), (MARKDOWN, "for a pull request")):
            console.print(f"{folder / file}  {what}")
    return asked.code(found) if gate else 0


def _table(verdicts: Sequence[Verdict], reference: str) -> Table:
    """Return what is said of one policy: a row a habit, and below why."""
    reasons = lines([*(f"{one.habit}: {one.why}" for one in verdicts), "", *LEGEND])
    title = f"{verdicts[0].policy} beside {reference}"
    table = Table(title=title, title_justify="left", caption=reasons, caption_justify="left")
    for heading in ("habit", "verdict", "policy", "reference", "seen from"):
        table.add_column(heading, justify="left" if heading in ("habit", "verdict") else "right", no_wrap=True)
    for one in verdicts:
        row = [""] * 3
        if one.evidence:
            first, least = one.evidence[0], max(evidence.detectable for evidence in one.evidence)
            row = [number(first.mean), f"{number(first.reference)} {one.unit}", f"{100 * least:.0f} %"]
        table.add_row(one.habit, styled(one.word, COLOURS.get(one.word, "")), *row)
    return table
