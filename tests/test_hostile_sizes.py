"""Small files that would become large, slow or silent: each ends soon, in one line."""

from __future__ import annotations

import base64
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import MERGE, refused
from test_hostile_policies import sb3, serialized

from testbed.errors import UserError
from testbed.policies.contract import read_contract
from testbed.policies.formats.arrays import read_state_dict
from testbed.policies.formats.pickles import read_pickle
from testbed.policies.formats.sb3 import load_sb3
from testbed.policies.formats.vecnormalize import Normaliser, load_vecnormalize
from testbed.policies.loaders import load_any
from testbed.policies.own_code import load_own


def test_many_tensors_of_one_storage_are_not_all_made():
    data, one = io.BytesIO(), torch.zeros(2**22)
    torch.save({f"w{number}": one for number in range(200)}, data)
    refused(read_state_dict, data.getvalue(), "x.pt", words="more than 67,108,864 numbers")


def test_a_nested_value_is_not_written_out(tmp_path):
    laughs = b"\x80\x04}\x8c\x0dactivation_fn)" + b"2\x86" * 60 + b"s."
    refused(load_sb3, sb3(tmp_path / "a.zip", {"policy_kwargs": serialized(laughs)}), words="its activation is a tuple")


def test_keys_that_collide_and_endless_operations_are_refused():
    keys = {(2**61 - 1) * number: None for number in range(2000)}
    refused(read_pickle, pickle.dumps(keys), "it", words="no plain values")
    refused(read_pickle, b"\x80\x04" + b"\x8f" * 300_000 + b".", "it", words="operations")
    refused(read_pickle, b"\x80\x04" + b"N" * 2**23, "it", words="more than any settings")


@pytest.mark.parametrize("value", [{":serialized:": 5}, {":serialized:": "\u00e9"}, 7, None, []])
def test_settings_of_any_kind_are_read_or_refused(value, tmp_path):
    for name in ("policy_class", "policy_kwargs", "action_space"):
        try:
            load_sb3(sb3(tmp_path / "a.zip", {name: value}))
        except UserError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("start", [np.inf, 10**300, "x", (1, 2)])
def test_spaces_that_are_none_are_refused(start, tmp_path):
    from gymnasium import spaces

    space = spaces.Discrete(5)
    space.__dict__["start"] = start
    refused(load_sb3, sb3(tmp_path / "a.zip", {"action_space": serialized(pickle.dumps(space))}))


def test_a_fifo_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "p.pth")
    refused(load_any, tmp_path / "p.pth", MERGE, words="a device, a FIFO or a socket")


@pytest.mark.parametrize(("mean", "variance", "words"), [
    (np.zeros(3), np.ones(2), "no two rows"), (np.array(0.0), np.array(1.0), "no two rows"),
    (np.zeros(2), np.array([1.0, -1.0]), "below 0"), (np.array([np.nan, 0]), np.ones(2), "no two rows"),
])  # fmt: skip
def test_a_normaliser_that_is_none_is_refused(mean, variance, words, tmp_path):
    from stable_baselines3.common.running_mean_std import RunningMeanStd
    from stable_baselines3.common.vec_env import VecNormalize

    around, seen = object.__new__(VecNormalize), RunningMeanStd()
    seen.mean, seen.var = mean, variance
    around.__dict__.update(norm_obs=True, obs_rms=seen, epsilon=1e-8, clip_obs=10.0, venv=None, class_attributes={},
                           returns=None)  # fmt: skip
    (tmp_path / "v.pkl").write_bytes(pickle.dumps(around))
    refused(load_vecnormalize, tmp_path / "v.pkl", words=words)


def test_outputs_that_are_no_numbers_are_no_action(tmp_path):
    policy = load_any(sb3(tmp_path / "a.zip"), MERGE).policy
    refused(policy.act, np.full((2, 56), np.nan), words="no numbers")
    assert Normaliser(np.zeros(2), np.ones(2))(np.ones((1, 2))).dtype == np.float32


@pytest.mark.parametrize("text", ["stack = 1001", "stack = 10000000000000", "limit = -1.0", "limit = nan"])
def test_a_contract_asks_for_no_more_than_there_is(text, tmp_path):
    (tmp_path / "policy.toml").write_text(f"[observations]\n{text}\n")
    refused(read_contract, tmp_path / "policy.toml", words="stack and every are 1 to 1000")


def test_own_code_is_never_taken_for_what_it_was(tmp_path, monkeypatch):
    (tmp_path / "two_of_them.py").write_text("class A:\n    def act(self, seen): ...\n\nclass B(A): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    digests = {load_own(f"two_of_them:{name}")[1] for name in ("A", "B", "A")}
    assert len(digests) == 3


def test_a_damaged_member_is_told(tmp_path):
    file: Path = sb3(tmp_path / "a.zip", pth=b"PK" + base64.b64decode("AAAA"))
    refused(load_any, file, MERGE)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("data", "[" * 100_000)
        archive.writestr("policy.pth", b"")
    refused(load_any, tmp_path / "b.zip", MERGE)
