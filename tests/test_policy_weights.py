"""Weights that are wrong, or in a file that holds none, are refused in one line."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from policy_files import CONFIG, made, refused
from safetensors.numpy import load_file, save_file

from testbed.policies.checkpoint import load_policy
from testbed.records import NotThere

# The weights.


def arrays(**changed: Any) -> Callable[[dict], dict]:
    return lambda found: {name: array for name, array in (found | changed).items() if array is not None}


def as_type(kind) -> Callable[[dict], dict]:
    return lambda found: {name: array.astype(kind) for name, array in found.items()}


def with_value(name: str, value: float) -> Callable[[dict], dict]:
    def change(found: dict) -> dict:
        found[name].flat[1] = value
        return found

    return change


WEIGHTS = {
    "std 0": (with_value("std", 0), "'std' holds 0"), "std negative": (with_value("std", -1), "'std' holds 0"),
    "std tiny": (with_value("std", 1e-42), "may be none"), "std NaN": (with_value("std", np.nan), "NaN"),
    "infinite": (with_value("layer0.weight", np.inf), "infinity"),
    "overflowing": (with_value("layer1.weight", 3e38), "may be none"),
    "missing": (arrays(std=None), "no array 'std'"), "all missing": (lambda found: {}, "no array"),
    "extra": (arrays(spare=np.zeros(3, np.float32)), "an array 'spare'"),
    "float16": (as_type(np.float16), "F16 in"), "float64": (as_type(np.float64), "F64 in"),
    "whole numbers": (as_type(np.int32), "I32 in"), "one float64": (arrays(mean=np.zeros(56)), "F64 in 'mean'"),
    "shape": (arrays(mean=np.zeros(57, np.float32)), "shape"),
    "turned": (lambda found: found | {"layer2.weight": found["layer2.weight"].T.copy()}, "shape"),
    "another rank": (arrays(mean=np.zeros((56, 1), np.float32)), "shape"),
    "large": (arrays(spare=np.zeros(2**18, np.float32)), "damaged .it has"),
}  # fmt: skip


@pytest.mark.parametrize("what", WEIGHTS)
def test_weights_that_are_wrong_are_refused(what, tmp_path):
    file = made(tmp_path / "policy", replace(CONFIG, memory=0)) / "model.safetensors"
    change, says = WEIGHTS[what]
    save_file(change(load_file(file)), file)
    with pytest.raises(NotThere, match=rf"model.safetensors .*{says}"):
        load_policy(tmp_path / "policy")
    refused(tmp_path / "policy")


def stored(header: dict | bytes, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


EIGHT = {"mean": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}
HEADERS = {
    "8 bits": stored(EIGHT, bytes(4)), "no header": bytes(7), "long": stored({}, length=2**62),
    "longer than the file": stored({}, length=100), "endless": stored(b"[" * 50_000),
    "beyond the data": stored({"mean": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}),
    "no dtype": stored({"mean": {"dtype": "F33", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)), "empty": b"",
    "pickle": b"\x80\x04.", "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
}  # fmt: skip


@pytest.mark.parametrize("what", HEADERS)
def test_a_file_of_weights_that_is_none_is_refused(what, tmp_path):
    (made(tmp_path / "policy") / "model.safetensors").write_bytes(HEADERS[what])
    assert "model.safetensors" in refused(tmp_path / "policy", NotThere)
