"""The page itself: a list, a stage, plots and a clock, in one file that needs neither server nor network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed.files import Kind, write_text
from testbed.protocols.scene import SceneSpec
from testbed.viewing.shown import Shown
from testbed.viewing.templates import WEB, template

PAGE = Kind(
    "a page of episodes",
    lambda path: path.is_file() and b'<meta name="testbed" content="view">' in path.read_bytes()[:1000],
)
"""What a new page replaces."""
SCRIPTS = ("unpack", "colours", "bodies", "stage", "plots", "list", "marks", "clock", "link", "start")
"""The page's own scripts, in their order: each uses what comes before it."""


def write_view(path: str | Path, scene: SceneSpec, title: str, episodes: Sequence[Shown]) -> None:
    """Write one self-contained HTML page with episodes of a scene.

    Args:
        path: The .html file to make.
        scene: The scene.
        title: What the page is called.
        episodes: What is shown, in order.

    Raises:
        UserError: if something else is at that place, or it cannot be written.
    """
    scripts = "\n".join((WEB / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    head = json.dumps(_head(scene, [one.row for one in episodes]), separators=(",", ":"), allow_nan=False)
    text = template("view.html.j2").render(
        title=title, scene=scene, count=len(episodes), scripts=scripts, head=_inert(head),
        packed=[one.packed for one in episodes],
    )  # fmt: skip
    write_text(Path(path), text, PAGE)


def _head(scene: SceneSpec, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the page knows before any episode is looked at."""
    measures = [
        {"name": one.name, "title": one.title, "unit": one.unit, "worse": one.worse, "minor": one.minor,
         "severe": one.severe, "source": one.source}
        for one in scene.measures.values()
    ]  # fmt: skip
    courses = [
        {"measure": one.measure, "title": one.title, "unit": one.unit, "minor": one.minor, "severe": one.severe}
        for one in scene.courses
    ]
    ground = [
        {"look": patch.look, "outline": patch.outline.round(3).tolist(), "name": patch.name} for patch in scene.ground
    ]
    return {
        "environment": scene.environment, "domain": scene.domain, "primary": scene.primary, "measures": measures,
        "courses": courses, "ground": ground, "rows": rows,
    }  # fmt: skip


def _inert(text: str) -> str:
    """Return JSON that ends no element of a page, whatever its strings hold."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
