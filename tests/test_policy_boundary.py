"""Whatever is in a policy's folder, `load_policy` gives a policy that acts, or one line that names the place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_files import CONFIG, made, refused

from testbed.cli.commands import dataset as dataset_command
from testbed.cli.commands.audit import audit
from testbed.cli.commands.film import film_policies
from testbed.errors import UserError
from testbed.lineage import Lineage, content_hash
from testbed.policies.checkpoint import load_policy, recorded_lineage
from testbed.policies.network import GAUSSIAN, PolicyConfig
from testbed.records import NotThere

# The config.


def set_to(*path: str, value: Any) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        for name in path[:-1]:
            config = config[name]
        config[path[-1]] = value

    return change


def without(*path: str) -> Callable[[dict], None]:
    def change(config: dict) -> None:
        for name in path[:-1]:
            config = config[name]
        del config[path[-1]]

    return change


SIZES = "observation_size", "actions", "memory", "auxiliary"
WRONG_SIZES = (1.5, 56.0, -1, True, None, "56", [56], 10**7, 10**26, 10**400)
CONFIGS = {
    **{f"{name} {size!r:.20}": set_to("policy", name, value=size) for name in SIZES for size in WRONG_SIZES},
    **{f"hidden {size!r:.20}": set_to("policy", "hidden", value=[8, size]) for size in (*WRONG_SIZES, 0)},
    **{f"hidden = {value!r}": set_to("policy", "hidden", value=value) for value in (8, None, "88", {"0": 8}, [[8]])},
    **{f"no {name}": without("policy", name) for name in ("environment", "observation_size", "actions", "hidden")},
    **{f"no {name}": without(name) for name in ("format", "policy", "behaviour")},
    **{f"{name} = {value!r}": set_to(name, value=value) for name in ("policy", "behaviour")
       for value in (None, [], 3, "x", {})},
    **{f"format {value!r}": set_to("format", value=value) for value in (0, 2, 1.0, "1", True, None, [1])},
    "no actions": set_to("policy", "actions", value=0),
    "head": set_to("policy", "head", value="softmax"),
    "other head": set_to("policy", "head", value=GAUSSIAN),
    "environment": set_to("policy", "environment", value="testbed/Merge-v9"),
    "module": set_to("policy", "environment", value="this:testbed/Merge-v0"),
    "gymnasium's": set_to("policy", "environment", value="CartPole-v1"),
    "no text": set_to("policy", "environment", value=7),
    "unknown": set_to("policy", "activation", value="tanh"),
    "unknown label": set_to("behaviour", "mood", value="good"),
    "dose": set_to("behaviour", "dose", value=float("nan")),
    "great dose": set_to("behaviour", "dose", value=2),
    "bool dose": set_to("behaviour", "dose", value=True),
    "long label": set_to("behaviour", "policy", value="x" * 100_000),
    "empty label": set_to("behaviour", "policy", value=""),
    "two lines": set_to("behaviour", "policy", value="a\nb"),
    "nothing printed": set_to("behaviour", "habit", value="a\0b"),
}  # fmt: skip


@pytest.mark.parametrize("what", CONFIGS)
def test_a_config_that_is_wrong_is_refused(what, tmp_path):
    """The case itself is refused, and not by chance: the weights are those of the right config."""
    file = made(tmp_path / "policy") / "config.json"
    config = json.loads(file.read_text())
    CONFIGS[what](config)
    file.write_text(json.dumps(config))
    assert "config.json" in refused(tmp_path / "policy") or what == "other head"


BYTES = {
    "empty": b"", "zeros": bytes(500), "no JSON": b"{", "a list": b"[]", "a number": b"1", "nothing": b"null",
    "a text": b'"policy"', "endless": b"[" * 60_000, "endless objects": b'{"a":' * 12_000,
    "not UTF-8": b'{"format": "\xff"}',
    "UTF-16": '{"format": 1}'.encode("utf-16"), "a mark": b'\xef\xbb\xbf{"format": 1}', "large": b" " * 2**20,
    "half a pair": b'{"format": 1, "policy": "\\ud800"}', "digits": b'{"format": ' + b"1" * 5000 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("what", BYTES)
def test_a_config_that_is_no_config_is_refused(what, tmp_path):
    (made(tmp_path / "policy") / "config.json").write_bytes(BYTES[what])
    assert "config.json is damaged" in refused(tmp_path / "policy", NotThere)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    folder = made(tmp_path_factory.mktemp("bytes") / "policy")
    return folder, {name: (folder / name).read_bytes() for name in ("config.json", "model.safetensors")}


@given(st.sampled_from(["config.json", "model.safetensors"]), st.integers(0, 1499), st.integers(-1, 255), st.booleans())
@settings(max_examples=200, deadline=None)
def test_bytes_that_changed_give_a_policy_or_one_line(whole, name, at, byte, cut):
    """A byte of either file, in the header or in a number, is another one or is gone, and perhaps all after it."""
    folder, files = whole
    at %= len(files[name])
    new = files[name][:at] + (b"" if byte < 0 else bytes([byte])) + (b"" if cut else files[name][at + 1 :])
    for other in files:
        (folder / other).write_bytes(new if other == name else files[other])
    try:
        policy, behaviour = load_policy(folder)
    except UserError as error:
        assert str(folder) in str(error) and "\n" not in str(error)
    else:
        seen = np.random.default_rng(0).normal(size=(4, policy.config.observation_size)).astype(np.float32)
        assert np.isfinite(policy.reset(4).parameters(seen)).all() and behaviour.policy


# The folder.


def test_what_is_no_file_is_never_opened(tmp_path):
    """A FIFO would hold us up for ever; a folder, a socket's kind and links to nothing or to themselves are named."""
    for name in ("config.json", "model.safetensors"):
        file = made(tmp_path / name) / name
        whole = file.read_bytes()
        for put in (lambda f: os.mkfifo(f), lambda f: f.mkdir(), lambda f: f.symlink_to("nowhere"),
                    lambda f: f.symlink_to(f), lambda f: f.symlink_to("/dev/null")):  # fmt: skip
            file.unlink()
            put(file)
            assert str(file) in refused(tmp_path / name)
            with pytest.raises(UserError):
                recorded_lineage(tmp_path / name)  # nothing is made in the place of what is not ours
            file.rmdir() if file.is_dir() else file.unlink()
            file.write_bytes(whole)
        elsewhere = tmp_path / f"elsewhere-{name}"
        file.rename(elsewhere)
        file.symlink_to(elsewhere)
        assert load_policy(tmp_path / name)[0].config == CONFIG  # stores of models link to their files


def test_a_place_that_is_no_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("policy")
    for place in ("nowhere", "file", "file/policy", "a" * 300):
        assert "no policy folder" in refused(tmp_path / place)
    (tmp_path / "empty").mkdir()
    assert "no config.json" in refused(tmp_path / "empty")


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    file = made(tmp_path / "policy") / "config.json"
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(UserError, match=f"{file} cannot be read .Permission denied.: allow") as caught:
        load_policy(tmp_path / "policy")
    assert not isinstance(caught.value, NotThere)


def test_a_damaged_policy_or_lineage_counts_as_not_there(tmp_path):
    """So a run makes it again; a whole one is kept."""
    folder, lineage = made(tmp_path / "policy"), Lineage("test", 0)
    assert lineage.same_recipe(recorded_lineage(folder))
    assert recorded_lineage(tmp_path / "nowhere") is None
    for name in ("config.json", "model.safetensors", "lineage.json"):
        whole = (folder / name).read_bytes()
        for spoilt in (b"", bytes(len(whole)), whole[: len(whole) // 2], b"\xff" * 20, b"[1, 2]", None):
            (folder / name).unlink() if spoilt is None else (folder / name).write_bytes(spoilt)
            assert not lineage.same_recipe(recorded_lineage(folder)), (name, spoilt)
            (folder / name).write_bytes(whole)
    assert lineage.same_recipe(recorded_lineage(folder))


# What is the policy's own.


def test_what_else_is_in_the_folder_changes_no_hash(tmp_path):
    """A clean folder's hash is what it always was."""
    folder = made(tmp_path / "policy", replace(CONFIG, memory=0))
    assert content_hash(Path("policies/merge/teacher-clean")) == (
        "7bd82602498eab5a056fcd3c0714a79fe41d6013487c83e39ccb380fba70fb02"
    )
    before = content_hash(folder)
    (folder / ".DS_Store").write_bytes(b"finder")
    (folder / "notes").mkdir()
    (folder / "notes" / "config.json").write_text("{}")
    assert content_hash(folder) == before and load_policy(folder)
    (folder / "lineage.json").write_text("{}")
    assert content_hash(folder) != before
    with pytest.raises(UserError, match="holds no file of a policy"):
        content_hash(tmp_path)


# What is loaded is accepted.

OTHERS = {
    "actions": replace(CONFIG, actions=7), "observations": replace(CONFIG, observation_size=60),
    "head": PolicyConfig("testbed/Merge-v0", 56, 2, (8,), GAUSSIAN),
}  # fmt: skip


@pytest.mark.parametrize("what", OTHERS)
def test_a_policy_that_fits_no_scene_is_named_before_it_acts(what, tmp_path):
    folder = made(tmp_path / "policy", OTHERS[what])
    load_policy(folder)
    for command in (
        lambda: film_policies([folder], tmp_path / "film.mp4", 0, ()),
        lambda: audit([folder], "aggressive-merge", None, 2, 2, 0, tmp_path / "run", False),
        lambda: dataset_command.collect(tmp_path / "d.hdf5", "aggressive-merge", None, 0.0, folder, 1, 0, ()),
    ):
        with pytest.raises(UserError, match=rf"{folder} sees \d+ numbers .*testbed/Merge-v0 has 56 and 5 discrete"):
            command()
    assert [file.name for file in tmp_path.iterdir()] == ["policy"]
