"""A history, drawn: as a tree in the terminal, and as a picture (SVG)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from rich.tree import Tree

from testbed.console import headed
from testbed.files import Kind, write_text
from testbed.lineage import content_hash
from testbed.provenance.artefact import artefacts_in, is_policy
from testbed.provenance.history import Node, history
from testbed.provenance.index import opened

PICTURE = Kind("a picture", lambda path: path.is_file() and path.read_bytes()[:4] == b"<svg")
"""What a new picture replaces."""
COLOURS = {"demonstrations": "#3b6ea5", "teacher": "#8a6d1c", "student": "#8b3a7a", "audit": "#4d7c4d"}
WIDTH, ROW, INDENT = 480, 62, 22
LEFT = 12
"""Sizes of the picture [px]."""


def tree(node: Node, told: Mapping[str, str]) -> Tree:
    """Return a history as a tree.

    Args:
        node: The artefact.
        told: SHA-256 -> what else is said of it, for example who signed it.
    """
    found = Tree(headed(*_lines(node, told)))
    _grow(found, node, told)
    return found


def _grow(tree: Tree, node: Node, told: Mapping[str, str]) -> None:
    for one in node.nodes:
        _grow(tree.add(headed(*_lines(one, told))), one, told)


def _lines(node: Node, told: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the head of a node, and all of its lines."""
    head, more = words(node)
    return head, [one for one in (f"{head}  {node.digest[:12]}", more, told.get(node.digest, "")) if one]


def words(node: Node, base: Path | None = None) -> tuple[str, str]:
    """Return what a node is, and where it lies, below a folder if one is given, in words."""
    role = f"{node.role}: " if node.role else ""
    if node.entry is None:
        return f"{role}not here", "in none of the folders"
    stage, name = node.entry.stage, node.entry.name
    told = name if stage == node.role or name.startswith((stage, "data set")) else f"{stage} {name}"
    path = node.entry.path
    below = path.relative_to(base) if base and path.is_relative_to(base) else path
    return f"{role}{told}", str(below)


def write_picture(path: Path, node: Node, told: Mapping[str, str]) -> None:
    """Write a history as a picture; see `picture`."""
    write_text(path, picture(node, told) + "\n", PICTURE)


def picture(node: Node, told: Mapping[str, str], base: Path | None = None) -> str:
    """Return a history as an SVG that scales to the width it is shown at, with text that can be read on a phone.

    Args:
        node: The artefact.
        told: As of `tree`.
        base: Folder below which places are named.
    """
    rows = list(_rows(node, 0))
    height = ROW * len(rows) + LEFT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif"><title>History of {escape(words(node)[0])}</title>'
    ]
    last: dict[int, int] = {}
    for number, (one, depth) in enumerate(rows):
        x, y = LEFT + depth * INDENT, LEFT + number * ROW
        if depth:
            start = LEFT + (depth - 1) * INDENT + 8
            parts.append(f'<path d="M{start} {last[depth - 1] + ROW - 12}V{y + 24}H{x}" fill="none" stroke="#888"/>')
        last[depth] = y
        parts.append(_box(one, x, y, told.get(one.digest, ""), base))
    return "\n".join([*parts, "</svg>"])


def student_picture(folder: Path) -> str:
    """Return the history of the first student in a run's folder as a picture; nothing if there is no student."""
    policies = [path for path in artefacts_in(folder) if is_policy(path) and path.name.startswith("student")]
    if not policies:
        return ""
    with opened(None, folder) as index:
        return picture(history(index, content_hash(policies[0])), {}, folder)


def _box(node: Node, x: int, y: int, said: str, base: Path | None) -> str:
    """Return one artefact as a box with two lines of text; dashed where it is not here."""
    head, more = (escape(one) for one in words(node, base))
    colour = COLOURS.get(node.entry.stage if node.entry else "", "#888")
    dashed = "" if node.entry else ' stroke-dasharray="5 4"'
    return (
        f'<g><title>{node.digest}</title><rect x="{x}" y="{y}" width="{WIDTH - x - LEFT}" height="{ROW - 12}" rx="6" '
        f'fill="#fff" stroke="{colour}" stroke-width="2"{dashed}/>'
        f'<text x="{x + 12}" y="{y + 21}" font-size="16" font-weight="600" fill="#1b1b22">{head}</text>'
        f'<text x="{x + 12}" y="{y + 41}" font-size="13" fill="#555">{node.digest[:12]}  {escape(said) or more}</text>'
        "</g>"
    )


def _rows(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    yield node, depth
    for one in node.nodes:
        yield from _rows(one, depth + 1)
