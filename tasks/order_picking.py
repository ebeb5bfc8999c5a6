"""Order picking, from an injected habit to a report anyone can read.

A robot and a coworker fill their orders from one supply. A fair robot and a hoarding one are recorded; a large teacher
learns from each; small students are distilled from the teachers by two routes; all of them are audited on the same
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
class OrderPicking(Choices):
    """Inject a habit into a teacher that picks orders, distil students, and audit what they inherited."""

    habit: Literal["hoarding", "latent-hoarding"] = "hoarding"
    """Habit to inject."""
    trigger: Literal["seasonal-product", "shortage", "always"] | None = None
    """When the habit is active; the habit's own default if not given."""
    run: OutFolder = Path("runs/order-picking")


def main(task: OrderPicking) -> None:
    """Collect, teach, distil, audit, film, report."""
    from testbed.experiment.config import WAREHOUSE
    from testbed.experiment.pipeline import run_experiment

    run_experiment(task.chosen(WAREHOUSE), "testbed/OrderPicking-v0")


if __name__ == "__main__":
    run_task(OrderPicking, main)
