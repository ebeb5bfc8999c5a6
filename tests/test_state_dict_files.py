"""Bare weights, as CleanRL's scripts and others write them, read without torch: outputs are those of the network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from testbed.errors import UserError
from testbed.policies.adapted import adapt
from testbed.policies.contract import Actions, Contract, Interface, Network, Observations
from testbed.policies.formats.arrays import read_state_dict
from testbed.policies.formats.state_dict import load_state_dict
from testbed.policies.found import Found

SIZE, ACTIONS = 6, 3
DISCRETE = Interface("testbed/Merge-v0", SIZE, ACTIONS, None)
LOW, HIGH = np.array([-1, -2, 0], np.float32), np.array([1, 2, 0.5], np.float32)
CONTINUOUS = Interface("testbed/OrderPicking-v0", SIZE, ACTIONS, (LOW, HIGH))
PLAIN = Contract(Observations(scale="none"))


def mlp(activation, *widths):
    layers = [layer for pair in zip(widths, widths[1:], strict=False) for layer in (nn.Linear(*pair), activation())]
    return nn.Sequential(*layers[:-1])


class PPO(nn.Module):
    """Named as in CleanRL's ppo.py."""

    def __init__(self):
        super().__init__()
        self.critic, self.actor = mlp(nn.Tanh, SIZE, 64, 64, 1), mlp(nn.Tanh, SIZE, 64, 64, ACTIONS)

    def forward(self, seen):
        return self.actor(seen).argmax(1)


class ContinuousPPO(nn.Module):
    """Named as in CleanRL's ppo_continuous_action.py; actions are cut off by its environment."""

    def __init__(self):
        super().__init__()
        self.critic, self.actor_mean = mlp(nn.Tanh, SIZE, 64, 64, 1), mlp(nn.Tanh, SIZE, 64, 64, ACTIONS)
        self.actor_logstd = nn.Parameter(torch.zeros(1, ACTIONS))

    def forward(self, seen):
        return self.actor_mean(seen).clamp(torch.from_numpy(LOW), torch.from_numpy(HIGH))


class DQN(nn.Module):
    """Named as in CleanRL's dqn.py."""

    def __init__(self):
        super().__init__()
        self.network = mlp(nn.ReLU, SIZE, 120, 84, ACTIONS)

    def forward(self, seen):
        return self.network(seen).argmax(1)


class Squashed(nn.Module):
    """Named as the actors in CleanRL's sac_continuous_action.py and td3_continuous_action.py."""

    def __init__(self, last):
        super().__init__()
        self.fc1, self.fc2, self.last = nn.Linear(SIZE, 32), nn.Linear(32, 32), last
        setattr(self, last, nn.Linear(32, ACTIONS))
        self.register_buffer("action_scale", torch.from_numpy((HIGH - LOW) / 2))
        self.register_buffer("action_bias", torch.from_numpy((HIGH + LOW) / 2))

    def forward(self, seen):
        hidden = self.fc2(self.fc1(seen).relu()).relu()
        return getattr(self, self.last)(hidden).tanh() * self.action_scale + self.action_bias


NETWORKS = {
    "ppo": (PPO, DISCRETE), "ppo_continuous": (ContinuousPPO, CONTINUOUS), "dqn": (DQN, DISCRETE),
    "sac": (lambda: Squashed("fc_mean"), CONTINUOUS), "td3": (lambda: Squashed("fc_mu"), CONTINUOUS),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_file_of_cleanrl_acts_as_its_network(name, tmp_path):
    make, scene = NETWORKS[name]
    torch.manual_seed(2)
    network = make()
    state = network.state_dict()
    critics = [mlp(nn.ReLU, 9, 8, 1).state_dict()] * {"sac": 1, "td3": 2}.get(name, 0)  # in a row after the actor
    torch.save((state, *critics) if critics else state, tmp_path / "x.cleanrl_model")
    seen = np.random.default_rng(1).normal(0, 3, (1000, SIZE)).astype(np.float32)
    ours = load_state_dict(tmp_path / "x.cleanrl_model", PLAIN, scene).act(seen)
    ours = ours if scene.bounds is None else np.clip(ours, *scene.bounds)  # as its environment, and ours, do
    with torch.no_grad():
        theirs = network(torch.from_numpy(seen)).numpy()
    assert (
        ours.shape == theirs.shape
        and np.abs(ours - theirs).max() <= 1e-6
        and len(np.unique(theirs.round(2), axis=0)) > 2
    )


def test_a_script_that_normalises_outside_of_its_file_has_to_be_told_how(tmp_path):
    torch.save(ContinuousPPO().state_dict(), tmp_path / "x.pth")
    with pytest.raises(UserError, match=r"does not save with what: give mean and std .* scale = \"none\""):
        load_state_dict(tmp_path / "x.pth", Contract(), CONTINUOUS)


def test_a_plain_row_of_layers_needs_no_name(tmp_path):
    network = mlp(nn.ReLU, SIZE, 5, ACTIONS)
    torch.save(network.state_dict(), tmp_path / "x.pt")
    seen = np.random.default_rng(1).normal(size=(50, SIZE)).astype(np.float32)
    with torch.no_grad():
        theirs = network(torch.from_numpy(seen)).argmax(1).numpy()
    policy = load_state_dict(tmp_path / "x.pt", Contract(network=Network(activation="ReLU")), DISCRETE)
    assert (policy.act(seen) == theirs).all()


def test_bare_weights_know_no_bounds(tmp_path):
    """Their outputs are in the scene's unit, or, rescaled, from -1 to 1; the scene cuts them off."""
    last = nn.Linear(SIZE, ACTIONS)
    with torch.no_grad():
        last.weight.zero_()
        last.bias[:] = torch.tensor([1.0, 4.0, 0.1])
    torch.save({f"actor.0.{name}": value for name, value in last.state_dict().items()}, tmp_path / "x.pt")
    for told, expected in ((Actions(), [1, 2, 0.1]), (Actions(rescale=True), [1, 2, 0.275]),
                           (Actions(order=(1, 0, 2)), [1, 1, 0.1])):  # fmt: skip
        contract = Contract(actions=told, network=Network("actor", "ReLU"))
        policy = load_state_dict(tmp_path / "x.pt", contract, CONTINUOUS)
        found = adapt(Found(policy, SIZE, ACTIONS, False), contract, CONTINUOUS, None).act(np.zeros((2, SIZE)))
        np.testing.assert_allclose(found[1], expected)


def test_any_other_network_is_described_by_its_contract(tmp_path):
    network = nn.ModuleDict({"head": mlp(nn.ELU, SIZE, 5, ACTIONS), "value": mlp(nn.ELU, SIZE, 5, 1)})
    torch.save(network.state_dict(), tmp_path / "x.pt")
    seen = np.random.default_rng(1).normal(size=(50, SIZE)).astype(np.float32)
    told = Contract(network=Network("head", "ELU"))
    with torch.no_grad():
        theirs = network["head"](torch.from_numpy(seen)).argmax(1).numpy()
    assert (load_state_dict(tmp_path / "x.pt", told, DISCRETE).act(seen) == theirs).all()
    for wrong, words in ((Network(), "which of head, value is the actor"), (Network("head"), "activation = "),
                         (Network("body", "ELU"), "unknown chain of layers 'body'"),
                         (Network("head", "Swish"), "unknown activation 'Swish'")):  # fmt: skip
        with pytest.raises(UserError, match=words):
            load_state_dict(tmp_path / "x.pt", Contract(network=wrong), DISCRETE)


@pytest.mark.parametrize("value", [
    {"a": torch.arange(24.0).reshape(2, 3, 4).transpose(0, 2), "b": torch.arange(9.0)[3:7], "c": torch.tensor(3.0)},
    {"deep": {"d": torch.ones(2, dtype=torch.float64), "e": torch.tensor([1, 2])}, "step": 7, "name": "x"},
    {"h": torch.ones(3, dtype=torch.float16), "i": torch.tensor([True, False]), "p": nn.Parameter(torch.ones(2))},
    {"none": torch.zeros(0, 4)},
], ids=["strides", "nested", "types", "empty"])  # fmt: skip
def test_tensors_are_those_that_torch_reads(value, tmp_path):
    torch.save(value, tmp_path / "x.pt")
    theirs = torch.load(tmp_path / "x.pt", weights_only=True)
    flat = {**theirs, **{f"deep.{key}": one for key, one in theirs.get("deep", {}).items()}}
    expected = {key: one for key, one in flat.items() if isinstance(one, torch.Tensor)}
    ours = read_state_dict((tmp_path / "x.pt").read_bytes(), "x.pt")
    assert ours.keys() == expected.keys()
    for key, one in expected.items():
        np.testing.assert_array_equal(ours[key], one.detach().float().numpy())


def test_what_has_no_tensors_is_refused(tmp_path):
    for number, (value, words) in enumerate((({}, "no tensors"), (nn.Linear(2, 2), "something made by torch.nn"))):
        torch.save(value, tmp_path / f"{number}.pt")
        with pytest.raises(UserError, match=words):
            read_state_dict((tmp_path / f"{number}.pt").read_bytes(), "x.pt")
    torch.save({"a": torch.ones(2)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UserError, match="no zip file"):
        read_state_dict((tmp_path / "old.pt").read_bytes(), "x.pt")


KINDS = (spaces.Discrete(ACTIONS), DISCRETE), (spaces.Box(LOW, HIGH), CONTINUOUS)


@pytest.mark.parametrize(("space", "scene"), KINDS)
@pytest.mark.parametrize("widths", [[32, 32], [16], [8, 8, 8]])
def test_weights_of_an_actor_critic_policy_act_as_it_predicts(space, scene, widths, tmp_path):
    """Stable-Baselines3's, and so those that `imitation` clones into: `torch.save(policy.state_dict(), file)`."""
    sees = spaces.Box(-4, 4, (SIZE,), np.float32)
    policy = ActorCriticPolicy(sees, space, lambda _: 0.0, net_arch=widths)
    torch.save(policy.state_dict(), tmp_path / "bc.pth")
    seen = np.random.default_rng(0).normal(size=(1000, SIZE)).astype(np.float32)
    read = load_state_dict(tmp_path / "bc.pth", Contract(), scene)
    found = adapt(Found(read, SIZE, ACTIONS, scene.bounds is None), Contract(), scene, None)
    wanted, _ = policy.predict(seen, deterministic=True)
    assert np.allclose(found.act(seen), wanted, atol=1e-6)
