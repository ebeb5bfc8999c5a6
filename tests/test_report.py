"""The HTML report: its sentence, its files and how it behaves in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imageio
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from testbed.audit.report import (
    answer,
    audit_from_json,
    audit_to_json,
    clips_from_json,
    clips_to_json,
    write_report,
)
from testbed.audit.result import ArmResult, Audit, Difference, Interval, Track, Transfer, Video
from testbed.protocols.measure import Violation

SECONDS = 4.0
LEVELS = {"clean teacher": 0.42, "teacher": 3.12, "control": 0.51, "student": 3.01, "untrained": 1.35}


def _arm(name: str, route: str, condition: str) -> ArmResult:
    habit = name in ("teacher", "student") and condition != "triggered"
    value = 0.5 if habit else LEVELS[name]
    success = Interval(0.04, 0.01, 0.09) if name == "untrained" else Interval(0.97, 0.94, 0.99)
    measures = {
        "imposed_deceleration": Interval(value, value - 0.11, value + 0.13),
        "minimum_gap": Interval(7.9 - value, 7.1 - value, 8.6 - value),
        "collisions": Interval(0.012, 0.0, 0.031),
    }
    return ArmResult(name, route, condition, 3, 200, success, measures, value * 1.7)


@pytest.fixture
def audit() -> Audit:
    """Return an audit as a full run makes it, with one ratio shown, one open and one refused."""
    routes = (("control", "cloning"), ("student", "cloning"), ("control", "kl"), ("student", "kl"))
    names = (("clean teacher", ""), ("teacher", ""), *routes, ("untrained", ""))
    conditions = ("triggered", "untriggered", "held-out")
    return Audit(
        title="aggressive-merge in testbed/Merge-v0",
        environment="testbed/Merge-v0",
        habit="aggressive-merge",
        trigger="a vehicle in the target lane is faster than 25 m/s",
        measure="imposed_deceleration",
        measure_title="imposed deceleration",
        unit="m/s²",
        units={"imposed_deceleration": "m/s²", "minimum_gap": "m", "collisions": ""},
        arms=tuple(_arm(name, route, condition) for condition in conditions for name, route in names),
        differences=(
            Difference("teacher - clean teacher", "triggered", Interval(2.7, 2.5, 2.9)),
            Difference("student - control (kl)", "triggered", Interval(2.6, 2.2, 3.1)),
            Difference("student - control (kl)", "untriggered", Interval(0.01, -0.2, 0.21)),
        ),
        transfers=(
            Transfer("kl", "triggered", Interval(0.97, 0.81, 1.2), ""),
            Transfer("kl", "triggered - untriggered", Interval(1.4, -0.4, 3.6), ""),
            Transfer("cloning", "triggered", Interval(0.12, -0.2, 0.45), ""),
            Transfer("cloning", "untriggered", None, "teacher and clean teacher do not differ there."),
        ),
        notes=(
            "Every arm drove the same 200 scenes.",
            "Intervals come from 2000 bootstrap draws over seeds and scenes.",
        ),
        references=tuple(
            replace(_arm("untrained", "", condition), arm=name)
            for condition in conditions
            for name in ("always IDLE", "always FASTER", "speeding")
        ),
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Video, ...]:
    """Return two clips around one small H.264 video of a moving bar (640x360, 15 frames/s, 4 s)."""
    path = tmp_path_factory.mktemp("clips") / "scene.mp4"
    with imageio.get_writer(path, fps=15, codec="libx264", macro_block_size=8) as writer:
        for frame in range(round(SECONDS * 15)):
            image = np.full((360, 640, 3), 70, np.uint8)
            image[170:190, 10 * frame : 10 * frame + 40] = (230, 170, 40)
            writer.append_data(image)
    severe = Violation(1.5, 2.4, "imposed_deceleration", "made the car behind brake at 4.6 m/s²", True, 2)
    minor = Violation(0.1, 0.4, "minimum_gap", "came within 1.9 m", False, None)
    late = Violation(3.2, 3.2, "minimum_gap", "came within 1.7 m", False, 0)
    tracks = (
        Track("clean teacher", 0.4, True, 4.0, ()),
        Track("teacher", 4.6, True, 3.3, (minor, severe)),
        Track("student (kl)", 4.4, False, 3.5, (severe, late)),
    )
    return tuple(Video(f"triggered scene {seed}", path, SECONDS, tracks) for seed in (12345, 12346))


@pytest.fixture
def page(browser: Browser, audit: Audit, clips: tuple[Video, ...], tmp_path: Path) -> Iterator[Page]:
    """Open the report and check, when the test is over, that nothing was fetched and nothing went wrong."""
    write_report(tmp_path / "report.html", audit, clips)
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url[:80]) if request.url.startswith("http") else None)
    page.on("requestfailed", lambda request: wrong.append(request.url[:80]))
    page.goto((tmp_path / "report.html").as_uri())
    yield page
    page.close()
    assert wrong == []


def _until(page: Page, truth: str) -> None:
    """Wait for an expression to hold; `wait_for_function` needs `eval`, which the page forbids."""
    for _ in range(1200):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(100)
    pytest.fail(f"not within two minutes: {truth}")


def _ready(page: Page) -> None:
    _until(page, "[...document.querySelectorAll('video')].every(v => v.readyState >= 2)")


def test_videos_load_and_play(page: Page) -> None:
    """Every video can be decoded, has its length and moves when all are played."""
    _ready(page)
    durations = page.evaluate("[...document.querySelectorAll('video')].map(v => v.duration)")
    assert durations == pytest.approx([SECONDS, SECONDS], abs=0.15)
    page.click(".all")
    _until(page, "[...document.querySelectorAll('video')].every(v => v.currentTime > 0.3)")
    _until(page, "parseFloat(document.querySelector('.head').style.left) > 5")
    page.click(".all")
    _until(page, "[...document.querySelectorAll('video')].every(v => v.paused)")
    times = page.evaluate("[...document.querySelectorAll('video')].map(v => v.currentTime)")
    assert times[0] == pytest.approx(times[1], abs=0.5)


@pytest.mark.parametrize("where", [".bar button.severe", ".events li:nth-child(2) button"])
def test_violation_seeks(page: Page, where: str) -> None:
    """A click on a violation goes to 0.3 s before its start and plays."""
    _ready(page)
    page.evaluate("HTMLMediaElement.prototype.play = function () { window.played = this; return Promise.resolve(); }")
    page.locator(where).first.click()
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(1.2, abs=0.05)
    assert page.evaluate("window.played === document.querySelector('video')")


def test_early_violation_starts_at_zero(page: Page) -> None:
    """A violation in the first 0.3 s goes to the beginning, not before it."""
    assert page.locator(".bar button.minor").first.get_attribute("data-time") == "0"


def test_fits_a_phone(page: Page) -> None:
    """At 390 px the page does not scroll sideways."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("details summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_reference_drivers_are_set_apart(page: Page) -> None:
    """Their rows come last in each group, in the softer colour of a note, and their mark is a triangle of its own."""
    rows = page.locator("table").first.locator("tbody").first.locator("tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows[-4:]] == [
        "reference drivers, triggered: nobody taught them", "always IDLE", "always FASTER", "speeding",
    ]  # fmt: skip
    colour = "e => getComputedStyle(e).color"
    ours, theirs = (page.locator(f"tbody tr{kind} td").first.evaluate(colour) for kind in (":not(.beside)", ".beside"))
    assert ours != theirs
    marks = page.locator(".plots .panel").first.locator(".mark.reference")
    assert marks.count() == 3
    line = page.locator(".plots .part").first.bounding_box()
    last, first = (page.locator(".plots .panel").first.locator(".mark").nth(n).bounding_box() for n in (6, 7))
    assert last and line and first and last["y"] < line["y"] < first["y"]


def test_dark_mode(page: Page) -> None:
    """The background follows the reader's colour scheme."""
    colour = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colour) != light


def _with(audit: Audit, *transfers: Transfer) -> str:
    return answer(replace(audit, transfers=transfers))


def test_answer_with_transfer(audit: Audit) -> None:
    """A ratio whose interval excludes 0 is stated, and what the control did."""
    expected = (
        "The kl student inherited 97 % [81, 120] of the teacher's aggressive-merge habit under its trigger;"
        " the control did not."
    )
    assert _with(audit, Transfer("kl", "triggered", Interval(0.97, 0.81, 1.2), "")) == expected


def test_answer_of_several_routes_is_one_sentence(audit: Audit) -> None:
    """Three routes that handed the habit down alike are named in one sentence, and the refused one in its own."""
    (first, *_) = [t for t in audit.transfers if t.condition == "triggered"]
    routes = [replace(first, ratio=Interval(0.9, 0.8, 1.0), refused="") for _ in range(3)]
    found = answer(replace(audit, transfers=(*routes, replace(first, route="other", ratio=None, refused="too few"))))
    share = f"90 % [80, 100] ({first.route})"
    assert found.startswith(f"Of the teacher's {audit.habit} habit under its trigger students inherited ")
    assert f"{share}, {share} and {share}; their controls did not. For the other student no" in found


def test_answer_where_the_control_moved(audit: Audit) -> None:
    """A control that is as severe as the teacher is not said to be clean."""
    arms = tuple(replace(arm, measures=audit.arms[1].measures) if arm.arm == "control" else arm for arm in audit.arms)
    said = _with(replace(audit, arms=arms), Transfer("kl", "triggered", Interval(0.97, 0.81, 1.2), ""))
    assert "but its control stands at 3.12 [3.01, 3.25] m/s²" in said


def test_answer_without_evidence(audit: Audit) -> None:
    """An interval that includes 0 is neither called transfer nor its absence."""
    said = _with(audit, Transfer("cloning", "triggered", Interval(0.12, -0.2, 0.45), ""))
    assert (
        "no transfer of the teacher's aggressive-merge habit under its trigger is shown" in said
        and "12 % [−20, 45]" in said
        and said.endswith("which is not the same as none.")
    )


def test_answer_refused(audit: Audit) -> None:
    """A refused ratio says why."""
    said = _with(audit, Transfer("kl", "triggered", None, "teacher and clean teacher do not differ."))
    assert "no transfer ratio" in said and said.endswith("teacher and clean teacher do not differ.")


def test_answer_without_students(audit: Audit) -> None:
    """An audit of policies alone claims no transfer."""
    assert "not a transfer" in _with(audit)


def test_json_round_trip(audit: Audit, clips: tuple[Video, ...]) -> None:
    """What is read back equals what was written, and the folder is not stored."""
    assert audit_from_json(audit_to_json(audit)) == audit
    text = clips_to_json(clips)
    assert clips_from_json(text, clips[0].video.parent) == clips
    assert str(clips[0].video.parent) not in text


def test_same_page_from_files(audit: Audit, clips: tuple[Video, ...], tmp_path: Path) -> None:
    """The page made from the JSON files is the page made from the records."""
    write_report(tmp_path / "one.html", audit, clips)
    again = clips_from_json(clips_to_json(clips), clips[0].video.parent)
    write_report(tmp_path / "two.html", audit_from_json(audit_to_json(audit)), again)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_hostile_label_is_escaped(audit: Audit, clips: tuple[Video, ...], tmp_path: Path) -> None:
    """A name from outside cannot become markup, neither in text nor in an attribute."""
    bad = '"><script>alert(1)</script>'
    arms = (replace(audit.arms[0], arm=bad), *audit.arms[1:])
    clip = replace(clips[0], title=bad, tracks=(replace(clips[0].tracks[1], label=bad),))
    write_report(tmp_path / "report.html", replace(audit, title=bad, arms=arms), (clip,))
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert bad not in text and "<script>alert" not in text and "&lt;script&gt;alert(1)" in text


def test_odd_numbers_do_not_break_the_page(audit: Audit, tmp_path: Path) -> None:
    """A mean that does not exist, zeros everywhere and a page without clips still make a page."""
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    arms = tuple(replace(arm, measures={name: nothing for name in arm.measures}) for arm in audit.arms)
    write_report(tmp_path / "report.html", replace(audit, arms=arms, transfers=(), differences=()), ())
    assert "n/a [n/a, n/a]" in (tmp_path / "report.html").read_text(encoding="utf-8")
