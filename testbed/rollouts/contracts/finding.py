"""What a contract says of a scene, and the episodes that contracts look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.habit import Habit, Trigger, get_trigger, make_demonstrator
from testbed.protocols.scene import SceneSpec
from testbed.rollouts.rollout import play
from testbed.seeding import scenario_seeds


@dataclass(frozen=True)
class Finding:
    """What a scene does not keep."""

    what: str
    """What is wrong, in words."""
    mend: str
    """How to add what is missing."""


class Played:
    """What the demonstrators of a scene do, played once for all contracts.

    Args:
        scene: A scene that is known.
        count: Episodes of each kind.
    """

    def __init__(self, scene: SceneSpec, count: int) -> None:
        self.scene, self.count = scene, count
        self._known: dict[tuple, list[Episode]] = {}

    def of(self, habit: Habit, dose: float, context: Mapping[str, str]) -> Sequence[Episode]:
        """Return the episodes of a habit's demonstrator at a dose, with some factors fixed; seeds are the same."""
        fixed = {**habit.context, **context}
        key = habit.name, dose, tuple(sorted(fixed.items()))
        if key not in self._known:
            job = make_demonstrator(habit, get_trigger(habit, None), dose), Behaviour(f"dose {dose:g}")
            scenarios = [Scenario(seed, fixed) for seed in scenario_seeds(0, "train/contracts", self.count)]
            self._known[key] = list(play(self.scene.environment, scenarios, [job]))
        return self._known[key]

    def triggered(self) -> Sequence[Episode]:
        """Return the episodes of the first habit's demonstrator where its trigger holds."""
        habit = self.scene.habits[0]
        return self.of(habit, 1.0, get_trigger(habit, None).on)


@dataclass(frozen=True)
class Contract:
    """One thing that every scene keeps."""

    name: str
    """In words, for example `a reset by seed is deterministic`."""
    check: Callable[[Played], Iterator[Finding]]
    """Yields what the scene does not keep of it."""


def triggers_of(habit: Habit) -> tuple[Trigger, ...]:
    """Return the triggers of a habit, its default first."""
    default = get_trigger(habit, None)
    return default, *(one for one in habit.triggers.values() if one is not default)
