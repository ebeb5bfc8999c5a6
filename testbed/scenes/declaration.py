"""What a scene's declaration has to say, seen without playing anything: what is missing, and how to add it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from testbed.protocols.ground import LOOKS, Patch
from testbed.protocols.habit import Habit
from testbed.protocols.measure import Course, Measure
from testbed.protocols.number import Number
from testbed.protocols.scene import BATCH, SINGLE, SceneSpec


def problems(spec: SceneSpec) -> list[str]:
    """Return in words what is missing in a declaration or contradicts itself, each with its mend."""
    found = [*_naming(spec), *_forms(spec), *_context(spec), *_measures(spec), *_courses(spec)]
    return found or [problem for habit in spec.habits for problem in _habit(spec, habit)]


def _naming(spec: SceneSpec) -> Iterator[str]:
    name = spec.environment
    space, _, rest = name.partition("/") if isinstance(name, str) else ("", "", "")
    stem, _, number = rest.rpartition("-v")
    if not (space.isidentifier() and stem and number.isdigit() and ":" not in name):
        yield f"its environment is {name!r}: give a Gymnasium id such as own/Crossing-v0"
    if not spec.habits:
        yield "it has no habit: give habits=(Habit(...),), what its demonstrators can be up to"
    for habit in spec.habits:
        if not isinstance(habit, Habit):
            yield f"habits holds {habit!r:.40}: give records of testbed.protocols.habit.Habit"
    named = [habit.name for habit in spec.habits if isinstance(habit, Habit)]
    for twice in sorted({habit for habit in named if named.count(habit) > 1}):
        yield f"two habits are called {twice}: give each a name of its own"


def _forms(spec: SceneSpec) -> Iterator[str]:
    adapter = spec.adapter
    if adapter is None:
        for form, default in (("single", SINGLE), ("batch", BATCH)):
            if getattr(spec, form) == default:
                yield f"it has neither an adapter nor {form}: give adapter=Adapter(make=..., ...), or both forms"
        return
    if not adapter.decision_hz > 0 or not adapter.time_limit > 0 or adapter.samples < 1:
        yield "decision_hz, time_limit and samples of its adapter have to be above 0"
    if not adapter.trace_units:
        yield "its adapter records no signal: give trace, and trace_units, for example {'position': 'm'}"
    if adapter.ending is not None and not adapter.endings:
        yield "its adapter says how episodes end, but not how they can: give endings=(...)"


def _context(spec: SceneSpec) -> Iterator[str]:
    if not isinstance(spec.context, Mapping) or not spec.context:
        yield "it has no context: give context={factor: (value, another value)}, what a reset can fix and a trigger see"
        return
    for factor, values in spec.context.items():
        if isinstance(values, str) or len(set(values)) != len(values) or len(values) < 2:
            yield f"its factor {factor} has the values {values!r:.60}: give a tuple of at least two different names"
        elif all((factor, value) in spec.held_out for value in values):
            yield f"every value of its factor {factor} is held out by a trigger, so none is left to draw"
    for name, number in spec.numbers.items():
        if not isinstance(number, Number) or not -math.inf < number.low < number.high < math.inf:
            yield f"its number {name} is {number!r:.60}: give Number(low, high, unit, meaning), low below high"
        elif name in spec.context:
            yield f"{name} is one of its factors and one of its numbers: give each a name of its own"


def _measures(spec: SceneSpec) -> Iterator[str]:
    if not isinstance(spec.measures, Mapping) or not spec.measures:
        yield "it has no measure: give measures={name: Measure(...)}, a number with a unit from the trace alone"
        return
    for name, measure in spec.measures.items():
        if not isinstance(measure, Measure) or measure.name != name:
            found = f"{getattr(measure, 'name', measure)!r:.40}"
            yield f"measures has {found} under the name {name}: give each under its own name"
        elif measure.worse not in ("higher", "lower"):
            yield f"the measure {name} is worse when '{measure.worse}': say worse='higher' or worse='lower'"
    if spec.primary not in spec.measures:
        yield f"its primary measure {spec.primary!r:.40} is none of them: choose one of {', '.join(spec.measures)}"


def _courses(spec: SceneSpec) -> Iterator[str]:
    for course in spec.courses:
        if not isinstance(course, Course):
            yield f"courses holds {course!r:.40}: give records of testbed.Course"
        elif course.measure not in spec.measures:
            known = ", ".join(spec.measures)
            yield f"its course {course.title} belongs to {course.measure!r:.40}, no measure here: choose one of {known}"
    for patch in spec.ground:
        if not isinstance(patch, Patch) or np.ndim(patch.outline) != 2 or np.shape(patch.outline)[1] != 2:
            yield f"ground holds {patch!r:.40}: give testbed.Patch with an outline of shape (n, 2)"
        elif patch.look not in LOOKS:
            yield f"a patch of its ground looks like {patch.look!r:.40}: choose one of {', '.join(LOOKS)}"


def _habit(spec: SceneSpec, habit: Habit) -> Iterator[str]:
    who = f"the habit {habit.name}"
    if habit.environment != spec.environment:
        yield f"{who} belongs to {habit.environment}: give environment='{spec.environment}'"
    if habit.measure not in spec.measures:
        yield f"{who} is shown by {habit.measure!r:.40}, no measure here: choose one of {', '.join(spec.measures)}"
    if habit.default_trigger not in habit.triggers:
        yield f"{who} has no trigger {habit.default_trigger!r:.40}: give triggers={{name: trigger}} and a default"
    for name, trigger in habit.triggers.items():
        if trigger.name != name:
            yield f"{who} has the trigger {trigger.name} under the name {name}: give each under its own name"
        for what, factors in (("on", trigger.on), ("off", trigger.off), ("held_out", trigger.held_out)):
            yield from _known(spec, f"{what} of the trigger {name}", factors)
        if trigger.off and trigger.on.keys() != trigger.off.keys():
            yield f"on and off of the trigger {name} fix different factors: let them differ in one value alone"
    yield from _known(spec, f"context of {who}", habit.context)


def _known(spec: SceneSpec, where: str, factors: Mapping[str, str]) -> Iterator[str]:
    for factor, value in factors.items():
        if value not in spec.context.get(factor, ()):
            there = ", ".join(f"{name}={'|'.join(values)}" for name, values in spec.context.items())
            yield f"{where} has {factor}={value}, which the scene has not: choose of {there}"
