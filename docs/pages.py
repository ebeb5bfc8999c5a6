"""What makes a site of this repository: pages that lie outside docs/, and links as they are written for a clone.

A page links to others by their places in the repository, so that it reads as well in a clone as on the site. Here such
a link becomes one between pages of the site; a link to a folder or to source code becomes its words alone.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "demonstrations/README.md", "policies/README.md")
"""Pages outside docs/."""
FOLDERS = ("videos",)
"""Folders outside docs/ that are part of the site whole."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
INTERVAL = re.compile(r"(\d)( %)? \[(-?[\d.]+), (-?[\d.]+)\]")
"""A number with its interval, which should not be broken over lines."""
CODE = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside docs/, at the same place as in the repository."""
    inside = [str(path.relative_to(ROOT)) for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.*"))]
    for place in (*PAGES, *inside):
        files.append(File(place, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page whose links lead to other pages of the site."""
    here = Path(str(page.file.abs_src_path)).relative_to(ROOT).parent.as_posix()

    def led(found: re.Match[str]) -> str:
        picture, words, target, anchor = found.groups()
        if re.match(r"\w+:", target):
            return found[0]
        place = posixpath.normpath(posixpath.join(here, target))
        uri = place.removeprefix("docs/")
        if files.get_file_from_path(uri):
            start = posixpath.dirname(page.file.src_uri)
            return f"{picture}[{words}]({posixpath.relpath(uri, start)}{anchor or ''})"
        return words if (ROOT / place).exists() else found[0]

    parts = CODE.split(markdown)
    if not any(re.search("^## ", part, re.MULTILINE) for part in parts[::2]):
        page.meta["hide"] = ["toc"]  # there would be nothing in it, and tables need the room
    return "".join(part if number % 2 else _whole(LINK.sub(led, part)) for number, part in enumerate(parts))


def _whole(text: str) -> str:
    """Return a text in which numbers stay beside their intervals."""
    return INTERVAL.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
