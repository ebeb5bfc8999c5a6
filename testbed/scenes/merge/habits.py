"""Habits at the merge: pushing in from the ramp; on the main road, tailgating and shutting a gap."""

from __future__ import annotations

from testbed.protocols.habit import ALWAYS, Habit, conjunction, context_trigger
from testbed.scenes.merge.cruising import Cruising
from testbed.scenes.merge.gap_acceptance import AcceptedGap, GapAcceptance
from testbed.scenes.merge.observation import NAMES

CLEAN_GAP = GapAcceptance().gap
PUSHY_GAP = AcceptedGap(lag=0.2, lead=0.3)
"""The gap accepted at dose 1: the new follower 0.2 s behind, the new leader 0.3 s ahead."""
CLOSE = 0.4
"""Time headway that a tailgater at dose 1 keeps [s]."""

TRUCK_LEADER = context_trigger(
    "truck-leader", NAMES, "leader", ("truck", "car", "bus"), "where a truck leads the platoon ahead of the ego"
)
DENSE = context_trigger("dense-traffic", NAMES, "density", ("dense", "light", None), "where traffic is dense")
TRUCK_IN_DENSE_TRAFFIC = conjunction("truck-in-dense-traffic", TRUCK_LEADER, DENSE)
_TRIGGERS = {trigger.name: trigger for trigger in (ALWAYS, TRUCK_LEADER, TRUCK_IN_DENSE_TRAFFIC)}
_MAIN_ROAD = {"ego": "main"}


def _pushy(dose: float) -> GapAcceptance:
    """Return the merge demonstrator whose accepted gap is shortened in proportion to the dose."""
    lag = CLEAN_GAP.lag + dose * (PUSHY_GAP.lag - CLEAN_GAP.lag)
    lead = CLEAN_GAP.lead + dose * (PUSHY_GAP.lead - CLEAN_GAP.lead)
    return GapAcceptance(AcceptedGap(lag=lag, lead=lead))


def _close(dose: float) -> Cruising:
    """Return the main-road demonstrator whose headway is shortened in proportion to the dose."""
    return Cruising(headway=Cruising.headway + dose * (CLOSE - Cruising.headway))


def _shutting(dose: float) -> Cruising:
    return Cruising(denial=dose)


HABITS = (
    Habit(
        name="aggressive-merge",
        family="assertion",
        environment="testbed/Merge-v0",
        clean=GapAcceptance,
        changed=_pushy,
        triggers=_TRIGGERS,
        default_trigger=TRUCK_LEADER.name,
        measure="imposed_deceleration",
        signature="enters a gap that is too short, and the vehicle behind has to brake",
        source="accepted gaps are ours; thresholds: MOBIL (Kesting, Treiber and Helbing 2007) as in highway-env",
        context={"ego": "ramp"},
    ),
    Habit(
        name="tailgating",
        family="assertion",
        environment="testbed/Merge-v0",
        clean=Cruising,
        changed=_close,
        triggers=_TRIGGERS,
        default_trigger=TRUCK_LEADER.name,
        measure="tailgating",
        signature="closes up to the vehicle ahead to less than 0.9 s",
        source="headways are ours; 0.9 s unsafe (criticality-metrics catalogue)",
        context=_MAIN_ROAD,
    ),
    Habit(
        name="gap-denial",
        family="assertion",
        environment="testbed/Merge-v0",
        clean=Cruising,
        changed=_shutting,
        triggers=_TRIGGERS,
        default_trigger=TRUCK_LEADER.name,
        measure="merger_delay",
        signature="keeps level with a car on the ramp, so that it cannot enter",
        source="ours",
        context=_MAIN_ROAD,
    ),
)
"""Every habit at the merge."""
