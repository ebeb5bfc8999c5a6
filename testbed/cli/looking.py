"""Subcommands that show episodes."""

from __future__ import annotations

from pathlib import Path

import tyro

from testbed import bounds
from testbed.cli.app import app


@app.command
def view(
    sources: tyro.conf.Positional[tuple[Path, ...]],
    /,
    episodes: tuple[bounds.Number, ...] = (),
    most: bounds.Count = 1000,
    write: bounds.Page | None = None,
    rrd: bounds.Recording | None = None,
    scene: str | None = None,
) -> None:
    """Show episodes in one page that needs no server: drawn, plotted, compared, sorted by any severity.

    Args:
        sources: Data sets (.hdf5) of one scene, or the folder of a run or an audit, whose filmed scenes are shown.
        episodes: Numbers of the episodes; all of them if none is given.
        most: No more than so many are put into the page; of more the worst by the scene's primary measure.
        write: The .html file to make; beside the first source, under its name, if not given.
        rrd: The .rrd file to make in its place, a recording of rerun (needs the extra `rerun`).
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import view as work

    work.view(sources, episodes, most, write, rrd)


@app.command
def gallery(
    sources: tyro.conf.Positional[tuple[Path, ...]],
    /,
    out: bounds.OutFolder = Path("gallery"),
    title: str = "Films",
    small: bool = False,
) -> None:
    """Put films of runs, audits and hunts together: a static site with filters, each one click from its evidence.

    Args:
        sources: Folders of runs, audits or hunts, or single films (.mp4).
        out: Folder to make; a gallery that is there is replaced.
        title: What its page is called.
        small: Films and stills are compressed once more, and reports, which hold films of their own, are left out: for
            a repository.
    """
    from testbed.cli.commands import gallery as work

    work.gallery(sources, out, title, small)
