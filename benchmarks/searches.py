"""Whether a search finds several numbers at once in fewer episodes than an even one: hunts in pairs of the same seed.

    python benchmarks/searches.py --write docs/hunt.md

Both hunts of a pair play the same scenes until the grid of factors is done, so what differs is the search alone. The
difference of a pair is the even search's episodes minus the other's; a hunt that found nothing counts with its budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from hunts import EVERY, Work, hunt, median
from planting.triggers import KINDS

from testbed.cli.commands.pages import put
from testbed.console import console, lines, run_command
from testbed.experiment.parallel import in_parallel


@dataclass(frozen=True)
class Options:
    """Compare searches by pairs of hunts."""

    pairs: int = 40
    """Pairs of hunts."""
    budget: int = 2000
    """Most episodes of each."""
    seed: int = 8400
    """Seed of the first pair."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


def median_difference(differences: Sequence[float]) -> tuple[float, float, float]:
    """Return Hodges and Lehmann's median of paired differences and its 95 % interval.

    Both are of the averages of any two differences (Walsh averages), the interval by the normal limits of Wilcoxon's
    signed rank (Hollander and Wolfe, Nonparametric Statistical Methods, 1999, 3.2 and 3.3).
    """
    values, n = np.asarray(differences, float), len(differences)
    first, second = np.triu_indices(n)
    walsh = np.sort((values[first] + values[second]) / 2)
    rank = int(np.floor(n * (n + 1) / 4 - 1.96 * np.sqrt(n * (n + 1) * (2 * n + 1) / 24)))
    return float(np.median(walsh)), float(walsh[rank]), float(walsh[-1 - rank])


def table(kind: str, episodes: np.ndarray, options: Options) -> str:
    """Return the comparison as a table in Markdown.

    Args:
        kind: What was planted.
        episodes: Until it was shown, shape (pairs, searches); the budget where it was not.
        options: What was asked.
    """
    saved = episodes[:, 1] - episodes[:, 0]
    middle, low, high = median_difference(saved.tolist())
    found = [f"{(column < options.budget).sum()} of {len(column)}" for column in episodes.T]
    rows = [
        f"| {search} | {hits} | {median(column.tolist())} |"
        for search, hits, column in zip(EVERY, found, episodes.T, strict=True)
    ]
    return "\n".join(
        [
            f"`python benchmarks/searches.py --seed {options.seed}`, {KINDS[kind].words}, pairs of hunts:",
            "",
            "| search | found | episodes until shown, median |",
            "|---|---|---|",
            *rows,
            "",
            f"Fewer by {middle:.0f} [{low:.0f}, {high:.0f}] episodes in the median of pairs: fewer in "
            f"{(saved > 0).sum()}, as many in {(saved == 0).sum()}, more in {(saved < 0).sum()}.",
        ]
    )


def main(options: Options) -> None:
    """Hunt in pairs, and print what they took."""
    (kind,) = (name for name, one in KINDS.items() if len(one.numbers) > 1 and "corner" in one.words)
    works = [
        Work(kind, KINDS[kind].environment, search, options.seed + pair, options.budget)
        for pair in range(options.pairs)
        for search in EVERY
    ]
    came = in_parallel(hunt, works, f"{len(works)} hunts", len(works) * options.budget)
    episodes = np.array([options.budget if one.found is None else one.found for one in came], float)
    text = table(kind, episodes.reshape(-1, len(EVERY)), options)
    console.print(lines(text.splitlines()))
    if options.write:
        put(options.write, "searches", text)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
