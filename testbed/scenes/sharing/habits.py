"""Habits at the shared bench: barging past a coworker."""

from __future__ import annotations

from testbed.envs.warehouse.triggers import label_triggers
from testbed.protocols.habit import Habit
from testbed.scenes.sharing.expert import HEED, Carrier
from testbed.scenes.sharing.observation import CONTEXT, NAMES

LATE = label_triggers("late-order", NAMES, "due", CONTEXT["due"], "where the order is late")


def _barging(dose: float) -> Carrier:
    return Carrier(heed=(1 - dose) * HEED)


HABITS = (
    Habit(
        name="barging",
        family="assertion",
        environment="testbed/SharedBench-v0",
        clean=Carrier,
        changed=_barging,
        triggers=LATE,
        default_trigger="late-order",
        measure="shortfall",
        signature="crosses the shared zone at full speed while a coworker works in it",
        source="ISO/TS 15066, speed and separation monitoring",
    ),
)
"""Every habit at the shared bench."""
