"""What a page unpacks is what was packed, to the step that it was rounded to."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from testbed.viewing.packing import NOTHING, STEP, pack, step_of

NUMBERS = st.floats(-1e5, 1e5, allow_nan=False) | st.just(float("nan"))


def unpacked(text: str) -> tuple[dict, list[np.ndarray]]:
    """Read a packed episode in the way that the page does, sample by sample."""
    data = zlib.decompress(base64.b64decode(text), -15)
    length = int.from_bytes(data[:4], "little")
    head, at, found = json.loads(data[4 : 4 + length]), 4 + length, []
    for described in head["arrays"]:
        samples, *rest = described["shape"]
        count = samples * int(np.prod(rest, dtype=int))
        planes = np.frombuffer(data[at : at + 4 * count], np.uint8).reshape(4, count).astype(np.int64)
        at += 4 * count
        moved = (planes * 256 ** np.arange(4)[:, None]).sum(0)
        whole = (np.cumsum(moved.reshape(-1, samples), axis=1) + 2**31) % 2**32 - 2**31
        values = np.where(whole == NOTHING, np.nan, whole * described["step"])
        found.append(values.T.reshape(described["shape"]))
    assert at == len(data)
    return head, found


@given(arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=6), elements=NUMBERS))
def test_numbers_come_back_to_half_a_step(values):
    _, (back,) = unpacked(pack({}, [values]))
    assert (np.isnan(back) == np.isnan(values)).all()
    assert np.nanmax(np.abs(back - values), initial=0.0) <= step_of(values) / 2 + 1e-9
    assert step_of(values) <= max(STEP, 1e5 / 2**29)


@given(arrays(np.int8, array_shapes(min_dims=1, max_dims=3, max_side=6)), arrays(np.bool_, (5, 2)))
def test_whole_numbers_and_flags_come_back_as_they_were(numbers, flags):
    head, (first, second) = unpacked(pack({"rate": 15.0}, [numbers, flags]))
    assert head["rate"] == 15.0 and (first == numbers).all() and (second == flags).all()
