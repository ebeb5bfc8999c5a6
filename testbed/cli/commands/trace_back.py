"""A recorded misbehaviour traced back from the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from testbed.audit.recorded import measure_data
from testbed.audit.statistics import rate_interval
from testbed.audit.text import percent
from testbed.console import console, styled
from testbed.datasets.reader import load_episode
from testbed.errors import UserError
from testbed.forensics.incident import Incident, incident
from testbed.forensics.origin import Stage, origins
from testbed.forensics.stages import Looked, look
from testbed.provenance.artefact import read_artefact
from testbed.provenance.history import Node, history
from testbed.provenance.index import Index, opened
from testbed.provenance.picture import words
from testbed.scenes.registry import primary_of

SURE = 0.9
"""A stage that is as likely as this is said to be where it came in."""
SHOWN = 8
"""Episodes of a data set that are named."""


@dataclass(frozen=True)
class Tracing:
    """What was asked for; see `testbed trace-back --help`."""

    data: Path
    """The data set."""
    episode: int | None = None
    """Number of the episode; the worst one if None."""
    among: tuple[Path, ...] = ()
    """Folders that are searched."""
    policy: Path | None = None
    """Who acted."""
    measure: str | None = None
    """Which measure is asked about."""
    scenes: int = 32
    """Scenes like the incident."""
    seed: int = 0
    """Which."""


def trace_back(asked: Tracing) -> None:
    """Print what each stage does, and where the misbehaviour came in; see `testbed trace-back --help`."""
    number = _worst(asked.data) if asked.episode is None else asked.episode
    found = incident(load_episode(asked.data, number), asked.measure)
    told = ", ".join(f"{factor} {value}" for factor, value in found.episode.context.items())
    console.print(
        f"episode {number}:",
        f"{styled(found.measure.title, 'bold')} {found.value:.2f} {found.measure.unit} in a scene of {told}",
    )
    with opened(None, *(asked.among or (asked.data.parent,))) as index:
        tree = history(index, _caught(asked, index))
        looked = look(tree, found, asked.scenes, asked.seed)
    likely = origins(tree, looked.stages)
    console.print(_table(tree, looked, likely))
    _say(tree, looked, likely, found)


def _worst(data: Path) -> int:
    """Return the number of the episode that is worst by the primary measure of its scene."""
    found = measure_data(data)
    return found.worst(primary_of(found.environment).name, 1)[0]


def _caught(asked: Tracing, index: Index) -> str:
    """Return the SHA-256 of the policy that acted; raises `UserError` if nobody says who that is."""
    if asked.policy is not None:
        added = index.add(asked.policy)
        if added is None:
            raise UserError(index.problems[-1])
        return added.digest
    named = read_artefact(asked.data).inputs.get("policy")
    if named is None:
        raise UserError(f"{asked.data} does not say whose episodes it holds: give the policy's folder with --policy")
    if not index.copies(named):
        raise UserError(f"the policy that acted ({named[:12]}) is in none of the folders: give them with --among")
    return named


def _table(tree: Node, looked: Looked, likely: Mapping[str, float]) -> Table:
    table = Table(title="scenes like it, in which each is worse than the clean demonstrator", title_justify="left")
    for heading in ("stage", "worse", "share", "came in here"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for node in reversed(list(tree.walk())):
        stage = looked.stages.get(node.digest)
        number, share = _counted(stage)
        table.add_row(f"{words(node)[0]} {node.digest[:8]}", number, share, f"{100 * likely[node.digest]:.0f} %")
    return table


def _counted(stage: Stage | None) -> tuple[str, str]:
    if stage is None:
        return "not looked at", ""
    if not stage.told:
        return f"{stage.scenes} scenes", "too few"
    row = np.arange(stage.scenes) < stage.worse
    return f"{stage.worse} of {stage.scenes}", percent(rate_interval(row[None].astype(float)))


def _say(tree: Node, looked: Looked, likely: Mapping[str, float], found: Incident) -> None:
    """Say where it came in, or that this is not known."""
    nodes = {node.digest: node for node in tree.walk()}
    first = max(likely, key=lambda digest: likely[digest])
    caught = looked.stages[tree.digest]
    if caught.worse == 0:
        console.print(f"the policy does this in none of {caught.scenes} scenes like it: chance, or a rarer condition")
        return
    name, place = words(nodes[first])
    sure = f"{100 * likely[first]:.0f} %"
    if likely[first] >= SURE:
        console.print(f"it came in at {styled(name, 'bold')} ({place}), {sure} sure")
    else:
        console.print(f"where it came in is not known; most likely at {name} ({place}), {sure}")
    for digest, episodes in looked.episodes.items():
        if episodes:
            shown = ", ".join(map(str, episodes[:SHOWN])) + (", ..." if len(episodes) > SHOWN else "")
            console.print(f"{words(nodes[digest])[1]}: {len(episodes)} such episodes show it, the worst first: {shown}")
