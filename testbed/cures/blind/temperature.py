"""The teacher's distribution, sharpened or flattened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from testbed.bounds import Positive
from testbed.cures.cure import Cure
from testbed.distillation.route import Route
from testbed.distillation.routes.kl import KL


@dataclass(frozen=True)
class Temperature(Cure):
    """Divides the teacher's logits by a temperature (Hinton, Vinyals and Dean 2015, section 2).

    Below 1 what a teacher does not choose, where a habit can lie that it never shows, is heard less; above 1 more.
    """

    name: ClassVar[str] = "temperature"
    suits: ClassVar[frozenset[str]] = frozenset(("kl",))
    temperature: Positive = 0.25
    """The distribution is taken to the power of one over it."""

    def trained(self, route: Route) -> Route:
        """Return the route with that temperature."""
        assert isinstance(route, KL)
        return replace(route, temperature=self.temperature)


CURE = Temperature
