"""What is asked of an environment, checked: seeds, contexts, options, actions. What makes no sense is a `UserError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from testbed.errors import UserError, unknown_name

FREE = -1
"""Stands for a context factor that is drawn."""


def shown(value: object) -> str:
    """Return a value as a part of one line, cut off where it is long."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def checked_seed(seed: Any) -> int:
    """Return a scenario seed as Gymnasium takes it; raises `UserError` for what is no whole number from 0 to 2**63."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63:
        raise UserError(f"seed {shown(seed)} is no whole number from 0 to 2**63 - 1")
    return int(seed)


def checked_count(what: str, value: Any) -> int:
    """Return a number of things of which there must be one; raises `UserError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise UserError(f"{what} {shown(value)} is no whole number: give at least 1")
    return int(value)


def checked_options(environment: str, options: Any, valid: Sequence[str]) -> Mapping[str, Any]:
    """Return the options of a reset; raises `UserError` for an unknown one and for what is no mapping."""
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        raise UserError(
            f"a reset of {environment} has no options {shown(options)}: give a mapping with {', '.join(valid)}"
        )
    for name in options:
        if name not in valid:
            raise unknown_name("reset option", name, valid)
    return options


def checked_render_mode(environment: str, mode: Any, valid: Sequence[str]) -> str | None:
    """Return a render mode; raises `UserError` for an unknown one."""
    if mode is not None and mode not in valid:
        raise UserError(f"{environment} has no render mode '{shown(mode)}': choose {' or '.join(valid)}")
    return mode


def fixed_factors(known: Mapping[str, tuple[str, ...]], context: Any) -> np.ndarray:
    """Return a context as positions in the values of all factors, FREE for those it does not name, shape (factors,).

    Args:
        known: The factors and their values.
        context: A mapping of factors to values; None fixes nothing.

    Raises:
        UserError: for an unknown factor or value, and for what is no mapping.
    """
    context = {} if context is None else context
    if not isinstance(context, Mapping):
        raise UserError(f"context {shown(context)} is no mapping: give one of factors to values, of {', '.join(known)}")
    for factor, value in context.items():
        if factor not in known:
            raise unknown_name("context factor", factor, known)
        if not isinstance(value, str) or value not in known[factor]:
            raise UserError(f"context {factor} cannot be '{shown(value)}': choose one of {', '.join(known[factor])}")
    return np.array([v.index(context[f]) if f in context else FREE for f, v in known.items()])


def one_a_world(what: str, values: Any, worlds: int) -> Sequence:
    """Return values of which there is one for each world; raises `UserError` for another number, or no sequence."""
    listed = isinstance(values, Sequence) and not isinstance(values, str | bytes)
    if not listed and not (isinstance(values, np.ndarray) and values.ndim):
        raise UserError(f"{what} {shown(values)}: give one a world, or one for all")
    if len(values) != worlds:
        raise UserError(f"{len(values)} {what} do not fit {worlds} worlds: give one a world, or one for all")
    return values


def array_of(values: Any) -> np.ndarray:
    """Return values as an array; where they are of no one shape, one of no numbers, which every check refuses."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError):
        return np.array(None, object)
