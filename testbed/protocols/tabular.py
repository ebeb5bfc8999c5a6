"""Records as columns, which pandas, Arrow and Polars take as they are, and as small tables in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import numpy as np

SHOWN = 20
"""Rows of a table in a notebook, at most."""


def spread(name: str, values: np.ndarray) -> dict[str, np.ndarray]:
    """Return values of shape (rows, ...) as columns: `speed.2` is body 2, `position.2.0` its x; one alone is `name`."""
    if values.ndim == 1 or np.prod(values.shape[1:], dtype=int) == 1:
        return {name: values.reshape(len(values))}
    places = np.ndindex(*values.shape[1:])
    return {".".join([name, *map(str, place)]): values[(slice(None), *place)] for place in places}


def html(caption: str, head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table; whatever is in it is text."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(_text(one))}</td>" for one in row) + "</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def html_of(caption: str, columns: Mapping[str, np.ndarray]) -> str:
    """Return the first rows of columns as a table."""
    count = len(next(iter(columns.values()), ()))
    more = f", the first {SHOWN} of {count} rows" if count > SHOWN else ""
    return html(caption + more, columns, zip(*(values[:SHOWN] for values in columns.values()), strict=True))
