"""What the tests of bad and odd questions to environments share."""

from __future__ import annotations

from typing import Any

import gymnasium
import pytest

from testbed.scenes.registry import (
    environments,
    names,
)

every = pytest.mark.parametrize("name", names())
on_roads = pytest.mark.parametrize("name", environments("driving"))


def two_worlds(name: str, **options: Any) -> Any:
    return gymnasium.make_vec(name, **{"num_envs": 2, **options})
