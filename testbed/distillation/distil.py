"""The one way to make students: (sources, route, shape, seeds) -> students."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.distillation.routes.value import Value
from testbed.distillation.source import Source
from testbed.distillation.stacked import Training
from testbed.errors import unknown_name
from testbed.policies.network import NetworkPolicy, PolicyConfig


class Route(Protocol):
    """A way in which a behaviour is handed down."""

    def distil(
        self, sources: Sequence[Source], config: PolicyConfig, seeds: Sequence[int],
        starts: Sequence[NetworkPolicy] | None = None, journal: Journal = SILENT,
    ) -> list[NetworkPolicy]:  # fmt: skip
        """Make one student for each source and seed.

        Args:
            sources: What each student learns from.
            config: Shape of every student.
            seeds: One each.
            starts: What each begins as; fresh networks if not given.
            journal: Progress, curves, and what a killed training goes on from.

        Returns:
            The students, in the order of the seeds.

        Raises:
            UserError: if a source lacks what the route needs, or the route cannot make students of this shape.
        """
        ...


ROUTES: Mapping[str, Callable[[Training, Adversarial], Route]] = {
    "cloning": lambda training, _: Cloning(training),
    "kl": lambda training, _: KL(training),
    "value": lambda training, _: Value(training),
    "adversarial": lambda _, adversarial: adversarial,
}
"""Name -> makes the route with its usual choices, given how students train and, by the adversarial one, practise."""


def make_route(name: str, training: Training, adversarial: Adversarial) -> Route:
    """Return a route by name; raises `UserError` for an unknown one."""
    if name not in ROUTES:
        raise unknown_name("route", name, ROUTES)
    return ROUTES[name](training, adversarial)
