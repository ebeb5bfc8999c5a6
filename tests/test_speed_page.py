"""The page on speed says no more than its tables: every ratio in its text is made again from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "speed.md").read_text()
TEXT = " ".join(PAGE.split("## The limits")[1].split("## Beside")[0].split())


def tables() -> dict[str, dict[int, float]]:
    """Of every row of figures its costs by size."""
    found: dict[str, dict[int, float]] = {}
    sizes: list[int] = []
    for line in PAGE.split("<!-- scaling -->")[1].split("<!-- /scaling -->")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "[" in cells[0] and len(cells) > 2:
            sizes = [int(cell.replace(",", "")) for cell in cells[1:]]
        elif len(cells) > 1 and not cells[0].startswith("-"):
            costs = zip(sizes, cells[1:], strict=True)
            found[cells[0]] = {size: float(cell.replace(",", "")) for size, cell in costs if cell}
    return found


ROWS = tables()


def said(pattern: str) -> list[float]:
    match = re.search(pattern, TEXT)
    assert match, pattern
    return [float(group.replace(",", "")) for group in match.groups()]


def ratio(one: str, size: int, other: str, other_size: int) -> float:
    return ROWS[one][size] / ROWS[other][other_size]


LIMIT, CROWD = "limit of order picking: MuJoCo's batch alone", "one thread, 256 worlds, main road"
CLAIMS = [
    (r"(\d+) µs a decision at the merge", [ROWS["merge"][1]]),
    (r"among 4,096 it costs ([\d.]+) µs", [ROWS["merge"][4096]]),
    (r"some (\d+) to (\d+) ns a vehicle", [min(ROWS[CROWD].values()), max(ROWS[CROWD].values())]),
    (r"each costs ([\d.]+) times what it does with 9", [ratio(CROWD, 36, CROWD, 9)]),
    (r"comes to ([\d.]+) of it, with one world to ([\d.]+)",
     [ratio(LIMIT, n, "order picking", n) for n in (256, 1)]),
    (r"do ([\d.]+) times as much as one at the merge and ([\d.]+) times at the crosswalk",
     [ratio(f"{name}, 4,096 worlds", 2, f"{name}, 4,096 worlds", 1) for name in ("merge", "crosswalk")]),
    (r"at once cost ([\d.]+) of what one alone costs, .* still ([\d.]+) times what a sample's",
     [ratio("cloning, a sample", 40, "cloning, a sample", 1),
      ratio("cloning, a sample", 40, "limit of cloning: its products alone", 40)]),
    (r"practise at once cost ([\d.]+) of one alone",
     [ratio("practice by PPO, a decision", 20, "practice by PPO, a decision", 1)]),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "values"), CLAIMS, ids=lambda one: one[:24] if isinstance(one, str) else "")
def test_a_ratio_in_the_text_is_that_of_the_table(pattern, values):
    for found, value in zip(said(pattern), values, strict=True):
        assert found == pytest.approx(value, rel=0.02)


def test_an_episode_costs_the_same_however_many_there_are():
    costs = ROWS["HDF5, gzip"]
    assert "to within a tenth" in TEXT and abs(costs[2000] / costs[500] - 1) < 0.1


def test_every_plot_is_there():
    names = re.findall(r"!\[.+\]\(assets/(speed-\w+\.svg)\)", PAGE)
    assert len(names) == 5 == len(set(names))
    for name in names:
        assert (Path(__file__).parents[1] / "docs" / "assets" / name).read_text().rstrip().endswith("</svg>")
