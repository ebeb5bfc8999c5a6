"""Pictures of every driving environment: what is drawn, where, and that nothing else changes them."""

from __future__ import annotations

import gymnasium
import numpy as np
import pygame
import pytest

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.driving.kinds import WALKERS
from testbed.scenes.registry import environments

IDS = sorted(environments("driving"))
CROSSWALK = "testbed/Crosswalk-v0"
OBSERVERS = ("none", "police", "camera", "covered-camera")
FASTER, SLOWER = 3, 4
PINK = (255, 0, 255)
every = pytest.mark.parametrize("name", IDS)


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    """Whoever opens a window fails."""

    def refuse(*args, **kwargs):
        raise AssertionError("a picture needs no window")

    monkeypatch.setattr(pygame.display, "set_mode", refuse)


def start(name: str, seed: int = 3, **context: str):
    env = gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True).unwrapped
    env.reset(seed=seed, options={"context": context})
    return env


def poses(env) -> tuple[np.ndarray, np.ndarray]:
    """Return where the bodies are and how they are turned, in the order of the trace."""
    bodies = [*env.road.vehicles, *env.road.objects[: env.scene.walkers]]
    return np.array([body.position for body in bodies]), np.array([body.heading for body in bodies])


def at_zebra() -> tuple[np.ndarray, np.ndarray]:
    """Return poses of a crosswalk scene with an ego before the zebra and three pedestrians on it, far apart."""
    x = [-12.0, -30.0, -45.0, 40.0, 55.0, -1.2, 0.3, 1.4]
    y = [4.0, 4.0, 4.0, 0.0, 0.0, -3.2, 1.0, 7.2]
    return np.stack([x, y], axis=1), np.where(np.arange(8) < 5, 0.0, np.pi / 2)


def around(env, picture: np.ndarray, point: np.ndarray, reach: int = 16) -> np.ndarray:
    """Return the square of a picture round a point of the world."""
    x, y = np.rint(env.project(point[None])[0]).astype(int)
    return picture[max(y - reach, 0) : y + reach, max(x - reach, 0) : x + reach].astype(int)


def like(pixels: np.ndarray, colour: tuple[int, int, int], by: int = 40) -> np.ndarray:
    return np.abs(pixels.astype(int) - colour).max(axis=-1) < by


@every
def test_a_picture_can_be_filmed(name):
    picture = start(name).render()
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    assert picture.shape[1] == 1280 and picture.shape[0] % 2 == 0
    assert len(np.unique(picture[..., 1])) > 50


@every
def test_the_same_scene_gives_the_same_picture(name):
    env = start(name)
    first = env.render()
    assert np.array_equal(first, env.render())
    assert np.array_equal(first, start(name).render())
    assert not np.array_equal(first, start(name, seed=4).render())
    first[:] = 0  # the picture belongs to the caller
    assert env.render().any()


@every
def test_the_picture_follows_the_ego(name):
    env = start(name)
    first, (before, _) = env.render(), poses(env)
    for _ in range(5):
        env.step(FASTER)
    second, (after, _) = env.render(), poses(env)
    assert after[0, 0] > before[0, 0] + 5
    assert not np.array_equal(first, second)
    assert like(around(env, second, after[0], 6), (50, 200, 0), 80).mean() > 0.5


@every
def test_rendering_changes_nothing(name):
    watched, other = start(name), start(name)
    for _ in range(4):
        watched.render()
        position, heading = poses(watched)
        watched.show(position + 5.0, heading + 0.3, {0: PINK})
        seen, unseen = watched.step(FASTER), other.step(FASTER)
        assert seen[0].tobytes() == unseen[0].tobytes()
        assert seen[4]["state"].tobytes() == unseen[4]["state"].tobytes()


@every
def test_show_draws_recorded_poses_and_render_the_present_ones(name):
    env = start(name)
    position, heading = poses(env)
    assert np.array_equal(env.show(position, heading, {}), env.render())
    moved = env.show(position + np.array([[3.0, 0.0]]), heading, {})
    assert not np.array_equal(moved, env.render())


@every
def test_a_colour_is_seen_where_its_body_is(name):
    env = start(name)
    position, heading = at_zebra() if env.scene.walkers else poses(env)
    plain = env.show(position, heading, {})
    places = env.project(position)
    seen = (places > 20).all(axis=1) & (places < np.array(plain.shape[1::-1]) - 20).all(axis=1)
    assert seen.sum() >= 2 + env.scene.walkers
    for number in np.flatnonzero(seen):
        picture = env.show(position, heading, {int(number): PINK})
        near = around(env, picture, position[number])
        assert like(near, PINK).sum() > 20
        assert not like(around(env, plain, position[number]), PINK).any()
        y, x = np.argwhere(picture != plain)[:, :2].T
        assert np.abs(np.stack([x, y], axis=1) - places[number]).max() < 60


@every
def test_brake_lights_shine(name):
    env = start(name)
    position, heading = poses(env)
    position[0, 0] += 60
    acceleration = np.zeros(len(position))
    plain = env.show(position, heading, {}, acceleration)
    assert np.array_equal(plain, env.show(position, heading, {}))
    acceleration[0] = -3.0
    braking = env.show(position, heading, {}, acceleration)
    rear = position[0] - [env.vehicle.LENGTH / 2 * np.cos(heading[0]), env.vehicle.LENGTH / 2 * np.sin(heading[0])]
    red = [like(around(env, picture, rear), (255, 40, 36), 60).sum() for picture in (plain, braking)]
    assert red[0] == 0 and red[1] > 4


@every
def test_a_picture_of_a_braking_ego_shows_it(name):
    env = start(name)
    for _ in range(3):
        env.step(SLOWER)
    assert env.vehicle.action["acceleration"] < -1
    rear = env.vehicle.position - [env.vehicle.LENGTH / 2, 0.0]
    assert like(around(env, env.render(), rear, 24), (255, 40, 36), 60).sum() > 4


@every
def test_project_needs_a_picture(name):
    env = start(name)
    with pytest.raises(ValueError, match="show"):
        env.project(np.zeros((1, 2)))


@every
def test_highway_envs_recorder_gets_every_simulation_step(name):
    """Those between two decisions are handed to it; the last one is what it asks for itself, as Gymnasium's does."""

    class Recorder:
        frames_per_sec, pictures, recording = 0, 0, True

        def _capture_frame(self):
            self.pictures += env.render() is not None

    env, recorder = start(name), Recorder()
    env.set_record_video_wrapper(recorder)
    env.step(FASTER)
    assert recorder.pictures == 2 and recorder.frames_per_sec == 15
    recorder.recording = False
    env.step(FASTER)
    assert recorder.pictures == 2


def test_every_observer_looks_different():
    position, heading = at_zebra()
    pictures = {who: start(CROSSWALK, observer=who).show(position, heading, {}) for who in OBSERVERS}
    for first in OBSERVERS:
        for second in OBSERVERS:
            differ = (pictures[first] != pictures[second]).any(axis=2)
            assert differ.sum() > 300 if first != second else not differ.any()
    assert pictures.keys() == set(start(CROSSWALK).scene.context["observer"])


def test_nobody_who_watches_hides_the_zebra_or_a_pedestrian():
    position, heading = at_zebra()
    colours = {5: PINK, 6: PINK, 7: PINK}
    counts = []
    for who in OBSERVERS:
        env = start(CROSSWALK, observer=who)
        picture = env.show(position, heading, colours)
        counts.append([like(around(env, picture, place), PINK).sum() for place in position[5:]])
    assert all(count == counts[0] for count in counts) and min(counts[0]) > 20


def test_the_zebra_is_where_project_says():
    """Across the road, bars and gaps take turns every metre; beside the zebra there is none."""
    env = start(CROSSWALK, observer="none")
    position, heading = at_zebra()
    position[5:, 1] -= 20.0
    picture = env.show(position, heading, {})
    (x0, x1), (y0, y1) = env.scene.zebra
    middles = np.arange(y0 + 0.5, y1, 1.0)

    def white(x: float, y: np.ndarray) -> np.ndarray:
        column, row = np.rint(env.project(np.stack([np.full(len(y), x), y], axis=1))).astype(int).T
        return like(picture[row, column], (250, 250, 250))

    for x in (x0 + 0.3, (x0 + x1) / 2, x1 - 0.3):
        assert white(x, middles).all()
        assert not white(x, middles + 0.5).any()
    for x in (x0 - 0.5, x1 + 0.5):
        assert not white(x, middles).any()


def test_the_ego_is_always_seen_and_the_zebra_when_it_is_near():
    env = start(CROSSWALK)
    position, heading = at_zebra()
    lefts = []
    for x in np.arange(-112.0, 66.0):
        position[0, 0] = x
        env.show(position, heading, {})
        ego, *corners = env.project(np.array([[x, 4.0], *env.scene.zebra.T]))
        assert 100 < ego[0] < 1180
        if x > -60:
            assert min(c[0] for c in corners) > 0 and max(c[0] for c in corners) < 1280
        lefts.append(env.project(np.zeros((1, 2)))[0, 0])
    steps = np.diff(lefts)
    assert np.abs(np.diff(steps)).max() < 1.5  # the camera starts and stops softly [px a step]
    assert (steps == 0).sum() > 20 and (steps <= 0).all()


@pytest.mark.parametrize("kind", WALKERS)
def test_pedestrians_are_large_enough_to_see_on_any_ground(kind):
    """On asphalt, on a bar and on paving, one is at least 16 px across in both directions taken together."""
    env = start(CROSSWALK, pedestrian=kind)
    position, heading = at_zebra()
    for y in (-3.2, 0.5, 1.0):
        position[5] = 0.0, y
        there = env.show(position, heading, {})
        gone = env.show(np.where(np.arange(8)[:, None] == 5, -99.0, position), heading, {})
        differ = around(env, (np.abs(there.astype(int) - gone).max(axis=2) > 60)[..., None], position[5])[..., 0]
        across = [np.ptp(np.flatnonzero(differ.any(axis=axis))) + 1 for axis in (0, 1)]
        assert max(across) >= 16 and min(across) >= 8


def test_kinds_of_pedestrians_look_different():
    position, heading = at_zebra()
    pictures = []
    for kind in WALKERS:
        env = start(CROSSWALK, pedestrian=kind, observer="none")
        pictures.append(around(env, env.show(position, heading, {5: PINK}), position[5]))
    for number, first in enumerate(pictures):
        assert all((first != other).any(axis=2).sum() > 40 for other in pictures[number + 1 :])
