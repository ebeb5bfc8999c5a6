"""Minari's data sets (0.5, HDF5): a folder `data` with `main_data.hdf5` and `metadata.json`.

Minari has its own place for observations, actions, rewards, ends, seeds and what a reset was asked for. States, the
trace and its units are `infos`, which its loader hands on; labels and lineage are attributes, which it leaves alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gymnasium
import h5py
import numpy as np
from gymnasium import spaces

from testbed.datasets import stored
from testbed.datasets.form import Form, form_of
from testbed.datasets.layout import CHUNK, LEVEL
from testbed.datasets.opening import open_file
from testbed.datasets.stored import Damage
from testbed.errors import UserError
from testbed.exchange.carried import NAME, Header, Label, episode_from, header_from, label_from, to_json
from testbed.files import Kind, replacing
from testbed.protocols.episode import Episode
from testbed.scenes.registry import make_vector

MAIN, META = "data/main_data.hdf5", "data/metadata.json"
SUPPORTED = "0.5.3"
"""The version of Minari that such a set says it is of."""
KIND = Kind("a Minari data set", lambda path: (path / MAIN).is_file() and (path / META).is_file())
"""What a new one replaces."""


def recognises(path: Path) -> bool:
    """Return whether a path is a Minari data set."""
    return KIND.recognises(path)


def write(out: Path, header: Header, episodes: Iterable[Episode]) -> int:
    """Write a folder, whole or not at all, and return how many episodes it holds.

    Raises:
        UserError: if something else is in the way, or it cannot be written.
    """
    count = steps = 0
    with replacing(out, KIND) as temporary:
        (temporary / "data").mkdir(parents=True)
        with h5py.File(temporary / MAIN, "w") as file:
            for episode in episodes:
                _write_episode(file.create_group(f"episode_{count}"), episode, count)
                count, steps = count + 1, steps + len(episode)
        (temporary / META).write_text(json.dumps(_metadata(out.name, header, count, steps), indent=2))
    return count


def _write_episode(group: h5py.Group, episode: Episode, number: int) -> None:
    steps = len(episode)
    terminations, truncations = np.zeros(steps, bool), np.zeros(steps, bool)
    (terminations if episode.terminated else truncations)[-1] = True
    arrays = {
        "observations": episode.observations, "actions": episode.actions, "rewards": episode.rewards,
        "terminations": terminations, "truncations": truncations, "infos/states": episode.states,
        **{f"infos/trace/{name}": signal.values for name, signal in episode.trace.signals.items()},
    }  # fmt: skip
    for name, values in arrays.items():
        if values.size:
            rows = min(len(values), max(CHUNK // values[0].nbytes, 1))
            options = {"chunks": (rows, *values.shape[1:]), "compression": "gzip", "compression_opts": LEVEL}
        else:
            options = {}
        group.create_dataset(name, data=values, **options)
    for name, signal in episode.trace.signals.items():
        group[f"infos/trace/{name}"].attrs["unit"] = signal.unit
    group["infos/trace"].attrs["rate"] = episode.trace.rate
    group.attrs.update({"id": number, "total_steps": steps, "seed": episode.scenario.seed})
    group.attrs.update({f"options/context/{factor}": value for factor, value in episode.scenario.context.items()})
    group.attrs[NAME] = to_json(Label.of(episode))


def _metadata(name: str, header: Header, count: int, steps: int) -> dict[str, Any]:
    with closing(make_vector(header.environment, 1)) as made:
        env: Any = made
        seen, does = env.single_observation_space, env.single_action_space
    return {
        "dataset_id": name, "minari_version": SUPPORTED, "data_format": "hdf5", "jpeg_encoding": False,
        "total_episodes": count, "total_steps": steps, "observation_space": _space(seen), "action_space": _space(does),
        "env_spec": gymnasium.spec(header.environment).to_json(), "algorithm_name": "",
        NAME: json.loads(to_json(header)),
    }  # fmt: skip


def _space(space: spaces.Space) -> str:
    """Return a space as Minari writes it."""
    if isinstance(space, spaces.Discrete):
        return json.dumps({"type": "Discrete", "dtype": "int64", "start": int(space.start), "n": int(space.n)})
    assert isinstance(space, spaces.Box), "scenes have nothing else"
    return json.dumps({
        "type": "Box", "dtype": str(space.dtype), "shape": list(space.shape), "low": space.low.tolist(),
        "high": space.high.tolist(),
    })  # fmt: skip


def read(path: Path) -> tuple[Header, Iterator[Episode]]:
    """Return what a Minari data set says of itself, and its episodes, one after the other.

    Raises:
        UserError: if it is none that the testbed exported, or is damaged; of an episode when it is come to.
    """
    try:
        told = json.loads((path / META).read_text())
        carried = json.dumps(told[NAME])
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path / META} cannot be read ({error}): copy the data set anew") from None
    except KeyError:
        raise UserError(
            f"{path} was not exported by the testbed: it has no physical trace, which is what is measured"
        ) from None
    header = header_from(carried, path)
    return header, _episodes(path, form_of(header.environment))


def _episodes(path: Path, form: Form) -> Iterator[Episode]:
    with open_file(path / MAIN) as file:
        count = sum(name.startswith("episode_") for name in file)
        for number in range(count):
            try:
                yield _episode(stored.group(file.id, f"episode_{number}"), form, path)
            except Damage as damage:
                raise UserError(f"{path}: episode {number}: {damage}: copy the data set anew") from None


def _episode(group: Any, form: Form, path: Path) -> Episode:
    steps = stored.whole(group, "total_steps", 1, form.longest)
    places = {item.place: item for item in form.decisions}
    seen, does = places["obs/observation"], places["actions"]
    discrete = does.dtype.kind == "i"
    wanted = {
        "observations": ("observations", (steps + 1, *seen.shape), seen.dtype),
        "actions": ("actions", (steps,) if discrete else (steps, *does.shape), does.dtype),
        "rewards": ("rewards", (steps,), np.dtype(np.float64)),
        "states": ("infos/states", (steps + 1, form.state), np.dtype(np.float64)),
        **{name: (f"infos/trace/{name}", item.shaped(steps), item.dtype) for name, item in form.signals.items()},
    }
    arrays = {
        name: stored.values(stored.array(group, place), place, shape, dtype)
        for name, (place, shape, dtype) in wanted.items()
    }
    return episode_from(form, label_from(stored.text(group, NAME), path), arrays, path)
