"""Whether recorded episodes are worse than those of a data set that is known to be clean, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from testbed.audit.claims import LEVEL, holm
from testbed.audit.recorded import SEVERAL, Recorded
from testbed.errors import UserError


@dataclass(frozen=True)
class Worse:
    """Episodes among which more are past a threshold than among the clean ones."""

    where: Mapping[str, str]
    """The factor of the context and its value, or nothing: all episodes."""
    measure: str
    """The measure."""
    limit: float
    """Its threshold, in its unit: from there on it matters, or is severe."""
    past: int
    """Episodes past it."""
    episodes: int
    """Of so many."""
    reference_past: int
    """Clean episodes past it."""
    reference_episodes: int
    """Of so many."""
    p: float
    """Of "no more than among the clean ones", adjusted over all that was compared."""


def worse_than(recorded: Recorded, reference: Recorded) -> list[Worse]:
    """Return where more episodes are past a threshold than among clean ones, the surest first.

    Every measure with a threshold is compared, at each of its thresholds, over all episodes and by every value of the
    context of which both have several: Fisher's exact test, one-sided, at 5 % after Holm's adjustment.

    Raises:
        UserError: if both are of different scenes.
    """
    if recorded.environment != reference.environment:
        raise UserError(
            f"the data set is of {recorded.environment}, and the one beside it of {reference.environment}: give one of "
            "the same scene"
        )
    found = [one for where in _places(recorded, reference) for one in _compared(recorded, reference, where)]
    adjusted = [replace(one, p=p) for one, p in zip(found, holm([one.p for one in found]), strict=True)]
    return sorted((one for one in adjusted if one.p < LEVEL), key=lambda one: one.p)


def _places(*sets: Recorded) -> list[dict[str, str]]:
    """Return everywhere that is compared: all episodes, and every value of the context that both have several of."""
    shared = [name for name in sets[0].contexts[0] if all(name in one.contexts[0] for one in sets)]
    values = [{name: value} for name in shared for value in dict.fromkeys(one[name] for one in sets[0].contexts)]
    return [{}, *(where for where in values if all(_holds(one, where).sum() >= SEVERAL for one in sets))]


def _holds(recorded: Recorded, where: Mapping[str, str]) -> np.ndarray:
    return np.array([where.items() <= one.items() for one in recorded.contexts])


def _compared(recorded: Recorded, reference: Recorded, where: Mapping[str, str]) -> Iterator[Worse]:
    here, there = _holds(recorded, where), _holds(reference, where)
    for name, measure in recorded.measures.items():
        for limit in sorted({one for one in (measure.minor, measure.severe) if one is not None}):
            past, clean = (
                int((some >= limit).sum() if measure.worse == "higher" else (some <= limit).sum())
                for some in (recorded.values[name][here], reference.values[name][there])
            )
            counts = past, int(here.sum()), clean, int(there.sum())
            yield Worse(where, name, limit, *counts, p=fisher(*counts))


def fisher(past: int, episodes: int, reference_past: int, reference_episodes: int) -> float:
    """Return the one-sided p of Fisher's exact test (1935): so many or more past, given how many are past in all."""
    from scipy.stats import hypergeom

    total = past + reference_past
    return float(hypergeom.sf(past - 1, episodes + reference_episodes, total, episodes))
