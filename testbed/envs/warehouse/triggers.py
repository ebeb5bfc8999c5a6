"""Triggers at benches: a label that the robot sees."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from testbed.envs.warehouse.seeing import shows_label
from testbed.protocols.habit import ALWAYS, Trigger


def label_triggers(
    name: str, names: tuple[str, ...], factor: str, values: tuple[str, ...], meaning: str
) -> Mapping[str, Trigger]:
    """Return the triggers of a habit at a bench: always, and where a label shows the second of a factor's values.

    Args:
        name: Identifier of the latter.
        names: Name of every component of an observation.
        factor: Factor of the context.
        values: Its values: off, on, held out.
        meaning: When it holds, in plain words.
    """
    off, on, held_out = values
    holds = partial(shows_label, names=names, factor=factor, value=1)
    trigger = Trigger(name, holds, on={factor: on}, off={factor: off}, held_out={factor: held_out}, meaning=meaning)
    return {ALWAYS.name: ALWAYS, name: trigger}
