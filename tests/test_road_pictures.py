"""Pictures of roads: only what moves is drawn anew, and that is not seen."""

from __future__ import annotations

import gymnasium
import numpy as np
import pygame
import pytest

from testbed.envs.driving.picture import RoadPicture
from testbed.scenes.registry import all_habits, environments


@pytest.mark.parametrize("name", environments("driving"))
def test_a_picture_is_what_drawing_all_of_it_gives(name, monkeypatch):
    """Over a whole episode, to the last pixel, with vehicles that brake, pedestrians, and a camera that moves."""
    policy = next(habit for habit in all_habits().values() if habit.environment == name).clean()
    env = gymnasium.make(name, render_mode="rgb_array", disable_env_checker=True).unwrapped
    seen, pictures, wholes, over = env.reset(seed=8)[0], [], [], False

    def everywhere(picture: RoadPicture, position: np.ndarray) -> list[pygame.Rect]:
        return [pygame.Rect((0, 0), picture.canvas.size)]

    while not over:
        seen, _, terminated, truncated, _ = env.step(int(policy.act(seen[None])[0]))
        over = terminated or truncated
        pictures.append(env.render())
        with monkeypatch.context() as patch:
            patch.setattr(RoadPicture, "_spots", everywhere)
            wholes.append(env.render())
    env.close()
    assert len(pictures) > 20 and len({picture.tobytes() for picture in pictures}) > 20
    assert all(np.array_equal(picture, whole) for picture, whole in zip(pictures, wholes, strict=True))
