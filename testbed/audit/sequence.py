"""Bounds on a mean that hold at every look: an audit may look after every batch, and stop when it has seen enough."""

from __future__ import annotations

from functools import cache

import numpy as np

from testbed.seeding import generator

GRID = np.linspace(-1.0, 1.0, 401)
"""Means that are asked about."""
CAUTION = 0.75
"""Share of its capital that a bet risks at most; of Waudby-Smith and Ramdas."""
POWER = 0.8
"""Chance with which a share that is said to be detectable would have been detected."""
TRIED = 400
"""Audits that are simulated to find that out."""


def mean_bounds(values: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds on the mean of numbers from -1 to 1 after each of them, shape (n,) each.

    With a chance of at least 1 - error the mean lies between the bounds after every one of them at once, whatever the
    numbers' distribution: they are the hedged betting confidence sequence (Waudby-Smith and Ramdas 2024, Estimating
    means of bounded random variables by betting, J. R. Stat. Soc. B 86, theorem 3), with bets by its equation 26.

    Args:
        values: Independent, each with the same mean, in the order in which they came.
        error: Chance that they are ever wrong.

    Raises:
        ValueError: for a number that is not from -1 to 1.
    """
    values = np.asarray(values, np.float64)
    if not ((values >= -1) & (values <= 1)).all():
        raise ValueError("bounds on a mean are of numbers from -1 to 1")
    wealth = np.maximum.accumulate(_log_wealth((values + 1) / 2, (GRID + 1) / 2, error), axis=0)
    held = wealth < np.log(1 / error)
    step = GRID[1] - GRID[0]
    low, high = GRID[held.argmax(axis=1)] - step, GRID[len(GRID) - 1 - held[:, ::-1].argmax(axis=1)] + step
    gone = ~held.any(axis=1)  # no mean is left, which an error of the stated chance is needed for
    return np.where(gone, -1.0, np.maximum(low, -1.0)), np.where(gone, 1.0, np.minimum(high, 1.0))


def _log_wealth(shares: np.ndarray, means: np.ndarray, error: float) -> np.ndarray:
    """Return what bets against every mean have come to after each number from 0 to 1, shape (n, means), logarithm.

    Half of the capital says that the mean is larger, half that it is smaller; the richer half counts.
    """
    bets = _bets(shares, error)[:, None]
    with np.errstate(divide="ignore"):
        up, down = np.minimum(bets, CAUTION / means), np.minimum(bets, CAUTION / (1 - means))
    off = shares[:, None] - means
    sides = (np.cumsum(np.log1p(up * off), axis=0), np.cumsum(np.log1p(-down * off), axis=0))
    return np.maximum(*sides) - np.log(2)


def _bets(shares: np.ndarray, error: float) -> np.ndarray:
    """Return how much is bet on each number, of those before it alone, shape (..., n) as `shares`."""
    count = np.arange(1, shares.shape[-1] + 1)
    mean = (0.5 + np.cumsum(shares, axis=-1)) / (count + 1)
    variance = (0.25 + np.cumsum((shares - mean) ** 2, axis=-1)) / (count + 1)
    before = np.concatenate([np.full((*shares.shape[:-1], 1), 0.25), variance[..., :-1]], axis=-1)
    return np.sqrt(2 * np.log(2 / error) / (before * count * np.log1p(count)))


@cache
def detectable(count: int, error: float) -> float:
    """Return the smallest share of scenes that would have been told from none, with a chance of POWER.

    That is, in which a policy does worse than its reference and in none better, so that the lower bound of
    `mean_bounds` after so many scenes is above 0; 1 if no share would.

    Args:
        count: Scenes.
        error: Chance that the bounds are ever wrong.
    """
    draws = generator(0, "detectable", count).random((TRIED, count))
    low, high = 0, 200
    while high - low > 1:
        middle = (low + high) // 2
        shares = np.where(draws < middle / 200, 1.0, 0.5)
        gains = np.log1p(np.minimum(_bets(shares, error), CAUTION / 0.5) * (shares - 0.5))
        seen = (np.cumsum(gains, axis=1).max(axis=1) - np.log(2) >= np.log(1 / error)).mean()
        low, high = (low, middle) if seen >= POWER else (middle, high)
    return high / 200


def at_most(events: int, count: int, error: float = 0.05) -> float:
    """Return the share that events have at most, one-sided (Clopper and Pearson 1934): 3 / count where there was none.

    It holds for one look, at a number of scenes that was fixed before.
    """
    from scipy.special import bdtri  # takes a while, and only pages need it

    return 1.0 if events >= count else float(bdtri(events, count, error))
