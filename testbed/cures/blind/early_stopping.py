"""Students that stop early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from testbed.bounds import Dose
from testbed.cures.cure import Cure
from testbed.distillation.route import Route


@dataclass(frozen=True)
class EarlyStopping(Cure):
    """Trains students for a part of the usual time (Prechelt 1998; of poisoned labels Li, Soltanolkotabi and Oymak
    2020): what most of the data say is learnt first."""

    name: ClassVar[str] = "early-stopping"
    share: Dose = 0.25
    """Share of the usual optimiser steps or iterations."""

    def trained(self, route: Route) -> Route:
        """Return the route with fewer steps."""
        return route.lasting(max(round(self.share * route.length), 1))


CURE = EarlyStopping
