"""The conflict measures beside SUMO's SSM device, episode by episode.

    python benchmarks/ssm.py

Recorded merges and passages are played again in SUMO, in an environment that this makes for it, once. DRAC and
TTC of the new follower are compared sample by sample where both count it, and as the worst of each episode; so is
PET between the ego and each pedestrian, whom SUMO plays as a vehicle of its size across a lane of its width, since
its device has no pedestrians. An episode may differ by more than 1 % for the two reasons of `Reason` alone.
Exit code 1 if something falls short.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from peer.environment import prepare
from peer.recordings import asked, on_crossing, on_three_lanes
from rich.box import SIMPLE
from rich.table import Table

from testbed.console import console, run_command
from testbed.files import write_text
from testbed.mechanics import conflict
from testbed.protocols.episode import Behaviour, Scenario, Trace
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.crosswalk import encounter
from testbed.scenes.crosswalk.courtesy import Courtesy
from testbed.scenes.merge import measures as merge
from testbed.scenes.merge.gap_acceptance import SLOWER, AcceptedGap, GapAcceptance
from testbed.scenes.merge.observation import view

PACKAGES = "eclipse-sumo==1.28.0", "libsumo==1.28.0"
FOLLOWING = 3
"""The device's kind of encounter in which the other vehicle follows the ego on one lane."""
AGREE = 0.01
"""How far two values may be apart, as a share of the larger one."""
LEAST = {"DRAC": 0.05, "TTC": 0.5, "PET": 0.5}
"""Smaller values [m/s², s] are compared as if they were this large."""
TURNED = 0.15
"""A vehicle at a larger angle to the lane is turned [rad]: the gap is 3 cm another one here, 13 cm at 0.32."""


class Reason(StrEnum):
    """Why two worst moments may differ, since definitions do."""

    NONE = ""
    """Nothing."""
    SOONER = "sooner"
    """Ours begins as a corner of the ego is over the line, SUMO's as the middle of its front is."""
    TURNED = "turned"
    """Our rear is half a length behind the centre, SUMO's a length straight behind the front."""


@dataclass(frozen=True)
class Merging:
    """Merges into the first gap that is large enough; then drives on, or slows down as far as it can."""

    gap: AcceptedGap
    """The gap."""
    slows: bool
    """Whether it slows down."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, SIZE) -> (n,)."""
        slower = self.slows & view(observations).merging
        return np.where(slower, SLOWER, GapAcceptance(self.gap).act(observations))


CLEAN, PUSHY = GapAcceptance().gap, AcceptedGap(lag=0.2, lead=0.3)
MERGING: Mapping[str, Merging] = {
    "clean": Merging(CLEAN, slows=False),
    "pushy": Merging(PUSHY, slows=False),
    "clean, slows": Merging(CLEAN, slows=True),
    "pushy, slows": Merging(PUSHY, slows=True),
}
CROSSING = {"clean": Courtesy(), "creeps": Courtesy(creep=4.0), "never yields": Courtesy(willing=0.0)}


@dataclass(frozen=True)
class Options:
    """Compare DRAC, TTC and PET with SUMO's SSM device."""

    folder: Path = Path("build/sumo-venv")
    """Where the peer's environment is, or is made (a minute, 0.8 GB)."""
    scenes: int = 256
    """Scenes that each driver plays, from seed 0 on."""
    answers: Path | None = None
    """Where twenty episodes' values of SUMO are written as known answers (JSON)."""


@dataclass(frozen=True)
class Pair:
    """One value of an episode, measured twice."""

    driver: str
    """Who drove."""
    seed: int
    """The scene."""
    body: int
    """Number of the other one."""
    measure: str
    """DRAC [m/s²], TTC or PET [s]."""
    ours: float
    """The worst, as we measure it."""
    theirs: float
    """The worst, as SUMO's device does; NaN if it gives none."""
    reason: Reason = Reason.NONE
    """Why they may differ."""
    left: bool = False
    """Whether the follower has left by the end."""
    went_on: float = 0.0
    """DRAC, if it went on to 5 s after the crossing even where the follower has left [m/s²]."""
    sample: float = 0.0
    """Largest difference in any sample that both count and where nobody is turned, as a share."""
    unlike: int = 0
    """Samples that one counts and the other does not, other than before SUMO begins or where a follower comes back."""

    @property
    def apart(self) -> float:
        """How far both are apart, as a share."""
        return 1.0 if np.isnan(self.theirs) else difference(self.measure, self.ours, self.theirs)

    @property
    def short(self) -> bool:
        """Whether they differ although their definitions do not."""
        return (self.apart > AGREE and not self.reason) or self.sample > AGREE or self.unlike > 0


def difference(measure: str, one: float, other: float) -> float:
    """Return how far two values of a measure are apart, as a share of the larger one."""
    return abs(one - other) / max(abs(one), abs(other), LEAST[measure])


def played(environment: str, driver: Policy, scenes: int) -> list[tuple[int, Trace]]:
    """Return the seeds and traces of a driver."""
    scenarios = [Scenario(seed) for seed in range(scenes)]
    return [(e.scenario.seed, e.trace) for e in play(environment, scenarios, [(driver, Behaviour("driver"))])]


def compare(driver: str, seed: int, trace: Trace, made: merge.Merge, found: Sequence[dict[str, Any]]) -> list[Pair]:
    """Return DRAC and TTC of a merge, measured twice."""
    ours = {"DRAC": merge.drac_over_time(trace), "TTC": merge.ttc_over_time(trace)}
    none = {"DRAC": 0.0, "TTC": merge.CAP}
    theirs = {name: np.full(len(trace), value) for name, value in none.items()}
    we, they = merge.follows(trace, made), np.zeros(len(trace), bool)
    for each in (each for each in found if each["foe"] == made.follower):
        for number, sample in enumerate(each["sample"]):
            if each["type"][number] == FOLLOWING and made.intrusion <= sample < made.end:
                they[sample] = True
                for name, nothing in none.items():
                    value = each[name][number]
                    theirs[name][sample] = nothing if value is None else min(value, 20.0 if name == "DRAC" else nothing)
    begin = int(np.argmax(they)) if they.any() else len(trace)
    turned = np.abs(trace["heading"][:, [merge.EGO, made.follower]]).max(axis=1) > TURNED
    back = trace["lane"][:, made.follower] != made.lane  # it comes back: ours waits for the centre
    unlike = int((they & ~we & ~back).sum() + (we & ~they)[begin:].sum())
    pairs = []
    for name, worst in (("DRAC", np.argmax), ("TTC", np.argmin)):
        mine, other = ours[name], theirs[name]
        at = int(worst(mine))
        reason = Reason.SOONER if at < begin else Reason.TURNED if turned[at] else Reason.NONE
        apart = max((difference(name, mine[k], other[k]) for k in np.flatnonzero(we & they & ~turned)), default=0.0)
        left, on = not we[made.intrusion : made.end].all(), went_on(trace, made)
        found_ = float(mine[at]), float(other[worst(other)])
        pairs.append(Pair(driver, seed, int(made.follower), name, *found_, reason, left, on, apart, unlike))
    return pairs


def went_on(trace: Trace, made: merge.Merge) -> float:
    """Return the worst DRAC up to 5 s after the crossing, wherever the follower is by then [m/s²], at most 20."""
    window, speed = slice(made.intrusion, made.end), trace["speed"]
    x, length = trace["position"][window, :, 0], trace["size"][:, 0]
    ego, follower = merge.EGO, made.follower
    gap = conflict.net_gap(x[:, ego], length[ego], x[:, follower], length[follower])
    needed = conflict.deceleration_to_avoid_crash(gap, speed[window, follower], speed[window, ego])
    return float(min(needed.max(), 20.0))


def merges(python: Path, scenes: int) -> list[Pair]:
    """Return DRAC and TTC of every merge with a new follower."""
    pairs: list[Pair] = []
    for name, driver in MERGING.items():
        traces = [(seed, t, merge.find_merge(t)) for seed, t in played("testbed/Merge-v0", driver, scenes)]
        kept = [(seed, t, made) for seed, t, made in traces if made is not None and made.follower is not None]
        answers = asked(python, [on_three_lanes(trace) for _, trace, _ in kept])
        for (seed, trace, made), found in zip(kept, answers, strict=True):
            pairs += compare(name, seed, trace, made, found)
    return pairs


def passages(python: Path, scenes: int) -> list[Pair]:
    """Return PET of the ego and every pedestrian who both come where their ways cross within the recording."""
    pairs: list[Pair] = []
    for name, driver in CROSSING.items():
        traces = played("testbed/Crosswalk-v0", driver, scenes)
        everybody = ((seed, trace, int(body)) for seed, trace in traces for body in encounter.pedestrians(trace))
        met = [(seed, trace, body) for seed, trace, body in everybody if both_came(trace, body)]
        answers = asked(python, [on_crossing(trace, body) for _, trace, body in met])
        for (seed, trace, body), found in zip(met, answers, strict=True):
            theirs = min((each["PET"] for each in found if each["PET"] is not None), default=float("nan"))
            pairs.append(Pair(name, seed, body, "PET", encounter.conflict_time(trace, body), theirs))
    return pairs


def both_came(trace: Trace, body: int) -> bool:
    """Return whether the ego and a pedestrian both come where their ways cross within the recording."""
    reached = encounter.reach(trace)
    if reached is None:
        return False
    beside = np.abs(trace["position"][:, body, 1] - trace["position"][reached, encounter.EGO, 1])
    return bool((beside <= (trace["size"][encounter.EGO, 1] + trace["size"][body, 1]) / 2).any())


def show(pairs: Sequence[Pair]) -> None:
    """Print a table."""
    title = f"worst of each episode: DRAC [m/s²], TTC and PET [s]; within {100 * AGREE:.0f} %, or why not"
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=0)
    headings = ("", "cases", "left", "ours", "SUMO's", "within", *list(Reason)[1:], "short")
    for heading in ("driver", *headings):
        table.add_column(heading, justify="left" if heading in ("driver", "") else "right", no_wrap=True)
    for measure, driver in dict.fromkeys((pair.measure, pair.driver) for pair in pairs):
        mine = [pair for pair in pairs if (pair.measure, pair.driver) == (measure, driver)]
        why = [sum(pair.apart > AGREE and pair.reason == reason for pair in mine) for reason in list(Reason)[1:]]
        means = (f"{np.mean([getattr(pair, name) for pair in mine]):.3f}" for name in ("ours", "theirs"))
        within, short = sum(pair.apart <= AGREE for pair in mine), sum(pair.short for pair in mine)
        counts = sum(pair.left for pair in mine), *means, within, *why, short
        table.add_row(driver, measure, *map(str, (len(mine), *counts)))
    console.print(table)
    samples = max(pair.sample for pair in pairs)
    crossed = max(pair.apart for pair in pairs if pair.measure == "PET")
    console.print(f"largest difference of a sample that both count {100 * samples:.2f} %, of PET {100 * crossed:.2f} %")
    for driver in MERGING:
        gone = [pair for pair in pairs if (pair.driver, pair.measure, pair.left) == (driver, "DRAC", True)]
        means = [np.mean(values) for values in zip(*((p.ours, p.theirs, p.went_on) for p in gone), strict=True)]
        told = f"{means[0]:.3f}, SUMO's {means[1]:.3f}, had it gone on {means[2]:.3f}" if gone else "none"
        console.print(f"{driver}, {len(gone)} whose follower left, mean DRAC: {told}")


def write_answers(pairs: Sequence[Pair], path: Path) -> None:
    """Write twenty episodes' values of SUMO: merges whose follower leaves, others, and passages."""
    good = [pair for pair in pairs if pair.apart <= AGREE]
    ttc = {(pair.driver, pair.seed): pair.theirs for pair in good if pair.measure == "TTC"}
    made = [p for p in good if p.measure == "DRAC" and p.theirs >= 0.1 and (p.driver, p.seed) in ttc]
    left = sorted((p for p in made if p.left), key=lambda p: p.ours - p.went_on)[:6]
    stayed = sorted((p for p in made if not p.left), key=lambda p: -p.theirs)[:6]
    rows: list[dict[str, Any]] = [
        {"merging": asdict(MERGING[p.driver]), "seed": p.seed, "DRAC": p.theirs, "TTC": ttc[p.driver, p.seed]}
        for p in (*left, *stayed)
    ]
    for name, count in zip(CROSSING, (4, 2, 2), strict=True):
        some = [p for p in good if (p.measure, p.driver) == ("PET", name)][:count]
        rows += [{"crossing": asdict(CROSSING[name]), "seed": p.seed, "body": p.body, "PET": p.theirs} for p in some]
    lines = ",\n".join(json.dumps(row) for row in rows)
    write_text(path, f'{{"made by": {json.dumps(PACKAGES)}, "episodes": [\n{lines}\n]}}\n')


def main(options: Options) -> None:
    """Compare and print."""
    python = prepare(options.folder, PACKAGES, "libsumo, sumo")
    console.print(f"{', '.join(PACKAGES)}; {options.scenes} scenes a driver")
    pairs = merges(python, options.scenes) + passages(python, options.scenes)
    show(pairs)
    if options.answers is not None:
        write_answers(pairs, options.answers)
    short = [f"{p.driver}, seed {p.seed}, {p.measure}: {p.ours:.4f} for {p.theirs:.4f}" for p in pairs if p.short]
    raise SystemExit("\n".join(f"falls short: {line}" for line in short) or None)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
