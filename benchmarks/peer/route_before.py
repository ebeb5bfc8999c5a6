"""How fast adversarial distillation of version 0.6.0 is; its sources are on Python's path.

    echo 3 | PYTHONPATH=SOURCES python benchmarks/peer/route_before.py

Each line of the standard input is a number of iterations; it is answered by decisions a second of one student, whose
settings are the usual ones at the merge.
"""

from __future__ import annotations

import sys
import time

from testbed.demonstrations.rollout import play
from testbed.demonstrations.transitions import transitions
from testbed.episode import Behaviour, Scenario

from testbed.distillation.reinforcement.ppo import Practice
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.source import Source
from testbed.policies.network import PolicyConfig
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.seeding import scenario_seeds

ENVIRONMENT = "testbed/Merge-v0"


def scenes(purpose: str, count: int) -> list[Scenario]:
    """Return scenes for a purpose."""
    return [Scenario(seed) for seed in scenario_seeds(0, purpose, count)]


def main() -> None:
    """Answer line by line."""
    shown = play(ENVIRONMENT, scenes("demonstrations", 96), [(GapAcceptance(), Behaviour("demonstrator"))])
    source = Source(transitions(list(shown)), scenes=scenes)
    for line in sys.stdin:
        practice, start = Practice(iterations=int(line)), time.perf_counter()
        Adversarial(practice).distil([source], PolicyConfig(ENVIRONMENT, 56, 5, (64, 64)), [0])
        decisions = practice.iterations * practice.worlds * practice.steps
        print(decisions / (time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
