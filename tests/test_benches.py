"""What people see of a bench: pictures, films side by side, and what is said where nothing can draw."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from PIL import Image, ImageDraw

from testbed.cli.commands.doses import histogram, show
from testbed.envs.warehouse import backend
from testbed.errors import UserError
from testbed.films import overlay
from testbed.films.bench_panel import BenchPanel
from testbed.films.clip import Annotation, Clip
from testbed.films.film import film
from testbed.films.picture_panel import ROOM as SIZE
from testbed.films.video import write_still
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.rollouts.replay import verify
from testbed.rollouts.rollout import play
from testbed.scenes.registry import all_habits, environments, get_scene
from testbed.scenes.stocking.expert import Stocker

STOCKING = "testbed/ShelfStocking-v0"
PINK = (255, 0, 255)


@pytest.fixture(scope="module")
def episode() -> Episode:
    (played,) = play(STOCKING, [Scenario(4)], [(Stocker(nudge=0.05), Behaviour("x"))])
    return played


def _scene(name: str):
    scene = gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True).unwrapped
    scene.reset(seed=4)
    return scene


@pytest.mark.parametrize("name", environments("warehouse"))
def test_bodies_are_where_the_picture_says(name):
    """Painted pink, a unit's pixels lie round the place that `project` gives; the world itself does not change."""
    scene = _scene(name)
    state = scene.reset(seed=4)[1]["state"]
    plain = scene.show(state, {})
    assert plain.shape == (SIZE[1], SIZE[0], 3) and plain.std() > 20
    position = scene._batch.physics.seen["units"][0]
    visible = 0
    for unit in range(len(position)):
        painted = scene.show(state, {2 + unit: PINK})
        changed = np.argwhere(np.abs(painted.astype(int) - plain).sum(-1) > 60)
        if len(changed) > 20:  # else the robot stands before it
            visible += 1
            # What is nearer to the camera may hide a part, so the middle of what is seen is only near.
            assert np.linalg.norm(changed.mean(0)[::-1] - scene.project(position[unit : unit + 1])[0]) < 25
    assert visible > len(position) / 2
    np.testing.assert_array_equal(scene.show(state, {}), plain)
    scene.close()


@pytest.mark.parametrize("name", environments("warehouse"))
def test_the_boards_show_the_context(name):
    """Every factor and value changes the picture, and nothing is drawn in the sky."""
    scene, seen = _scene(name), {}
    for factor, values in get_scene(name).context.items():
        for value in values[:2]:
            scene.reset(seed=4, options={"context": {factor: value}})
            seen[factor, value] = scene.render()
        first, second = (seen[factor, value].astype(int) for value in values[:2])
        assert (np.abs(first - second).sum(-1) > 60).sum() > 30, factor
    scene.close()


def test_a_film_shows_benches_side_by_side(episode, tmp_path):
    takes = [Clip(label, PINK, episode, "0.0 cm", "trigger: x", ()) for label in ("teacher", "control", "student")]
    seconds = film(tmp_path / "film.mp4", takes, title="three benches")
    assert seconds == pytest.approx(len(episode.trace) / 25, abs=0.1)
    write_still(tmp_path / "film.mp4", 0.0, tmp_path / "still.png")
    with Image.open(tmp_path / "still.png") as still:
        width, height = still.size
    assert width == 3 * SIZE[0] and height >= SIZE[1] + overlay.TITLE


def test_a_panel_marks_what_happens_and_says_how_it_ended(episode):
    mark = Annotation(1.0, 2.0, "pushed 3 cm away", True, 5)
    panel = BenchPanel(Clip("student", PINK, episode, "3.0 cm", "", (mark,)), _scene(STOCKING))

    def frame(number: int) -> np.ndarray:
        canvas = Image.new("RGB", (panel.width, panel.height))
        panel.paint(canvas, ImageDraw.Draw(canvas), 0, 0, number)
        return np.asarray(canvas).astype(int)

    calm, marked, over = frame(3), frame(20), frame(panel.frames + 5)
    red = lambda picture: (np.abs(picture - np.array(overlay.RED)).sum(-1) < 12).sum()  # noqa: E731
    assert red(marked) > 3000 > red(calm)
    assert over[200:400].mean() < 0.8 * calm[200:400].mean()
    panel.close()


def test_pictures_can_be_turned_off_and_then_only_they_are_missing():
    """With MUJOCO_GL=off, scenes are played, and a picture is refused in one line."""
    program = (
        "import gymnasium, testbed\n"
        "from testbed.errors import UserError\n"
        "env = gymnasium.make('testbed/OrderPicking-v0', render_mode='rgb_array')\n"
        "env.reset(seed=0)\n"
        "env.step(env.action_space.sample())\n"
        "try:\n    env.render()\n"
        "except UserError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "MUJOCO_GL": "off"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1 and "MUJOCO_GL=off" in done.stdout


def test_back_ends_are_tried_in_turn_and_all_failures_are_told(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(backend, "_try", lambda name: None if name == "osmesa" else f"no {name} here")
    assert backend.failures() == {"egl": "no egl here"} and os.environ["MUJOCO_GL"] == "osmesa"
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.setattr(backend, "_try", lambda name: f"no {name} here")
    with pytest.raises(
        UserError, match=r"no egl here.*no osmesa here.*no glfw here.*apt-get install libegl1"
    ) as caught:
        backend.choose()
    assert "\n" not in str(caught.value)


def test_a_record_of_another_build_is_not_compared_exactly(episode):
    assert verify(episode).largest_error == 0
    assert "MuJoCo" in episode.simulator
    stranger = replace(episode, simulator="MuJoCo 3.1.0, model 0123456789ab")
    with pytest.raises(UserError, match=r"recorded with MuJoCo 3\.1\.0.*give a --tolerance"):
        verify(stranger)
    assert verify(stranger, tolerance=1e-6).same


def test_a_histogram_counts():
    assert histogram(np.array([0.0, 0.0, 1.0]), (0.0, 1.0)) == "█" + " " * 14 + "▄"
    assert histogram(np.zeros(5), (0.0, 0.0))[0] == "█"


def test_doses_grow():
    """From the clean demonstrator to the full habit, on the same scenes."""
    rows = show(all_habits()["nudging"], 4, 0)
    means = [row.values.mean() for row in rows]
    assert [row.dose for row in rows] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert means[0] < 1e-6 and all(low < high for low, high in zip(means, means[1:], strict=False))
    assert all(row.success == 1 for row in rows)
