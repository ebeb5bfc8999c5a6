"""A static site of films: a card for each, which plays when it is pointed at, one click from its evidence."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from testbed.audit.result import Track
from testbed.audit.text import number
from testbed.files import Kind, replacing
from testbed.viewing.templates import template

INDEX, CARD = "index.html", "README.md"
"""The page of the site, and the same as a table for whoever sees the folder in a repository."""
VIEW = "view.html"
"""Name of a page of episodes in a folder of the site."""
MARK = b'<meta name="testbed" content="gallery">'
GALLERY = Kind(
    "a gallery", lambda path: (path / INDEX).is_file() and MARK in (path / INDEX).read_bytes()[:1000]
)  # fmt: skip
"""What a new gallery replaces."""


@dataclass(frozen=True)
class Film:
    """One film and what is known of it."""

    file: Path
    """The mp4; a still of the same name (.png) may lie beside it."""
    title: str
    """What it shows."""
    place: str
    """Folder of the site that it goes to."""
    environment: str = ""
    """Gymnasium id, where it is known."""
    habit: str = ""
    """Name of the habit that is looked for."""
    verdict: str = ""
    """What was found, in a word or two."""
    measure: str = ""
    """Title of the measure that its tracks are valued by."""
    unit: str = ""
    """Its unit."""
    tracks: tuple[Track, ...] = ()
    """Who is shown."""
    page: Path | None = None
    """The report that it belongs to."""
    view: Path | None = None
    """A page of its episodes (`testbed.viewing.page`)."""
    first: int = 0
    """Number of the first of its episodes there."""

    @property
    def routes(self) -> tuple[str, ...]:
        """Routes of the students that are shown."""
        named = [track.label.partition(" (") for track in self.tracks]
        return tuple(dict.fromkeys(rest.rstrip(")") for name, _, rest in named if name == "student" and rest))

    @property
    def link(self) -> str:
        """The address of its episodes in the view."""
        numbers = ",".join(str(self.first + place) for place in range(len(self.tracks)))
        return f"{quote(self.place)}/{VIEW}#episode={numbers}"


def write_gallery(out: Path, title: str, films: Sequence[Film]) -> None:
    """Make the site: films, stills and pages are copied into it, so that it can be put anywhere.

    Raises:
        UserError: if something else is at that place, or it cannot be written.
    """
    facets = {
        "scene": [film.environment for film in films], "habit": [film.habit for film in films],
        "route": [route for film in films for route in film.routes], "verdict": [film.verdict for film in films],
    }  # fmt: skip
    choices = {name: sorted(set(found) - {""}) for name, found in facets.items()}
    page = template("gallery.html.j2").render(
        title=title, films=films, choices={name: some for name, some in choices.items() if len(some) > 1},
        still=lambda film: film.file.with_suffix(".png").is_file(), number=number, view=VIEW,
    )  # fmt: skip
    with replacing(out, GALLERY) as temporary:
        temporary.mkdir()
        for film in films:
            _copy(film, temporary / film.place)
        (temporary / INDEX).write_text(page, encoding="utf-8")
        (temporary / CARD).write_text(_table(title, films), encoding="utf-8")


def _copy(film: Film, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    still = film.file.with_suffix(".png")
    for source, name in ((film.file, film.file.name), (still, still.name), (film.page, None), (film.view, VIEW)):
        if source is not None and source.is_file():
            shutil.copyfile(source, folder / (name or source.name))


def _table(title: str, films: Sequence[Film]) -> str:
    """Return the films as tables in Markdown, one for each folder."""
    lines = [f"# {title}", "", f"[{INDEX}]({INDEX}) plays them, with filters."]
    for place in dict.fromkeys(film.place for film in films):
        lines += ["", f"## {place}", "", "| | |", "|---|---|"]
        for film in (film for film in films if film.place == place):
            address, picture = quote(f"{place}/{film.file.name}"), film.file.with_suffix(".png")
            still = f"![still]({quote(f'{place}/{picture.name}')})" if picture.is_file() else ""
            lines.append(f"| [{film.file.name}]({address}): {film.title.replace('|', '/')} | {still} |")
    return "\n".join(lines) + "\n"
