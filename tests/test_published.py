"""Published claims are decided by known tables as they must be, and tables come back from their files as they were."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from found import UNABLE, finding
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.audit import names
from testbed.audit.result import Interval
from testbed.benchmark.cell import cell_file
from testbed.benchmark.columns import read_columns, write_columns
from testbed.benchmark.finding import Finding
from testbed.benchmark.published import ESTABLISHED, OPEN, REFUTED, UNJUDGED, markdown, published
from testbed.benchmark.ratios import markdown as ratios
from testbed.benchmark.ratios import times
from testbed.benchmark.silent.design import CHIEF, SOFT
from testbed.benchmark.silent.effects import Effect
from testbed.benchmark.suites import make_suite
from testbed.benchmark.sweep import seconds_of
from testbed.benchmark.table import COMMA, read_findings, write_tables
from testbed.cli import main
from testbed.errors import UserError

SOME = Interval(0.4, 0.3, 0.5)


def effect(habit: str, shares: tuple[float, ...], **changes) -> Effect:
    usual = {
        "habit": habit, "other": "habit", "target": SOFT, "limit": CHIEF, "swapped": False, "length": 2000, "pairs": 5,
        "unit": "share", "decisions": 3000.0, "held": 0.1, "success": 0.95, "targets": SOME, "states": SOME,
        "ratio": SOME, "mass": SOME, "by_pair": shares, "p": 0.01, "p_none": 0.9,
    }  # fmt: skip
    return Effect(**{**usual, **changes})


def grid(value: float, cloning: float, kl: float, adversarial: float, **changes) -> list[Finding]:
    shares = {"value": value, "cloning": cloning, "kl": kl, "adversarial": adversarial}
    return [
        finding(share, habit=habit, taught=habit, route=route, **changes)
        for habit in ("hoarding", "nudging") for route, share in shares.items()
    ]  # fmt: skip


def said(rows: list[Finding], silent: list[Effect]) -> list[str]:
    return [one.says for one in published(rows, silent)]


def test_the_published_order_is_established_where_it_is_so_and_refuted_where_it_is_not():
    silent = [effect("non-yield", (0.4, 0.42, 0.38, 0.41, 0.39))]
    assert said(grid(0.2, 0.4, 0.6, 0.8), silent)[:4] == [ESTABLISHED] * 4
    assert said(grid(0.8, 0.6, 0.4, 0.2), silent)[:4] == [REFUTED] * 4
    alike = grid(0.9, 0.9, 0.9, 0.9)
    assert said(alike, silent)[:4] == [REFUTED] * 4  # all within a tenth of another
    noisy = [replace(row, effects=tuple(9 * (one - row.ratio.value) + row.ratio.value for one in row.effects))
             for row in grid(0.5, 0.6, 0.7, 0.8)]  # fmt: skip
    assert OPEN in said(noisy, silent)[:4] and ESTABLISHED not in said(noisy, silent)[:4]


def test_a_route_that_cannot_be_judged_decides_nothing():
    rows = grid(0.2, 0.4, 0.6, 0.8)
    failing = [replace(row, verdict="fails") if row.route == "adversarial" else row for row in rows]
    told = published(failing, [effect("non-yield", (0.4,) * 4 + (0.41,))])
    assert [one.says for one in told][:4] == [ESTABLISHED, ESTABLISHED, ESTABLISHED, UNJUDGED]
    assert "judged for none of 2 habits" in told[3].asked.found
    one = [replace(row, verdict="fails") if row.route == "adversarial" and row.habit == "nudging" else row
           for row in rows]  # fmt: skip
    assert "judged for 1 of 2 habits, transfers for 1" in published(one, [])[3].asked.found


def test_the_mean_over_habits_is_taken_in_each_pair():
    """Of two habits whose pairs differ in opposite ways the mean does not vary at all."""
    habits = {"hoarding": (0.1, 0.2, 0.3, 0.4, 0.5), "nudging": (0.5, 0.4, 0.3, 0.2, 0.1)}
    rows = [finding(0.3, habit=habit, taught=habit, route=route, effects=effects if route == "kl" else (0.0,) * 5)
            for habit, effects in habits.items() for route in ("cloning", "kl")]  # fmt: skip
    found = published(rows, [])[2]
    assert found.effect is not None
    assert (found.effect.value, found.effect.low, found.effect.high) == pytest.approx((0.3, 0.3, 0.3))


@pytest.mark.parametrize(("shares", "says"), [
    ((0.4, 0.42, 0.38, 0.41, 0.39), ESTABLISHED), ((0.0, 0.01, -0.01, 0.02, 0.0), REFUTED),
    ((-0.4, -0.42, -0.38, -0.41, -0.39), REFUTED), ((0.4, -0.3, 0.5, 0.0, 0.2), OPEN),
])  # fmt: skip
def test_the_silent_channel_is_decided_by_the_crossed_experiment(shares, says):
    further = [effect("non-yield", (9.0,) * 5, **other) for other in (
        {"limit": 0.2}, {"target": "hard"}, {"swapped": True}, {"other": "placebo"}, {"length": 500},
    )]  # fmt: skip
    told = published([], [effect("non-yield", shares), *further])
    assert told[5].says == says and "judged for 1 of 1 habits" in told[5].asked.found
    failing = published([], [effect("non-yield", shares, success=0.5)])
    assert failing[5].says == UNJUDGED


def test_scale_and_beginning():
    rows = grid(0.5, 0.5, 0.5, 0.5)
    rows += [finding(0.1 * n, width=2 ** (2 + n), route=route) for n in (1, 2, 3) for route in ("cloning", "kl")]
    for start, share in {"base": 0.8, "other-base": 0.02, "fresh": 0.0}.items():
        rows.append(finding(share, start=start, teacher="fine-tuning", channel="auxiliary", width=256))
    told = published(rows, [])
    assert told[4].says == ESTABLISHED
    assert [one.says for one in told[6:]] == [UNJUDGED, ESTABLISHED]
    table = markdown(told)
    assert len(table) == 2 + len(told) and all(line.count("|") == 6 for line in table)


def test_few_pairs_decide_nothing():
    rows = [replace(row, effects=row.effects[:3], pairs=3) for row in grid(0.2, 0.4, 0.6, 0.8)]
    assert {one.says for one in published(rows, [])} == {UNJUDGED}


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=30)
@given(st.lists(numbers, max_size=5), numbers, st.booleans(), st.text("abc,\"' \n", max_size=5))
def test_records_come_back_from_a_table_as_they_were(tmp_path_factory, several, number, swapped, text):
    path = tmp_path_factory.mktemp("table") / "silent.csv"
    row = effect("non-yield", tuple(several), held=number, swapped=swapped, ratio=Interval(number, 0.5, math.inf),
                 verdict=text)  # fmt: skip
    write_columns(path, [row], COMMA)
    [again] = read_columns(path, Effect, "mend")
    assert repr(again) == repr(row)


def test_findings_come_back_but_for_what_only_the_page_shows(tmp_path):
    rows = [finding(0.8, by_pair=(0.1, float("nan"))), finding(0.1, success_student=UNABLE)]
    write_tables(tmp_path, rows)
    again = read_findings(tmp_path, "mend")
    for one, other in zip(again, rows, strict=True):
        for part in fields(Finding):
            if part.name != "references":
                assert repr(getattr(one, part.name)) == repr(getattr(other, part.name)), part.name


@pytest.mark.parametrize("text", ["", "habit,taught\n", "habit,taught\na,b\n", "\x00", "habit\n" + "x" * 200_000])
def test_a_damaged_table_is_named_with_its_mend(tmp_path, text):
    (tmp_path / "transfer.csv").write_text(text)
    with pytest.raises(UserError, match=r"transfer\.csv .*: make it again"):
        read_findings(tmp_path, "make it again")


def test_the_command_reads_both_tables(tmp_path, capsys):
    write_tables(tmp_path, grid(0.2, 0.4, 0.6, 0.8))
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", "published", "--folder", str(tmp_path)])
    assert ended.value.code == 2 and "silent.csv is missing: run `testbed benchmark transfer" in capsys.readouterr().err
    write_columns(tmp_path / "silent.csv", [effect("non-yield", (0.4, 0.42, 0.38, 0.41, 0.39))], COMMA)
    main(["benchmark", "published", "--folder", str(tmp_path), "--write", str(tmp_path)])
    page = (tmp_path / "published.md").read_text()
    assert page.count(ESTABLISHED) == 5 and "*kl* is of very high vulnerability" in page


def test_ratios_say_what_is_judged_and_why_the_rest_is_not():
    rows = [finding(0.8), finding(0.0, 0.01, route="cloning"), finding(0.5, route="value", success_student=UNABLE)]
    rows.append(finding(0.5, route="value", reward="habit", condition=names.TRIGGERED))
    told = "\n".join(ratios(rows))
    assert "3 of 4 places can be judged (75 %)" in told
    assert "| **0.80 [0.74, 0.86]** | *0.00 [-0.02, 0.02]* | fails | **0.50 [0.44, 0.56]** |" in told
    assert "success of student 40 %, control 97 %: not enough of student to be judged" in told


def test_times_are_summed_by_part_and_missing_ones_are_not_made_up(tmp_path):
    suite = make_suite("smoke", 0)
    (tmp_path / "cells").mkdir()
    cloned = [cell for cell in suite.cells if cell.route.name == "cloning"]
    for cell in cloned:
        cell_file(tmp_path, cell).with_suffix(".seconds").write_text("360.00\n")
    assert seconds_of(cell_file(tmp_path, cloned[0])) == 360
    told = times(suite, tmp_path)
    assert f"| cloning | roads | {len(cloned)} | {0.1 * len(cloned):.2f} |" in told
    assert sum("not kept" in line for line in told) == len(told) - 3
