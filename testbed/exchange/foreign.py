"""Data sets of other people, of environments that nobody declared here: what they did, without scene or trace.

Read are robomimic's HDF5 files (0.2 to 0.5), folders of Minari (0.5) and of LeRobot (v3.0). Of each episode actions and
rewards become signals of a trace, and of robomimic's observations those that are places (`..._pos`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from testbed.datasets import layout
from testbed.datasets.opening import open_file
from testbed.errors import UserError
from testbed.exchange import lerobot, minari, table
from testbed.protocols.episode import Signal, Trace

UNKNOWN_RATE = 1.0
"""Decisions a second where a set does not say: its times are then in decisions [Hz]."""
LARGEST = 1 << 28
"""Numbers of an array that is read, at most."""
DAMAGED = "{} is damaged, or of another kind ({}): copy it anew"


@dataclass(frozen=True)
class Deed:
    """One episode of somebody else's."""

    trace: Trace
    """Signals `action` (decisions, size), `reward` (decisions,) where there is one, and places."""
    success: bool
    """Whether the task was done, where the set says so; else whether it ended by its own rules."""


def is_foreign(path: Path) -> bool:
    """Return whether a path is a data set of another package that the testbed did not write."""
    if path.is_dir():
        return (minari.recognises(path) or lerobot.recognises(path)) and not _carries(path)
    if path.suffix not in (".hdf5", ".h5") or not path.is_file() or not h5py.is_hdf5(path):
        return False
    with open_file(path) as file:
        data = file.get("data")
        return isinstance(data, h5py.Group) and "testbed_schema" not in data.attrs and any(map(_is_demo, data))


def _carries(path: Path) -> bool:
    if lerobot.recognises(path):
        return (path / lerobot.BESIDE).is_file()
    try:
        return minari.NAME in json.loads((path / minari.META).read_text())
    except (OSError, ValueError, TypeError):
        return False


def _is_demo(name: str) -> bool:
    return layout.DEMO.fullmatch(name.encode()) is not None


def name_of(path: Path) -> str:
    """Return what a set says that its environment or robot is called, or else what the set is."""
    try:
        if not path.is_dir():
            with open_file(path) as file:
                return str(json.loads(file["data"].attrs["env_args"])["env_name"])
        if lerobot.recognises(path):
            return str(json.loads((path / lerobot.INFO).read_text())["robot_type"])
        return str(json.loads(json.loads((path / minari.META).read_text())["env_spec"])["id"])
    except (KeyError, ValueError, TypeError, OSError, UserError):
        return path.name


def deeds(path: Path) -> Iterator[Deed]:
    """Yield the episodes of a set, one after the other; raises `UserError` where it is damaged."""
    try:
        if not path.is_dir():
            yield from _of_robomimic(path)
        elif lerobot.recognises(path):
            yield from _of_lerobot(path)
        else:
            yield from _of_minari(path)
    except (KeyError, ValueError, TypeError, OSError, RuntimeError, AttributeError) as error:
        raise UserError(DAMAGED.format(path, " ".join(str(error).split())[:100])) from None


def _of_robomimic(path: Path) -> Iterator[Deed]:
    with open_file(path) as file:
        data = file["data"]
        told = json.loads(data.attrs.get("env_args", "{}"))
        rate = float(told.get("env_kwargs", {}).get("control_freq", UNKNOWN_RATE))
        for name in sorted(filter(_is_demo, data), key=layout.number_of):
            demo = data[name]
            seen = demo.get("obs", {})
            places = {key: _numbers(seen[key]) for key in seen if key.endswith("_pos") and seen[key].ndim == 2}
            rewards = _numbers(demo["rewards"]) if "rewards" in demo else None
            done = bool(np.any(demo["dones"][()])) if "dones" in demo else True
            sparse = rewards is not None and bool(np.isin(rewards, (0, 1)).all())  # 1 where the task is done
            success = bool(np.any(rewards)) if sparse else done
            yield _deed(_numbers(demo["actions"]), rewards, places, rate, success)


def _of_minari(path: Path) -> Iterator[Deed]:
    with open_file(path / minari.MAIN) as file:
        count = sum(name.startswith("episode_") for name in file)
        for number in range(count):
            group = file[f"episode_{number}"]
            success = group["infos/success"][()] if "infos" in group and "success" in group["infos"] else None
            ended = bool(group["terminations"][-1]) if success is None else bool(np.any(success))
            yield _deed(_flat(group["actions"]), _numbers(group["rewards"]), {}, UNKNOWN_RATE, ended)


def _of_lerobot(path: Path) -> Iterator[Deed]:
    rate = float(json.loads((path / lerobot.INFO).read_text()).get("fps", UNKNOWN_RATE))
    arrow, _ = table.arrow_modules()
    files = sorted((path / "data").glob("chunk-*/file-*.parquet"))
    for rows in table.split(_batches(files, arrow), "episode_index"):
        names = rows.column_names
        action = np.array(rows["action"].to_pylist(), float).reshape(len(rows), -1)
        reward = rows["next.reward"].to_numpy().astype(float) if "next.reward" in names else None
        ends = next((rows[name].to_numpy() for name in ("next.success", "next.done") if name in names), np.ones(1))
        yield _deed(action, reward, {}, rate, bool(np.any(ends)))


def _batches(files: Iterable[Path], arrow: Any) -> Iterator[Any]:
    import pyarrow.parquet

    wanted = ("episode_index", "action", "next.reward", "next.success", "next.done")
    for file in files:
        with pyarrow.parquet.ParquetFile(file, pre_buffer=False) as opened:
            there = [name for name in wanted if name in opened.schema_arrow.names]
            yield from table.batches(opened, there)


def _flat(found: Any) -> np.ndarray:
    """Return actions as numbers in a row, of a space of several parts one after the other."""
    if isinstance(found, h5py.Group):
        return np.concatenate([_flat(found[name]) for name in sorted(found)], axis=1)
    numbers = _numbers(found)
    return numbers.reshape(len(numbers), -1)


def _numbers(found: h5py.Dataset) -> np.ndarray:
    if not isinstance(found, h5py.Dataset) or found.dtype.kind not in "biuf" or found.size > LARGEST:
        raise ValueError(f"{getattr(found, 'name', '?')} is no array of numbers")
    return found[()].astype(float)


def _deed(
    actions: np.ndarray, rewards: np.ndarray | None, places: dict[str, np.ndarray], rate: float, success: bool
) -> Deed:
    actions = actions.reshape(len(actions), -1)
    if not len(actions) or not np.isfinite(actions).all():
        raise ValueError("an episode has no actions, or some that are no numbers")
    signals = {"action": Signal(actions, "")}
    if rewards is not None:
        signals["reward"] = Signal(rewards.reshape(-1)[: len(actions)], "")
    signals |= {name: Signal(values[: len(actions)], "m") for name, values in places.items()}
    return Deed(Trace(rate, signals, {}), success)
