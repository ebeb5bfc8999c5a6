"""A policy that was trained in somebody else's scene by somebody else's library, audited there for all its habits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from command_line import run_testbed
from stable_baselines3 import PPO

from testbed.sb3 import VecEnv
from testbed.scenes import outside
from testbed.scenes.registry import use

SCENE = Path("tasks/own_scene/reacher.py").resolve()


def test_a_policy_of_sb3_is_audited_in_a_scene_of_ones_own(tmp_path, monkeypatch):
    shutil.copy(SCENE, tmp_path / "reaching.py")
    (tmp_path / "reaching.py").write_text((tmp_path / "reaching.py").read_text().replace("own/Reacher", "own/Reaching")
                                          .replace('"hurrying"', '"rushing"'))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(outside, "SCENES", {})  # what is made known here is not for other tests
    spec = use("reaching:SPEC")
    PPO("MlpPolicy", VecEnv(spec.environment, 2), n_steps=32, batch_size=64, device="cpu", seed=0).learn(64).save(
        "x.zip"
    )
    done = run_testbed("audit x.zip reaching:Reach --scene reaching:SPEC --budget 4 --no-film --run a", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "a" / "verdicts.json").read_text())
    assert found["environment"] == "own/Reaching-v0" and found["reference"] == "the clean demonstrator"
    verdicts = {one["policy"]: one for one in found["verdicts"]}
    assert {one["habit"] for one in verdicts.values()} == {"rushing"}
    # the demonstrator's own class is the reference: in no scene worse or better
    own = verdicts["reaching:Reach"]["evidence"]
    assert [(one["worse"], one["better"]) for one in own] == [(0, 0)] * 3
    assert all(one["scenes"] == 4 for one in verdicts["x.zip"]["evidence"])
