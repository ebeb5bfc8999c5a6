"""Pages of the benchmark: one way to fill a template."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from testbed import __version__, audit
from testbed.audit.text import interval, number, percent
from testbed.benchmark.finding import ENOUGH
from testbed.lineage import Lineage


def rendered(name: str, command: str, **values: Any) -> str:
    """Return a page: a template of this room, or of one in it, with the versions and the command that made it.

    Args:
        name: The template's, for example `silent/silent.html.j2`.
        command: What made the numbers.
        values: Everything else that the template shows.
    """
    folders: Sequence[Path] = (Path(__file__).parent, *(Path(folder) for folder in audit.__path__))
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(number=number, interval=interval, percent=percent)
    versions = {"testbed": __version__, **Lineage("page", 0).versions}
    return environment.get_template(name).render(command=command, versions=versions, **values)


def too_few(pairs: int) -> str:
    """Return what is said of so few pairs of teachers that nothing can be claimed, or nothing."""
    return f"{pairs} pairs of teachers are too few for a claim: it takes {ENOUGH}." if pairs < ENOUGH else ""
