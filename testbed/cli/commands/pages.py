"""Tables made by commands, put between two marks of a Markdown page."""

from __future__ import annotations

from pathlib import Path

from testbed.errors import UserError
from testbed.files import Kind, require_replaceable, write_text

PAGE = Kind("a page", lambda path: path.is_file())
"""Of a page that is there, only what is between the marks is replaced."""


def put(path: Path, mark: str, text: str) -> None:
    """Put a text between `<!-- mark -->` and `<!-- /mark -->` of a page, or make the page.

    Raises:
        UserError: if the page has no such marks.
    """
    page, (start, end) = _page(path, mark), _ends(mark)
    before, rest = page.split(start, 1)
    write_text(path, f"{before}{start}\n{text}\n{rest[rest.index(end) :]}")


def require_page(path: Path | None, mark: str) -> None:
    """Raise `UserError` as `put` would; commands ask before they begin to measure."""
    if path is not None:
        _page(path, mark)


def _ends(mark: str) -> tuple[str, str]:
    return f"<!-- {mark} -->", f"<!-- /{mark} -->"


def _page(path: Path, mark: str) -> str:
    """Return the page, or a new one."""
    start, end = _ends(mark)
    require_replaceable(path, PAGE)
    try:
        page = path.read_text(encoding="utf-8") if path.is_file() else f"{start}\n{end}\n"
    except UnicodeDecodeError:
        raise UserError(f"{path} is no text, so no table goes into it: give a Markdown page") from None
    if start not in page or end not in page[page.index(start) :]:
        raise UserError(f"{path} has no lines {start} and {end} to put the table between: add them, or give a new file")
    return page
