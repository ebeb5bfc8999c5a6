"""Arrays of an episode as text that a page unpacks when it is looked at.

Numbers are rounded to steps of 0.0001 (whole numbers and flags to 1), written as differences from sample to sample,
their bytes sorted by place and deflated (RFC 1951), so that a thousand episodes are a page of some ten megabytes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

STEP = 1e-4
"""What numbers are rounded to, in their own units."""
LARGEST = 2**30
"""No number has more steps; steps are larger where it would."""
NOTHING = -(2**31)
"""Stands for NaN."""


def pack(head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> str:
    """Return a head and arrays, first axis time, as base64 of: length of the head (uint32), head as JSON, arrays.

    The head gains `arrays`: shape and step of each.
    """
    steps = [step_of(values) for values in arrays]
    described = [
        {"shape": values.shape, "step": step} for values, step in zip(arrays, steps, strict=True)
    ]  # fmt: skip
    text = json.dumps({**head, "arrays": described}, ensure_ascii=True, separators=(",", ":")).encode()
    body = b"".join(_rows(values, step) for values, step in zip(arrays, steps, strict=True))
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    whole = deflate.compress(len(text).to_bytes(4, "little") + text + body) + deflate.flush()
    return base64.b64encode(whole).decode("ascii")


def step_of(values: np.ndarray) -> float:
    """Return what an array's numbers are rounded to."""
    finite = np.abs(values[np.isfinite(values)].astype(float))
    return max(1.0 if values.dtype.kind in "biu" else STEP, float(finite.max(initial=0.0)) / LARGEST)


def _rows(values: np.ndarray, step: float) -> bytes:
    with np.errstate(invalid="ignore"):
        counted = np.where(np.isfinite(values), np.round(values / step), NOTHING).astype(np.int64).astype("<i4")
    flat = counted.reshape(len(counted), -1).T  # one body's or component's samples after the other
    moved = np.diff(flat.astype(np.int64), axis=1, prepend=0).astype("<i4")  # wraps as JavaScript's `| 0` does
    return np.ascontiguousarray(moved).view(np.uint8).reshape(-1, 4).T.tobytes()
