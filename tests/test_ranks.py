"""Which measures rank which habits, and who looks clean by which: worked by hand, in scenes, in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from testbed.audit.names import DEMONSTRATOR
from testbed.cli.commands import ranks as ranking
from testbed.cli.commands import references as nobody_taught
from testbed.cli.commands.ranks import NOBODY, PAST, RANKS, WRONG, rank
from testbed.cli.commands.references import compare
from testbed.errors import UserError
from testbed.protocols.measure import Measure
from testbed.scenes.registry import all_habits, measures_of, references_of

PAGE = (Path(__file__).parent.parent / "docs/measures.md").read_text(encoding="utf-8")
HABIT = all_habits()["non-yield"]
CROSSWALK = "testbed/Crosswalk-v0"
N = 40
CELL = re.compile(r"(\*\*)?(ranks|wrong way|nobody)( †)?(\*\*)?: ")


def _measure(worse: str, minor: float | None = 3.0, severe: float | None = 5.0) -> Measure:
    return Measure("made-up", "made up", "m", lambda trace: 0.0, worse, minor, severe, "nowhere")


def _rank(clean, changed, measure: Measure | None = None):
    tables = (np.broadcast_to(np.asarray(values, float), (1, N)) for values in (clean, changed))
    return rank(HABIT, measure or _measure("higher"), *tables)


# Worked by hand.


def test_a_measure_ranks_a_habit_that_is_worse_by_it():
    base = np.arange(N) / N
    found = _rank(base, base + 1)
    assert (found.verdict, found.pairs, found.difference.value) == (RANKS, "100 / 0 %", pytest.approx(1.0))
    assert _rank(base, base - 1).verdict == WRONG
    lower = _measure("lower")
    assert _rank(base, base - 1, lower).verdict == RANKS and _rank(base, base + 1, lower).verdict == WRONG
    assert _rank(base, base - 1, lower).pairs == "100 / 0 %"


def test_a_constant_measure_ranks_nobody():
    found = _rank(10.0, 10.0)
    assert (found.verdict, found.pairs, found.equal) == (NOBODY, "all equal", 1.0)


def test_pairs_are_counted_right_wrong_and_equal():
    changed = np.r_[np.ones(20), -np.ones(4), np.zeros(16)]
    found = _rank(0.0, changed)
    assert found.pairs == "50 / 10 %" and found.equal == 0.4 and found.verdict == RANKS


def test_mean_and_pairs_must_agree():
    """Ten scenes much worse, thirty a little better: the mean is up, most pairs are down."""
    found = _rank(0.0, np.r_[np.full(10, 10.0), np.full(30, -0.1)])
    assert found.difference.low > 0 and found.balance.high < 0 and found.verdict == NOBODY
    half = _rank(0.0, np.r_[np.full(20, 3.0), np.full(20, -0.1)])  # the mean is told from 0, the pairs are not
    assert half.difference.low > 0 and half.verdict == NOBODY


def test_a_difference_that_is_not_told_from_0_ranks_nobody():
    assert _rank(0.0, np.tile([1.0, -1.0], N // 2)).verdict == NOBODY


@pytest.mark.parametrize(
    ("clean", "changed", "measure", "past"),
    [
        (3.0, 9.0, _measure("higher"), True), (2.9, 9.0, _measure("higher"), False),
        (3.0, 1.0, _measure("lower"), True), (3.1, 1.0, _measure("lower"), False),
        (9.0, 9.0, _measure("higher", None, None), False), (5.0, 5.0, _measure("higher", None), True),
        (4.0, 5.0, _measure("higher", None), False),
    ],
)  # fmt: skip
def test_a_threshold_that_both_are_past_tells_nobody_apart(clean, changed, measure, past):
    found = _rank(clean, changed, measure)
    assert found.past is past and (PAST in found.said) is past


def test_a_threshold_needs_nearly_all_of_both():
    almost, fewer = (np.r_[np.zeros(left), np.full(N - left, 9.0)] for left in (2, 3))  # 95 % and 92.5 % of 40
    assert _rank(almost, 9.0).past and not _rank(fewer, 9.0).past and not _rank(9.0, fewer).past


def test_who_is_worse_is_told_by_success_and_both_kinds_of_measures():
    clean = {name: np.full((1, N), 5.0) for name in measures_of(CROSSWALK)} | {"success": np.ones((1, N))}
    other = clean | {"success": np.zeros((1, N)), "surge": clean["surge"] + 1, "pet": clean["pet"] - 1,
                     "clearance": clean["clearance"] + 1, "retreat": clean["retreat"] + 0.004}  # fmt: skip
    found = compare(CROSSWALK, "somebody", other, clean)
    assert found.worse == {"success", "surge", "pet"}
    assert found.same == set(clean) - {"success", "surge", "pet", "clearance", "retreat"}
    assert compare(CROSSWALK, DEMONSTRATOR, clean, clean).worse == frozenset()


# In scenes.


def test_a_primary_measure_ranks_its_habit_and_others_need_not():
    rows = {row.measure.name: row for row in ranking.show(all_habits()["surge"], 24, 3)}
    assert rows.keys() == measures_of(CROSSWALK).keys()
    assert rows["surge"].verdict == rows["non_yield"].verdict == RANKS
    assert rows["pet"].verdict == WRONG and rows["needless_stop"].verdict == NOBODY


def test_no_reference_driver_looks_clean_at_the_crosswalk():
    """Each passes more than half of those first to whom it owes a stop, whatever its speed, though each succeeds."""
    setting = nobody_taught.show(HABIT, 32, 5)
    clean, *beside = setting.drivers
    assert clean.name == DEMONSTRATOR and [one.name for one in beside] == [one.name for one in references_of(CROSSWALK)]
    assert clean.means["non_yield"].value < 0.1
    for one in beside:
        assert "non_yield" in one.worse and one.means["non_yield"].low > 0.5, one.name
        assert "non_yield" not in setting.clean_by(one) and "success" in setting.clean_by(one)
    fast = {one.name: one.means["non_yield"].value for one in beside}
    assert fast["always FASTER"] >= fast["always IDLE"] and fast["speeding"] >= fast["always IDLE"]


def test_the_aggressive_driver_is_less_often_slower_than_its_new_follower():
    """Why measures of closing speeds say little of it."""
    from testbed.protocols.episode import Behaviour, Scenario
    from testbed.protocols.habit import get_trigger, make_demonstrator
    from testbed.rollouts.rollout import play
    from testbed.scenes.merge.measures import find_merge

    habit = all_habits()["aggressive-merge"]
    trigger = get_trigger(habit, None)
    scenarios = [Scenario(seed, {**habit.context, **trigger.on}) for seed in range(64)]
    shares = []
    for dose in (0.0, 1.0):
        slower = []
        for episode in play(habit.environment, scenarios, [(make_demonstrator(habit, trigger, dose), Behaviour("x"))]):
            merge = find_merge(episode.trace)
            if merge is not None and merge.follower is not None:
                speed = episode.trace["speed"][merge.intrusion]
                slower.append(speed[0] < speed[merge.follower])
        shares.append(np.mean(slower))
    assert shares[1] < shares[0] - 0.1


def test_both_commands_put_their_tables_into_a_page(tmp_path, capsys, monkeypatch):
    page = tmp_path / "page.md"
    marks = "<!-- ranks -->\nwas here\n<!-- /ranks -->\n<!-- references -->\n<!-- /references -->\nafter\n"
    page.write_text(f"before\n{marks}")
    ranking.ranks(["non-yield", "speed-creep"], 4, 0, page)
    crosswalk = {name: habit for name, habit in all_habits().items() if habit.environment == CROSSWALK}
    monkeypatch.setattr(nobody_taught, "all_habits", lambda: crosswalk)
    nobody_taught.references(4, 0, page)
    text, said = page.read_text(), capsys.readouterr().out
    assert text.startswith("before\n") and text.endswith("after\n") and "was here" not in text
    assert "`testbed ranks non-yield speed-creep --scenes 4 --seed 0 --write docs/measures.md`" in text
    tables = _tables(text, "ranks")
    assert list(tables) == [CROSSWALK] and len(tables[CROSSWALK]) == len(measures_of(CROSSWALK))
    (rows,) = _tables(text, "references").values()
    assert rows["success"].keys() == {DEMONSTRATOR, *(one.name for one in references_of(CROSSWALK))}
    for name in ("non-yield", "speed-creep", "always FASTER", "worse by"):
        assert name in said
    assert max(len(line) for line in said.splitlines() if line.startswith("│")) <= 80


def test_mistakes_are_refused_before_anything_is_played(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    for command in (lambda: ranking.ranks([], 2, 0, page), lambda: nobody_taught.references(2, 0, page)):
        with pytest.raises(UserError, match="no lines <!-- r"):
            command()
    with pytest.raises(UserError, match="non-yield"):
        ranking.ranks(["non-yeld"], 2, 0, None)
    with pytest.raises(UserError, match="--scenes 1"):
        ranking.ranks(["non-yield"], 1, 0, None)


# In the docs.


def _tables(page: str, mark: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return the tables between two marks: environment -> measure, without its unit -> column -> cell."""
    text = page.split(f"<!-- {mark} -->")[1].split(f"<!-- /{mark} -->")[0]
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines())
        cells = {row[0].split(" [")[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
        tables[head[0].strip("`")] = cells
    return tables


def _said(cell: str) -> str:
    found = CELL.match(cell)
    assert found, cell
    return found[2]


def test_the_table_has_every_measure_of_every_habit():
    tables = _tables(PAGE, "ranks")
    assert set(tables) == {habit.environment for habit in all_habits().values()}
    for environment, rows in tables.items():
        assert list(rows) == [measure.title for measure in measures_of(environment).values()]
        names = [habit.name for habit in all_habits().values() if habit.environment == environment]
        assert all(list(row) == names for row in rows.values())


def test_every_primary_measure_ranks_its_habit_in_the_table():
    tables = _tables(PAGE, "ranks")
    for habit in all_habits().values():
        title = measures_of(habit.environment)[habit.measure].title
        assert tables[habit.environment][title][habit.name].startswith(f"**{RANKS}"), habit.name


def test_what_the_text_says_of_measures_that_do_not_rank_is_what_the_table_says():
    text = " ".join(PAGE.split("## Which measures rank which habit")[1].split("<!-- ranks -->")[0].split())
    claims = dict(re.findall(r"- `(testbed/[\w-]+)`: (.*?)(?= - `| What is made)", text))
    tables = _tables(PAGE, "ranks")
    assert claims.keys() == tables.keys()
    for environment, rows in tables.items():
        said = re.fullmatch(r"no habit is ranked by (.*?)\. The wrong way round: (.*?)\.", claims[environment])
        assert said, claims[environment]
        verdicts = {title: {habit: _said(cell) for habit, cell in row.items()} for title, row in rows.items()}
        nobody = [title for title, row in verdicts.items() if RANKS not in row.values()]
        wrong = {title: [habit for habit, one in row.items() if one == WRONG] for title, row in verdicts.items()}
        nobody = [title for title in nobody if any(one == NOBODY for one in verdicts[title].values())]
        assert said[1].split(", ") == nobody
        named = {title: names.split(", ") for title, names in re.findall(r"([^,(][^(]*?) \(([^)]*)\)", said[2])}
        assert {title.strip(): names for title, names in named.items()} == {t: h for t, h in wrong.items() if h}


def test_the_text_on_reference_drivers_is_what_their_table_says():
    tables = _tables(PAGE, "references")
    beside = [one.name for one in references_of(CROSSWALK)]
    assert "**At the crosswalk none of them looks clean**" in PAGE
    for name in beside:
        cell = tables[CROSSWALK]["pedestrians passed first"][name]
        assert cell.startswith("**") and float(cell.strip("*").split(" ")[0]) > 0.5
        assert "pedestrians passed first" not in tables[CROSSWALK]["looks clean by"][name]
        assert "success" in tables[CROSSWALK]["looks clean by"][name]
    clean_by = {title: rows["looks clean by"] for title, rows in tables.items()}
    main, ramp = clean_by["testbed/Merge-v0 ego=main"], clean_by["testbed/Merge-v0 ego=ramp"]
    assert {name for name in main if "success" in main[name]} == {"always IDLE", "speeding"}
    assert "tailgating" in main["always IDLE"] and "speed gained" in clean_by[CROSSWALK]["always IDLE"]
    assert {name for name in ramp if "imposed" in ramp[name]} == {"always IDLE", "always FASTER"}
    assert {name for name in main if "beside the road" in main[name]} == {"always FASTER", "speeding"}
    for title, row in clean_by.items():
        if "hands still" in row:
            primary = [h.measure for h in all_habits().values() if h.environment == title]
            expected = [measures_of(title)[name].title for name in dict.fromkeys(primary)]
            assert row["hands still"].split(", ") == expected
