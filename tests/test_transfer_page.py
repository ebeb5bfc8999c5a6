"""What the benchmark says and shows: verdicts, answers in words, the table, and the page in a browser."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import pyarrow.parquet
import pytest
from found import UNABLE, finding, primary
from playwright.sync_api import Page

from testbed.audit.result import Interval
from testbed.benchmark.answers import PUBLISHED, answers
from testbed.benchmark.cell import Channel
from testbed.benchmark.columns import columns
from testbed.benchmark.figures import differences
from testbed.benchmark.finding import (
    EMPTY,
    ENOUGH,
    FAILS,
    NONE,
    OUTSIDE,
    SPOILT,
    TRANSFERS,
    UNDECIDED,
    caution,
)
from testbed.benchmark.page import write_page
from testbed.benchmark.suites import make_suite
from testbed.benchmark.table import write_tables
from testbed.errors import UserError


def test_what_may_be_said_of_a_ratio():
    assert finding(0.8).verdict == TRANSFERS
    assert finding(0.01, 0.02).verdict == NONE
    assert finding(0.02, 0.2).verdict == UNDECIDED
    failing = finding(0.8, success_student=UNABLE)
    spoilt = finding(0.8, control=Interval(1.9, 1.8, 2.0))
    assert spoilt.verdict == SPOILT and "control 1.90 units, clean teacher 0.10" in spoilt.reason
    assert finding(0.8, control=Interval(1.5, 1.4, 1.6)).verdict == TRANSFERS
    assert failing.verdict == FAILS and "student 40 %, control 97 %: not enough of student" in failing.reason


def test_more_than_the_teacher_is_called_overshoot():
    assert "overshoot" in finding(1.3).reason and finding(1.3).verdict == TRANSFERS
    assert finding(1.02).reason == ""


def test_holms_p_decides_where_there_is_one():
    assert finding(0.8, p=0.01, p_holm=0.2).verdict == UNDECIDED
    assert finding(0.8, p=0.01, p_holm=0.04).verdict == TRANSFERS
    assert finding(0.01, 0.02, p_none=0.01, p_none_holm=0.2).verdict == UNDECIDED


def test_nothing_is_claimed_outside_the_family():
    assert finding(0.8, p=1e-9, p_holm=float("nan")).verdict == OUTSIDE


def test_few_pairs_are_no_claim():
    assert caution([finding(0.8)]) == ""
    assert caution([finding(0.8), finding(0.8, pairs=3)]) == "3 pairs of teachers are too few for a claim: it takes 5."
    assert caution([finding(0.8, pairs=1)]) == "1 pair of teachers is too few for a claim: it takes 5."


@pytest.mark.parametrize("ratios, says", [
    ({"value": 0.3, "cloning": 0.5, "kl": 0.7, "adversarial": 0.9}, "yes"),
    ({"value": 0.9, "cloning": 0.5, "kl": 0.7, "adversarial": 0.3}, "no"),
    ({"value": 0.5, "cloning": 0.5, "kl": 0.51, "adversarial": 0.52}, "undecided"),
])  # fmt: skip
def test_the_published_ordering_is_judged(ratios, says):
    first = answers(primary({**ratios, "advantage": 0.1}))[0]  # a fifth route is no part of it
    assert first.lines[0].says == says, first
    assert "1 habit" in first.short


def test_an_ordering_holds_for_all_four_routes_or_not_at_all():
    """A route that fails leaves it undecided, unless two others are the other way round; one alone says nothing."""
    rising, unable = {"value": 0.3, "cloning": 0.5, "kl": 0.7}, {"route": "adversarial", "success_student": UNABLE}
    [line] = answers([*primary(rising), finding(0.5, **unable)])[0].lines
    assert line.says == "undecided" and "(not judged, adversarial: fails)" in line.why
    [line] = answers([*primary({**rising, "kl": 0.4}), finding(0.5, **unable)])[0].lines
    assert line.says == "no" and "cloning hands down more than kl" in line.why
    alone = [finding(0.5, route=route, success_student=UNABLE) for route in PUBLISHED[1:]]
    [line] = answers([finding(0.5, route="value"), *alone])[0].lines
    assert (line.says, line.why) == ("not judged", "cloning: fails, kl: fails, adversarial: fails")


def test_scrubbing_is_unequal_where_routes_differ():
    """It takes 0.8 off cloning, nothing off KL: hard targets lose the habit, soft ones carry it."""
    unequal = primary({"cloning": 0.9, "kl": 0.95}, {"cloning": 0.1, "kl": 0.94})
    assert answers(unequal)[2].lines[0].says == "no"
    equal = primary({"cloning": 0.9, "kl": 0.95}, {"cloning": 0.5, "kl": 0.55})
    assert answers(equal)[2].lines[0].says == "undecided"


def test_smaller_students_inherit_less_where_the_slope_says_so():
    rows = primary({"kl": 0.9}) + [finding(0.1 * n, width=2 ** (2 + n)) for n in (1, 2, 3)]
    rows += [finding(0.9, channel=channel) for channel in ("scrubbed", "agreeing", "nominal", "noise")]
    assert answers(rows)[1].lines[0].says == "yes"


def test_what_depends_on_the_beginning():
    arms = {"base": 0.8, "other-base": 0.02, "fresh": 0.0}
    rows = [finding(r, start=s, teacher="fine-tuning", channel="auxiliary", width=256) for s, r in arms.items()]
    assert answers(rows)[3].lines[0].says == "yes"


def test_the_table_holds_every_finding_in_both_formats(tmp_path):
    rows = [finding(0.8), finding(0.1, verdict=EMPTY, reason="nothing")]
    comma, parquet = write_tables(tmp_path, rows)
    with comma.open() as file:
        read = list(csv.DictReader(file))
    table = pyarrow.parquet.read_table(parquet).to_pylist()
    assert [float(row["ratio"]) for row in read] == [row["ratio"] for row in table] == [0.8, 0.1]
    assert list(read[0]) == list(columns(rows[0])) == list(table[0])
    with pytest.raises(UserError, match="nothing to put into a table"):
        write_tables(tmp_path, [])


@pytest.mark.parametrize("name", ["smoke", "core", "full"])
def test_a_suite_declares_what_it_promises(name):
    suite = make_suite(name, 0)
    routes = {cell.route.name for cell in suite.primary}
    assert routes == {*PUBLISHED, "advantage"}
    assert len({cell.name for cell in suite.cells}) == len(suite.cells)
    if name != "smoke":
        assert len({cell.audited.habit for cell in suite.primary}) >= 6
        assert {cell.channel for cell in suite.primary} == {"overt", "relabelled", "nominal"}
        assert {cell.channel for cell in suite.cells} == set(get_args(Channel))
        trained: dict[tuple, dict[int, list[int]]] = {}
        for cell in suite.primary:
            place = trained.setdefault((cell.audited.habit, cell.route.name, cell.channel, cell.reward), {})
            place.setdefault(cell.audited.seed, []).extend(cell.seeds)
        assert all(len(pairs) >= ENOUGH for pairs in trained.values())
        assert all(seeds == [0, 1, 2, 3] for pairs in trained.values() for seeds in pairs.values())
    with pytest.raises(UserError, match=r"core, full, smoke"):
        make_suite("tiny", 0)


def test_differences_have_their_own_units_and_lines_at_nothing_and_at_all_of_the_habit():
    """Two habits, of 3 units and of 30 cm: each has an axis of its own, and half of either is in its middle."""
    half = {"inherited": Interval(1.5, 1.2, 1.8), "injected": Interval(3.0, 2.9, 3.1), "gains": (1.0, 2.0)}
    large = {"inherited": Interval(15, 12, 18), "injected": Interval(30, 29, 31), "habit": "nudging", "unit": "cm"}
    plot = differences([finding(0.5, **half), finding(0.5, route="cloning", success_student=UNABLE, **half),
                        finding(0.5, **large)])  # fmt: skip
    titles = ["hoarding: excess [units]", "nudging: excess [cm]"]
    assert list(plot["panels"]) == list(plot["scales"]) == titles
    for title in titles:
        nothing, all_of_it = plot["scales"][title]["lines"]
        row = plot["panels"][title][0]
        assert row["at"][1] == pytest.approx((nothing + all_of_it) / 2, abs=0.01)
    first, failing = plot["panels"][titles[0]]
    assert (first["text"], len(first["dots"]), failing["text"], failing["at"]) == ("1.50 [1.20, 1.80]", 2, "fails", [])


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    """The page of findings made up for the smoke suite."""
    suite = make_suite("smoke", 0)
    rows = [finding(0.1 * (number % 10), **asdict(cell.place)) for number, cell in enumerate(suite.cells)]
    path = tmp_path_factory.mktemp("page") / "transfer.html"
    return write_page(path, suite, rows, answers(rows), "testbed benchmark transfer --suite smoke --seed 0")


@pytest.fixture(params=[(1280, "light"), (360, "light"), (360, "dark"), (1280, "dark")])
def page(browser, page_file, request) -> Iterator[Page]:
    width, scheme = request.param
    opened = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    opened.goto(page_file.as_uri())
    yield opened
    opened.close()
    assert errors == []


def test_the_page_answers_first_and_fits(page):
    questions = page.locator(".question h3")
    assert questions.count() == 4
    assert questions.first.bounding_box()["y"] < 800
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert "testbed benchmark transfer --suite smoke" in page.inner_text("body")


def test_text_stands_out_from_its_ground(page):
    """Contrast of answers and small print with their background is 4.5 or more (WCAG 2.2, 1.4.3)."""
    ratio = """element => {
      const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126*r + 0.7152*g + 0.0722*b; };
      let ground = element;
      while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
      const [a, b] = [lum(getComputedStyle(element).color), lum(getComputedStyle(ground).backgroundColor)];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); }"""
    for selector in (".short", ".question li", "header .soft", "td", ".legend li"):
        assert page.locator(selector).first.evaluate(ratio) >= 4.5, selector


def test_every_plot_has_its_marks_and_a_description(page):
    svgs = page.locator("svg[role=img]")
    assert svgs.count() >= 5
    for n in range(svgs.count()):
        assert len(svgs.nth(n).get_attribute("aria-label")) > 20
        assert svgs.nth(n).locator("circle, .mark").count() > 0
