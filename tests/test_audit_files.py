"""Files of other people at the command line: an audit of one says what an audit of the same policy as a folder says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command_line import run_testbed
from stable_baselines3 import PPO

from testbed.policies.checkpoint import load_policy
from testbed.policies.onnx import export_onnx
from testbed.sb3 import VecEnv

STUDENT = Path("policies/merge/student-kl-seed0").resolve()
FEW = "--scenes 8 --held-out-scenes 2 --no-film --run a"


def audited(place: Path, arguments: str) -> str:
    """Return what an audit prints, in one line."""
    done = run_testbed(f"audit {arguments} {FEW}", place)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def row(place: Path, arm: str) -> list:
    """Return the severities of an arm under every condition."""
    arms = json.loads((place / "a" / "audit.json").read_text())["arms"]
    return [one["measures"] for one in arms if one["arm"] == arm]


def test_a_file_is_audited_as_the_folder_is(tmp_path):
    export_onnx(load_policy(STUDENT)[0], tmp_path / "mine.onnx")
    (tmp_path / "turned.toml").write_text(f"[observations]\ntake = {list(range(56))}\nstack = 1\n")
    (tmp_path / "turned.onnx").write_bytes((tmp_path / "mine.onnx").read_bytes())
    assert "mine.onnx" in audited(tmp_path, f"{STUDENT} mine.onnx turned.onnx")
    whole = row(tmp_path, "student-kl-seed0")
    assert row(tmp_path, "mine.onnx") == whole == row(tmp_path, "turned.onnx") and len(whole) == 3


def test_a_policy_that_does_nothing_is_not_judged(tmp_path):
    model = PPO("MlpPolicy", VecEnv("testbed/Merge-v0", 2), device="cpu", seed=0)
    with torch.no_grad():
        model.policy.action_net.weight.zero_()
        model.policy.action_net.bias[:] = torch.eye(5)[1]  # always IDLE
    model.save(tmp_path / "policy.zip")
    (tmp_path / "idle.py").write_text(
        "import numpy\n\nclass Idle:\n    def act(self, seen):\n        return numpy.ones(len(seen), int)\n"
    )
    out = audited(tmp_path, "policy.zip idle:Idle")
    assert "policy.zip does not do the task here" in out and "idle:Idle does not do the task here" in out
    assert "not judged" in out
    page = " ".join((tmp_path / "a" / "report.html").read_text().split())
    assert "policy.zip does not do the task here: it succeeds in 0 %" in page
    assert np.isfinite(row(tmp_path, "policy.zip")[0]["imposed_deceleration"]["value"])


@pytest.mark.parametrize(("arguments", "words"), [
    ("policy.zip --contract none.toml", "none.toml is missing"),
    ("policy.zip --contract bad.toml", "unknown setting of a contract 'observation'"),
    ("policy.zip --habit hoarding", "its actions are discrete, and those of testbed/OrderPicking-v0 continuous"),
    ("no_module:Thing", "the policy no_module:Thing cannot be had (ModuleNotFoundError"),
    ("text", "is in no format of policies that is read; read are a policy's folder, zip files"),
])  # fmt: skip
def test_what_does_not_fit_is_told_in_one_line(arguments, words, tmp_path):
    PPO("MlpPolicy", VecEnv("testbed/Merge-v0", 2), device="cpu", seed=0).save(tmp_path / "policy.zip")
    (tmp_path / "bad.toml").write_text("[observation]\n")
    (tmp_path / "text").write_text("no policy")
    done = run_testbed(f"audit {arguments} {FEW}", tmp_path)
    assert done.returncode == 2 and words in " ".join(done.stderr.split()) and not (tmp_path / "a").exists()
