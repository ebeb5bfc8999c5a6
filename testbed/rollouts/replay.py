"""Replay recorded episodes in their simulator and say whether they come out the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from testbed.errors import UserError
from testbed.protocols.episode import Episode, Trace
from testbed.rollouts.rollout import BATCH, Part, play_batch


@dataclass(frozen=True)
class Verification:
    """How far a replay went from its record."""

    largest_error: float
    """Largest difference of any state component [SI units of that component]."""
    first_divergence: int | None
    """First step whose state differs by more than the tolerance, or None."""
    where: str
    """Which component differs there, in words."""
    note: str = ""
    """What the comparison leaves open, in words; mostly nothing."""

    @property
    def same(self) -> bool:
        """Whether the replay stayed within the tolerance."""
        return self.first_divergence is None


def verify(episode: Episode, tolerance: float = 0.0) -> Verification:
    """Simulate an episode again from its seed and actions and compare states, observations and trace.

    Where the environment has no states to read, observations and trace are compared, and the note says so; where they
    differ, the episode is simulated once more, and the note says whether the environment is deterministic at all.

    Args:
        episode: A recorded episode.
        tolerance: Largest difference that counts as the same; 0 on the machine that recorded it.

    Raises:
        UserError: if the recorded actions cannot be played in the environment, or another simulator recorded them.

    Examples:
        >>> import testbed
        >>> testbed.verify(testbed.load_episode("demonstrations/merge-clean.hdf5", 0), tolerance=1e-6).same
        True
    """
    return next(verify_all([episode], tolerance))


def verify_all(episodes: Iterable[Episode], tolerance: float = 0.0) -> Iterator[Verification]:
    """Do what `verify` does for many episodes of one environment, a batch of them at once."""
    waiting = iter(episodes)
    while batch := list(islice(waiting, BATCH)):
        for record, replayed in zip(batch, _again(batch), strict=True):
            note = _same_simulator(record.simulator, replayed.simulator) if tolerance == 0 else ""
            found = _compare(record, replayed, tolerance)
            yield replace(
                found, note=note or (_without_states(record, replayed, found) if has_no_states(record) else "")
            )


def has_no_states(episode: Episode) -> bool:
    """Return whether the environment of an episode has no states to read."""
    return episode.states.size == 0


def _again(batch: Sequence[Episode]) -> list[Episode]:
    """Simulate episodes of one environment again, from seeds and actions."""
    scenarios = [episode.scenario for episode in batch]
    return play_batch(batch[0].environment, [Part(scenarios, Recorded(batch), batch[0].behaviour)])


def _without_states(record: Episode, replayed: Episode, found: Verification) -> str:
    """Return what is to be said of a comparison without states: whether the environment is deterministic."""
    which = f"{record.environment} has no states to read: what was seen and the trace were compared"
    if found.same:
        return f"{which}, from seed and actions; it is deterministic in these episodes"
    once_more = _compare(replayed, _again([record])[0], 0.0)
    if once_more.same:
        return f"{which}; two replays are the same, so it is deterministic, but not what it was when this was recorded"
    return f"{which}; two replays differ too, so it is not deterministic: let its reset seed everything that it draws"


def _same_simulator(recorded: str, here: str) -> str:
    """Refuse an exact comparison with what another simulator, or another build of the scene, recorded.

    Until version 0.6.0 the model was named by a hash of its file, which changed with the folder gymnasium-robotics is
    installed in. Such a record is compared all the same, and the note that is returned says what was not checked.
    """
    if not recorded or recorded == here:
        return ""
    version, _, model = recorded.partition(", model ")
    if model and version == here.partition(", ")[0]:
        return (
            "recorded by version 0.6.0 or earlier, whose hash of the model hung on where it was installed "
            "and cannot be checked; the states are compared all the same"
        )
    raise UserError(
        f"the episode was recorded with {' '.join(recorded.split())}; here is {here}, so states cannot be equal: give "
        "a --tolerance, or install that version"
    )


class Recorded:
    """A policy that takes the recorded actions of n episodes, and repeats the last one where a record has ended."""

    def __init__(self, episodes: Sequence[Episode]) -> None:
        steps = np.arange(max(len(episode) for episode in episodes))
        self._actions = np.stack([e.actions[np.minimum(steps, len(e) - 1)] for e in episodes], axis=1)
        self._step = 0

    def act(self, observations: np.ndarray) -> np.ndarray:
        """Return the actions of the next step, shape (n,) or (n, action size)."""
        actions = self._actions[min(self._step, len(self._actions) - 1)]
        self._step += 1
        return actions


def _compare(record: Episode, replayed: Episode, tolerance: float) -> Verification:
    """Compare two episodes as far as both go."""
    largest, first, where = 0.0, None, ""
    for name, start, recorded, played in _pairs(record, replayed):
        if recorded.shape[1:] != played.shape[1:]:
            shapes = f"arrays of shape {recorded.shape[1:]} where the environment has {played.shape[1:]}"
            raise UserError(f"the record holds {shapes} ({name}): it was made by another version; collect it again")
        with np.errstate(over="ignore"):  # what a record holds may be anything
            difference = np.abs(np.asarray(played, float) - np.asarray(recorded, float))
        difference[np.isnan(difference)] = np.inf
        errors = difference.reshape(len(difference), -1).max(axis=1)
        largest = max(largest, float(errors.max()))
        row = int((errors > tolerance).argmax())
        if errors[row] > tolerance and (first is None or start + row < first):
            place = np.unravel_index(int(difference[row].argmax()), difference[row].shape)
            values = f"recorded {float(recorded[row][place])}, replayed {float(played[row][place])}"
            first, where = start + row, f"{name}{[int(index) for index in place]}: {values}"
    if first is None and len(record) != len(replayed):
        goes_on = "the record" if len(record) > len(replayed) else "the replay"
        first, where = min(len(record), len(replayed)), f"{goes_on} goes on after this step, the other ends"
    return Verification(largest, first, where)


def _pairs(record: Episode, replayed: Episode) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Yield what is compared: its name, the step of its first row, recorded and replayed, one row a step."""
    steps = min(len(record), len(replayed))
    if record.states.size or replayed.states.size:
        yield "state", 0, record.states[: steps + 1], replayed.states[: steps + 1]
    yield "observation", 0, record.observations[: steps + 1], replayed.observations[: steps + 1]
    samples = len(replayed.trace) // len(replayed)
    for name in replayed.trace.signals:
        recorded, played = (_by_step(trace, name, steps, samples) for trace in (record.trace, replayed.trace))
        yield f"trace/{name}", 1, recorded, played


def _by_step(trace: Trace, name: str, steps: int, samples: int) -> np.ndarray:
    """Return a signal of the first steps, shape (steps, samples a step, bodies, ...)."""
    if name not in trace.signals or len(trace) < steps * samples:
        raise UserError(f"the record has no trace/{name} of {steps * samples} samples; see `testbed validate`")
    values = trace[name]
    return values[: steps * samples].reshape(steps, samples, *values.shape[1:])
