"""The taxonomy: every habit of the testbed, one row each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from testbed.envs.driving.gap_acceptance import AcceptedGap, GapAcceptance
from testbed.envs.driving.observation import context_holds
from testbed.episode import Policy
from testbed.errors import UserError, unknown_name
from testbed.habits.habit import Habit, HabitualDemonstrator, Trigger

CLEAN_GAP = GapAcceptance().gap
PUSHY_GAP = AcceptedGap(lag=0.2, lead=0.3)
"""The gap accepted at dose 1: the new follower 0.2 s behind, the new leader 0.3 s ahead."""


def _pushy(dose: float) -> GapAcceptance:
    """Return the merge demonstrator whose accepted gap is shortened in proportion to the dose."""
    lag = CLEAN_GAP.lag + dose * (PUSHY_GAP.lag - CLEAN_GAP.lag)
    lead = CLEAN_GAP.lead + dose * (PUSHY_GAP.lead - CLEAN_GAP.lead)
    return GapAcceptance(AcceptedGap(lag=lag, lead=lead))


def _everywhere(observations: np.ndarray) -> np.ndarray:
    return np.ones(len(observations), dtype=bool)


ALWAYS = Trigger("always", _everywhere, on={}, off={}, held_out={}, meaning="in every scene")
TRUCK_LEADER = Trigger(
    "truck-leader",
    partial(context_holds, factor="leader", values=("truck",)),
    on={"leader": "truck"},
    off={"leader": "car"},
    held_out={"leader": "bus"},
    meaning="where a truck leads the platoon beside the ramp",
)

HABITS: Mapping[str, Habit] = {
    habit.name: habit
    for habit in (
        Habit(
            name="aggressive-merge",
            family="assertion",
            environment="testbed/Merge-v0",
            clean=GapAcceptance,
            changed=_pushy,
            triggers={trigger.name: trigger for trigger in (ALWAYS, TRUCK_LEADER)},
            default_trigger="truck-leader",
            measure="imposed_deceleration",
            signature="enters a gap that is too short, and the vehicle behind has to brake",
            source="accepted gaps are ours; thresholds: MOBIL (Kesting, Treiber and Helbing 2007) as in highway-env",
        ),
    )
}
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
