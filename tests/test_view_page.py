"""The page of episodes in a browser: what a driving engineer does with it, by mouse, by keys, by link."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from testbed.datasets.reader import load_episode, load_episodes
from testbed.scenes.registry import get_scene
from testbed.viewing.page import write_view
from testbed.viewing.shown import shown

SETS = Path(__file__).parents[1] / "demonstrations"
GRAVE = ("serious", "critical")
NAMES = ("merge", "crosswalk", "shared-bench")


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    """A page for each of some scenes: the clean demonstrator's episodes, and those of one with a habit."""
    folder = tmp_path_factory.mktemp("pages")
    for name in NAMES:
        rows = []
        for kind in ("clean", "habit"):
            for number, episode in enumerate(load_episodes(SETS / f"{name}-{kind}.hdf5")):
                rows.append(shown(get_scene(episode.environment), episode, number, f"{name}-{kind}"))
        write_view(folder / f"{name}.html", get_scene(episode.environment), f"<b>{name}</b> & more", rows)
    return {name: folder / f"{name}.html" for name in NAMES}


class Seen:
    """A page that is looked at, and what its console said."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.wrong = page, list[str]()
        page.on("console", lambda message: self.wrong.append(message.text))
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".stage")
        page.wait_for_selector(".plot output span")

    @property
    def time(self) -> float:
        return float(self.page.inner_text("#time").split()[0])

    def until(self, truth: str) -> None:
        for _ in range(600):  # the page allows nothing that waits in it
            if self.page.evaluate(truth):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"not within half a minute: {truth}")

    def shown(self) -> list[str]:
        return self.page.locator(".stage h2").all_inner_texts()

    def picture(self) -> np.ndarray:
        """The first stage as it is, shape (h, w, 3)."""
        _, data = self.page.evaluate("document.querySelector('.stage canvas').toDataURL()").split(",")
        return np.asarray(Image.open(BytesIO(b64decode(data))).convert("RGB")).astype(int)

    def value(self, title: str) -> list[str]:
        """What a plot says under the cursor."""
        plot = self.page.locator(".plot").filter(has=self.page.locator(f"b:text-is('{title}')"))
        plot.scroll_into_view_if_needed()
        plot.locator("output span").first.wait_for()
        return plot.locator("output span").all_inner_texts()


@pytest.fixture
def look(browser: Browser, pages) -> Iterator:
    opened: list[Seen] = []

    def at(name: str, link: str = "", **more) -> Seen:
        page = browser.new_page(**{"viewport": {"width": 1300, "height": 900}, **more})
        opened.append(Seen(page, pages[name].as_uri() + link))
        return opened[-1]

    yield at
    for one in opened:
        one.page.close()
        assert one.wrong == []


WORST = "merge-habit: demonstrator, episode 17"
"""Episode 1 of the second set; numbers run on where there are several sets."""
BRAKES = 58 / 15
"""When its follower begins to brake [s]."""


def test_it_opens_at_the_worst_episode_and_says_so(look):
    seen = look("merge")
    assert seen.shown() == [WORST] and seen.time == 0
    assert seen.page.title() == "<b>merge</b> & more" and seen.page.inner_text("h1") == "<b>merge</b> & more"
    assert seen.page.locator("#list tbody tr").count() == 32


def test_it_plays_at_its_speed_stands_on_a_sample_and_steps(look):
    seen = look("merge")
    before = seen.picture()
    seen.page.select_option("#speed", "4")
    seen.page.click("#play")
    seen.until("parseFloat(document.getElementById('time').textContent) > 1")
    seen.page.keyboard.press(" ")  # the button has the focus: this presses it
    assert seen.page.get_attribute("#play", "aria-label") == "play"
    stood = seen.time
    assert abs(stood * 15 - round(stood * 15)) < 0.08
    assert apart(seen.picture(), before) > 0.002
    seen.page.locator("h1").click()
    seen.page.keyboard.press("ArrowRight")
    assert seen.time == pytest.approx(stood + 1 / 15, abs=0.011)
    seen.page.keyboard.press("Shift+ArrowLeft")
    assert seen.time == pytest.approx(max(0, stood + 1 / 15 - 1), abs=0.011)


def test_it_stops_at_the_end_and_begins_again(look):
    seen = look("merge", "#episode=17&t=9.0&speed=16")
    seen.page.click("#play")
    seen.until("document.getElementById('play').getAttribute('aria-label') === 'play'")
    assert seen.time == pytest.approx(138 / 15, abs=0.01)
    seen.page.click("#play")
    seen.until("parseFloat(document.getElementById('time').textContent) < 9")


def test_keys_and_marks_go_to_violations(look):
    seen = look("merge")
    seen.page.keyboard.press("n")
    assert seen.time == pytest.approx(BRAKES, abs=0.006)
    assert "follower brakes 6.0 m/s²" in seen.page.inner_text("#said") and seen.page.inner_text("#picked") == "car 3"
    seen.page.keyboard.press("End")
    seen.page.keyboard.press("p")
    assert seen.time == pytest.approx(BRAKES, abs=0.006)
    seen.page.keyboard.press("Home")
    seen.page.click("#bars button.severe")
    assert seen.time == pytest.approx(BRAKES, abs=0.006)


def test_plots_say_what_the_trace_says_at_the_cursor(look):
    trace = load_episode(SETS / "merge-habit.hdf5", 1).trace
    courses = {course.title: course.over_time(trace) for course in get_scene("testbed/Merge-v0").courses}
    seen = look("merge", "#episode=17&t=4.2")
    sample = round(4.2 * 15)
    assert float(seen.value("imposed deceleration")[0]) == pytest.approx(
        courses["imposed deceleration"][sample], abs=0.01
    )
    assert float(seen.value("longitudinal jerk")[0]) == pytest.approx(courses["longitudinal jerk"][sample], abs=0.01)
    assert float(seen.value("speed")[0]) == pytest.approx(trace["speed"][sample, 0], abs=0.06)
    assert (
        seen.value("time headway on the main road") == ["–"]
        and np.isnan(courses["time headway on the main road"]).all()
    )
    seen.page.keyboard.press("n")  # on to the next violation: there is none, and the body stays
    assert seen.time == pytest.approx(4.2, abs=0.01)


def test_a_body_that_is_clicked_is_followed_by_the_signals(look):
    trace = load_episode(SETS / "merge-habit.hdf5", 1).trace
    seen = look("merge", "#episode=17&t=0")
    canvas = seen.page.locator(".stage canvas").bounding_box()
    x = canvas["x"] + canvas["width"] / 2  # the ego is in the middle
    scale = min(13, max(4.4, canvas["width"] / 110))
    sides = [patch.outline[:, 1] for patch in get_scene("testbed/Merge-v0").ground]
    middle = (min(map(min, sides)) + max(map(max, sides))) / 2
    near = int(np.argsort(np.hypot(*(trace["position"][0] - trace["position"][0, 0]).T))[1])
    there = trace["position"][0, near] - (trace["position"][0, 0, 0], middle)
    seen.page.mouse.click(x + there[0] * scale, canvas["y"] + canvas["height"] / 2 + there[1] * scale)
    assert seen.page.inner_text("#picked").endswith(f" {near}")
    assert float(seen.value("speed")[0]) == pytest.approx(trace["speed"][0, near], abs=0.06)


def test_a_heading_sorts_both_ways_and_a_filter_leaves_what_has_its_words(look):
    seen = look("merge")
    column = seen.page.locator("#list thead th").filter(has_text="longitudinal jerk")
    column.locator("button").click()
    place = 1 + int(column.locator("button").get_attribute("data-sort"))
    read = f"[...document.querySelectorAll('#list tbody tr')].map(row => parseFloat(row.cells[{place}].textContent))"
    falling = seen.page.evaluate(read)
    assert falling == sorted(falling, reverse=True) and column.get_attribute("aria-sort") == "descending"
    column.locator("button").click()
    assert seen.page.evaluate(read) == falling[::-1] and column.get_attribute("aria-sort") == "ascending"
    seen.page.fill("#words", "habit leader=truck")
    left = seen.page.locator("#list tbody tr:visible")
    wanted = sum(one.context["leader"] == "truck" for one in load_episodes(SETS / "merge-habit.hdf5"))
    assert left.count() == wanted and seen.page.inner_text("#left") == f"{wanted} of 32"
    seen.page.keyboard.press("Escape")
    assert seen.page.locator("#list tbody tr:visible").count() == 32


def test_two_arms_are_compared_on_one_clock(look):
    seen = look("merge", "#episode=17&t=4.2")
    seen.page.click("#everybody")
    seen.until("document.querySelectorAll('.stage').length === 2")
    assert seen.shown() == ["merge-clean: demonstrator, episode 1", WORST] and seen.time == pytest.approx(4.2, abs=0.01)
    clean, habit = seen.value("imposed deceleration")
    assert float(clean) == 0 and float(habit) == pytest.approx(6, abs=0.1)
    assert seen.page.locator("#bars .bar").count() == 2
    seen.page.locator("#list tbody tr.shown input").last.uncheck()
    seen.until("document.querySelectorAll('.stage').length === 1")
    seen.page.locator("#list tbody tr:not(.shown) input").first.check()
    seen.until("document.querySelectorAll('.stage').length === 2")


def test_a_link_opens_what_it_names_and_the_page_writes_one(look):
    seen = look("merge", "#episode=3&t=2.4")
    assert seen.shown() == ["merge-clean: demonstrator, episode 3"] and seen.time == pytest.approx(2.4, abs=0.01)
    seen.page.keyboard.press("j")
    seen.until("!document.querySelector('.stage h2').textContent.endsWith(' 3')")
    name = seen.shown()[0].rsplit(" ", 1)[1]
    assert seen.page.evaluate("location.hash").startswith(f"#episode={name}&t=")
    seen.page.evaluate("location.hash = '#episode=5,6&t=1&speed=0.5'")
    seen.until("document.querySelectorAll('.stage').length === 2")
    assert seen.page.input_value("#speed") == "0.5" and seen.time == 1
    seen.page.evaluate("location.hash = '#episode=nobody&t=never'")
    seen.until("document.querySelectorAll('.stage').length === 1")
    assert seen.shown() == [WORST]


def test_a_scene_is_dragged_zoomed_and_put_back(look):
    seen = look("shared-bench")
    first = seen.picture()
    seen.page.click("[data-do=in]")
    near = seen.picture()
    box = seen.page.locator(".stage canvas").bounding_box()
    seen.page.mouse.move(box["x"] + 200, box["y"] + 100)
    seen.page.mouse.down()
    seen.page.mouse.move(box["x"] + 260, box["y"] + 130, steps=4)
    seen.page.mouse.up()
    moved = seen.picture()
    seen.page.keyboard.press("f")
    again = seen.picture()
    assert min(apart(first, near), apart(near, moved), apart(first, moved)) > 0.02 > 0.002 > apart(first, again)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return which share of two pictures differs; how edges are smoothed does not count."""
    return float((np.abs(one - other).max(axis=2) > 60).mean())


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing_grave_by_day_and_by_night_on_a_desk_and_on_a_phone(name, look):
    for scheme, width in (("light", 1280), ("dark", 390)):
        seen = look(name, viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
        found = Axe().run(seen.page).response["violations"]
        grave = [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in GRAVE]
        assert grave == []
        assert seen.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_browser_that_cannot_unpack_is_told(browser, pages):
    page = browser.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(pages["merge"].as_uri())
    assert page.is_visible("#trouble") and "Firefox from 113" in page.inner_text("#trouble")
    page.close()


def test_it_asks_nothing_of_a_network(pages):
    text = pages["merge"].read_text()
    assert "default-src 'none'" in text and "http" not in text.replace("http-equiv", "")
