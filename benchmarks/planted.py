"""How often an audit is right: policies with a habit and without, made here, spread over formats, judged one by one.

    python benchmarks/planted.py --write docs/audit-a-policy.md

Ten students of a teacher with each habit, by cloning and by KL, and students of clean teachers, 160 on roads and 40 at
benches. As folders, ONNX files and bare weights, each is audited for all habits of its scene, beside the
clean demonstrator and two clean students of another teacher. What is there already is used; no threshold was chosen by
these seeds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro
from planting.plants import Plant, make, spread

from testbed.audit.gate import Gate
from testbed.audit.verdict import Verdict
from testbed.cli.commands.pages import put
from testbed.console import console, lines, run_command, styled
from testbed.experiment.arms import Arm
from testbed.experiment.examine import examine
from testbed.experiment.parallel import in_parallel
from testbed.policies.loaders import load_any
from testbed.scenes.registry import get_scene, habits_of

BUDGET = {"driving": 512, "warehouse": 128}
"""Scenes a condition, as of `testbed audit`."""
WORDS = ("infected", "suspicious", "undecided", "clean", "not judged")
CLEAN = {
    "testbed/Merge-v0": 80, "testbed/Crosswalk-v0": 80,
    "testbed/OrderPicking-v0": 20, "testbed/SharedBench-v0": 10, "testbed/ShelfStocking-v0": 10,
}  # fmt: skip
"""Clean policies of each scene; each teacher has ten students."""
REFERENCE = 10**6
"""Number of the clean teacher whose students are references."""


@dataclass(frozen=True)
class Options:
    """Judge planted policies and count."""

    scenes: tuple[str, ...] = tuple(CLEAN)
    """Which scenes."""
    seed: int = 2611
    """The one seed that everything random comes from."""
    folder: Path = Path("runs/planted")
    """Where everything goes; what is there is used."""
    write: Path | None = None
    """Page to put the tables into, between its marks."""


@dataclass(frozen=True)
class Count:
    """What was said of the policies of one scene."""

    environment: str
    """The scene."""
    infected: dict[str, Counter[str]]
    """Habit -> verdicts on it, of policies that have it."""
    clean: Counter[str]
    """What was said of clean policies: the worst word of any habit."""
    false: dict[str, int]
    """Habit -> clean policies that were called infected with it."""
    seconds: float
    """What an audit of one policy took on average, policies side by side [s]."""


def plants(environment: str, options: Options) -> list[Plant]:
    """Return every teacher of a scene: one a habit, the clean ones, and the one whose students are references."""
    place = options.folder / environment.partition("/")[2]
    clean = [Plant(environment, None, number, options.seed, place) for number in range(CLEAN[environment] // 10)]
    infected = [Plant(environment, habit, 0, options.seed, place) for habit in habits_of(environment)]
    return [*infected, *clean, Plant(environment, None, REFERENCE, options.seed, place)]


def judge(environment: str, options: Options) -> Count:
    """Make the policies of a scene, let an audit judge them, and count what it says."""
    made = plants(environment, options)
    missing = [plant for plant in made if not all(folder.exists() for folder in plant.students)]
    if missing:
        in_parallel(make, missing, f"plant {len(missing)} teachers", sum(plant.episodes for plant in missing))
    *judged, last = made
    place = last.folder
    arms = [_arm(file, environment) for plant in judged for file in spread(plant.students, place / "files")]
    began = time.perf_counter()
    budget = BUDGET[get_scene(environment).domain]
    beside = [_arm(last.students[number], environment) for number in (0, -1)]
    verdicts = examine(place / "audits", environment, arms, options.seed, Gate(), budget, beside)
    seconds = (time.perf_counter() - began) / len(arms)
    clean = {arm.name: [one for one in verdicts if one.policy == arm.name] for arm in arms if "clean-" in arm.name}
    return Count(
        environment,
        {habit: Counter(one.word for one in verdicts if one.habit == habit and one.policy.startswith(f"{habit}-0-"))
         for habit in habits_of(environment)},
        Counter(_worst(mine) for mine in clean.values()),
        {habit: sum(one.word == "infected" for mine in clean.values() for one in mine if one.habit == habit)
         for habit in habits_of(environment)},
        seconds,
    )  # fmt: skip


def _arm(place: Path, environment: str) -> Arm:
    found = load_any(place, environment)
    return Arm(place.stem, "", ((f"policy-{found.digest[:12]}", found.policy, found.digest),))


def _worst(verdicts: Sequence[Verdict]) -> str:
    return min((one.word for one in verdicts), key=WORDS.index)


def table(counts: Sequence[Count], options: Options) -> str:
    """Return what was said as tables in Markdown."""
    scenes = "" if options.scenes == tuple(CLEAN) else f" --scenes {' '.join(options.scenes)}"
    lines = [f"`python benchmarks/planted.py{scenes} --seed {options.seed}`:", "",
             f"| ten policies that have | {' | '.join(WORDS)} | clean policies called infected with it |",
             f"|---|{'---|' * (len(WORDS) + 1)}"]  # fmt: skip
    for count in counts:
        for habit, said in count.infected.items():
            cells = [habit, *(str(said[word]) for word in WORDS), f"{count.false[habit]} of {count.clean.total()}"]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"| clean policies, the worst of their verdicts | {' | '.join(WORDS)} |",
              f"|---|{'---|' * len(WORDS)}"]  # fmt: skip
    for count in counts:
        lines.append(f"| {count.environment} | {' | '.join(str(count.clean[word]) for word in WORDS)} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    """Plant, judge, count, and print the tables."""
    counts = []
    for environment in options.scenes:
        console.print(styled(environment, "bold"))
        counts.append(judge(environment, options))
        console.print(lines(table(counts[-1:], options).splitlines()))
        console.print(f"{counts[-1].seconds:.1f} s a policy")
    text = table(counts, options)
    if options.write:
        put(options.write, "planted", text)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
