"""What a batch of scenes does, written down decision by decision, and the episodes that come of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from testbed.protocols.episode import Behaviour, Episode, Scenario, Signal, Trace

SEEN, DONE, PAID, STATES, RECORDS = "observations", "actions", "rewards", "states", "records"
"""Names of what is recorded beside the signals of a trace; records are all of these signals, as bytes."""


class Recording:
    """What n scenes do.

    Args:
        environment: Gymnasium id.
        played: The scenarios, and the labels of their episodes.
        metadata: The environment's.
    """

    def __init__(
        self, environment: str, played: Sequence[tuple[Scenario, Behaviour]], metadata: Mapping[str, Any]
    ) -> None:
        self.environment, self.played, self.metadata = environment, played, metadata
        self.rows: dict[str, list[np.ndarray]] = defaultdict(list)
        self.worlds: list[np.ndarray] = []
        """Of each step the worlds that rows are of."""

    def begin(self, observations: np.ndarray, states: np.ndarray, info: Mapping[str, np.ndarray]) -> None:
        """Take what is seen at first, shape (n, d), states, shape (n, size), and the info of the reset."""
        self.start = info
        self.rows[SEEN].append(observations)
        self.rows[STATES].append(states)

    def add(
        self, running: np.ndarray, actions: np.ndarray, observations: np.ndarray, states: np.ndarray,
        rewards: np.ndarray, trace: Mapping[str, np.ndarray],
    ) -> None:  # fmt: skip
        """Take one step; it belongs to the episodes of the worlds in `running`, shape (n,) bool.

        Arrays are kept as they are until the end: nobody writes into them again.
        """
        step = {DONE: actions, SEEN: observations, STATES: states, PAID: rewards}
        records = _records(trace)
        if records is None:
            step |= {name: trace[name] for name in self.metadata["trace_units"]}
        else:  # one piece is handled faster than many
            self.kind, self.shape = records.dtype, records.shape[1:]
            step[RECORDS] = records.reshape(len(records), -1).view(np.uint8)
        worlds, whole = np.flatnonzero(running), running.all()
        self.worlds.append(worlds)
        for name, values in step.items():
            self.rows[name].append(values if whole else values[worlds])

    def episodes(self, terminated: np.ndarray, info: Mapping[str, Any]) -> list[Episode]:
        """Return the n episodes, of the info of the last step; each owns its arrays."""
        endings, codes = self.metadata.get("endings", {}), info.get("ending", np.zeros(len(self.played)))
        found = []
        for n, ((scenario, behaviour), rows) in enumerate(zip(self.played, self._by_world(), strict=True)):
            episode = Episode(
                environment=self.environment,
                scenario=scenario,
                context=self._context(n),
                observations=rows[SEEN],
                actions=rows[DONE],
                rewards=rows[PAID],
                terminated=bool(terminated[n]),
                states=rows[STATES],
                trace=self._trace(rows, n),
                success=bool(info["success"][n]),
                behaviour=behaviour,
                ending=endings.get(int(codes[n]), ""),
                simulator=self.metadata.get("simulator", ""),
            )
            found.append(episode)
        return found

    def _by_world(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield the rows of one world after the other, in arrays of their own."""
        everyone = np.arange(len(self.played))
        places = [_places(worlds, len(everyone)) for worlds in (self.worlds, [everyone, *self.worlds])]
        tables = {name: np.concatenate(rows) for name, rows in self.rows.items()}
        for n in everyone:
            yield {name: table.take(places[name in (SEEN, STATES)][n], axis=0) for name, table in tables.items()}

    def _context(self, n: int) -> dict[str, str]:
        factors = self.metadata["context"]
        return {name: factors[name][index] for name, index in zip(factors, self.start["context"][n], strict=True)}

    def _trace(self, rows: Mapping[str, np.ndarray], n: int) -> Trace:
        signals = rows
        if RECORDS in rows:
            whole = rows[RECORDS].view(self.kind).reshape(-1, *self.shape)
            signals = {name: whole[name] for name in self.metadata["trace_units"]}
        constants = {name: self.start[name][n] for name in self.metadata["constant_units"]}
        return make_trace(self.metadata, signals, constants)


def _places(worlds: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """Return where the rows of each world are, in the order of time, among those of all steps."""
    whose = np.concatenate(worlds)
    order = np.argsort(whose, kind="stable")
    return np.split(order, np.cumsum(np.bincount(whose, minlength=count))[:-1])


def _records(trace: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """Return the records that all signals of a step are fields of, where they are."""
    whole = next(iter(trace.values())).base
    if whole is None or whole.dtype.names is None or any(values.base is not whole for values in trace.values()):
        return None
    return whole


def make_trace(
    metadata: Mapping[str, Any], signals: Mapping[str, np.ndarray], constants: Mapping[str, np.ndarray]
) -> Trace:
    """Return the trace of one world.

    Args:
        metadata: The environment's: units and rate.
        signals: Of every signal its samples, shape (decisions, samples a decision, bodies, ...).
        constants: Of every constant its values.
    """
    units, fixed = metadata["trace_units"], metadata["constant_units"]
    flat = {name: values.reshape(-1, *values.shape[2:]).copy() for name, values in signals.items()}
    return Trace(
        metadata["trace_hz"],
        {name: Signal(flat[name], unit) for name, unit in units.items()},
        {name: Signal(constants[name].copy(), unit) for name, unit in fixed.items()},
    )
