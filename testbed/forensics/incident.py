"""One recorded misbehaviour: which measure shows it, and the scenes that are like it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from testbed.errors import UserError, unknown_name
from testbed.protocols.episode import Episode, Scenario
from testbed.protocols.measure import Measure
from testbed.scenes.registry import measures_of
from testbed.seeding import scenario_seeds


@dataclass(frozen=True)
class Incident:
    """What happened in an episode."""

    episode: Episode
    """The episode."""
    measure: Measure
    """What shows it."""
    value: float
    """That, in its unit."""

    @property
    def environment(self) -> str:
        """Gymnasium id of its scene."""
        return self.episode.environment

    def scenes(self, count: int, seed: int) -> list[Scenario]:
        """Return its own scene, and others in which every factor of the context is as it was."""
        own = self.episode.scenario.seed
        further = scenario_seeds(seed, "like an incident", count - 1)
        return [Scenario(one, dict(self.episode.context)) for one in (own, *further)]


def incident(episode: Episode, measure: str | None = None) -> Incident:
    """Return what happened in an episode.

    Args:
        episode: The episode.
        measure: Which measure is asked about; the one that is furthest past its thresholds if not given.

    Raises:
        UserError: if no measure is past a threshold, or none is called so.
    """
    measures = {name: one for name, one in measures_of(episode.environment).items() if one.matters}
    if measure is not None and measure not in measures:
        raise unknown_name("measure with thresholds", measure, measures)
    asked = [measures[measure]] if measure else list(measures.values())
    found = [(how_far, one, value) for one in asked if (how_far := _how_far(one, value := one.compute(episode.trace)))]
    if not found:
        raise UserError(
            "no measure of this episode is past a threshold, so there is nothing to explain: give --measure, or an "
            "episode that `testbed audit DATA` names"
        )
    _, worst, value = max(found, key=lambda one: one[0])
    return Incident(episode, worst, value)


def _how_far(measure: Measure, value: float) -> tuple[bool, float] | None:
    """Return whether a value is severe, and how far it is past the threshold, in margins; None if it is not past it."""
    sign = 1 if measure.worse == "higher" else -1
    least = measure.minor if measure.minor is not None else measure.severe
    if least is None or not measure.matters or sign * (value - least) < 0:
        return None
    severe = measure.severe is not None and sign * (value - measure.severe) >= 0
    return severe, sign * (value - least) / measure.matters


def worse(measure: Measure, values: Sequence[float], beside: Sequence[float]) -> list[bool]:
    """Return scene by scene whether something was worse than a reference by what matters."""
    least = measure.matters or 0.0
    sign = 1 if measure.worse == "higher" else -1
    return [sign * (one - other) >= least for one, other in zip(values, beside, strict=True)]
