"""Films of runs, audits and hunts put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from testbed.audit.result import Audit, Video
from testbed.cli.commands.labels import told_apart
from testbed.cli.commands.view import write_page
from testbed.console import console, tracked
from testbed.datasets.reader import load_episode
from testbed.errors import UserError
from testbed.experiment.stored import AUDIT, CLIPS, EPISODES, VIDEOS, read_audit, read_clips
from testbed.files import require_replaceable
from testbed.films.video import FILM, SMALL_WIDTH, compressed, is_complete
from testbed.records import read_bytes, record_or_none
from testbed.scenes.registry import all_habits, measures_of, primary_of
from testbed.viewing.gallery import GALLERY, Film, write_gallery

MEND = "leave it out, or film it again"
"""What mends a single film."""
COLOURS = 128
"""Of a still that is to be small."""
PAGES = ("report.html", "verdicts.html", "hunt.html", "compare.html")
"""Pages that films belong to, in their folder or the one above."""


def gallery(sources: Sequence[Path], out: Path, title: str, small: bool = False) -> None:
    """Make a gallery; see `testbed gallery --help`."""
    if not sources:
        raise UserError("give the folders of runs, audits or hunts, or films (.mp4)")
    require_replaceable(out, GALLERY)
    with TemporaryDirectory() as scratch:
        named = zip(sources, told_apart(sources), strict=True)
        films = [film for source, name in named for film in _films(source, name, Path(scratch))]
        if small:
            made = (_small(film, Path(scratch) / str(number)) for number, film in enumerate(films))
            films = list(tracked(made, "compress films", len(films)))
        write_gallery(out, title, films)
    console.print(f"{out / 'index.html'}  {len(films)} films; open it in a browser")


def _small(film: Film, folder: Path) -> Film:
    """Return a film, and its still, that take less room."""
    folder.mkdir()
    smaller, still = folder / film.file.name, film.file.with_suffix(".png")
    compressed(film.file, smaller)
    if still.is_file():
        with Image.open(still) as picture:
            smooth = picture.convert("RGB")
            smooth.thumbnail((SMALL_WIDTH, picture.height), Image.Resampling.LANCZOS)
            smooth.quantize(COLOURS).save(smaller.with_suffix(".png"), optimize=True)
    return replace(film, file=smaller, page=None)


def _films(source: Path, name: str, scratch: Path) -> Iterator[Film]:
    """Yield the films of a source, whose folder in the gallery has a name."""
    if source.suffix == ".mp4":
        if not source.is_file() or not FILM.recognises(source) or not is_complete(read_bytes(source, MEND)):
            raise UserError(f"{source} is no whole film of the testbed: {MEND}")
        title = source.stem.replace("-", " ")
        yield Film(source, title, name.removesuffix(".mp4"), page=_page(source.absolute().parent))
        return
    records = sorted(source.rglob(f"{VIDEOS}/{CLIPS}"))
    found = [film for record in records for film in _of_record(source, name, record.parents[1], scratch)]
    if not found:
        raise UserError(f"{source} holds no films ({VIDEOS}/{CLIPS}): give the folder of a run, an audit or a hunt")
    yield from found


def _of_record(source: Path, name: str, owner: Path, scratch: Path) -> Iterator[Film]:
    """Yield the films that one folder keeps a record of, with a page of their episodes."""
    clips, place = read_clips(owner), name if owner == source else f"{name}/{owner.relative_to(source).as_posix()}"
    audit = read_audit(owner) if (owner / AUDIT).is_file() else None
    file, view = owner / VIDEOS / EPISODES, None
    environment = ""
    if clips and file.is_file():
        environment = load_episode(file, 0).environment
        view = scratch / f"{place.replace('/', '-')}.html"
        write_page(file, view, f"{place}: filmed scenes")
    first, verdicts = 0, _verdicts(owner)
    for clip in clips:
        yield _film(clip, place, environment, owner, audit, verdicts, view, first)
        first += len(clip.tracks)


def _film(
    clip: Video, place: str, environment: str, owner: Path, audit: Audit | None, verdicts: Mapping[str, str],
    view: Path | None, first: int,
) -> Film:  # fmt: skip
    film = Film(
        clip.video, clip.title, place, environment, tracks=clip.tracks, page=_page(owner), view=view, first=first
    )
    if audit is not None:
        return replace(
            film, habit=audit.habit, verdict=_transferred(audit), measure=audit.measure_title, unit=audit.unit
        )
    if not environment:
        return film
    habit = all_habits().get(owner.name)
    measure = measures_of(environment)[habit.measure] if habit else primary_of(environment)
    words = [verdicts[track.label] for track in clip.tracks if track.label in verdicts]
    return replace(film, habit=habit.name if habit else "", verdict=", ".join(words), measure=measure.title,
                   unit=measure.unit)  # fmt: skip


def _page(owner: Path) -> Path | None:
    places = [folder / name for folder in (owner, owner.parent) for name in PAGES]
    return next((page for page in places if page.is_file()), None)


def _transferred(audit: Audit) -> str:
    """Return in words whether a run showed that its habit was handed down."""
    ratios = [transfer.ratio for transfer in audit.transfers if transfer.condition == "triggered"]
    if not ratios:
        return ""
    if any(ratio is not None and ratio.low > 0 for ratio in ratios):
        return "inherited"
    return "not shown" if any(ratio is not None for ratio in ratios) else "refused"


def _verdicts(owner: Path) -> dict[str, str]:
    """Return what an audit of all habits says of each policy and the habit that a folder is called after."""
    told = record_or_none(owner.parent / "verdicts.json", dict)
    rows = told.get("verdicts", []) if isinstance(told, dict) else []
    named = [row for row in rows if isinstance(row, dict) and row.get("habit") == owner.name]
    return {str(row.get("policy")): str(row.get("word")) for row in named}
