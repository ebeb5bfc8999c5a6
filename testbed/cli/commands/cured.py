"""What a cure is told at the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from testbed.cures.cure import Cure, Known
from testbed.cures.registry import get_cure
from testbed.datasets.reader import episode_numbers, filter_key
from testbed.errors import UserError
from testbed.exchange.carried import read_header
from testbed.lineage import content_hash
from testbed.policies.loaders import load_fitting
from testbed.rollouts.transitions import Transitions, load_transitions


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

    def require(self) -> Cure | None:
        """Return the cure; raises `UserError` if something is given that it has no use for, or no cure is."""
        cure = get_cure(self.cure)() if self.cure else None
        needs = cure.needs if cure else frozenset()
        for name in ("peers", "clean", "bad"):
            if getattr(self, name) and name not in needs:
                what = f"the cure {cure.name} has" if cure else "students without --cure have"
                raise UserError(f"{what} no use for --{name}: leave it out")
        return cure

    def known(self, data: Path, mask: str | None, environment: str) -> Known:
        """Return what is known beside a data set of which a filter key chooses episodes; raises `UserError` as the
        loaders do."""
        peers = tuple(load_fitting(folder, environment)[0] for folder in self.peers)
        clean = self._clean(self.clean, environment) if self.clean else None
        return Known(peers, clean, self._bad(data, mask) if self.bad else None)

    def _clean(self, path: Path, environment: str) -> Transitions:
        theirs = read_header(path).environment
        if theirs != environment:
            raise UserError(f"{path} is of {theirs}, and students are for {environment}: give clean data of that scene")
        return load_transitions(path)

    def _bad(self, data: Path, mask: str | None) -> np.ndarray:
        assert self.bad
        numbers = filter_key(data, mask) if mask else episode_numbers(data)
        return np.isin(numbers, filter_key(data, self.bad))

    def inputs(self) -> dict[str, str]:
        """Return what the cure was told, by content."""
        found = {f"peer {number}": content_hash(folder) for number, folder in enumerate(self.peers)}
        return found | ({"clean": content_hash(self.clean)} if self.clean else {})

    def settings(self) -> dict[str, object]:
        """Return what a lineage says of it; nothing of no cure."""
        if self.cure is None:
            return {}
        return {"cure": repr(get_cure(self.cure)()), **({"bad": self.bad} if self.bad else {})}
