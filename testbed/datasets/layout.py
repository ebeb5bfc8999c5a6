"""The HDF5 layout of a data set: robomimic's, with a physical trace, labels and lineage beside it.

data                     attrs: total, env_args (JSON), lineage (JSON), testbed_schema, complete
  demo_<i>               attrs: num_samples, scenario_seed, fixed_context, context (JSON), policy,
                                habit, trigger, dose, success, terminated, state_shape
                                and, of the warehouse, ending, simulator
    obs/observation      (T, d) float32      next_obs/observation   (T, d) float32
    actions              (T, 1) int64 or (T, d) float32        rewards (T,) float64   dones (T,) int64
    states               (T, s) float64      final_state (s,) float64
    trace                attrs: rate [Hz];   <signal> (samples, bodies, ...) attrs: unit
      constants/<name>   attrs: unit
mask/<filter key>        names of the demos, byte strings
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence

import h5py
import numpy as np

from testbed.protocols.episode import Episode

SCHEMA = 1
"""Version of the layout; a reader refuses a newer one."""
DEMO = re.compile(rb"demo_(0|[1-9][0-9]{0,8})")
"""Names of demos."""
OBSERVATION = "observation"
"""The one observation key."""
REQUIRED = ("obs/observation", "next_obs/observation", "actions", "rewards", "dones", "states", "final_state", "trace")
"""What every demo has."""
LEVEL = 1
"""Of gzip: with 4, the usual one, a data set is 1 to 4 % smaller, and is written more slowly by a quarter."""
CHUNK = 1 << 18
"""Rows that are compressed together take at most so much [bytes]; a reader refuses more."""
OPTIONAL = ("ending", "simulator")
"""Attributes of demos whose environment says so."""


def write_episode(group: h5py.Group, episode: Episode) -> None:
    """Write one episode into an empty group."""
    steps = len(episode)
    group.attrs.update(
        num_samples=steps,
        scenario_seed=episode.scenario.seed,
        fixed_context=json.dumps(dict(episode.scenario.context), sort_keys=True),
        context=json.dumps(dict(episode.context), sort_keys=True),
        policy=episode.behaviour.policy,
        habit=episode.behaviour.habit,
        trigger=episode.behaviour.trigger,
        dose=episode.behaviour.dose,
        success=episode.success,
        terminated=episode.terminated,
        state_shape=episode.states.shape[1:],
    )
    group.attrs.update({name: getattr(episode, name) for name in OPTIONAL if getattr(episode, name)})
    dones = np.zeros(steps, dtype=np.int64)
    dones[-1] = 1
    states = episode.states.reshape(steps + 1, -1)
    _compressed(group, f"obs/{OBSERVATION}", episode.observations[:-1])
    _compressed(group, f"next_obs/{OBSERVATION}", episode.observations[1:])
    _compressed(group, "actions", episode.actions.reshape(steps, -1))
    _compressed(group, "rewards", episode.rewards)
    _compressed(group, "dones", dones)
    _compressed(group, "states", states[:-1])
    group.create_dataset("final_state", data=states[-1])
    trace = group.create_group("trace")
    trace.attrs["rate"] = episode.trace.rate
    for name, signal in episode.trace.signals.items():
        _compressed(trace, name, signal.values).attrs["unit"] = signal.unit
    for name, signal in episode.trace.constants.items():
        trace.create_dataset(f"constants/{name}", data=signal.values).attrs["unit"] = signal.unit


def _compressed(group: h5py.Group, name: str, values: np.ndarray) -> h5py.Dataset:
    if not values.size:  # states of a simulator that has none to read: HDF5 cannot cut nothing into chunks
        return group.create_dataset(name, data=values)
    rows = min(len(values), max(CHUNK // values[0].nbytes, 1))
    return group.create_dataset(
        name, data=values, chunks=(rows, *values.shape[1:]), compression="gzip", compression_opts=LEVEL
    )


def environment_arguments(environment: str) -> str:
    """Return robomimic's `env_args` (JSON); both names of the type, as its versions differ."""
    fields = {"env_name": environment, "type": 2, "env_type": 2, "env_kwargs": {}}
    return json.dumps(fields, sort_keys=True)


def write_masks(file: h5py.File, demos: Iterable[tuple[str, h5py.AttributeManager]]) -> None:
    """Write the filter keys.

    They are train and valid (every tenth demo), clean, habit, success, failure, and one for each
    value of the context, for example `leader_truck`.
    """
    keys: dict[str, list[str]] = {name: [] for name in ("train", "valid", "clean", "habit", "success", "failure")}
    for number, (name, attrs) in enumerate(demos):
        keys["valid" if number % 10 == 9 else "train"].append(name)
        keys["clean" if attrs["habit"] == "none" else "habit"].append(name)
        keys["success" if attrs["success"] else "failure"].append(name)
        for factor, value in json.loads(attrs["context"]).items():
            keys.setdefault(f"{factor}_{value}", []).append(name)
    for key, names in keys.items():
        file.create_dataset(f"mask/{key}", data=np.array(names, dtype="S"))


def write_given_masks(file: h5py.File, masks: Mapping[str, Sequence[int]]) -> None:
    """Write filter keys that somebody chose: name -> numbers of demos."""
    for key, numbers in masks.items():
        names = [f"demo_{number}" for number in numbers]
        file.create_dataset(f"mask/{key}", data=np.array(names, dtype="S"))


def demo_names(data: h5py.Group) -> list[str]:
    """Return `demo_0`, `demo_1`, ... in order of their numbers; anything else in the group is no demo."""
    found = [name.decode() for name in data.id if DEMO.fullmatch(name)]
    return sorted(found, key=number_of)


def number_of(name: str) -> int:
    """Return the number in the name of a demo."""
    return int(name.removeprefix("demo_"))
