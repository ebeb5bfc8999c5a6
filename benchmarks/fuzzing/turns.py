"""Which input is of which kind."""

from __future__ import annotations

SHARES = {
    "data, bytes": 8, "data, structure": 13, "data, path": 1, "collection": 4, "training": 2, "policy, bytes": 3,
    "policy, config": 4, "policy, tensors": 4, "policy, files": 2, "records": 4, "run": 3, "cells": 2, "arguments": 8,
    "traffic": 2,
}  # fmt: skip
"""How many inputs of 60 are of each kind."""


def _turns() -> list[str]:
    """Return the kinds in the order in which inputs are of them: each as evenly spread as it goes."""
    due = [((turn + 0.5) / share, name) for name, share in SHARES.items() for turn in range(share)]
    return [name for _, name in sorted(due)]


TURNS = _turns()


def kind_of(number: int) -> str:
    """Return of which kind an input is."""
    return TURNS[number % len(TURNS)]
