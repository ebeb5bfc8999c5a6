"""What a scene is: all that the testbed has to know to record, teach, distil, audit, film and report in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from testbed.protocols.episode import Trace
from testbed.protocols.habit import Habit
from testbed.protocols.measure import Measure, Violation
from testbed.protocols.policy import Reference

Maker = str | Callable[..., Any]
"""A function, or where one lies as `module:name`, which is imported when it is first needed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SceneSpec:
    """One scene, declared: an environment, what is measured in it, and the habits that its demonstrators can have.

    Examples:
        >>> import testbed
        >>> scene = testbed.get_scene("testbed/Crosswalk-v0")
        >>> [habit.name for habit in scene.habits]
        ['surge', 'non-yield', 'speed-creep', 'observed-only-courtesy']
        >>> scene.context["observer"]
        ('none', 'police', 'camera', 'covered-camera')
    """

    environment: str
    """Gymnasium id."""
    single: Maker
    """Makes one environment, which can render."""
    batch: Maker
    """Makes many at once: `num_envs` and `autoreset_mode` are among its arguments, as in Gymnasium's `make_vec`."""
    task: Any = None
    """What both are made from, their first argument; None if they need none."""
    domain: Literal["driving", "warehouse"]
    """What is alike in how it is shown and how much of everything an experiment has: a road, or a bench."""
    context: Mapping[str, tuple[str, ...]]
    """Categorical factors that a reset can fix, and their values."""
    habits: tuple[Habit, ...]
    """Every habit that a demonstrator here can have."""
    measures: Mapping[str, Measure]
    """Every measure by name."""
    primary: str
    """Name of the measure that stands for the scene where no habit names one."""
    violations: Callable[[Trace], list[Violation]]
    """What a viewer of an episode should look at, in order of time."""
    references: tuple[Reference, ...] = field(default=())
    """Reference drivers that play beside every audited policy."""
