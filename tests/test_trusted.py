"""Files that need their maker's code: refused, with what to do, until somebody says that the maker is trusted."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch
from command_line import run_testbed
from stable_baselines3 import PPO
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import nn

import testbed  # noqa: F401
from testbed.errors import UserError
from testbed.policies.loaders import load_any

MERGE = "testbed/Merge-v0"


class Halved(BaseFeaturesExtractor):
    """Halves what is seen: code of its own that no reader can know."""

    def __init__(self, space):
        super().__init__(space, space.shape[0])

    def forward(self, seen):
        return seen / 2


class Loud(nn.Module):
    """A network of a class of its own, saved whole."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(56, 5)

    def forward(self, seen):
        return self.layer(seen)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("trusted")
    settings = {"features_extractor_class": Halved, "net_arch": [8]}
    model = PPO("MlpPolicy", gymnasium.make(MERGE), policy_kwargs=settings, seed=0, device="cpu", n_steps=64)
    model.save(place / "own.zip")
    torch.manual_seed(0)
    torch.save(Loud(), place / "whole.pth")
    return place


@pytest.mark.parametrize("name", ["own.zip", "whole.pth"])
def test_it_is_refused_and_the_refusal_says_why_and_how(name, files):
    with pytest.raises(UserError, match="say --trust if its maker may run code here"):
        load_any(files / name, MERGE)


def test_with_trust_it_acts_as_its_library_has_it(files):
    seen = np.random.default_rng(0).normal(size=(50, 56)).astype(np.float32)
    model = PPO.load(files / "own.zip", device="cpu")
    found = load_any(files / "own.zip", MERGE, trust=True)
    assert np.array_equal(found.policy.act(seen), model.predict(seen, deterministic=True)[0])
    network = torch.load(files / "whole.pth", weights_only=False)
    wanted = network(torch.as_tensor(seen)).argmax(1).numpy()
    assert np.array_equal(load_any(files / "whole.pth", MERGE, trust=True).policy.act(seen), wanted)
    again = load_any(files / "own.zip", MERGE, trust=True)
    assert again.digest == found.digest  # scores of a file can be used again


def test_what_can_be_read_is_read_with_trust_too_and_what_is_none_stays_refused(files, tmp_path):
    plain = PPO("MlpPolicy", gymnasium.make(MERGE), policy_kwargs={"net_arch": [8]}, seed=0, device="cpu", n_steps=64)
    plain.save(tmp_path / "plain.zip")
    seen = np.zeros((3, 56), np.float32)
    one, other = (load_any(tmp_path / "plain.zip", MERGE, trust=trust) for trust in (False, True))
    assert type(one.policy) is type(other.policy) and np.array_equal(one.policy.act(seen), other.policy.act(seen))
    (tmp_path / "none.pth").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"none\.pth"):
        load_any(tmp_path / "none.pth", MERGE, trust=True)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(UserError, match="it holds a list, no network"):
        load_any(tmp_path / "list.pth", MERGE, trust=True)


def test_at_the_command_line(tmp_path):
    torch.save(torch.optim.Adam, tmp_path / "x.pth")
    line = f"audit x.pth --scene {MERGE} --budget 32 --no-film"
    done = run_testbed(line, tmp_path)
    assert done.returncode == 2 and "--trust" in done.stderr
    done = run_testbed(f"{line} --trust", tmp_path)
    assert done.returncode == 2 and "cannot be loaded, trusted or not" in done.stderr
