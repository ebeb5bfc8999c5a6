"""Films of policies side by side, and of recorded episodes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.cli.commands.bills import leave_bill, require_bill_place
from testbed.cli.commands.labels import told_apart
from testbed.cli.commands.parsing import parse_context, scene_text
from testbed.console import console, progress
from testbed.errors import UserError
from testbed.files import require_replaceable
from testbed.films.clip import Clip
from testbed.films.film import film as make_film
from testbed.films.style import COLOURS, clip_of
from testbed.films.video import FILM
from testbed.legible import legible
from testbed.policies.loaders import load_fitting
from testbed.protocols.episode import Episode, Scenario
from testbed.rollouts.rollout import play


def film_policies(folders: Sequence[Path], out: Path, scenario: int, context: Sequence[str]) -> None:
    """Film policies side by side; see `testbed film --help`."""
    if not folders:
        raise UserError("give at least one policy folder")
    require_replaceable(out, FILM)
    require_bill_place(out)
    palette = list(COLOURS.values())
    scene = Scenario(scenario, parse_context(context))
    episodes: list[Episode] = []
    for folder in folders:
        policy, behaviour = load_fitting(folder)
        episodes += play(policy.config.environment, [scene], [(policy, behaviour)])
    names = enumerate(zip(told_apart(folders), episodes, strict=True))
    takes = [clip_of(episode, name, palette[k % 5]) for k, (name, episode) in names]
    write_film(out, takes, f"scene {scenario}: {scene_text(episodes[0])}")
    leave_bill(out, *dict.fromkeys(folders))


def write_film(out: Path, takes: Sequence[Clip], title: str) -> None:
    """Write a film, and say where it is."""
    with progress(f"film {out.name}", max(len(take.episode.trace) for take in takes)) as advance:
        duration = make_film(out, takes, title=legible(title), on_frame=lambda: advance(1))
    console.print(f"{out}  {duration:.1f} s")
