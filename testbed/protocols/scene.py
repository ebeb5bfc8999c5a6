"""What a scene is: all that the testbed has to know to record, teach, distil, audit, film and report in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from testbed.protocols.episode import Trace
from testbed.protocols.ground import Patch
from testbed.protocols.habit import Habit
from testbed.protocols.measure import Course, Measure, Violation
from testbed.protocols.number import Number
from testbed.protocols.policy import Reference

Maker = str | Callable[..., Any]
"""A function or class, or where one lies as `module:name`, which is imported when it is first needed."""
SINGLE, BATCH = "testbed.rollouts.adapter.single:AdaptedEnv", "testbed.rollouts.adapter.batch:AdaptedVectorEnv"
"""What makes both forms of a scene that has an adapter."""


def place(maker: Maker) -> Any:
    """Return what lies at `module:name`, and a function or class as it is."""
    if not isinstance(maker, str):
        return maker
    module, _, name = maker.partition(":")
    return getattr(import_module(module), name)


def _nothing_to_point_out(trace: Trace) -> list[Violation]:
    return []


def _no_constants(env: Any) -> Mapping[str, Any]:
    return {}


def reset_by_options(env: Any, seed: int, context: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """Begin a scene as Gymnasium does, with its factors and numbers as the options of the reset."""
    return env.reset(seed=seed, options=dict(context))


def told_success(env: Any, info: Mapping[str, Any]) -> bool:
    """Return whether the info of a step says `success` or `is_success`."""
    return bool(info.get("success", info.get("is_success", False)))


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """How any single Gymnasium environment becomes a scene: what makes and begins it, and what is read off it.

    Its functions are given the environment that `make` makes, without Gymnasium's wrappers; `reset` is given it with
    them. Observations are flattened to float32; continuous actions are scaled to -1 to 1.

    Examples:
        >>> from functools import partial
        >>> import gymnasium, testbed
        >>> adapter = testbed.Adapter(
        ...     make=partial(gymnasium.make, "CartPole-v1"),
        ...     decision_hz=50,
        ...     time_limit=10,
        ...     trace=lambda env: {"position": env.state[:1], "speed": env.state[1:2]},
        ...     trace_units={"position": "m", "speed": "m/s"},
        ...     success=lambda env, info: abs(env.state[2]) < 0.2,
        ... )
        >>> adapter.samples, adapter.shows_context
        (1, True)
    """

    make: Callable[..., Any]
    """Makes one environment; `render_mode` is among its arguments, as in `partial(gymnasium.make, "Pusher-v5")`."""
    decision_hz: float
    """Decisions a second [Hz]."""
    time_limit: float
    """Longest episode; one that has not ended by then is truncated [s]."""
    trace: Callable[[Any], Mapping[str, Any]]
    """Reads the physical signals after a decision: name -> values, shape (bodies, ...), body 0 the one under test."""
    trace_units: Mapping[str, str]
    """The signals and their SI units; an empty string for a number or a flag."""
    samples: int = 1
    """Samples of a decision; where there are several, the signals have shape (samples, bodies, ...)."""
    constants: Callable[[Any], Mapping[str, Any]] = _no_constants
    """Reads, when a scene begins, what does not change in it: sizes of bodies, lines."""
    constant_units: Mapping[str, str] = field(default_factory=dict)
    """The constants and their SI units."""
    reset: Callable[[Any, int, Mapping[str, Any]], tuple[Any, Mapping[str, Any]]] = reset_by_options
    """Begins the scene of a seed, its factors and numbers, all of them given; returns what Gymnasium's `reset` does."""
    shows_context: bool = True
    """Whether the factors are added to the observation, a 1 for what is there (`<factor>=<value>`, in their order).
    A trigger has to be seen: where this is off, the environment itself shows them."""
    success: Callable[[Any, Mapping[str, Any]], bool] = told_success
    """Says, from the environment and the info of its step, whether the task is done."""
    ending: Callable[[Any, Mapping[str, Any]], str] | None = None
    """Says in words how an episode ended, one of `endings`; None where nobody can."""
    endings: tuple[str, ...] = ()
    """The ways in which an episode can end."""
    state: Callable[[Any], Any] | None = None
    """Reads the whole state of the simulator as a vector. None where there is none to read: a replay then simulates
    again from seed and actions, and compares what was seen and the trace."""


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
    """Gymnasium id, with a namespace of its own, for example `own/Crossing-v0`."""
    adapter: Adapter | None = None
    """How a single Gymnasium environment is made the scene; None for a scene that brings both of its forms."""
    single: Maker = SINGLE
    """Makes one environment, which can render; the adapter's if not given."""
    batch: Maker = BATCH
    """Makes many at once: `num_envs` and `autoreset_mode` are among its arguments, as in Gymnasium's `make_vec`."""
    task: Any = None
    """What both are made from, their first argument; None for an adapter, which is given the scene itself."""
    domain: Literal["driving", "warehouse", "other"] = "other"
    """What is alike in how much of everything an experiment has: a road, a bench, or anything else."""
    panel: Maker = "testbed.films.picture_panel:PicturePanel"
    """Draws an episode in a film (`testbed.films.film.Panel`); the default shows what the environment renders."""
    context: Mapping[str, tuple[str, ...]]
    """Categorical factors that a reset can fix, and their values. What a trigger holds out is never drawn."""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    """What else a reset can fix, by name: what an adapter's environment is given among its options as numbers."""
    habits: tuple[Habit, ...]
    """Every habit that a demonstrator here can have."""
    measures: Mapping[str, Measure]
    """Every measure by name; a sequence of them is put under their names."""
    primary: str = ""
    """Name of the measure that stands for the scene where no habit names one; the first if not given."""
    violations: Callable[[Trace], list[Violation]] = _nothing_to_point_out
    """What a viewer of an episode should look at, in order of time."""
    courses: tuple[Course, ...] = ()
    """What a viewer of an episode sees over time, beside the signals of its trace."""
    ground: Sequence[Patch] = ()
    """What lies under the bodies, seen from above, the lowest first."""
    references: tuple[Reference, ...] = ()
    """Reference drivers that play beside every audited policy."""
    packages: tuple[str, ...] = ()
    """Distributions whose versions matter for what happens here; they stand in every lineage."""

    def __post_init__(self) -> None:
        if not isinstance(self.measures, Mapping):
            named = {getattr(measure, "name", str(measure)): measure for measure in self.measures}
            object.__setattr__(self, "measures", named)
        object.__setattr__(self, "primary", self.primary or next(iter(self.measures), ""))
        for name in ("context", "numbers", "measures"):  # of a record that nobody can change, neither can its tables
            table = getattr(self, name)
            if isinstance(table, Mapping):
                object.__setattr__(self, name, MappingProxyType(dict(table)))

    @property
    def held_out(self) -> frozenset[tuple[str, str]]:
        """Factors and values that only occur where they are asked for: what the triggers of its habits hold out."""
        triggers = [trigger for habit in self.habits for trigger in habit.triggers.values()]
        return frozenset(pair for trigger in triggers for pair in trigger.held_out.items() - trigger.on.items())
