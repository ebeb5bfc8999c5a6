"""How arms and violations look in films. Needs no torch, so showing a recorded episode starts quickly."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.audit import names
from testbed.films.clip import Annotation, Clip
from testbed.films.overlay import Colour
from testbed.legible import legible
from testbed.protocols.episode import Episode
from testbed.protocols.measure import Measure
from testbed.scenes.registry import all_habits, measures_of, primary_of, violations_of

COLOURS = {
    names.CLEAN: (20, 130, 210), names.TEACHER: (205, 40, 120), names.CONTROL: (0, 150, 105),
    names.STUDENT: (225, 110, 175), names.UNTRAINED: (130, 138, 150), names.DEMONSTRATOR: (20, 130, 210),
}  # fmt: skip
"""Colour of each arm in films (red, green, blue): the report's, lighter on asphalt."""
OWN = (205, 40, 120), (225, 140, 40), (130, 90, 200)
"""Colours of policies of one's own, in their order."""


def colours_of(arms: Sequence[str]) -> list[Colour]:
    """Return a colour for each of some arms, by their names."""
    own = [arm for arm in arms if arm not in COLOURS]
    return [COLOURS.get(arm) or OWN[own.index(arm) % len(OWN)] for arm in arms]


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
