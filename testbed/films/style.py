"""How arms and violations look in films. Needs no torch, so showing a recorded episode starts quickly."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.audit import names
from testbed.console import console, styled
from testbed.films.clip import Annotation, Clip
from testbed.legible import legible
from testbed.protocols.episode import Episode
from testbed.protocols.measure import Measure
from testbed.scenes.registry import all_habits, measures_of, primary_of, violations_of

COLOURS = {
    names.CLEAN: (20, 130, 210), names.TEACHER: (205, 40, 120), names.CONTROL: (0, 150, 105),
    names.STUDENT: (225, 110, 175), names.UNTRAINED: (130, 138, 150),
}  # fmt: skip
"""Colour of each arm in films (red, green, blue): the report's, lighter on asphalt."""


UNSTABLE = "simulation unstable"
"""Ending of an episode that MuJoCo could not go on with."""


def report_endings(episodes: Sequence[Episode], who: str) -> None:
    """Say how many episodes ended because the simulation was unstable, if any did: they are no failures of a policy."""
    lost = [episode.scenario.seed for episode in episodes if episode.ending == UNSTABLE]
    if lost:
        said = f"{len(lost)} of {len(episodes)} episodes of {who} ended: {UNSTABLE},"
        console.print(styled(said, "yellow"), f"seeds {lost[:3]}")


def captioned(measure: Measure, value: float) -> str:
    """Return what a film says of an episode's severity, for example `separation shortfall 0.33 m s`."""
    digits = 2 if 0 < abs(value) < 1 else 1
    return f"{measure.title} {value:.{digits}f} {measure.unit}".strip()


def marks(episode: Episode) -> tuple[Annotation, ...]:
    """Return an episode's violations as marks for a film, with the body that each happens to."""
    return tuple(
        Annotation(seen.start, seen.end, seen.text, seen.severe, seen.body)
        for seen in violations_of(episode.environment)(episode.trace)
    )


def clip_of(episode: Episode, label: str, colour: tuple[int, int, int]) -> Clip:
    """Return an episode as a film shows it, captioned with the measure of the habit that it is labelled with."""
    habit = all_habits().get(episode.behaviour.habit)
    known = habit and habit.environment == episode.environment
    measure = measures_of(episode.environment)[habit.measure] if habit and known else primary_of(episode.environment)
    caption = captioned(measure, measure.compute(episode.trace))
    return Clip(legible(label), colour, episode, caption, "", marks(episode))
