"""Subcommands about where artefacts come from."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import tyro

from testbed import bounds
from testbed.cli.app import app


@app.command
def lineage(
    what: tyro.conf.Positional[Literal["bill", "keygen", "sign", "attest", "show", "verify", "query", "diff"]],
    paths: tyro.conf.Positional[tuple[str, ...]],
    /,
    among: tuple[Path, ...] = (),
    key: Path | None = None,
    trust: tuple[Path, ...] = (),
    rules: Path | None = None,
    known: Path | None = None,
    index: bounds.OutFile | None = None,
    picture: bounds.Picture | None = None,
    up: bool = False,
) -> None:
    """Say where artefacts come from, sign that, and check it offline.

    bill PATH... writes a CycloneDX 1.7 bill beside each artefact, or each one in a folder; keygen NAME makes NAME.key
    and NAME.pub; sign PATH... signs artefacts and their bills; attest AUDIT/verdicts.json... signs what an audit found;
    show PATH draws a history as a tree; verify PATH... checks every content, bill, signature and audit of it, and exits
    with 1 where something is wrong; query ROLE:HASH FOLDER says what descends from an artefact (any:HASH in whatever
    role); diff A B says where two histories part. HASH is the beginning of a SHA-256, or a path.

    Args:
        what: What to do.
        paths: Artefacts: policies' folders, data sets, films, exported networks, verdicts.json; folders of them.
        among: Folders that hold what artefacts were made from, and audits; the folder of each artefact if not given.
        key: Private key to sign with.
        trust: Public keys of those who are believed.
        rules: TOML file: what is asked of each stage (docs/lineage.md).
        known: TOML file: what is known of an artefact that does not say how it was made.
        index: File that keeps what was found in the folders, so that they are read but once.
        picture: SVG file for the history that show draws.
        up: Of query: what it was made from.
    """
    from testbed.cli.commands import lineage as work

    work.lineage(what, paths, work.Asking(among, key, trust, rules, known, index, picture, up))
