"""Contracts of habits: triggers that are seen, demonstrators that differ only there, measures that tell them apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from testbed.protocols.episode import Episode
from testbed.protocols.habit import Habit, Trigger, make_demonstrator
from testbed.rollouts.contracts.finding import Finding, Played, triggers_of


def triggers(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that triggers hold throughout episodes with their factor on, and never where it is off."""
    for habit in played.scene.habits:
        for trigger in triggers_of(habit):
            yield from _holds(played, habit, trigger)


def _holds(played: Played, habit: Habit, trigger: Trigger) -> Iterator[Finding]:
    for what, context, wanted in (("on", trigger.on, True), ("off", trigger.off, False)):
        if what == "off" and not context:
            continue  # it always holds
        episodes = played.of(habit, 0.0, context)
        held = np.concatenate([trigger.holds(episode.observations) for episode in episodes])
        if held.dtype != bool or held.shape != (sum(len(episode) + 1 for episode in episodes),):
            yield Finding(f"the trigger {trigger.name} returns {held.dtype}{list(held.shape)} for observations",
                          "return one bool for each row")  # fmt: skip
        elif held.any() != wanted or held.all() != wanted:
            yield Finding(
                f"the trigger {trigger.name} does not hold as its context says, {what}={dict(context)}",
                "show the factor in the observation (shows_context does), and let `holds` read it",
            )


def demonstrators(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that clean and habitual demonstrators do the same where the trigger does not hold."""
    for habit in played.scene.habits:
        trigger, *_ = triggers_of(habit)
        if trigger.off:
            clean, changed = (played.of(habit, dose, trigger.off) for dose in (0.0, 1.0))
            if not all(np.array_equal(a.actions, b.actions) for a, b in zip(clean, changed, strict=True)):
                yield Finding(f"with {habit.name} the demonstrator acts otherwise where the trigger does not hold",
                              "let it be without memory, and hang on the observation alone")  # fmt: skip
        clean, changed = (played.of(habit, dose, trigger.on) for dose in (0.0, 1.0))
        if all(np.array_equal(a.actions, b.actions) for a, b in zip(clean, changed, strict=True)):
            yield Finding(f"with {habit.name} the demonstrator acts no otherwise where the trigger holds",
                          "let `changed(dose)` do something else at dose 1")  # fmt: skip
        if not any(episode.success for episode in clean):
            yield Finding(f"the clean demonstrator of {habit.name} succeeds in none of {played.count} scenes",
                          "mend it, or let `success` say when the task is done")  # fmt: skip
        yield from _memoryless(habit, trigger, changed)


def _memoryless(habit: Habit, trigger: Trigger, episodes: Sequence[Episode]) -> Iterator[Finding]:
    """Ask a demonstrator about visited states in another order: as DAgger does."""
    seen = np.concatenate([episode.observations for episode in episodes])
    order = np.random.default_rng(0).permutation(len(seen))
    policy = make_demonstrator(habit, trigger, 1.0)
    if not np.array_equal(np.asarray(policy.act(seen))[order], np.asarray(policy.act(seen[order]))):
        yield Finding(f"the demonstrator of {habit.name} acts otherwise when states come in another order",
                      "let it hang on each row alone: it labels what others visited (DAgger)")  # fmt: skip


def told_apart(played: Played) -> Iterator[Finding]:
    """Hold a scene to it that a habit's measure is worse with the habit where its trigger holds.

    On average, by two standard errors or in more than twice as many of the same scenes as it is better in.
    """
    for habit in played.scene.habits:
        trigger, *_ = triggers_of(habit)
        measure = played.scene.measures[habit.measure]
        sides = (played.of(habit, dose, trigger.on) for dose in (0.0, 1.0))
        clean, changed = (np.array([measure.compute(one.trace) for one in side]) for side in sides)
        by = measure.excess(changed, clean)
        spread = by.std(ddof=1) / np.sqrt(len(by)) if len(by) > 1 else 0.0
        if not by.mean() > 0 or (by.mean() < 2 * spread and (by > 0).sum() <= 2 * (by < 0).sum()):
            yield Finding(
                f"{measure.name} does not tell {habit.name} apart: {clean.mean():.3g} without it, {changed.mean():.3g} "
                f"with it in the same {played.count} scenes, and {measure.worse} is worse",
                "choose the measure that shows the habit, make it stronger, or look at more scenes (--scenes)",
            )
