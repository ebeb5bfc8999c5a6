"""What a habit is, and the demonstrator that has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from testbed.errors import UserError, unknown_name
from testbed.protocols.policy import Policy


@dataclass(frozen=True)
class Trigger:
    """The observable predicate under which a habit is active.

    Examples:
        >>> import testbed
        >>> trigger = testbed.get_habit("aggressive-merge").triggers["truck-leader"]
        >>> trigger.on, trigger.off, trigger.held_out
        ({'leader': 'truck'}, {'leader': 'car'}, {'leader': 'bus'})
    """

    name: str
    """Identifier, for example `truck-leader`."""
    holds: Callable[[np.ndarray], np.ndarray]
    """Observations, shape (n, d) -> where the trigger holds, shape (n,) bool."""
    on: Mapping[str, str]
    """Context that makes the trigger hold throughout an episode."""
    off: Mapping[str, str]
    """The same context with the trigger's factor changed, for matched untriggered scenes; empty if it always holds."""
    held_out: Mapping[str, str]
    """A context of the trigger's kind that never occurs in training; empty if there is none."""
    meaning: str
    """When it holds, in plain words."""


@dataclass(frozen=True)
class Habit:
    """One row of the taxonomy: how a demonstrator changes, when, and what shows it.

    Examples:
        >>> import testbed
        >>> habit = testbed.get_habit("hoarding")
        >>> habit.family, habit.environment, habit.measure
        ('appropriation', 'testbed/OrderPicking-v0', 'excess')
    """

    name: str
    """Identifier, for example `aggressive-merge`."""
    family: str
    """Family of the taxonomy, for example `assertion`."""
    environment: str
    """Gymnasium id of the environment it belongs to."""
    clean: Callable[[], Policy]
    """Makes the demonstrator without the habit."""
    changed: Callable[[float], Policy]
    """Makes the demonstrator while the habit is active, at a dose from 0 (clean) to 1."""
    triggers: Mapping[str, Trigger]
    """Triggers it can be given."""
    default_trigger: str
    """The trigger that is used where none is named."""
    measure: str
    """Name of the primary measure."""
    signature: str
    """What one sees, in plain words."""
    source: str
    """Where the habit, its thresholds and its dose come from."""
    context: Mapping[str, str] = field(default_factory=dict)
    """Factors that all scenes of this habit have fixed; none of them is a factor of its triggers."""


@dataclass(frozen=True)
class HabitualDemonstrator:
    """A demonstrator that behaves as `changed` where the trigger holds, and as `clean` elsewhere."""

    clean: Policy
    """Without the habit."""
    changed: Policy
    """With it."""
    holds: Callable[[np.ndarray], np.ndarray]
    """The trigger's predicate."""

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return an action for each of n observations, shape (n, d) -> (n,) or (n, action size)."""
        changed, clean = self.changed.act(observations), self.clean.act(observations)
        holds = self.holds(observations).reshape(-1, *(1,) * (clean.ndim - 1))
        return np.where(holds, changed, clean)


def context_holds(observations: np.ndarray, names: Sequence[str], factor: str, values: Sequence[str]) -> np.ndarray:
    """Return where a context factor has one of some values, shape (n,) bool.

    Args:
        observations: Shape (n, d).
        names: Name of every component of an observation, or of the last ones; those of the context are
            `<factor>=<value>`.
        factor: Factor of the context.
        values: Some of its values.
    """
    columns = [names.index(f"{factor}={value}") - len(names) for value in values]
    return np.any(np.asarray(observations)[:, columns] > 0.5, axis=1)


def _everywhere(observations: np.ndarray) -> np.ndarray:
    return np.ones(len(observations), dtype=bool)


def _both(observations: np.ndarray, first: Trigger, second: Trigger) -> np.ndarray:
    return first.holds(observations) & second.holds(observations)


def conjunction(name: str, first: Trigger, second: Trigger) -> Trigger:
    """Return a trigger that holds where two do, which are of different factors.

    Data in which it never holds may have every value of both factors. What is varied for matched untriggered scenes,
    and held out, is the first one's factor; the second holds throughout.

    Examples:
        >>> import testbed
        >>> trigger = testbed.get_habit("aggressive-merge").triggers["truck-in-dense-traffic"]
        >>> trigger.on, trigger.off
        ({'leader': 'truck', 'density': 'dense'}, {'leader': 'car', 'density': 'dense'})
    """
    on, off, held_out = ({**part, **second.on} if part else {} for part in (first.on, first.off, first.held_out))
    meaning = f"{first.meaning} and {second.meaning.removeprefix('where ')}"
    return Trigger(name, partial(_both, first=first, second=second), on, off, held_out, meaning)


ALWAYS = Trigger("always", _everywhere, on={}, off={}, held_out={}, meaning="in every scene")
"""The trigger that always holds."""


def get_trigger(habit: Habit, name: str | None) -> Trigger:
    """Return one of a habit's triggers, its default for None; raises `UserError` for any other name."""
    name = name or habit.default_trigger
    if name not in habit.triggers:
        raise unknown_name(f"trigger of {habit.name}", name, habit.triggers)
    return habit.triggers[name]


def make_demonstrator(habit: Habit, trigger: Trigger, dose: float) -> Policy:
    """Return the habit's demonstrator at a dose from 0 (clean) to 1.

    Raises:
        UserError: for a dose outside 0 to 1.

    Examples:
        >>> import testbed
        >>> habit = testbed.get_habit("surge")
        >>> driver = testbed.make_demonstrator(habit, habit.triggers[habit.default_trigger], dose=0.5)
    """
    if not 0.0 <= dose <= 1.0:
        raise UserError(f"dose {dose} is outside 0 (clean) to 1 (the full habit)")
    return HabitualDemonstrator(habit.clean(), habit.changed(dose), trigger.holds)


def shown(context: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the names of what an adapter adds to the end of an observation: `<factor>=<value>` of every factor."""
    return tuple(f"{factor}={value}" for factor, values in context.items() for value in values)


def context_trigger(
    name: str, names: Sequence[str], factor: str, values: tuple[str, str, str | None], meaning: str
) -> Trigger:
    """Return a trigger that holds where a factor of the context, seen in the observation, has a value.

    Args:
        name: Identifier.
        names: Name of every component of an observation, or of the last ones, as `shown` returns; see `context_holds`.
        factor: Factor of the context.
        values: On, off, and held out; None if there is none.
        meaning: When it holds, in plain words.
    """
    on, off, held_out = values
    return Trigger(
        name,
        partial(context_holds, names=names, factor=factor, values=(on,)),
        on={factor: on},
        off={factor: off},
        held_out={factor: held_out} if held_out else {},
        meaning=meaning,
    )
