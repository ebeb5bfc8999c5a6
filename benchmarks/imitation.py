"""Cloning and adversarial distillation beside the `imitation` package, in one run.

    python benchmarks/imitation.py

`imitation` 1.0.1 needs an older Gymnasium and an older SB3, so this makes an environment for it, once, and has
`peer/imitation_gail.py` run there. Both learn from the same decisions of the clean driver at the merge, normalised
alike, in networks of the same shape and with the same batches; all students play the same unseen scenes here. For
GAIL the peer's worlds are ours, over a local connection: the same scenes and settings. Exit code 1 if something
falls short.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import tyro
from peer.environment import prepare
from peer.worlds import Worlds
from rich.table import Table

from testbed.audit.statistics import difference_interval, rate_interval
from testbed.console import console, run_command, tracked
from testbed.distillation.config import PPOConfig, Training
from testbed.distillation.losses.likelihood import negative_log_likelihood
from testbed.distillation.normaliser import normaliser
from testbed.distillation.reinforcement import discriminator
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.source import Source
from testbed.policies.network import NetworkPolicy, PolicyConfig
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, transitions
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.seeding import scenario_seeds

ENVIRONMENT = "testbed/Merge-v0"
PACKAGES = "imitation==1.0.1", "numpy<2", "setuptools<80", f"torch=={torch.__version__.split('+')[0]}"
IMPORTS = "imitation.algorithms.adversarial.gail, imitation.algorithms.bc"
EPISODES, SECONDS = 96, 1.5
"""Demonstrations; length of one measurement of speed [s]."""
TRAINING = Training(steps=2000, batch=256, learning_rate=1e-3)
"""Of cloned students. Here the step size falls along a cosine; there it stays as it is, or is made to do the same."""
MUST, AIM = {64: 5.0, 256: 4.0}, {64: 20.0, 256: 8.0}
"""Width of both hidden layers -> how many times the peer's samples/s ten stacked seeds must reach, and should."""


@dataclass(frozen=True)
class Options:
    """Compare cloning and GAIL with the `imitation` package."""

    folder: Path = Path("build/imitation-venv")
    """Where the peer's environment is, or is made (a few minutes, a GB or more)."""
    repeats: int = 7
    """How often each speed is measured; both packages take turns."""
    students: int = 3
    """Students of each kind, one a training seed."""
    iterations: int = 40
    """Iterations of GAIL; see `PPOConfig`."""
    scenes: int = 256
    """Unseen scenes that each student plays."""
    parts: tuple[Literal["speed", "cloning", "adversarial"], ...] = ("speed", "cloning", "adversarial")
    """What is compared."""


class Data:
    """What everybody learns from and is tried on."""

    def __init__(self, options: Options) -> None:
        self.options = options
        shown = self.played("demonstrations", EPISODES, GapAcceptance())
        self.source = Source(transitions(shown), scenes=scenes)
        self.held_out: Transitions = transitions(self.played("held-out", EPISODES, GapAcceptance()))
        self.normaliser = normaliser(self.source.decisions.observations)

    def played(self, purpose: str, count: int, policy: Policy) -> list:
        """Return what a policy does in the scenes of a purpose."""
        return list(play(ENVIRONMENT, scenes(purpose, count), [(policy, Behaviour("player"))]))

    def successes(self, students: Sequence[Policy]) -> np.ndarray:
        """Return where students succeed in the unseen scenes, 0 or 1, students x scenes."""
        count = self.options.scenes
        return np.array([[e.success for e in self.played("unseen", count, student)] for student in students], float)

    def loss(self, students: Sequence[NetworkPolicy]) -> float:
        """Return the mean negative log-likelihood of the held-out decisions."""
        actions = torch.from_numpy(self.held_out.actions)
        logits = (torch.from_numpy(student.parameters(self.held_out.observations)) for student in students)
        return statistics.mean(float(negative_log_likelihood(each, actions)) for each in logits)


def scenes(purpose: str, count: int) -> list[Scenario]:
    """Return scenes; those of different purposes differ."""
    return [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]


def shape(width: int) -> PolicyConfig:
    """Return the shape of a student."""
    return PolicyConfig(ENVIRONMENT, 56, 5, (width, width))


class Peer:
    """The other half, in its own environment."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self.connection, self.folder = connection, folder

    def ask(self, what: str, worlds: Worlds | None = None, **arguments: Any) -> Any:
        """Return what the peer answers; until then it may act in worlds."""
        self.connection.send((what, arguments))
        while (asked := self.connection.recv())[0] != "done":
            self.connection.send_bytes(worlds.answer(*asked))
        return asked[1]

    def student(
        self, data: Data, what: str, width: int, worlds: Worlds | None = None, **arguments: Any
    ) -> NetworkPolicy:
        """Return a student that the peer makes."""
        file = self.folder / "student.npz"
        self.ask(what, worlds, width=width, file=str(file), **arguments)
        with np.load(file) as arrays:
            mean, std = data.normaliser
            return NetworkPolicy(shape(width), {**arrays, "mean": mean, "std": std})


@contextmanager
def started(python: Path, data: Data) -> Iterator[Peer]:
    """Yield the peer at work."""
    key = os.urandom(16)
    with tempfile.TemporaryDirectory() as temporary, Listener(authkey=key) as listener:
        file, program = Path(temporary, "demonstrations.npz"), Path(__file__).parent / "peer" / "imitation_gail.py"
        shown, (mean, std) = data.source.decisions, data.normaliser
        before, after = ((table - mean) / std for table in (shown.observations, shown.next_observations))
        np.savez(file, obs=before, acts=shown.actions, next_obs=after, dones=shown.terminated, actions=5)
        command, quiet = [python, "-I", program, str(listener.address), file], os.environ | {"TQDM_DISABLE": "1"}
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=quiet)
        process.stdin.write(key.hex().encode())
        process.stdin.close()
        with listener.accept() as connection:
            yield Peer(connection, Path(temporary))
        process.wait(60)


def clone_fast(source: Source, width: int, seeds: int, seconds: float) -> float:
    """Return samples a second of all students together over about so many seconds."""
    steps = 20
    for _ in range(2):  # a short training tells how long the measured one may be
        start = time.perf_counter()
        Cloning(replace(TRAINING, steps=steps)).distil([source] * seeds, shape(width), list(range(seeds)))
        speed = steps / (time.perf_counter() - start)
        steps = max(int(seconds * speed), steps)
    return speed * TRAINING.batch * seeds


def show_speeds(data: Data, peer: Peer) -> list[str]:
    """Print how fast students are cloned; return what falls short."""
    short = []
    for width in MUST:
        asked = partial(peer.ask, "clone_fast", None, width=width, training=asdict(TRAINING))
        ways = {
            "ours, 10 stacked": partial(clone_fast, data.source, width, 10),
            "ours, 1": partial(clone_fast, data.source, width, 1),
            "imitation": partial(asked, threads=1),
            "imitation, every core": partial(asked, threads=os.cpu_count()),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        turns = list(ways) * data.options.repeats
        for name in tracked(turns, f"measure cloning, {width}x{width}", len(turns)):
            rates[name].append(ways[name](seconds=SECONDS))
        best = max((found for name, found in rates.items() if "imitation" in name), key=statistics.median)
        times = {name: [a / b for a, b in zip(rates[name], best, strict=True)] for name in ways}
        rows = [(name, span(rates[name], ",.1f", 1e-3), span(times[name], ".1f")) for name in ways]
        title = f"cloning {width}x{width}, 1000 samples/s of all students together, median (lowest to highest)"
        show(title, ("students", "1000/s", "times imitation's better"), rows)
        reached = statistics.median(times["ours, 10 stacked"])
        said = f"{width}x{width}, samples/s of 10 stacked seeds to one of imitation: {reached:.2f} times"
        console.print(f"{said} (must {MUST[width]:.0f}, aim {AIM[width]:.0f})")
        short += [said] if reached < MUST[width] else []
    return short


def show(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "students" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def span(values: Sequence[float], form: str, unit: float = 1.0) -> str:
    """Return a median with the lowest and the highest value."""
    middle, low, high = (f"{unit * value:{form}}" for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({low} to {high})"


def show_students(title: str, heading: str, rows: dict, pairs: Iterable[tuple[str, str]], data: Data) -> list[str]:
    """Print how often students succeed; return which of ours do so less often than the peer's beyond doubt."""
    told = [(f"{n} ({len(s)})", other, percent(rate_interval(s))) for n, (s, other) in rows.items()]
    show(f"{title}; {data.options.scenes} unseen scenes", ("students", heading, "success, 95 % interval"), told)
    short = []
    for ours, theirs in pairs:
        found = difference_interval(rows[ours][0], rows[theirs][0])
        console.print(f"({ours}) - ({theirs}): {percent(found)}")
        short += [f"students ({ours}) succeed less often than ({theirs})"] if found.high < 0 else []
    return short


def percent(found) -> str:
    """Return an interval in percent."""
    return f"{100 * found.value:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def show_cloned(data: Data, peer: Peer) -> list[str]:
    """Print how good cloned students are; return what falls short."""
    seeds, rows = list(range(data.options.students)), {"the demonstrator": (data.successes([GapAcceptance()]), "")}
    for width in MUST:
        made = {"ours": Cloning(TRAINING).distil([data.source] * len(seeds), shape(width), seeds)}
        for name, cosine in (("imitation, cosine", True), ("imitation", False)):
            turns = tracked(seeds, f"clone {len(seeds)} students of {width}x{width} ({name})", len(seeds))
            training = {"training": asdict(TRAINING), "cosine": cosine}
            made[name] = [peer.student(data, "clone", width, seed=seed, **training) for seed in turns]
        for name, students in made.items():
            rows[f"{name}, {width}x{width}"] = data.successes(students), f"{data.loss(students):.3f}"
    pairs = [(f"ours, {width}x{width}", f"imitation, cosine, {width}x{width}") for width in MUST]
    return show_students(f"cloning, {TRAINING.steps} gradient steps", "held-out loss", rows, pairs, data)


def show_practised(data: Data, peer: Peer) -> list[str]:
    """Print how good students by GAIL are; return what falls short."""
    practice, width, seeds = PPOConfig(iterations=data.options.iterations), 64, range(data.options.students)
    worlds = Worlds(ENVIRONMENT, practice.worlds, data.normaliser)
    judge = {
        "width": discriminator.WIDTH,
        "updates": discriminator.STEPS,
        "batch": discriminator.BATCH,
        "rate": discriminator.RATE,
    }

    def theirs(seed: int) -> NetworkPolicy:
        worlds.scenes = [scene for purpose in practice.purposes for scene in scenes(*purpose)]
        return peer.student(data, "train_ppo", width, worlds, practice=asdict(practice), judge=judge, seed=seed)

    def ours(reward: Literal["gail", "airl"], seed: int) -> NetworkPolicy:
        return Adversarial(practice, reward).distil([data.source], shape(width), [seed])[0]

    rows = {}
    ways = {"ours, gail": partial(ours, "gail"), "ours, airl": partial(ours, "airl"), "imitation, gail": theirs}
    for name, way in ways.items():
        start = time.perf_counter()
        students = [way(seed) for seed in tracked(seeds, f"practise ({name})", len(seeds))]
        rows[name] = data.successes(students), f"{(time.perf_counter() - start) / len(seeds):.0f}"
    pairs = [("ours, gail", "imitation, gail")]
    title = f"adversarial, {practice.iterations * practice.worlds * practice.steps:,} decisions, {width}x{width}"
    return show_students(title, "seconds a student", rows, pairs, data)


def main(options: Options) -> None:
    """Compare and print."""
    data = Data(options)
    with started(prepare(options.folder, PACKAGES, IMPORTS), data) as peer:
        console.print(f"imitation 1.0.1 on {peer.ask('versions')}; ours on torch {torch.__version__}")
        parts = {"speed": show_speeds, "cloning": show_cloned, "adversarial": show_practised}
        short = [line for part in options.parts for line in parts[part](data, peer)]
    raise SystemExit("\n".join(f"falls short: {line}" for line in short) or None)


if __name__ == "__main__":
    run_command(lambda: main(tyro.cli(Options)))
