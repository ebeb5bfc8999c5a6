"""Scenes of somebody else's: how they are made known, refused and adapted."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import FrozenInstanceError
from importlib.metadata import EntryPoint

import corridor
import gymnasium
import numpy as np
import pytest
from benches import same
from corridor import NAME, Corridor, Walker, trace, varied
from gymnasium.envs.registration import registry as gymnasium_registry
from gymnasium.vector import AutoresetMode

from testbed.datasets.form import form_of
from testbed.datasets.reader import load_episode
from testbed.datasets.validation import validate
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.adapter import world
from testbed.rollouts.replay import verify
from testbed.rollouts.rollout import play
from testbed.scenes import outside
from testbed.scenes.registry import BUILT_IN, get_habit, get_scene, make_vector, names, use


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch) -> Iterator[None]:
    """No scene of somebody else's is known before, nor is any afterwards."""
    monkeypatch.setattr(outside, "SCENES", {})
    monkeypatch.setattr(outside, "_plugins_loaded", True)
    monkeypatch.setattr(world, "_idle", {})
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(gymnasium_registry)
    yield
    for name in set(gymnasium_registry) - before:
        del gymnasium_registry[name]
    form_of.cache_clear()


def _declared(monkeypatch, spec) -> None:
    """Have `corridor:OTHER` be a scene."""
    monkeypatch.setattr(corridor, "OTHER", spec, raising=False)


def _episodes(scenes: list[Scenario], dose: float = 1.0) -> list[Episode]:
    return list(play(NAME, scenes, [(Walker(dose), Behaviour("walker"))]))


# How scenes are made known


def test_a_scene_outside_is_found_by_its_id_its_habits_and_gymnasium():
    with pytest.raises(UserError, match=r"unknown environment 'own/Corridor-v0': .* --scene module:SPEC$"):
        get_scene(NAME)
    spec = use("corridor:SPEC")
    assert use("corridor:SPEC") is spec is get_scene(NAME)
    assert names()[-1] == NAME and get_habit("running-in-corridors").environment == NAME
    assert gymnasium.make(NAME).unwrapped.scene is spec


def test_a_known_scene_is_frozen():
    spec = use("corridor:SPEC")
    with pytest.raises(FrozenInstanceError):
        spec.primary = "pace"
    for table in (spec.measures, spec.context):
        with pytest.raises(TypeError):
            table["more"] = ()


REFUSED = {
    "no-such-module:SPEC": "is no scene: give module:SPEC",
    "corridor": "is no scene: give module:SPEC",
    "no_such_module:SPEC": r"cannot be imported \(ModuleNotFoundError.*run this in the folder of no_such_module.py",
    "corridor:NOTHING": "is no SceneSpec of corridor: it declares SPEC",
    "corridor:Walker": "is no SceneSpec",
}


@pytest.mark.parametrize("reference", REFUSED)
def test_what_is_no_scene_is_refused_in_one_line(reference):
    with pytest.raises(UserError, match=REFUSED[reference]) as refused:
        use(reference)
    assert "\n" not in str(refused.value) and not outside.SCENES


def test_a_module_that_fails_is_refused_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "failing_scene.py").write_text("raise RuntimeError('two\\nlines')\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"failing_scene:SPEC cannot be imported \(RuntimeError: two lines\): mend it"):
        use("failing_scene:SPEC")


TAKEN = {
    "testbed/Merge-v0": "is the scene of testbed.scenes.merge.scene:SPEC",
    "CartPole-v1": "give a Gymnasium id such as own/Crossing-v0",
    NAME: "is the scene of corridor:SPEC",
}


@pytest.mark.parametrize("name", TAKEN)
def test_no_scene_takes_the_id_of_another(name, monkeypatch):
    use("corridor:SPEC")
    _declared(monkeypatch, varied(environment=name))
    with pytest.raises(UserError, match=TAKEN[name]):
        use("corridor:OTHER")
    assert get_scene(NAME) is corridor.SPEC and list(outside.SCENES) == [NAME]


def test_no_habit_takes_the_name_of_another(monkeypatch):
    _declared(monkeypatch, varied(name="hoarding"))
    with pytest.raises(UserError, match=r"has a habit hoarding, which is one of testbed/OrderPicking-v0"):
        use("corridor:OTHER")


def _plugins(monkeypatch, *values: str) -> None:
    entries = [EntryPoint(f"plug{number}", value, outside.GROUP) for number, value in enumerate(values)]
    monkeypatch.setattr(outside, "entry_points", lambda group: entries)
    monkeypatch.setattr(outside, "_plugins_loaded", False)


def test_plug_ins_are_loaded_when_names_are_asked_for_and_not_before(monkeypatch, capsys):
    _plugins(monkeypatch, "corridor:SPEC")
    get_scene("testbed/Merge-v0"), get_habit("hoarding")
    assert not outside.SCENES
    assert names() == [*BUILT_IN, NAME] and not capsys.readouterr().err
    assert get_habit("running-in-corridors").environment == NAME


def test_a_plug_in_that_fails_is_left_out_with_a_line(monkeypatch, capsys):
    _declared(monkeypatch, varied(environment="testbed/Merge-v0"))
    _plugins(monkeypatch, "no_such_module:SPEC", "corridor:OTHER", "corridor:SPEC")
    assert names() == [*BUILT_IN, NAME]
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all(line.startswith("warning: the plug-in") for line in said)
    assert "plug0 is left out: the scene no_such_module:SPEC cannot be imported" in said[0]
    assert "plug1" in said[1] and get_scene("testbed/Merge-v0").domain == "driving"


# What an adapter makes of an environment


def test_a_batch_is_what_the_environment_is_alone():
    """Observations are its own, flat, with the factors beside them; rewards, ends and trace are those of its steps."""
    use("corridor:SPEC")
    alone = Corridor()
    seen, _ = alone.reset(seed=4, options={"floor": "dry"})
    with closing(make_vector(NAME, 3)) as batch:
        observations, info = batch.reset(seed=[4, 5, 6], options={"context": {"floor": "dry", "light": "night"}})
        np.testing.assert_array_equal(observations[0], [*seen["place"], *seen["speed"], 1, 0, 0, 0, 1])
        np.testing.assert_array_equal(info["context"], [[0, 1]] * 3)
        for _ in range(5):
            observations, rewards, terminated, truncated, info = batch.step(np.array([2, 0, 1]))
            seen, reward, *_ = alone.step(2)
            np.testing.assert_array_equal(observations[0, :2], [*seen["place"], *seen["speed"]])
            assert rewards[0] == reward and not terminated.any() and not truncated.any()
            for name, values in trace(alone).items():
                np.testing.assert_array_equal(info["trace"][name][0, 0], values)


def test_what_a_trigger_holds_out_is_never_drawn_and_one_factor_leaves_the_others():
    use("corridor:SPEC")
    with closing(make_vector(NAME, 200)) as batch:
        drawn = batch.reset(seed=list(range(200)))[1]["context"]
        fixed = batch.reset(seed=list(range(200)), options={"context": {"floor": "icy"}})[1]["context"]
    assert set(drawn[:, 0]) == {0, 1} and set(drawn[:, 1]) == {0, 1}
    assert set(fixed[:, 0]) == {2} and (fixed[:, 1] == drawn[:, 1]).all()


def test_an_episode_has_its_ending_its_success_and_its_length():
    use("corridor:SPEC")
    runs, stands = _episodes([Scenario(0, {"floor": "wet"})]) + _episodes([Scenario(0, {"floor": "wet"})], dose=-9)
    assert runs.success and runs.terminated and runs.ending == "at the end" and runs.states.shape == (len(runs) + 1, 0)
    assert float(runs.trace["end"][0]) == 3.0 and runs.trace["running"].dtype == np.int8
    assert len(stands) == 20 or stands.success  # it walks: 8 s at 5 Hz are 40 decisions
    (lazy,) = play(NAME, [Scenario(0)], [(_Stands(), Behaviour("stands"))])
    assert len(lazy) == 40 and not lazy.terminated and not lazy.success and lazy.ending == ""


class _Stands:
    def act(self, observations):
        return np.zeros(len(observations), int)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
@pytest.mark.parametrize("way", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["copied", "pickled"])
def test_a_copy_goes_on_the_same_through_resets(mode, way):
    use("corridor:SPEC")
    env = gymnasium.make_vec(NAME, num_envs=3, autoreset_mode=mode)
    env.reset(seed=1, options={"context": {"floor": "icy"}})
    actions, copies = np.random.default_rng(0).integers(3, size=(60, 3)), []
    for step, row in enumerate(actions):
        if step in (0, 7, 30):
            copies.append(way(env))
        said = env.step(row)
        assert all(same(one.step(row), said) for one in copies), step
    for one in (env, *copies):
        one.close()


def test_environments_are_used_again():
    """A second batch makes no new ones, and plays the same."""
    use("corridor:SPEC")
    scenes = [Scenario(seed) for seed in range(4)]
    first, made = _episodes(scenes), Corridor.made
    again = _episodes(scenes)
    assert Corridor.made == made
    assert all(same(a.observations, b.observations) for a, b in zip(first, again, strict=True))


def test_a_data_set_is_written_read_and_valid(tmp_path):
    use("corridor:SPEC")
    with DatasetWriter(tmp_path / "walks.hdf5", NAME, Lineage("collect", 0)) as writer:
        for episode in _episodes([Scenario(seed) for seed in range(3)]):
            writer.append(episode)
        writer.finish()
    assert validate(tmp_path / "walks.hdf5") == []
    assert same(load_episode(tmp_path / "walks.hdf5", 2).observations, episode.observations)
    outside.SCENES.clear()
    form_of.cache_clear()
    with pytest.raises(UserError, match=r"unknown environment 'own/Corridor-v0'.*--scene module:SPEC"):
        load_episode(tmp_path / "walks.hdf5", 0)


def test_a_replay_without_states_says_that_the_environment_is_deterministic():
    use("corridor:SPEC")
    found = verify(_episodes([Scenario(3, {"floor": "icy"})])[0])
    assert found.same and "deterministic in these episodes" in found.note


def test_a_replay_tells_an_environment_that_is_not_deterministic_from_one_that_changed(monkeypatch):
    use("corridor:SPEC")
    episode = _episodes([Scenario(3, {"floor": "icy"})])[0]
    step, dice = Corridor.step, np.random.default_rng(0)

    def windy(self, action):
        self.place += dice.uniform(0, 0.01)
        return step(self, action)

    monkeypatch.setattr(Corridor, "step", windy)
    found = verify(episode)
    assert not found.same and "it is not deterministic" in found.note
    monkeypatch.setattr(Corridor, "step", lambda self, action: step(self, min(action, 1)))
    found = verify(episode)
    assert not found.same and "not what it was when this was recorded" in found.note


WRONG = {
    "not a number": {"trace": lambda env: trace(env) | {"speed": np.array([np.nan])}},
    "the same shape and type": {"trace": lambda env: trace(env) | {"speed": np.zeros(1 + (env.speed > 1))}},
    "do not name the same": {"trace": lambda env: {"speed": np.zeros(1)}},
    "not among its endings": {"ending": lambda env, info: "otherwise"},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_an_adapter_may_not_return_is_refused_in_one_line(what, monkeypatch):
    _declared(monkeypatch, varied(**WRONG[what]))
    use("corridor:OTHER")
    with pytest.raises(UserError, match=what) as refused:
        _episodes([Scenario(0, {"floor": "wet"})])
    assert NAME in str(refused.value) and "\n" not in str(refused.value)


def test_an_observation_outside_its_space_is_refused(monkeypatch):
    use("corridor:SPEC")
    monkeypatch.setattr(Corridor, "_seen", lambda self: {"place": np.array([99.0]), "speed": np.array([0.0])})
    with pytest.raises(UserError, match=r"component 0 of an observation of own/Corridor-v0 is 99, outside its space"):
        _episodes([Scenario(0)])
