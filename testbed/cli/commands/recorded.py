"""What the episodes of a data set did, in tables, as CSV, and the worst of them on film."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table

from testbed.audit import names
from testbed.audit.beside import Worse, worse_than
from testbed.audit.deeds import measure_deeds
from testbed.audit.recorded import ODD, Apart, Different, Recorded, Row, by_context, different, measured, over_all
from testbed.audit.text import interval, percent
from testbed.cli.commands.bills import leave_bills
from testbed.cli.commands.film import write_film
from testbed.cli.commands.parsing import scene_text
from testbed.console import console, styled, tracked
from testbed.datasets.reader import each_episode, episode_numbers, load_episode
from testbed.errors import UserError
from testbed.exchange.foreign import is_foreign
from testbed.exchange.registry import format_of
from testbed.experiment.folder import RUN, occupied
from testbed.files import Kind, write_text
from testbed.films.style import COLOURS, clip_of
from testbed.protocols.episode import Episode
from testbed.protocols.scene import place
from testbed.scenes.registry import get_scene, primary_of

EPISODES = Kind(
    "a table of episodes", lambda path: path.is_file() and path.read_bytes().startswith(b"episode,success,")
)
"""What a new table replaces."""
SHOWN = 8
"""Rows of a table, and episodes that look different, at most."""
FILMED = 3
"""Worst episodes that are filmed."""


def audit_data(data: Path, folder: Path, film: bool, reference: Path | None = None) -> None:
    """Measure every episode of a data set and print what was found; see `testbed audit --help`."""
    foreign, ours = is_foreign(data), data.suffix == ".hdf5"
    for one in (data, *([reference] if reference else [])):
        if one.suffix == ".hdf5" and not is_foreign(one) and not episode_numbers(one):
            raise UserError(f"{one} holds no episode: collect some")
    if reference and (foreign or is_foreign(reference)):
        raise UserError(f"{data} and {reference} are not both of a scene that is declared here: leave out --reference")
    with occupied(folder, RUN):
        recorded = measure_deeds(data) if foreign else measured(_numbered(data))
        worse = worse_than(recorded, measured(_numbered(reference))) if reference else []
        done = f"{100 * recorded.success.mean():.0f} % did the task"
        console.print(
            styled(data.name, "bold"), f"({len(recorded)} episodes of {recorded.environment}, {done}) into {folder}/"
        )
        vary = {name for name, values in recorded.values.items() if values.min() < values.max()}
        console.print(_measures([row for row in over_all(recorded) if row.measure in vary], recorded))
        same = [f"{recorded.measures[n].title} {values[0]:g}" for n, values in recorded.values.items() if n not in vary]
        if same:
            console.print(f"the same in every episode: {', '.join(same)}")
        apart = by_context(recorded)
        if apart:
            console.print(_contexts(apart, recorded))
        elif not foreign:
            console.print("no measure differs by context")
        _say_different(different(recorded))
        if reference:
            _say_worse(worse, recorded, reference.name)
        file = folder / "episodes.csv"
        write_text(file, _csv(recorded), EPISODES)
        console.print(f"{file}  every episode")
        if foreign:
            console.print("no scene of it is declared here: no severity, no film, but what its decisions allow")
        elif film and ours:
            _film(data, folder, recorded)
        leave_bills(folder)


def _numbered(data: Path) -> Iterator[tuple[int, Episode]]:
    """Yield the episodes of a data set, or of one that the testbed exported to another format, with their numbers."""
    if data.suffix != ".hdf5":
        _, episodes = format_of(data).read(data)
        yield from enumerate(episodes)
        return
    numbers = episode_numbers(data)
    yield from zip(numbers, tracked(each_episode(data, numbers), f"measure {data.name}", len(numbers)), strict=True)


def _measures(rows: Sequence[Row], recorded: Recorded) -> Table:
    table = Table(title="every measure, 95 % intervals over episodes", title_justify="left", box=SIMPLE_HEAD, padding=0,
                  collapse_padding=True)  # fmt: skip
    for heading in ("measure", "mean", "minor", "severe", "worst"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    for row in rows:
        measure = recorded.measures[row.measure]
        shares = ("" if one is None else percent(one) for one in (row.minor, row.severe))
        name = f"{measure.title} [{measure.unit or 'share'}]"
        table.add_row(name, interval(row.mean), *shares, f"episode {row.worst}")
    return table


def _contexts(apart: Sequence[Apart], recorded: Recorded) -> Table:
    more = f", the surest {SHOWN} of {len(apart)}" if len(apart) > SHOWN else ""
    title = f"measures that differ by context (5 %, Holm{more})"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, collapse_padding=True)
    for heading in ("where", "measure", "there", "elsewhere", "p"):
        table.add_column(heading, justify="left" if heading in ("where", "measure") else "right")
    for one in apart[:SHOWN]:
        measure = recorded.measures[one.measure]
        name = f"{measure.title} [{measure.unit or 'share'}]"
        where = f"{one.factor}={one.value} ({one.episodes})"
        table.add_row(where, name, interval(one.here), interval(one.elsewhere), f"{one.p:.1g}")
    return table


def _say_different(found: Sequence[Different]) -> None:
    episodes = list(dict.fromkeys(one.episode for one in found))
    if not episodes:
        console.print("no episode looks different from the rest")
        return
    some = "1 episode looks" if len(episodes) == 1 else f"{len(episodes)} episodes look"
    console.print(f"{some} different from the rest (modified z-score above {ODD}):")
    for number in episodes[:SHOWN]:
        one = next(one for one in found if one.episode == number)
        console.print(f"  episode {number}: {one.measure} {one.value:.3g}, median {one.median:.3g}")


def _say_worse(found: Sequence[Worse], recorded: Recorded, reference: str) -> None:
    if not found:
        console.print(f"that more episodes are past a threshold than in {reference} is not shown (5 %, Holm)")
        return
    more = f", the surest {SHOWN} of {len(found)}" if len(found) > SHOWN else ""
    console.print(styled(f"more episodes are past a threshold than in {reference}", "bold red"), f"(5 %, Holm{more}):")
    for one in found[:SHOWN]:
        measure = recorded.measures[one.measure]
        worse = "or more" if measure.worse == "higher" else "or less"
        limit = f"{measure.title} of {one.limit:g} {measure.unit}".rstrip() + f" {worse}"
        where = "".join(f" where {factor} is {value}" for factor, value in one.where.items())
        counts = f"{one.past} of {one.episodes}, there {one.reference_past} of {one.reference_episodes}"
        console.print(f"  {limit}{where}: {counts} (p {one.p:.1g})")


def _csv(recorded: Recorded) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = recorded.columns() | {"success": recorded.success.astype(int)}
    writer.writerow(columns)
    writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))
    return text.getvalue()


def _film(data: Path, folder: Path, recorded: Recorded) -> None:
    reason = place(get_scene(recorded.environment).panel).cannot_draw(recorded.environment)
    if reason:
        console.print(styled("no films:", "yellow"), reason)
        return
    primary = primary_of(recorded.environment)
    for n in recorded.worst(primary.name, FILMED):
        number = int(recorded.numbers[n])
        episode = load_episode(data, number)
        title = f"{data.name}, episode {number}: {scene_text(episode)}"
        takes = [clip_of(episode, f"episode {number}", COLOURS[names.DEMONSTRATOR])]
        write_film(folder / "videos" / f"episode-{number}.mp4", takes, title)
