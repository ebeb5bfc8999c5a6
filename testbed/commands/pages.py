"""Tables made by commands, put between two marks of a Markdown page."""

from __future__ import annotations

from pathlib import Path

from testbed.errors import UserError
from testbed.files import write_text


def put(path: Path, mark: str, text: str) -> None:
    """Put a text between `<!-- mark -->` and `<!-- /mark -->` of a page, or make the page.

    Raises:
        UserError: if the page has no such marks.
    """
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    page = path.read_text(encoding="utf-8") if path.is_file() else f"{start}\n{end}\n"
    if start not in page or end not in page:
        raise UserError(f"{path} has no lines {start} and {end} to put the table between: add them, or give a new file")
    before, rest = page.split(start, 1)
    write_text(path, f"{before}{start}\n{text}\n{rest[rest.index(end) :]}")
