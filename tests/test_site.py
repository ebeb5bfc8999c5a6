"""The site: it builds without a warning, shows every public name, fetches nothing, searches, and fits a phone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

import testbed

ROOT = Path(__file__).parent.parent
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


def opened(browser: Browser, page: Path, size: dict[str, int]) -> tuple[Page, list[str]]:
    """Open a page from the disk; return it with what went wrong, which includes any request to a network."""
    wrong: list[str] = []
    tab = browser.new_page(viewport=size)  # type: ignore[arg-type]
    tab.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    tab.on("requestfailed", lambda request: wrong.append(request.url))
    tab.goto(page.as_uri())
    return tab, wrong


def test_every_public_name_is_on_the_page_of_functions(site):
    written = re.findall(r"^::: testbed\.(\w+)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert sorted(written) == sorted(testbed.__all__)
    html = (site / "api.html").read_text()
    for name in testbed.__all__:
        thing = getattr(testbed, name)
        assert f'id="{thing.__module__}.{thing.__qualname__}"' in html or f'id="testbed.{name}"' in html, name


def test_links_to_other_rooms_of_the_repository_lead_to_pages_of_the_site(site):
    start = (site / "index.html").read_text()
    assert 'href="first-run.html"' in start and 'src="videos/crosswalk/triggered-worst.png"' in start
    for page in site.rglob("*.html"):
        inner = re.sub(r"<(pre|code).*?</\1>", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r'(?:href|src)="([^"#?]+)', inner):
            if not re.match(r"\w+:", target) and page.name != "404.html":
                assert (page.parent / target).exists(), f"{page.relative_to(site)}: {target}"


def test_nothing_of_the_site_lies_in_a_network(site):
    for page in site.rglob("*.html"):
        loaded = re.findall(r'<(?:script|img|iframe|video|source)[^>]*src="(https?:[^"]+)', page.read_text())
        loaded += re.findall(
            r'<link[^>]*rel="(?:stylesheet|icon|preconnect)"[^>]*href="(https?:[^"]+)', page.read_text()
        )
        assert loaded == [], page


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_pages_open_from_the_disk_and_fit(site, browser, size):
    for name in ("index", "first-run", "results", "measures", "api", "design", "CHANGELOG"):
        tab, wrong = opened(browser, site / f"{name}.html", size)
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{name} is too wide"
        assert tab.evaluate("[...document.images].every(image => image.complete && image.naturalWidth)"), name
        tab.close()
        assert wrong == [], name


def test_the_search_finds_without_a_server(site, browser):
    tab, wrong = opened(browser, site / "index.html", DESK)
    tab.locator(".md-search__input").click()
    tab.locator(".md-search__input").type("stopping sight distance")
    tab.locator(".md-search-result__link").first.wait_for(timeout=60_000)
    assert "measures.html" in str(tab.locator(".md-search-result__link").first.get_attribute("href"))
    tab.close()
    assert wrong == []
