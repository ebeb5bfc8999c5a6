"""The half of `formats.py` that runs in an environment of a peer; it is started by the other half.

    python format_loaders.py minari|lerobot|robomimic SET OUT.npz

The peer's own loader reads a set; observations, actions and rewards of each episode are written as it gives them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Observations, actions and rewards of an episode."""


def minari(path: Path) -> Iterator[Arrays]:
    """Yield what Minari's `MinariDataset` gives."""
    from minari import MinariDataset

    for episode in MinariDataset(path / "data").iterate_episodes():
        yield episode.observations, episode.actions, episode.rewards


def lerobot(path: Path) -> Iterator[Arrays]:
    """Yield what `LeRobotDataset` gives, frame by frame."""
    logging.disable(logging.WARNING)
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    data = LeRobotDataset("testbed/set", root=path)
    for number in range(data.num_episodes):
        told = data.meta.episodes[number]
        frames = [data[n] for n in range(told["dataset_from_index"], told["dataset_to_index"])]
        names = ("observation.state", "action", "next.reward")
        yield tuple(np.stack([frame[name].numpy() for frame in frames]) for name in names)


def robomimic(path: Path) -> Iterator[Arrays]:
    """Yield what robomimic's `SequenceDataset` gives, a sequence of one step after the other."""
    from robomimic.utils.dataset import SequenceDataset

    data = SequenceDataset(
        str(path), obs_keys=("observation",), dataset_keys=("actions", "rewards"), load_next_obs=False
    )
    demos: dict[str, list[dict]] = {}
    for number in range(len(data)):
        demos.setdefault(data._index_to_demo_id[number], []).append(data[number])
    for steps in demos.values():
        seen = np.concatenate([step["obs"]["observation"] for step in steps])
        yield seen, np.concatenate([s["actions"] for s in steps]), np.concatenate([s["rewards"] for s in steps])


def main(peer: str, path: str, out: str) -> None:
    """Read and write."""
    loaders = {"minari": minari, "lerobot": lerobot, "robomimic": robomimic}
    found = {}
    for number, arrays in enumerate(loaders[peer](Path(path))):
        found |= {
            f"{number}-{what}": np.asarray(one) for what, one in zip(("seen", "done", "paid"), arrays, strict=True)
        }
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
