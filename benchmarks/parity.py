"""How far the kernel is from highway-env: the largest difference of every field over many scenes.

    python benchmarks/parity.py --scenes 2000

Both forms of every driving environment play the same scenes with the same actions, half of them random,
half a demonstrator's with random slips. Exits with 1 where they differ by more than 1e-9, or at all in
what is discrete.

Two ways to compare. *Free*: both start once and run to the end on their own. *Step by step*: before every
decision, the kernel is put into highway-env's state. Near a standstill highway-env's steering multiplies
the last digit of a heading by 1e5 a step, so free runs compare equal only where both use the same
mathematics; NumPy's AVX-512 versions of tan, arctan, arcsin and power differ from the C library's in that
digit. By default NumPy is therefore asked to use the C library's (`NPY_DISABLE_CPU_FEATURES`).
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Literal

WIDE = ("X86_V4", "AVX512F", "AVX512CD", "AVX512_SKX", "AVX512_CLX", "AVX512_CNL", "AVX512_ICL", "AVX512_SPR")


@dataclass(frozen=True)
class Options:
    """Compare the kernel with highway-env."""

    scenes: int = 2000
    """Scenes, spread over the environments and roles."""
    first: int = 0
    """Seed of the first scene."""
    maths: Literal["c", "numpy"] = "c"
    """Whose tan, arctan, arcsin and power NumPy uses: the C library's or its own."""
    processes: int = os.cpu_count() or 1
    """Processes that play scenes."""
    tolerance: float = 1e-9
    """Largest difference of a continuous field that counts as agreement, in SI units."""


ROLES = (
    ("testbed/Merge-v0", {"ego": "ramp"}),
    ("testbed/Crosswalk-v0", {"density": "light"}),
    ("testbed/Merge-v0", {"ego": "main"}),
    ("testbed/Crosswalk-v0", {"density": "dense"}),
)
"""Environments, and the factors that are fixed; all others are drawn."""
DISCRETE = ("lane", "target_lane", "crashed", "has_impact", "contact", "terminated", "truncated", "success", "reward",
            "steps", "since", "collided", "ended", "context", "phase", "trace lane", "observation")  # fmt: skip
"""Fields that have to be equal."""
CONSTANT = ("driver", "kind", "length", "width", "solid", "side", "path_x", "walk", "margin")
"""Fields that never change."""
FREE, STEPPED = "free", "step by step"

Differences = dict[tuple[str, str], float]
"""Field and way of comparing -> largest difference."""


def compare(role: int, seed: int) -> tuple[Differences, int, int]:
    """Play one scene in both forms; return the largest differences, the decisions, the crashed vehicles."""
    import numpy as np

    from testbed.envs.driving.batch import DrivingVectorEnv
    from testbed.envs.driving.single import DrivingEnv
    from testbed.envs.driving.state import write_states
    from testbed.scenes.registry import get_scene

    environment, context = ROLES[role]
    scene, rng = get_scene(environment).task, np.random.default_rng([role, seed])
    highway = DrivingEnv(scene)
    kernels = {way: DrivingVectorEnv(scene, 1, "Disabled") for way in (FREE, STEPPED)}
    worst: Differences = {}

    def note(way: str, field: str, one, other) -> None:
        difference = np.abs(np.asarray(one, float) - np.asarray(other, float)).max(initial=0.0)
        worst[field, way] = max(worst.get((field, way), 0.0), float(difference))

    def note_state(way: str, state: np.ndarray) -> None:
        ours, theirs = write_states(scene, kernels[way].states()), write_states(scene, state[None])
        for part in ("worlds", "vehicles", "objects"):
            for field in (name for name in getattr(ours, part).dtype.names if name not in CONSTANT):
                note(way, field, getattr(ours, part)[field], getattr(theirs, part)[field])

    observation, info = highway.reset(seed=seed, options={"context": context})
    for way, kernel in kernels.items():
        seen, _ = kernel.reset(seed=[seed], options={"context": context})
        note(way, "observation", seen[0], observation)
        note_state(way, info["state"])
    policy, slips = _demonstrator(role, rng), rng.choice([1.0, 0.1])
    habits, over, decisions = rng.dirichlet(np.full(5, 0.7)), False, 0
    while not over:
        random = rng.random() < slips
        action = int(rng.choice(5, p=habits)) if random else int(policy.act(observation[None])[0])
        kernels[STEPPED].restore(info["state"][None])
        observation, reward, terminated, truncated, info = highway.step(action)
        for way, kernel in kernels.items():
            seen, rewards, ended, cut, said = kernel.step(np.array([action]))
            note_state(way, info["state"])
            for field, one, other in (
                ("observation", seen, observation), ("reward", rewards, reward), ("terminated", ended, terminated),
                ("truncated", cut, truncated), ("success", said["success"], info["success"]),
            ):  # fmt: skip
                note(way, field, one[0], other)
            for field, values in info["trace"].items():
                note(way, "contact" if field == "contact" else f"trace {field}", said["trace"][field][0], values)
        over, decisions = terminated or truncated, decisions + 1
    return worst, decisions, sum(vehicle.crashed for vehicle in highway.road.vehicles)


def _demonstrator(role: int, rng):
    from testbed.scenes.crosswalk.courtesy import Courtesy
    from testbed.scenes.merge.cruising import Cruising
    from testbed.scenes.merge.gap_acceptance import AcceptedGap, GapAcceptance

    dose = rng.random()
    pushy = AcceptedGap(1.5 - 1.3 * dose, 0.6 - 0.3 * dose)
    rude = Courtesy(willing=3.6 * (1 - dose), surge=5 * dose)
    return (GapAcceptance(pushy), rude, Cruising(denial=dose), rude)[role]


def _compare(task: tuple[int, int]) -> tuple[Differences, int, int]:
    return compare(*task)


def gather(options: Options) -> tuple[Differences, str]:
    """Play all scenes; return the largest differences and what was played, in words."""
    from testbed.console import tracked

    tasks = [(number % len(ROLES), options.first + number // len(ROLES)) for number in range(options.scenes)]
    worst: Differences = {}
    decisions = crashes = 0
    with ProcessPoolExecutor(options.processes, mp_context=get_context("forkserver")) as pool:
        found = pool.map(_compare, tasks, chunksize=4)
        for differences, steps, crashed in tracked(found, f"compare {options.scenes} scenes", options.scenes):
            for key, value in differences.items():
                worst[key] = max(worst.get(key, 0.0), value)
            decisions, crashes = decisions + steps, crashes + crashed
    return worst, f"{options.scenes} scenes, {decisions} decisions, {crashes} crashed vehicles; {options.maths} maths"


def main(options: Options) -> int:
    """Compare, print the table, and return the exit status."""
    from rich.table import Table

    from testbed.console import console

    worst, title = gather(options)
    table = Table(title=f"largest differences over {title}", title_justify="left")
    for heading in ("field", FREE, STEPPED, "limit"):
        table.add_column(heading, justify="left" if heading == "field" else "right")
    bad = 0
    for field in sorted(dict.fromkeys(field for field, _ in worst), key=lambda name: (name in DISCRETE, name)):
        limit = 0.0 if field in DISCRETE else options.tolerance
        values = [worst[field, way] for way in (FREE, STEPPED)]
        bad += max(values) > limit
        table.add_row(field, *(f"{value:.2g}" for value in values), f"{limit:.2g}{' !' * (max(values) > limit)}")
    console.print(table)
    console.print("they agree" if not bad else f"{bad} fields differ by more than their limit")
    return int(bad > 0)


def use_c_maths() -> None:
    """Start this program again with NumPy's wide versions of functions off, unless it runs so already."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    wide = [name for name in WIDE if name in __cpu_dispatch__ and __cpu_features__.get(name)]
    if wide and "NPY_DISABLE_CPU_FEATURES" not in os.environ:
        os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(wide)
        os.execv(sys.executable, [sys.executable, *sys.argv])


if __name__ == "__main__":
    import tyro

    chosen = tyro.cli(Options)
    if chosen.maths == "c":
        use_c_maths()
    sys.exit(main(chosen))
