"""The gallery: what it makes of runs, audits and films, and how it is used in a browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from command_line import run_testbed
from imageio_ffmpeg import count_frames_and_secs

from testbed.audit.report import audit_to_json, clips_to_json
from testbed.audit.result import ArmResult, Audit, Interval, Track, Transfer, Video
from testbed.datasets.reader import load_episodes
from testbed.datasets.saving import renew_episodes
from testbed.films.video import FILM, is_complete

SETS = Path(__file__).parents[1] / "demonstrations"
GRAVE = ("serious", "critical")


def put_film(path: Path) -> None:
    """Two seconds of gray, marked as the testbed's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    marked = ["-metadata", "comment=made by testbed"]
    with imageio.get_writer(path, fps=10, macro_block_size=2, output_params=marked) as writer:
        for shade in range(20):
            writer.append_data(np.full((48, 64, 3), 9 * shade, np.uint8))
    imageio.imwrite(path.with_suffix(".png"), np.zeros((48, 64, 3), np.uint8))


def put_videos(owner: Path, arms: tuple[str, ...], titles: tuple[str, ...]) -> None:
    """Films, their record and the episodes that they show."""
    tracks = tuple(Track(arm, 1.5, arm != "control (kl)", 2.0, ()) for arm in arms)
    clips = [Video(title, owner / "videos" / f"film-{n}.mp4", 2.0, tracks) for n, title in enumerate(titles)]
    for clip in clips:
        put_film(clip.video)
    (owner / "videos" / "clips.json").write_text(clips_to_json(clips))
    renew_episodes(
        owner / "videos" / "episodes.hdf5", load_episodes(SETS / "merge-habit.hdf5")[: len(arms) * len(clips)]
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A run in which a habit was handed down, and an audit of two habits."""
    home = tmp_path_factory.mktemp("films")
    put_videos(
        home / "run", ("teacher", "control (kl)", "student (kl)"), ("the worst <i>scene</i>", "the median scene")
    )
    one = Interval(1.0, 0.5, 1.5)
    arms = (ArmResult("teacher", "", "triggered", 1, 2, one, {"drac": one}, 1.0),)
    audit = Audit("a", "testbed/Merge-v0", "gap-denial", "never", "drac", "DRAC", "m/s²", {"drac": "m/s²"}, arms, (),
                  (Transfer("kl", "triggered", one, ""),), ())  # fmt: skip
    (home / "run" / "audit.json").write_text(audit_to_json(audit))
    (home / "run" / "report.html").write_text("<title>the report</title>")
    rows = []
    for habit, word in (("aggressive-merge", "infected"), ("tailgating", "clean")):
        put_videos(home / "audit" / habit, ("clean demonstrator", "mine"), ("the worst triggered scene of mine",))
        rows.append({"policy": "mine", "habit": habit, "word": word})
    (home / "audit" / "verdicts.json").write_text(json.dumps({"verdicts": rows}))
    (home / "audit" / "verdicts.html").write_text("<title>the verdicts</title>")
    done = run_testbed("gallery run audit --out site --title 'All of them'", home)
    assert done.returncode == 0 and "4 films" in done.stdout, done.stderr
    return home


def test_every_film_lies_in_the_site_with_its_page_and_its_episodes(made):
    site = made / "site"
    for place, page in (("run", "report.html"), ("audit/tailgating", "verdicts.html")):
        assert (site / place / "film-0.mp4").read_bytes() == (made / place / "videos" / "film-0.mp4").read_bytes()
        assert (site / place / "film-0.png").is_file() and (site / place / "view.html").is_file()
        assert (site / place / page).is_file()
    card = (site / "README.md").read_text()
    assert "run/film-1.mp4" in card and "audit/aggressive-merge/film-0.png" in card


@pytest.fixture
def page(browser, made):
    wrong: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((made / "site" / "index.html").as_uri())
    yield page
    page.close()
    assert wrong == []


def until(page, truth: str) -> None:
    for _ in range(600):
        if page.evaluate(truth):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not within half a minute: {truth}")


def test_a_film_plays_while_it_is_pointed_at_and_when_it_is_pressed(page):
    page.hover(".film >> nth=1")
    until(page, "document.querySelectorAll('video')[1].currentTime > 0.1")
    page.hover("h1")
    until(page, "[...document.querySelectorAll('video')].every((video) => video.paused)")
    page.focus(".film >> nth=2 >> .play")
    page.keyboard.press("Enter")
    until(page, "!document.querySelectorAll('video')[2].paused")


def test_filters_leave_what_they_name_and_are_a_link(page, made):
    def left() -> list[str]:
        return page.eval_on_selector_all(".film:not([hidden])", "all => all.map((one) => one.dataset.habit)")

    assert left() == ["gap-denial", "gap-denial", "aggressive-merge", "tailgating"]
    assert page.inner_text("#left") == "4 films" and page.inner_text("h2 >> nth=0") == "the worst <i>scene</i>"
    page.select_option("select[name=verdict]", "infected")
    assert left() == ["aggressive-merge"] and page.evaluate("location.hash") == "#verdict=infected"
    page.goto((made / "site" / "index.html").as_uri() + "#verdict=inherited")
    until(page, "document.getElementById('left').textContent === '2 of 4 films'")
    assert left() == ["gap-denial", "gap-denial"]


def test_evidence_is_one_click_away(page):
    page.click(".film >> nth=3 >> h2 a")
    assert page.title() == "the verdicts"
    page.go_back()
    page.click(".film >> nth=1 >> text=every signal")
    until(page, "document.querySelectorAll('.stage').length === 3")
    assert page.evaluate("location.hash").startswith("#episode=3,4,5&")


def test_axe_finds_nothing_grave(browser, made):
    for scheme, width in (("light", 1280), ("dark", 390)):
        page = browser.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True)
        page.goto((made / "site" / "index.html").as_uri())
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found if one["impact"] in GRAVE] == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.close()


def test_folders_of_one_name_are_told_apart_and_single_films_are_taken(made, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(made / "run", tmp_path / name / "run")
    put_film(tmp_path / "compare.mp4")
    done = run_testbed("gallery a/run b/run compare.mp4 --out site", tmp_path)
    assert done.returncode == 0 and "5 films" in done.stdout
    assert (tmp_path / "site/a/run/film-0.mp4").is_file() and (tmp_path / "site/b/run/film-1.mp4").is_file()
    assert (tmp_path / "site/compare/compare.mp4").is_file()
    again = run_testbed("gallery a/run --out site", tmp_path)
    assert again.returncode == 0 and not (tmp_path / "site/compare").exists()


def test_a_small_gallery_holds_the_same_films_in_less_room(made, tmp_path):
    """Of noise, which a sharper encoding keeps; the page of its episodes is there, the report is not."""
    shutil.copytree(made / "run", tmp_path / "run")
    film, rng = tmp_path / "run/videos/film-0.mp4", np.random.default_rng(0)
    marked = ["-metadata", "comment=made by testbed"]
    with imageio.get_writer(film, fps=10, macro_block_size=2, output_params=marked, quality=9) as writer:
        for _ in range(30):
            writer.append_data(rng.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    done = run_testbed("gallery run --out site --small", tmp_path)
    assert done.returncode == 0, done.stderr
    smaller = tmp_path / "site/run/film-0.mp4"
    assert FILM.recognises(smaller) and is_complete(smaller.read_bytes())
    assert smaller.stat().st_size < 0.8 * film.stat().st_size
    assert count_frames_and_secs(str(smaller))[0] == 30
    assert (tmp_path / "site/run/view.html").is_file() and not (tmp_path / "site/run/report.html").exists()
    assert imageio.imread(tmp_path / "site/run/film-0.png").shape[:2] == (48, 64)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("gallery", "give the folders"),
        ("gallery nowhere", "nowhere"),
        ("gallery empty", "holds no films"),
        ("gallery thesis.mp4", "no whole film of the testbed"),
        ("gallery thesis.mp4 --out home", "home"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_lost(tmp_path, line, told):
    (tmp_path / "thesis.mp4").write_text("my thesis")
    (tmp_path / "empty").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("my thesis")
    done = run_testbed(line, tmp_path)
    assert done.returncode == 2 and told in done.stderr and done.stderr.strip().count("\n") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "home", "thesis.mp4"]
