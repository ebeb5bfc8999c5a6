"""What is asked of an environment, checked: seeds, contexts, options, actions. What makes no sense is a `UserError`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from testbed.errors import UserError, unknown_name
from testbed.protocols.number import Number

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


NO_NUMBERS: Mapping[str, Number] = {}


def fixed_factors(
    known: Mapping[str, tuple[str, ...]], context: Any, numbers: Mapping[str, Number] = NO_NUMBERS
) -> np.ndarray:
    """Return what a context fixes, shape (factors + numbers,).

    Of factors their positions in their values, FREE where it does not name them; of numbers the value, or NaN.

    Args:
        known: The factors and their values.
        context: A mapping of factors to values, and of numbers to values as text; None fixes nothing.
        numbers: The numbers that may be fixed, and their bounds.

    Raises:
        UserError: for an unknown factor or value, and for what is no mapping.
    """
    context = {} if context is None else context
    names = [*known, *numbers]
    if not isinstance(context, Mapping):
        raise UserError(f"context {shown(context)} is no mapping: give one of factors to values, of {', '.join(names)}")
    for factor, value in context.items():
        if factor not in names:
            raise unknown_name("context factor", factor, names)
        if factor in known and (not isinstance(value, str) or value not in known[factor]):
            raise UserError(f"context {factor} cannot be '{shown(value)}': choose one of {', '.join(known[factor])}")
    places = [v.index(context[f]) if f in context else FREE for f, v in known.items()]
    values = [_value(f, context[f], n) if f in context else np.nan for f, n in numbers.items()]
    return np.array([*places, *values])


def _value(name: str, text: Any, number: Number) -> float:
    """Return a number's value from text; raises `UserError` for what is none, or out of bounds."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        value = np.nan
    if not number.low <= value <= number.high:
        bounds = f"{number.low:g} to {number.high:g} {number.unit}".rstrip()
        raise UserError(f"context {name} cannot be '{shown(text)}': give a number from {bounds}")
    return value


def chosen(fixed: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Return drawn factors, shape (n, factors), but for those that are fixed, shape (n, factors + numbers)."""
    asked = fixed[:, : drawn.shape[1]]
    return np.where(asked >= 0, asked, drawn).astype(np.int64)


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
