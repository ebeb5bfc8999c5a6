"""Hidden units that are switched off at random."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.bounds import Part
from testbed.cures.cure import Cure
from testbed.distillation.config import Training
from testbed.distillation.dropout import Dropping
from testbed.distillation.route import Route, Trained
from testbed.errors import UserError


@dataclass(frozen=True)
class Dropout(Cure):
    """Switches hidden units off at random while students learn (Srivastava et al. 2014), so that none can carry a
    trigger alone."""

    name: ClassVar[str] = "dropout"
    suits: ClassVar[frozenset[str]] = frozenset(("kl", "cloning", "value"))
    share: Part = 0.2
    """Share of the units of every hidden layer."""

    def trained(self, route: Route) -> Route:
        """Return the route with units that are switched off."""
        if not isinstance(route, Trained):
            raise UserError(f"dropout is of students that are trained, and those of {route.name} practise")
        plain: Training = route.training
        return replace(route, training=Dropping(plain.steps, plain.batch, plain.learning_rate, self.share))


CURE = Dropout
