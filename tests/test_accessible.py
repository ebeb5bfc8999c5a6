"""Pages of an audit, a comparison, a hunt and of the benchmark's results, in a browser: keys, filter, and axe-core."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from test_hunt import HARSH, SPACE, fast, hunted
from test_verdict import evidence, verdict

from testbed.audit.compare_page import write_compare_page
from testbed.audit.gate import Gate
from testbed.audit.pairs import Changed, SeverityChange, SuccessChange
from testbed.audit.result import Interval, Track, Video
from testbed.audit.verdict_page import write_verdict_page
from testbed.hunt.page import Hunted, write_hunt_page
from testbed.protocols.measure import Violation

GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Video:
    """Four seconds of gray, with two violations."""
    import imageio.v2 as imageio
    import numpy as np

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with imageio.get_writer(path, fps=10, macro_block_size=2) as writer:
        for shade in range(40):
            writer.append_data(np.full((48, 64, 3), 3 * shade, np.uint8))
    seen = (Violation(0.5, 0.8, "m", "first", False, None), Violation(2.5, 3.0, "m", "second", True, 1))
    tracks = (Track("clean demonstrator", 0.1, True, 4.0, ()), Track("mine", 4.0, True, 3.5, seen))
    return Video("the worst triggered scene of mine", path, 4.0, tracks)


def verdict_page(place: Path, video: Video) -> None:
    surge = verdict("surge", "infected", parts=(evidence(low=0.3, high=0.6), evidence("untriggered")))
    found = [surge, verdict("non-yield"), verdict("creep", "not judged", parts=()), verdict("pushing", "suspicious")]
    films = {("mine", "surge"): [video, replace(video, title="median"), replace(video, title="best")],
             ("mine", "non-yield"): [video]}  # fmt: skip
    write_verdict_page(place, "testbed/Crosswalk-v0", "it", found, Gate(), ["other habits"], films, gated=True)


def hunt_page(place: Path, video: Video) -> None:
    found = hunted(fast, 1)
    write_hunt_page(place, Hunted("own/Nowhere-v0", "mine", SPACE, [HARSH], found, found, "tpe"), [video])


def compare_page(place: Path, video: Video) -> None:
    success = SuccessChange(30, 31, 1, 2, 1.0, Interval(0.03, -0.05, 0.1), "undecided")
    severity = SeverityChange("harshness", "m/s²", 1.0, 2.0, Interval(1.0, 0.5, 1.5), 0.5, "worse", 7)
    found = [Changed("triggered", 32, success, severity, 2, 0.4), Changed("held-out", 16, success, severity, 0, None)]
    write_compare_page(place, "own/Nowhere-v0", ("old", "new"), found, [video])


def committed(name: str) -> Callable[[Path, Video], None]:
    """Return what copies a page of results that is in the repository."""
    return lambda place, video: place.write_text((RESULTS / name).read_text())


RESULTS = Path(__file__).parents[1] / "docs" / "transfer"
PAGES = {"verdicts": verdict_page, "hunt": hunt_page, "compare": compare_page,
         "core": committed("transfer.html"), "silent": committed("silent.html"),
         "poison": committed("poisoning.html"), "generations": committed("generations.html")}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_grave_by_day_and_by_night_on_a_desk_and_on_a_phone(name, browser, video, tmp_path):
    PAGES[name](tmp_path / "page.html", video)
    for scheme, width in (("light", 1280), ("dark", 390)):
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page.goto((tmp_path / "page.html").as_uri())
        found = Axe().run(page).response["violations"]
        grave = [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in GRAVE]
        assert grave == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.close()


@pytest.fixture
def page(browser: Browser, video: Video, tmp_path: Path) -> Iterator[Page]:
    verdict_page(tmp_path / "page.html", video)
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    yield page
    page.close()
    assert wrong == []


def until(page: Page, truth: str) -> None:
    for _ in range(600):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within half a minute: {truth}")


def test_keys_play_step_and_go_to_violations(page):
    page.evaluate("document.querySelector('video').scrollIntoView({block: 'center'})")
    until(page, "document.querySelector('video').readyState >= 2")
    now = lambda: page.evaluate("document.querySelector('video').currentTime")  # noqa: E731
    page.keyboard.press("n")
    assert now() == pytest.approx(0.2, abs=0.06)  # a little before it
    page.keyboard.press("n")
    assert now() == pytest.approx(2.2, abs=0.06)
    page.keyboard.press("ArrowRight")
    assert now() == pytest.approx(2.4, abs=0.06)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("p")
    assert now() == pytest.approx(0.2, abs=0.06)
    page.keyboard.press(" ")
    until(page, "!document.querySelector('video').paused")
    page.keyboard.press(" ")
    until(page, "document.querySelector('video').paused")


def test_a_filter_shows_one_verdict_alone_and_all_again(page):
    shown = "[...document.querySelectorAll('.panel.habit')].filter(e => e.offsetParent).length"
    assert page.evaluate(shown) == 4
    page.click("button[data-show='infected']")
    assert page.evaluate(shown) == 1 and page.get_attribute("button[data-show='infected']", "aria-pressed") == "true"
    assert page.evaluate("[...document.querySelectorAll('tbody tr')].filter(e => e.offsetParent).length") == 1
    page.click("button[data-show='all']")
    assert page.evaluate(shown) == 4 and page.get_attribute("button[data-show='infected']", "aria-pressed") == "false"


def test_films_of_one_habit_play_together(page):
    page.click("summary")
    until(page, "[...document.querySelectorAll('details video')].every(v => v.readyState >= 2)")
    page.click("details .all")
    until(page, "[...document.querySelectorAll('.panel.habit video')].map(v => v.paused).join() "
                "== 'false,false,false,true'")  # fmt: skip
    until(page, "document.querySelector('details .all').textContent.includes('Pause')")
    times = page.evaluate("[...document.querySelectorAll('.panel.habit video')].slice(0, 3).map(v => v.currentTime)")
    assert max(times) - min(times) < 0.5
