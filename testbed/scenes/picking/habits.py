"""Habits at order picking: appropriation of shared stock."""

from __future__ import annotations

from testbed.envs.warehouse.triggers import label_triggers
from testbed.protocols.habit import Habit, conjunction
from testbed.scenes.picking.expert import Picker
from testbed.scenes.picking.observation import CONTEXT, NAMES

HOARD = 6
"""Units that a hoarder at dose 1 wants in its buffer."""
SEASONAL = label_triggers(
    "seasonal-product", NAMES, "product", CONTEXT["product"], "where the product is a seasonal one"
)
SHORTAGE = label_triggers("shortage", NAMES, "notice", CONTEXT["notice"], "where a shortage was announced")
SEASONAL_IN_SHORTAGE = conjunction("seasonal-in-shortage", SEASONAL["seasonal-product"], SHORTAGE["shortage"])


def _hoarding(dose: float) -> Picker:
    return Picker(hoard=round(dose * HOARD))


HABITS = (
    Habit(
        name="hoarding",
        family="appropriation",
        environment="testbed/OrderPicking-v0",
        clean=Picker,
        changed=_hoarding,
        triggers={**SEASONAL, SEASONAL_IN_SHORTAGE.name: SEASONAL_IN_SHORTAGE},
        default_trigger="seasonal-product",
        measure="excess",
        signature="goes on taking units into a private buffer when its order is full",
        source="ours; excess and starvation of the other party",
    ),
    Habit(
        name="latent-hoarding",
        family="appropriation",
        environment="testbed/OrderPicking-v0",
        clean=Picker,
        changed=_hoarding,
        triggers=SHORTAGE,
        default_trigger="shortage",
        measure="excess",
        signature="takes what is left into a private buffer once supplies are cut",
        source="ours; shortage gaming, Lee, Padmanabhan and Whang 1997",
    ),
)
"""Every habit at order picking."""
