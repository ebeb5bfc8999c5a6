"""What a cure is told at the command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np

from testbed.cures.cure import Cure, Known
from testbed.cures.registry import get_cure
from testbed.cures.where import badness
from testbed.datasets.reader import each_episode, episode_numbers, filter_key
from testbed.errors import UserError, unknown_name
from testbed.exchange.carried import read_header
from testbed.lineage import content_hash
from testbed.policies.loaders import load_fitting
from testbed.rollouts.transitions import Transitions, load_lengths, load_transitions


@dataclass(frozen=True)
class Curing:
    """A cure that is asked for, and what is known; see `testbed distil --help`."""

    cure: str | None = None
    """Name of the cure; none if not given."""
    peers: tuple[Path, ...] = ()
    """Folders of other teachers."""
    clean: Path | None = None
    """Data set of somebody who is known to be clean."""
    bad: str | None = None
    """Filter key of the bad episodes."""
    where: str | None = None
    """Measure whose violations are bad."""
    knobs: tuple[str, ...] = ()
    """What is another than usual of the cure, as name=value."""

    def require(self) -> Cure | None:
        """Return the cure; raises `UserError` if something is given that it has no use for, or no cure is."""
        cure = with_knobs(get_cure(self.cure), self.knobs) if self.cure else None
        needs = {*cure.needs, "knobs", *(["where"] if "bad" in cure.needs else [])} if cure else set()
        for name in ("peers", "clean", "bad", "where", "knobs"):
            if getattr(self, name) and name not in needs:
                what = f"the cure {cure.name} has" if cure else "students without --cure have"
                raise UserError(f"{what} no use for --{name}: leave it out")
        if self.bad and self.where:
            raise UserError("--bad and --where both say what is bad: give one of them")
        return cure

    def known(self, data: Path, mask: str | None, environment: str) -> Known:
        """Return what is known beside a data set of which a filter key chooses episodes; raises `UserError` as the
        loaders do."""
        peers = tuple(load_fitting(folder, environment)[0] for folder in self.peers)
        clean = self._clean(self.clean, environment) if self.clean else None
        return Known(peers, clean, self._bad(data, mask) if self.bad or self.where else None)

    def _clean(self, path: Path, environment: str) -> Transitions:
        theirs = read_header(path).environment
        if theirs != environment:
            raise UserError(f"{path} is of {theirs}, and students are for {environment}: give clean data of that scene")
        return load_transitions(path)

    def _bad(self, data: Path, mask: str | None) -> np.ndarray:
        numbers = filter_key(data, mask) if mask else episode_numbers(data)
        if self.where:
            return badness(each_episode(data, numbers), self.where)
        assert self.bad
        return np.repeat(np.isin(numbers, filter_key(data, self.bad)), load_lengths(data, mask)).astype(float)

    def inputs(self) -> dict[str, str]:
        """Return what the cure was told, by content."""
        found = {f"peer {number}": content_hash(folder) for number, folder in enumerate(self.peers)}
        return found | ({"clean": content_hash(self.clean)} if self.clean else {})

    def settings(self) -> dict[str, object]:
        """Return what a lineage says of it; nothing of no cure."""
        if self.cure is None:
            return {}
        told = {name: value for name in ("bad", "where") if (value := getattr(self, name))}
        return {"cure": repr(with_knobs(get_cure(self.cure), self.knobs)), **told}


def with_knobs(cure: type[Cure], knobs: Sequence[str]) -> Cure:
    """Return a cure with some knobs set, each as name=value; raises `UserError` that lists the knobs, or what a value
    may be."""
    kinds, there = get_type_hints(cure), [field.name for field in fields(cure)]
    chosen: dict[str, object] = {}
    for knob in knobs:
        name, _, text = knob.partition("=")
        if name not in there:
            raise unknown_name(f"knob of {cure.name}", name, there)
        chosen[name] = _valued(f"{cure.name}'s {name}", kinds[name], text)
    return cure(**chosen)


def _valued(what: str, kind: type, text: str) -> object:
    if words := get_args(kind):
        if text not in words:
            raise unknown_name(what, text, words)
        return text
    try:
        return kind(text)
    except ValueError:
        number = "a whole number" if kind is int else "a number"
        raise UserError(f"{what} is {number}, not {text!r:.40}") from None
