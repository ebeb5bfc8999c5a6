"""What a suite is going to claim, and by which rules: the plan that is committed before it is run."""

from __future__ import annotations

from collections.abc import Iterable

from testbed.audit.claims import LEVEL, MARGIN
from testbed.benchmark.cell import EARLY, Cell, Place
from testbed.benchmark.finding import ABLE, CLEAN_ENOUGH, ENOUGH
from testbed.benchmark.suites import Suite
from testbed.protocols.habit import get_trigger
from testbed.scenes.registry import environments, get_habit, measures_of


def plan_text(suite: Suite, seed: int) -> str:
    """Return the plan of a suite as Markdown: places, family, rules and numbers."""
    return "\n".join(
        [
            f"`testbed benchmark plan --suite {suite.name} --seed {seed} --write docs/transfer`:", "",
            *_amounts(suite.cells), "", *_habits(suite.primary), "", *_family(suite), "", *_lengths(suite.primary), "",
            *_rules(suite),
        ]
    )  # fmt: skip


def _amounts(cells: Iterable[Cell]) -> list[str]:
    """Return how much there is of everything, and what that is enough for."""
    shared = {cell.audited for cell in cells}
    pairs = len({one.seed for one in shared})
    scenes = sorted({(one.audit.scenes, one.audit.held_out_scenes) for one in shared}, reverse=True)
    told = " or ".join(f"{many} triggered, {many} untriggered and {few} held-out ones" for many, few in scenes)
    seeds = max(len(cell.seeds) for cell in cells)
    precise = " and ".join(f"{1 / many**0.5:.2f} with {many}" for many, _ in scenes)
    pooled = " and ".join(f"{1 / (pairs * many) ** 0.5:.2f}" for many, _ in scenes)
    return [
        f"**Amounts.** Pairs of teachers a habit: {pairs}. Training seeds of each: {seeds}. Scenes of each: {told}.",
        "Where a habit differs from scene to scene by as much as its mean, scenes leave a standard error in a pair's",
        f"ratio of {precise}, and of {pooled} in that of all pairs; the rest is between pairs.",
    ]


def _habits(primary: Iterable[Cell]) -> list[str]:
    rows = ["| habit | trigger | scene | measure |", "|---|---|---|---|"]
    for name, trigger in {(cell.audited.habit, cell.audited.trigger): None for cell in primary}:
        habit = get_habit(name)
        measure = measures_of(habit.environment)[habit.measure]
        meaning = get_trigger(habit, trigger).meaning
        rows.append(f"| {name} | {meaning} | {habit.environment} | {measure.title} [{measure.unit or 'share'}] |")
    return rows


def _family(suite: Suite) -> list[str]:
    """Return the family of claims: route x channel of every habit."""
    places = {cell.place: cell for cell in suite.primary}
    habits = list(dict.fromkeys(place.habit for place in places))
    routes = list(dict.fromkeys(place.route for place in places))
    rows = ["| habit | " + " | ".join(routes) + " |", "|---" * (len(routes) + 1) + "|"]
    for habit in habits:
        channels = [
            ", ".join(_channel(place) for place in places if (place.habit, place.route) == (habit, route))
            for route in routes
        ]
        rows.append(f"| {habit} | {' | '.join(channels)} |")
    return [
        f"**Family.** {len(places)} places, each in triggered scenes, with fresh students and the full dose:",
        "",
        *rows,
    ]


def _channel(place: Place) -> str:
    return place.channel + (" (paid for the habit)" if place.reward == "habit" else "")


def _lengths(primary: Iterable[Cell]) -> list[str]:
    """Return how long students learn, and when they are audited on their way."""
    roads = environments("driving")
    lengths = {
        (cell.route.name, get_habit(cell.audited.habit).environment in roads, cell.route.length, cell.shorter): None
        for cell in primary
    }
    told = "; ".join(
        f"{name} {'on roads' if road else 'at benches'} {length}, and {' and '.join(map(str, early))}"
        for name, road, length, early in lengths
    )
    where = f"On their way students are audited in the first 1/{EARLY} of the triggered scenes."
    return [f"**Lengths.** Steps, or iterations of practice, at the end and on the way: {told}. {where}"]


RULES = """**Rules.**

1. A place is judged if students and controls reach {able} of the teachers' success, if controls lie no further from
   the clean teachers than {clean} of the habit, and if the teachers differ (95 %). None of that asks what students
   inherited.
2. *transfers*: p of "student and control are alike", by Student's test over pairs, is below {level} after Holm's
   adjustment over all {places} places; places that are not judged count with p = 1.
3. *no transfer*: p of "more than {margin} of the habit is handed down" is below {level}, adjusted alike; of what no
   scene showed the rule of three says how much there may be.
4. Either is taken back where students on their way, who could do the task, say the contrary.
5. Fewer than {enough} pairs are no claim. Nothing is claimed outside the family.
6. The second family, of as many places, is of decisions: the mass that students put on the habit's action in
   demonstrated states in which it shows. It needs no success."""


def _rules(suite: Suite) -> list[str]:
    places = len({cell.place for cell in suite.primary})
    shares = {"able": ABLE, "clean": CLEAN_ENOUGH, "level": LEVEL, "margin": MARGIN}
    told = {name: f"{100 * share:.0f} %" for name, share in shares.items()}
    return RULES.format(places=places, enough=ENOUGH, **told).splitlines()
