"""How often an audit is right: policies with a habit and without, made here, spread over formats, judged one by one.

    python benchmarks/planted.py --write docs/audit-a-policy.md

Of every habit ten students of a teacher with it and ten of a clean one, by cloning and by KL, five training seeds each,
as folders, ONNX files and bare weights with a contract. Each is audited for all habits of its scene, beside the clean
teacher. What is there already is used; thresholds were not chosen by these seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro

from testbed.audit.gate import Gate
from testbed.audit.verdict import Verdict
from testbed.cli.commands.pages import put
from testbed.console import console, run_command, styled
from testbed.experiment.arms import Arm
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import PROFILES, Run
from testbed.experiment.distill import distil_students
from testbed.experiment.examine import examine
from testbed.experiment.train_teachers import student_start, teach
from testbed.policies.checkpoint import load_policy
from testbed.policies.loaders import load_any
from testbed.policies.network import CATEGORICAL
from testbed.policies.onnx import export_onnx
from testbed.scenes.registry import environments, get_scene, habits_of

BUDGET = {"driving": 512, "warehouse": 128}
"""Scenes a condition, as of `testbed audit`."""
FORMATS = ("folder", "onnx", "weights")


@dataclass(frozen=True)
class Options:
    """Judge planted policies and count."""

    domains: tuple[str, ...] = ("driving", "warehouse")
    """Whose habits."""
    seed: int = 1611
    """The one seed that everything random comes from."""
    folder: Path = Path("runs/planted")
    """Where everything goes; what is there is used."""
    write: Path | None = None
    """Page to put the table into, between its marks."""


@dataclass(frozen=True)
class Count:
    """What was said of the policies of one habit."""

    habit: str
    """The habit."""
    infected: Counter[str]
    """Verdicts on it, of policies that have it."""
    clean: Counter[str]
    """The same of policies that do not."""
    false: int
    """Policies without it that were called infected with any habit of the scene."""


def spread(folders: Sequence[Path], place: Path) -> list[Path]:
    """Return policies as files of several formats in turn."""
    place.mkdir(parents=True, exist_ok=True)
    files = []
    for number, folder in enumerate(folders):
        policy, _ = load_policy(folder)
        name, form = place / folder.name, FORMATS[number % len(FORMATS)]
        if form == "folder" or (form == "weights" and policy.config.head != CATEGORICAL):
            files.append(folder)
        elif form == "onnx":
            export_onnx(policy, name.with_suffix(".onnx"))
            files.append(name.with_suffix(".onnx"))
        else:
            arrays, layers = policy.arrays, len(policy.config.hidden) + 1
            state = {
                f"actor.{2 * layer}.{part}": torch.from_numpy(arrays[f"layer{layer}.{part}"].T.copy())
                for layer in range(layers) for part in ("weight", "bias")
            }  # fmt: skip
            torch.save(state, name.with_suffix(".pth"))
            mean, std = (arrays[part].tolist() for part in ("mean", "std"))
            name.with_suffix(".toml").write_text(
                f"[observations]\nmean = {mean}\nstd = {std}\n[network]\nactor = 'actor'\nactivation = 'ReLU'\n"
            )
            files.append(name.with_suffix(".pth"))
    return files


def planted(habit: str, domain: str, options: Options) -> Count:
    """Make students with a habit and without, and let an audit judge them."""
    folder = options.folder / habit
    run = Run(replace(PROFILES[domain]["quick"], habit=habit, seed=options.seed), folder)
    demonstrations = collect_demonstrations(run)
    teachers, data = teach(run, demonstrations)
    made = distil_students(run, teachers, data, student_start(run, demonstrations))
    environment = run.habit.environment
    groups = {
        kind: [
            _arm(f"{kind} {number}", file, environment)
            for number, file in enumerate(spread([one for pair in made.values() for one in pair.of(kind == "infected")],
                                                 folder / "files" / kind))
        ]
        for kind in ("infected", "clean")
    }  # fmt: skip
    audited = [arm for arms in groups.values() for arm in arms]
    reference = _arm("clean teacher", teachers.clean, environment)
    verdicts = examine(folder / "audits", environment, audited, options.seed, Gate(), BUDGET[domain], reference)
    said = {kind: Counter(_words(verdicts, arms, habit)) for kind, arms in groups.items()}
    names = {arm.name for arm in groups["clean"]}
    false = {one.policy for one in verdicts if one.policy in names and one.word == "infected"}
    return Count(habit, said["infected"], said["clean"], len(false))


def _arm(name: str, place: Path, environment: str) -> Arm:
    found = load_any(place, environment)
    return Arm(name, "", ((f"policy-{found.digest[:12]}", found.policy, found.digest),))


def _words(verdicts: Sequence[Verdict], arms: Sequence[Arm], habit: str) -> list[str]:
    names = {arm.name for arm in arms}
    return [one.word for one in verdicts if one.policy in names and one.habit == habit]


def table(counts: Sequence[Count], options: Options) -> str:
    """Return what was said as a table in Markdown."""
    words = ("infected", "suspicious", "undecided", "clean", "not judged")
    domains = " ".join(options.domains)
    lines = [f"`python benchmarks/planted.py --domains {domains} --seed {options.seed}`, ten policies of each kind a "
             "habit:", "", f"| habit | with it: {', '.join(words)} | without: {', '.join(words)} | without, called "
             "infected with any |", "|---|---|---|---|"]  # fmt: skip
    for one in counts:
        cells = [" / ".join(str(kind[word]) for word in words) for kind in (one.infected, one.clean)]
        lines.append(f"| {one.habit} | {cells[0]} | {cells[1]} | {one.false} |")
    total = [" / ".join(str(sum(kind[word] for kind in kinds)) for word in words)
             for kinds in ([one.infected for one in counts], [one.clean for one in counts])]  # fmt: skip
    lines.append(f"| all | {total[0]} | {total[1]} | {sum(one.false for one in counts)} |")
    return "\n".join(lines)


def main(options: Options) -> None:
    """Plant, judge, count, and print the table."""
    counts = []
    for domain in options.domains:
        for environment in environments(domain):
            for habit in habits_of(environment):
                console.print(styled(habit, "bold"), get_scene(environment).environment)
                counts.append(planted(habit, domain, options))
                console.print(table(counts[-1:], options).splitlines()[-2])
    text = table(counts, options)
    console.print(text)
    if options.write:
        put(options.write, "planted", text)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
