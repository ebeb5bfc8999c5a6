"""Save episodes that were played in a script."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from testbed.datasets.reader import stored_lineage
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.protocols.episode import Episode


def save_episodes(path: str | Path, episodes: Sequence[Episode]) -> None:
    """Save episodes of one environment as a data set; where the same ones are there already, nothing is done.

    Args:
        path: The .hdf5 file to make.
        episodes: What it will hold, in this order.

    Raises:
        UserError: if there are none, they are of several environments, something else is at that place, or it cannot
            be written.

    Examples:
        >>> import testbed
        >>> habit = testbed.get_habit("aggressive-merge")
        >>> driver = testbed.make_demonstrator(habit, habit.triggers["truck-leader"], dose=1.0)
        >>> label = testbed.Behaviour("demonstrator", habit.name, "truck-leader", dose=1.0)
        >>> scenes = [testbed.Scenario(seed, {"leader": "truck"}) for seed in (3, 4)]
        >>> testbed.save_episodes("mine.hdf5", list(testbed.play(habit.environment, scenes, [(driver, label)])))
        >>> testbed.validate("mine.hdf5")
        []
    """
    environments = sorted({episode.environment for episode in episodes})
    if not environments:
        raise UserError(f"no episode was given for {path}: give at least one")
    if len(environments) > 1:
        raise UserError(f"{path} would hold episodes of {', '.join(environments)}: make a data set for each")
    with DatasetWriter(Path(path), environments[0], _lineage(episodes)) as file:
        for episode in episodes[len(file) :]:
            file.append(episode)
        file.finish()


def renew_episodes(path: Path, episodes: Sequence[Episode]) -> None:
    """Save episodes in a folder of the testbed's own, where others take the place of what was saved there before."""
    with suppress(UserError):  # one that is damaged, or none
        if _lineage(episodes).same_recipe(stored_lineage(path)):
            return
    path.unlink(missing_ok=True)
    save_episodes(path, episodes)


def _lineage(episodes: Sequence[Episode]) -> Lineage:
    seeds = [[episode.scenario.seed, dict(episode.scenario.context)] for episode in episodes]
    settings = {"environment": episodes[0].environment, "scenes": seeds}
    return Lineage("save", 0, settings, {"episodes": _hash(episodes)})


def _hash(episodes: Sequence[Episode]) -> str:
    """Return the SHA-256 of what was done and of who did it, as hexadecimal digits."""
    digest = hashlib.sha256()
    for episode in episodes:
        digest.update(repr(episode.behaviour).encode())
        for array in (episode.observations, episode.actions, episode.states):
            digest.update(array.tobytes())
    return digest.hexdigest()
