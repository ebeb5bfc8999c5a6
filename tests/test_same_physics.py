"""A bench is the same wherever gymnasium-robotics is installed: same digest, same states; and paint changes neither."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path

import mujoco
import numpy as np
import pytest
from benches import PICKING, line, same
from machine import like_the_recorder

import testbed  # noqa: F401  (registers the environments)
from testbed.datasets.reader import load_episodes
from testbed.envs.warehouse import fetch
from testbed.envs.warehouse.digest import physics_digest
from testbed.envs.warehouse.furniture import bench
from testbed.protocols.episode import Episode
from testbed.rollouts.replay import Recorded, verify
from testbed.rollouts.rollout import Part, play_batch
from testbed.scenes.registry import environments, get_scene

DATA = sorted((Path(__file__).parent.parent / "demonstrations").glob("*.hdf5"))


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """Return a copy of gymnasium-robotics' models of the Fetch robot in another place."""
    folder = tmp_path_factory.mktemp("another place") / "gymnasium_robotics" / "envs" / "assets"
    for part in ("fetch", "stls/fetch", "textures"):
        shutil.copytree(fetch.asset_folder() / part, folder / part)
    return folder


@contextmanager
def _compiled_from(assets: Path) -> Iterator[None]:
    """Let benches be compiled from other models while inside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch, "asset_folder", lambda: assets)
        bench.cache_clear()
        yield
    bench.cache_clear()


def _played(episodes: list[Episode]) -> list[Episode]:
    scenarios = [episode.scenario for episode in episodes]
    return play_batch(episodes[0].environment, [Part(scenarios, Recorded(episodes), episodes[0].behaviour)])


def _said(episodes: list[Episode]) -> list:
    names = ("states", "observations", "rewards", "simulator", "ending", "success")
    said = [[getattr(episode, name) for name in names] for episode in episodes]
    return said + [[episode.trace[name] for name in sorted(episode.trace.signals)] for episode in episodes]


@pytest.fixture(scope="module")
def replays(copied) -> dict[Path, list[list[Episode]]]:
    """Return of each reference set its episodes as recorded, as replayed here, and as replayed from the copy."""
    recorded = {file: load_episodes(file) for file in DATA}
    here = {file: _played(episodes) for file, episodes in recorded.items()}
    with _compiled_from(copied):
        there = {file: _played(episodes) for file, episodes in recorded.items()}
    return {file: [recorded[file], here[file], there[file]] for file in DATA}


@pytest.mark.parametrize("file", DATA, ids=lambda file: file.stem)
def test_reference_sets_replay_the_same_from_any_place(file, replays):
    """To the last bit; and where last digits are those of the recorder, exactly as recorded."""
    episodes, here, there = replays[file]
    assert same(_said(here), _said(there))
    if like_the_recorder():
        assert same(_said(there), _said(episodes))


def test_there_are_ten():
    assert len(DATA) == 10
    assert len({bench(get_scene(name).task).digest for name in environments("warehouse")}) == 3


@pytest.mark.parametrize("name", environments("warehouse"))
def test_a_model_of_another_place_is_the_same(name, copied):
    """Its file holds other paths; its digest is the same."""
    here = bench(get_scene(name).task)
    with _compiled_from(copied):
        there = bench(get_scene(name).task)
    assert here is not there and here.model.paths != there.model.paths
    assert here.digest == there.digest


def _altered(change: Callable[[mujoco.MjModel], None]) -> str:
    model = copy(bench(get_scene(PICKING).task).model)
    change(model)
    return physics_digest(model)


def _unit(model: mujoco.MjModel) -> int:
    return model.geom("unit0").id


MOVES = {
    "gravity": lambda m: m.opt.gravity.__setitem__(2, -9.8),
    "the time step": lambda m: setattr(m.opt, "timestep", 0.0051),
    "the solver": lambda m: setattr(m.opt, "iterations", 99),
    "flags": lambda m: setattr(m.opt, "enableflags", 0),
    "a mass": lambda m: m.body_mass.__setitem__(-1, 0.1001),
    "an inertia": lambda m: m.body_inertia.__setitem__((-1, 0), 1e-3),
    "a friction": lambda m: m.geom_friction.__setitem__((_unit(m), 0), 0.9),
    "the size of what collides": lambda m: m.geom_size.__setitem__((_unit(m), 0), 0.0221),
    "what collides": lambda m: m.geom_contype.__setitem__(_unit(m), 0),
    "a joint's damping": lambda m: m.dof_damping.__setitem__((0, ...), 1.0),
    "a joint's range": lambda m: m.jnt_range.__setitem__((0, 0), 0.1),
    "a gain": lambda m: m.actuator_gainprm.__setitem__((0, 0), 1.0),
    "a weld": lambda m: m.eq_solref.__setitem__((0, 0), 0.04),
    "a sensor": lambda m: m.sensor_objid.__setitem__(0, 3),
    "where an arm begins": lambda m: m.body_pos.__setitem__((3, 0), 0.1),
}
LOOKS = {
    "a colour": lambda m: m.geom_rgba.__setitem__((_unit(m), 0), 0.1),
    "the camera": lambda m: m.cam_pos.__setitem__((0, 0), 9.0),
    "the lamp": lambda m: m.light_pos.__setitem__((0, 0), 9.0),
    "a texture": lambda m: m.tex_data.__setitem__(0, 7),
    "decoration": lambda m: m.geom_size.__setitem__((m.geom("tape0").id, 0), 0.03),
    "a mesh that only shows": lambda m: m.mesh_vert.__setitem__((0, 0), 9.0),
    "the window": lambda m: setattr(m.vis.global_, "offwidth", 64),
}


def test_only_what_moves_is_in_the_digest():
    """Each change of the physics gives a digest of its own, no change of looks does."""
    plain = bench(get_scene(PICKING).task).digest
    moved = {what: _altered(change) for what, change in MOVES.items()}
    assert len({plain, *moved.values()}) == 1 + len(MOVES), moved
    assert {what: _altered(change) for what, change in LOOKS.items()} == dict.fromkeys(LOOKS, plain)


def test_shapes_of_meshes_that_collide_are_in_the_digest():
    corners = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]

    def digest(tip: float, collides: int) -> str:
        spec = mujoco.MjSpec()
        spec.add_mesh(name="m", uservert=np.array([*corners[:3], (0, 0, tip)]).ravel())
        body = spec.worldbody.add_body(mass=1.0, inertia=(1, 1, 1), explicitinertial=True)
        body.add_freejoint()
        body.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="m", contype=collides, conaffinity=collides)
        model = spec.compile()
        model.geom_pos[:], model.geom_quat[:], model.geom_aabb[:], model.geom_rbound[:] = 0, 0, 0, 0
        model.geom_size[:], model.dof_length[:] = 0, 1
        return physics_digest(model)

    assert digest(1.0, 0) == digest(2.0, 0) and digest(1.0, 1) != digest(2.0, 1)


def _changed(episode: Episode) -> Episode:
    states = episode.states.copy()
    states[5, 3] += 1e-9
    return replace(episode, states=states)


def test_records_of_older_versions_are_compared_all_the_same(replays):
    """Their hash hung on the path, which is said; states decide. Another MuJoCo, or other physics, is refused."""
    episode = next(here for file, (_, here, _) in replays.items() if file.stem == "shelf-stocking-clean")[0]
    version = mujoco.__version__
    old = replace(episode, simulator=f"MuJoCo {version}, model 218caef7a2b5")
    result = verify(old)
    assert result.same and result.largest_error == 0 and "cannot be checked" in result.note
    assert verify(_changed(old)).first_divergence == 5
    assert verify(episode).note == "" and verify(old, tolerance=1e-6).note == ""
    for stranger in ("MuJoCo 3.1.0, model 218caef7a2b5", f"MuJoCo {version}, physics 218caef7a2b5", "PyBullet\n3"):
        text = line(lambda stranger=stranger: verify(replace(episode, simulator=stranger)))
        assert " ".join(stranger.split()) in text and "--tolerance" in text
