"""The transfer benchmark from the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isnan
from pathlib import Path
from typing import TypeVar

from rich.box import SIMPLE_HEAD
from rich.table import Table

from testbed.audit import names
from testbed.audit.text import percent, two_decimals
from testbed.benchmark.answers import answers
from testbed.benchmark.catching import design as attacks
from testbed.benchmark.catching import table as attacks_table
from testbed.benchmark.catching.effects import Attacked
from testbed.benchmark.catching.measure import measure_catching
from testbed.benchmark.cures import design as cures_design
from testbed.benchmark.cures import table as cures_table
from testbed.benchmark.cures.effects import Cured
from testbed.benchmark.cures.measure import measure_cures
from testbed.benchmark.engines import Cluster
from testbed.benchmark.finding import Finding, caution
from testbed.benchmark.generations import design as descent
from testbed.benchmark.generations import table as descent_table
from testbed.benchmark.generations.effects import Left
from testbed.benchmark.generations.measure import measure_generations
from testbed.benchmark.generations.page import PAGE as DESCENT_PAGE
from testbed.benchmark.generations.page import write_generations_page
from testbed.benchmark.page import PAGE, write_page
from testbed.benchmark.plan import plan_text
from testbed.benchmark.poisoning import design as poison
from testbed.benchmark.poisoning import table as poison_table
from testbed.benchmark.poisoning.effects import Effect as Poisoned
from testbed.benchmark.poisoning.effects import half_doses
from testbed.benchmark.poisoning.measure import measure_poison
from testbed.benchmark.poisoning.page import PAGE as POISON_PAGE
from testbed.benchmark.poisoning.page import write_poison_page
from testbed.benchmark.poisoning.table import POISON
from testbed.benchmark.published import markdown as claims
from testbed.benchmark.published import published as decide
from testbed.benchmark.ratios import family, times
from testbed.benchmark.ratios import markdown as ratios
from testbed.benchmark.silent.design import get_design
from testbed.benchmark.silent.effects import Effect
from testbed.benchmark.silent.measure import measure_silently
from testbed.benchmark.silent.page import PAGE as SILENT_PAGE
from testbed.benchmark.silent.page import write_silent_page
from testbed.benchmark.silent.table import SILENT, markdown, read_effects, write_effects
from testbed.benchmark.suites import make_suite
from testbed.benchmark.table import COMMA, PARQUET, read_findings, write_tables
from testbed.benchmark.transfer import measure
from testbed.cli.commands.pages import put, require_page
from testbed.console import console, lines, styled
from testbed.experiment.folder import BENCHMARK, occupied
from testbed.files import Kind, require_replaceable

Found = TypeVar("Found")
EVERY, OPEN = "every number", "open it in a browser"
"""What is said of a table, and of a page."""


def transfer(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the benchmark, print what it found, and write tables and page; see `testbed benchmark --help`."""
    grid = make_suite(suite, seed)
    place = folder or Path("runs") / f"transfer-{suite}"
    console.print(styled(f"transfer, {suite}:", "bold"), f"{len(grid.cells)} cells into {place}/")
    out = write or place
    require_tables(out)
    require_page(write / "ratios.md" if write else None, "ratios")
    with occupied(place, BENCHMARK):
        found = measure(grid, place, replace(cluster, queue=place / "queue"))
    told = answers(found)
    command = f"testbed benchmark transfer --suite {suite} --seed {seed}"
    files = (*write_tables(out, found), write_page(out / "transfer.html", grid, found, told, command))
    if write:
        text = [f"`{command} --write {write}`:", "", *ratios(family(found, grid)), "", *times(grid, place)]
        put(write / "ratios.md", "ratios", "\n".join(text))
    for habit in dict.fromkeys(row.habit for row in found):
        console.print(_ratios(habit, [row for row in found if row.habit == habit]))
    if caution(found):
        console.print(styled(caution(found), "yellow"))
    for answer in told:
        console.print(styled(answer.question, "bold"))
        console.print(f"  {answer.short}")
        for line in answer.lines:
            console.print(f"  {line.habit}:", styled(f"{line.says},", "bold"), line.why)
    console.print()
    for file, what in zip(files, (EVERY, "the same as Parquet", OPEN), strict=True):
        console.print(f"{file}  {what}")


Told = tuple[list[tuple[Path, str]], list[str]]
"""Files with what each is, and the lines of a table."""


def _of_pairs(
    name: str, suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None,
    kinds: Mapping[str, Kind], measured: Callable[[Path, Cluster], Found], told: Callable[[Found, Path, str], Told],
) -> None:  # fmt: skip
    """Run an experiment whose pieces are pairs of teachers, print what it found, and write its tables and page.

    Args:
        name: Of the experiment.
        suite: Its size, as are the others.
        folder: Where cells and teachers are.
        seed: The one seed.
        cluster: Where it is done.
        write: Folder for tables and page; that of the cells if not given.
        kinds: Name of each file -> what it replaces.
        measured: Does it, in a folder on a cluster.
        told: Writes the files of what was found into a folder, with the command that made them.
    """
    place = folder or Path("runs") / f"transfer-{suite}"
    out, table = write or place, write / f"{name}-table.md" if write else None
    for file, kind in kinds.items():
        require_replaceable(out / file, kind)
    require_page(table, name)
    with occupied(place, BENCHMARK):
        found = measured(place, replace(cluster, queue=place / "queue"))
    command = f"testbed benchmark {name} --suite {suite} --seed {seed}"
    files, text = told(found, out, command)
    console.print(lines(text))
    if table:
        put(table, name, "\n".join([f"`{command} --write {write}`:", "", *text]))
    for path, what in files:
        console.print(f"{path}  {what}")


def silent(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the crossed experiment; see `_of_pairs`."""
    design = get_design(suite)

    def told(found: list[Effect], out: Path, command: str) -> Told:
        page = write_silent_page(out / "silent.html", found, command)
        return [(write_effects(out / "silent.csv", found), EVERY), (page, OPEN)], markdown(found)

    kinds = {"silent.csv": SILENT, "silent.html": SILENT_PAGE}
    _of_pairs("silent", suite, folder, seed, cluster, write, kinds, partial(measure_silently, design, seed), told)


def poisoning(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the experiment on poison; see `_of_pairs`."""
    design = poison.get_design(suite)

    def told(found: list[Poisoned], out: Path, command: str) -> Told:
        halves = half_doses(found)
        effects, doses = poison_table.write_tables(out, found, halves)
        page = write_poison_page(out / "poisoning.html", found, halves, command)
        return [(effects, EVERY), (doses, "half doses"), (page, OPEN)], poison_table.markdown(found, halves)

    kinds = {"poisoning.csv": POISON, "half-doses.csv": POISON, "poisoning.html": POISON_PAGE}
    _of_pairs("poisoning", suite, folder, seed, cluster, write, kinds, partial(measure_poison, design, seed), told)


def generations(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the experiment on generations; see `_of_pairs`."""
    design = descent.get_design(suite)

    def told(found: list[Left], out: Path, command: str) -> Told:
        page = write_generations_page(out / "generations.html", found, command)
        table = descent_table.write_table(out / "generations.csv", found)
        return [(table, EVERY), (page, OPEN)], descent_table.markdown(found)

    kinds = {"generations.csv": descent_table.DESCENT, "generations.html": DESCENT_PAGE}
    work = partial(measure_generations, design, seed)
    _of_pairs("generations", suite, folder, seed, cluster, write, kinds, work, told)


def catching(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the experiment on what catches what; see `_of_pairs`."""
    design = attacks.get_design(suite)

    def told(found: list[Attacked], out: Path, command: str) -> Told:
        return [(attacks_table.write_table(out / "catching.csv", found), EVERY)], attacks_table.markdown(found)

    kinds = {"catching.csv": attacks_table.CATCHING}
    _of_pairs("catching", suite, folder, seed, cluster, write, kinds, partial(measure_catching, design, seed), told)


def cures(suite: str, folder: Path | None, seed: int, cluster: Cluster, write: Path | None) -> None:
    """Run the experiment on cures; see `_of_pairs`."""
    design = cures_design.get_design(suite)

    def told(found: list[Cured], out: Path, command: str) -> Told:
        return [(cures_table.write_table(out / "cures.csv", found), EVERY)], cures_table.markdown(found)

    kinds = {"cures.csv": cures_table.CURES}
    _of_pairs("cures", suite, folder, seed, cluster, write, kinds, partial(measure_cures, design, seed), told)


def published(suite: str, folder: Path | None, write: Path | None) -> None:
    """Print what the tables in a folder say of published claims, and put it into `published.md` of a folder between its
    marks."""
    place = folder or Path("runs") / f"transfer-{suite}"
    mend = f"run `testbed benchmark transfer --suite {suite}` and then `testbed benchmark silent --suite {suite}`"
    require_page(write / "published.md" if write else None, "published")
    decided = decide(read_findings(place, mend), read_effects(place, mend))
    for one in decided:
        console.print(styled(f"{one.says}:", "bold"), one.asked.claim.replace("*", ""))
        much = f"{percent(one.effect)}; " if one.effect else ""
        console.print(f"  {much}{one.asked.found}")
    if write:
        put(write / "published.md", "published", "\n".join(claims(decided)))
        console.print(f"{write / 'published.md'}  the same as a table")


def plan(suite: str, seed: int, write: Path | None) -> None:
    """Print the plan of a suite, and put it into `plan.md` of a folder between its marks."""
    if write:
        require_page(write / "plan.md", "plan")
    text = plan_text(make_suite(suite, seed), seed)
    console.print(lines(text.splitlines()))
    if write:
        put(write / "plan.md", "plan", text)


def require_tables(folder: Path) -> None:
    """Raise `UserError` if the tables or the page in a folder would take the place of something else."""
    for name, kind in (("transfer.csv", COMMA), ("transfer.parquet", PARQUET), ("transfer.html", PAGE)):
        require_replaceable(folder / name, kind)


def _ratios(habit: str, found: Sequence[Finding]) -> Table:
    """Return the table of the family of claims on one habit, in triggered scenes."""
    family = [row for row in found if row.condition == names.TRIGGERED and row.p_holm == row.p_holm]
    unit = family[0].unit if family else ""
    title = f"{habit}: student - control [{unit}] and transfer ratio in triggered scenes, 95 % intervals"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, collapse_padding=True)
    for heading in ("channel", "route", "student - control", "ratio", "says"):
        right = heading in ("student - control", "ratio")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    last = ""
    for row in family:
        gained = "" if isnan(row.inherited.value) else two_decimals(row.inherited)
        ratio = "" if isnan(row.ratio.value) else percent(row.ratio)
        route = f"{row.route}, paid" if row.reward == "habit" else row.route
        table.add_row(row.channel if row.channel != last else "", route, gained, ratio, row.verdict)
        last = row.channel
    return table
