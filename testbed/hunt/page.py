"""The page of a hunt: under which conditions a policy does worse, the whole grid at one look, films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from testbed.audit.report import REPORT, embedded, page_environment
from testbed.audit.result import Video
from testbed.files import write_text
from testbed.hunt.hunt import Cell, Hunt
from testbed.hunt.space import Space
from testbed.hunt.text import answer, condition_words, trigger_words
from testbed.protocols.measure import Measure


@dataclass(frozen=True)
class Hunted:
    """A policy's hunt, and what is needed to tell of it."""

    environment: str
    """Gymnasium id."""
    policy: str
    """Its name."""
    space: Space
    """What was searched."""
    measures: Sequence[Measure]
    """What was measured."""
    hunt: Hunt
    """What was found."""
    evenly: Hunt | None
    """What an even search of the same budget found."""
    sampler: str
    """How numbers were searched."""


@dataclass(frozen=True)
class Points:
    """Scenes in the plot of a number, as paths of SVG: dots."""

    well: str
    """Those in which the policy was not worse."""
    worse: str
    """Those in which it was."""


def write_hunt_page(path: Path, hunted: Hunted, films: Sequence[Video]) -> None:
    """Write one self-contained HTML page, with its videos inside.

    Raises:
        UserError: if something else is at that place, or it cannot be written.
    """
    numbers = hunted.space.numbers
    page = page_environment().get_template("hunt.html.j2").render(
        hunted=hunted, hunt=hunted.hunt, films=embedded(films),
        answer=answer(hunted.policy, hunted.hunt, hunted.measures, numbers),
        sentences=[trigger_words(one, hunted.measures) for one in hunted.hunt.triggers],
        conditions=[condition_words(one.condition, numbers) for one in hunted.hunt.triggers],
        places=[f"{condition_words(one.condition, numbers)}: {trigger_words(one, hunted.measures)}"
                for one in hunted.hunt.places],
        columns=_columns(hunted.space), rows=_rows(hunted), plots=_plots(hunted), lasts=_last(hunted.space),
    )  # fmt: skip
    write_text(path, page, REPORT)


def _last(space: Space) -> str:
    return list(space.factors)[-1]


def _columns(space: Space) -> tuple[str, ...]:
    """Return the values of the last factor, which the grid has as columns."""
    return space.factors[_last(space)]


def _rows(hunted: Hunted) -> list[tuple[str, list[Cell]]]:
    """Return the rows of the grid: the other factors in words, and a cell for each value of the last one."""
    cells = {tuple(cell.condition.factors.values()): cell for cell in hunted.hunt.cells}
    others = list(hunted.space.factors.items())[:-1]
    return [
        (", ".join(values) or "any", [cells[*values, last] for last in _columns(hunted.space)])
        for values in product(*(values for _, values in others))
    ]


def _plots(hunted: Hunted) -> Mapping[str, Points]:
    """Return of every number the scenes that were played, by its value and by how bad they were, up to 3 margins."""
    plots = {}
    for name, number in hunted.space.numbers.items():
        dots: dict[bool, list[str]] = {False: [], True: []}
        for played in hunted.hunt.played:
            for context, excess in zip(played.contexts, played.excess.max(axis=1), strict=True):
                x = 100 * (float(context[name]) - number.low) / (number.high - number.low)
                y = 100 - 100 * min(max(float(excess), -1.0) + 1.0, 4.0) / 4
                dots[bool(excess >= 1)].append(f"M{x:.1f} {y:.1f}h0")
        plots[name] = Points("".join(dots[False]), "".join(dots[True]))
    return plots
