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
    replay: bounds.Memory = 0,
    tolerance: bounds.Tolerance = 0.0,
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
        replay: Of verify: so many episodes of each data set are simulated again, and students are distilled again.
        tolerance: Of that: how far states may be apart, for example 1e-6 on another machine than the recording one.
    """
    from testbed.cli.commands import lineage as work

    work.lineage(what, paths, work.Asking(among, key, trust, rules, known, index, picture, up, replay, tolerance))


@app.command
def trace_back(
    data: tyro.conf.Positional[Path],
    /,
    episode: bounds.Number | None = None,
    among: tuple[Path, ...] = (),
    policy: Path | None = None,
    measure: str | None = None,
    scenes: bounds.Several = 32,
    seed: bounds.Seed = 0,
    scene: str | None = None,
) -> None:
    """Trace a recorded misbehaviour back: at which stage of the policy's history did it come in, and how sure is that?

    Every policy in the history plays scenes like the incident, every data set is searched for them, and all are held
    beside the clean demonstrator. A stage that does it, and everything made from it, while nothing before it does, is
    where it came in. Of a data set that taught it the episodes are named.

    Args:
        data: The .hdf5 data set that holds the misbehaviour.
        episode: Number of its episode, `demo_N`; the worst by the scene's primary measure if not given.
        among: Folders that hold the policy and what it was made from; the data set's folder if not given.
        policy: Who acted; whom the data set's lineage names if not given.
        measure: Which measure is asked about; the one that is furthest past its thresholds if not given.
        scenes: Scenes like the incident that each policy plays.
        seed: Which.
        scene: Where a scene of somebody else's is declared, as module:SPEC; the current folder is searched too.
    """
    from testbed.cli.commands import trace_back as work

    work.trace_back(work.Tracing(data, episode, among, policy, measure, scenes, seed))
