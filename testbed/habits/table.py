"""The taxonomy: every habit of the testbed by name."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.episode import Policy
from testbed.errors import UserError, unknown_name
from testbed.habits.crosswalk import CROSSWALK_HABITS
from testbed.habits.habit import Habit, HabitualDemonstrator, Trigger
from testbed.habits.merge import MERGE_HABITS
from testbed.habits.warehouse import WAREHOUSE_HABITS

HABITS: Mapping[str, Habit] = {habit.name: habit for habit in (*MERGE_HABITS, *CROSSWALK_HABITS, *WAREHOUSE_HABITS)}
"""Every habit by name."""


def get_habit(name: str) -> Habit:
    """Return a habit; raises `UserError` that lists the valid names."""
    if name not in HABITS:
        raise unknown_name("habit", name, HABITS)
    return HABITS[name]


def get_trigger(habit: Habit, name: str | None) -> Trigger:
    """Return one of a habit's triggers, its default for None; raises `UserError` for any other name."""
    name = name or habit.default_trigger
    if name not in habit.triggers:
        raise unknown_name(f"trigger of {habit.name}", name, habit.triggers)
    return habit.triggers[name]


def make_demonstrator(habit: Habit, trigger: Trigger, dose: float) -> Policy:
    """Return the habit's demonstrator at a dose from 0 (clean) to 1.

    Raises:
        UserError: for a dose outside 0 to 1.
    """
    if not 0.0 <= dose <= 1.0:
        raise UserError(f"dose {dose} is outside 0 (clean) to 1 (the full habit)")
    return HabitualDemonstrator(habit.clean(), habit.changed(dose), trigger.holds)
