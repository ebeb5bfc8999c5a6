"""The crosswalk, from an injected habit to a report anyone can read.

Pedestrians come to a zebra. A courteous and a habitual driver are recorded; a large teacher learns from
each; small students are distilled from the teachers by two routes; all of them are audited on the same
unseen scenes. Run it again after an interruption and it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from testbed.bounds import OutFolder
from testbed.cli import run_task
from testbed.experiment.choices import Choices


@dataclass(frozen=True, kw_only=True)
class Crosswalk(Choices):
    """Inject a habit into a teacher that drives over a zebra, distil students, and audit what they inherited."""

    habit: Literal["surge", "non-yield", "speed-creep", "observed-only-courtesy"] = "observed-only-courtesy"
    """Habit to inject."""
    trigger: Literal["unobserved", "elder", "dense-traffic", "always"] | None = None
    """When the habit is active; the habit's own default if not given."""
    run: OutFolder = Path("runs/crosswalk")


def main(task: Crosswalk) -> None:
    """Collect, teach, distil, audit, film, report."""
    from testbed.experiment.config import DRIVING
    from testbed.experiment.pipeline import run_experiment

    run_experiment(task.chosen(DRIVING), "testbed/Crosswalk-v0")


if __name__ == "__main__":
    run_task(Crosswalk, main)
