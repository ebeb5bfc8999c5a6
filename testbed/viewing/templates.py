"""The templates of this room's pages; they share the style of reports."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from testbed import audit

WEB = Path(__file__).parent / "web"
"""Where templates, styles and scripts lie."""


@cache
def _environment() -> Environment:
    folders = [WEB, *(Path(folder) for folder in audit.__path__)]
    return Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def template(name: str) -> Template:
    """Return a template; what is put into it is escaped."""
    return _environment().get_template(name)
