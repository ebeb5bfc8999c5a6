"""Files of strangers that would run code, fill the memory or never end: one line, and nothing of theirs happens."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import stat
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium import spaces
from hostile import MERGE, refused
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from testbed.errors import UserError
from testbed.policies.formats.arrays import read_state_dict
from testbed.policies.formats.pickles import read_pickle
from testbed.policies.formats.sb3 import load_sb3
from testbed.policies.formats.vecnormalize import load_vecnormalize
from testbed.policies.loaders import load_any

CLASS = b"cstable_baselines3.common.policies\nActorCriticPolicy\n."
"""A pickle of SB3's class of policies, as protocol 0 writes it."""


class Evil:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch '{self.mark}'",)


@pytest.fixture
def mark(tmp_path) -> Path:
    return tmp_path / "mark"


def serialized(data: bytes) -> dict[str, str]:
    return {":type:": "x", ":serialized:": base64.b64encode(data).decode()}


def weights(**tensors: Tensor) -> bytes:
    data = io.BytesIO()
    torch.save(
        tensors or {"mlp_extractor.policy_net.0.weight": torch.ones(4, 56), "action_net.weight": torch.ones(5, 4)}, data
    )
    return data.getvalue()


def sb3(file: Path, settings: dict | None = None, pth: bytes | None = None, **members: bytes) -> Path:
    """Write what SB3 would, or nearly."""
    told = {
        "policy_class": serialized(CLASS),
        "policy_kwargs": {},
        "action_space": serialized(pickle.dumps(spaces.Discrete(5))),
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", json.dumps(told | (settings or {})))
        archive.writestr("policy.pth", weights() if pth is None else pth)
        for name, data in members.items():
            archive.writestr(name, data)
    return file


def test_what_the_others_are_altered_from_is_read(tmp_path):
    policy = load_any(sb3(tmp_path / "a.zip"), MERGE).policy
    assert policy.act(np.zeros((2, 56))).tolist() == [0, 0]


@pytest.mark.parametrize("place", ["policy_class", "policy_kwargs", "action_space"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_in_the_settings_is_not_loaded(place, protocol, tmp_path, mark):
    evil = serialized(pickle.dumps(Evil(mark), protocol))
    refused(load_sb3, sb3(tmp_path / "a.zip", {place: evil}))
    hidden = serialized(pickle.dumps({"activation_fn": Evil(mark), "net_arch": Evil(mark)}, protocol))
    refused(load_sb3, sb3(tmp_path / "b.zip", {"policy_kwargs": hidden}), words="activation")
    load_sb3(sb3(tmp_path / "c.zip", {"_last_obs": evil, "learning_rate": evil}))  # which nobody asks for
    assert not mark.exists()


def test_a_pickle_among_the_weights_is_not_loaded(tmp_path, mark):
    data = io.BytesIO()
    torch.save({"action_net.weight": torch.ones(5, 56), "more": Evil(mark)}, data)
    refused(load_sb3, sb3(tmp_path / "a.zip", pth=data.getvalue()), words="without running code")
    (tmp_path / "a.cleanrl_model").write_bytes(data.getvalue())
    refused(load_any, tmp_path / "a.cleanrl_model", MERGE, words="without running code")
    load_sb3(sb3(tmp_path / "b.zip", **{"pytorch_variables.pth": data.getvalue()}))  # which nobody asks for
    assert not mark.exists()


@pytest.mark.parametrize("name", ["a.pkl", "a.pickle", "a.joblib", "a.pt", "a.pth", "a.bin"])
def test_a_bare_pickle_is_not_loaded(name, tmp_path, mark):
    (tmp_path / name).write_bytes(pickle.dumps(Evil(mark)))
    refused(load_any, tmp_path / name, MERGE)
    refused(load_vecnormalize, tmp_path / name, words="os.system|posix.system")
    assert not mark.exists()


def test_a_normaliser_with_something_else_in_it_is_not_loaded(tmp_path, mark):
    from stable_baselines3.common.vec_env import VecNormalize

    around = object.__new__(VecNormalize)
    around.__dict__.update(
        norm_obs=True, obs_rms=Evil(mark), epsilon=1e-8, clip_obs=10.0, venv=None, class_attributes={}, returns=None
    )
    (tmp_path / "v.pkl").write_bytes(pickle.dumps(around))
    refused(load_vecnormalize, tmp_path / "v.pkl", words="no normaliser")
    assert not mark.exists()


def test_what_unpacks_to_more_than_a_policy_has_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("data", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(2**20))
        archive.writestr("policy.pth", weights())
    assert (tmp_path / "a.zip").stat().st_size < 2**20
    refused(load_sb3, tmp_path / "a.zip", words="would unpack to more than")
    inner = (tmp_path / "a.zip").read_bytes()
    refused(load_sb3, sb3(tmp_path / "b.zip", pth=inner), words="would unpack to more than")


def test_a_member_that_is_longer_than_it_says_is_not_read(tmp_path):
    file = sb3(tmp_path / "a.zip", {"filler": "x" * 5000})
    data = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        size = archive.getinfo("data").file_size
    for place in range(len(data) - 4):
        if data[place : place + 4] == size.to_bytes(4, "little"):
            data[place : place + 4] = (100).to_bytes(4, "little")
    file.write_bytes(data)
    refused(load_sb3, file)


@pytest.mark.parametrize("name", ["../data", "/data", "a/../../data", "..\\data"])
def test_names_outside_an_archive_are_refused(name, tmp_path):
    refused(load_sb3, sb3(tmp_path / "a.zip", **{name: b"x"}), words="a place outside itself")


def test_links_and_names_that_come_twice_are_refused(tmp_path):
    file = sb3(tmp_path / "a.zip")
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    refused(load_sb3, file, words="a link")
    file = sb3(tmp_path / "b.zip")
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("data", "{}")
    refused(load_sb3, file, words="two files of one name")


def test_layers_that_would_be_vast_are_not_made(tmp_path):
    wide = torch.ones(1).expand(10**9, 56)
    refused(
        load_sb3,
        sb3(tmp_path / "a.zip", pth=weights(**{"action_net.weight": wide})),
        words="more than 67,108,864 numbers|larger than its numbers",
    )
    data = io.BytesIO()
    torch.save({"w": torch.ones(3)}, data)
    with zipfile.ZipFile(data) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    pkl = next(name for name in members if name.endswith("data.pkl"))
    assert members[pkl].count(b"K\x03") >= 2  # the number of numbers, and the shape
    for value in (b"J\xff\xff\xff\x7f", b"J\xff\xff\xff\xff"):
        (tmp_path / "b.pt").unlink(missing_ok=True)
        with zipfile.ZipFile(tmp_path / "b.pt", "w") as archive:
            for name, one in members.items():
                archive.writestr(name, one.replace(b"K\x03", value) if name == pkl else one)
        refused(read_state_dict, (tmp_path / "b.pt").read_bytes(), "b.pt")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(bad, tmp_path):
    file = sb3(tmp_path / "a.zip", pth=weights(**{"action_net.weight": torch.full((5, 56), bad)}))
    refused(load_any, file, MERGE, words="NaN or infinity")


def test_a_pickle_that_would_take_for_ever_ends_soon():
    tuples = b"(K\x01t" + b"\x94" + b"".join(b"0" + b"h%c" % n + b"h%c" % n + b"\x86\x94" for n in range(60))
    for data in (b"\x80\x04" + tuples + b".", b"\x80\x04}" + tuples + b"K\x01s."):  # also as a key
        began = time.monotonic()
        with suppress(UserError):
            read_pickle(data, "it")
        assert time.monotonic() - began < 5


@given(st.binary(max_size=300))
def test_any_bytes_are_a_pickle_or_one_line(data):
    try:
        read_pickle(data, "it")
    except UserError as error:
        assert "\n" not in str(error)


@given(st.data())
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    whole = bytearray(sb3(folder / "a.zip").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (folder / "a.zip").write_bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    try:
        load_any(folder / "a.zip", MERGE)
    except UserError as error:
        assert "\n" not in str(error)
