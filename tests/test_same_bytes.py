"""The same command gives the same bytes under any number of threads and cores, and any hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import alike
import numpy as np
import pytest
import torch
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from testbed.console import run_command
from testbed.experiment.parallel import in_parallel
from testbed.films.video import video
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import Part, play, play_batch
from testbed.threads import one_thread

SETTINGS: dict[str, tuple[list[str], dict[str, str]]] = {
    "one thread": ([], {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1"}),
    "nothing said": ([], {"PYTHONHASHSEED": "2"}),
    "two threads on one core": (
        ["taskset", "-c", "0"],
        {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "PYTHONHASHSEED": "3"},
    ),
}
"""Name -> what a process is begun with, and what its environment says."""


def _environment() -> dict[str, str]:
    """Return an environment that says nothing of threads."""
    return {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")} | alike.KERNELS


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> dict[str, dict[str, str]]:
    return _made("one thread", tmp_path_factory.mktemp("first"))


def _made(setting: str, folder: Path) -> dict[str, dict[str, str]]:
    begin, says = SETTINGS[setting]
    command = [*begin, sys.executable, alike.__file__, str(folder)]
    done = subprocess.run(command, env=_environment() | says, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "hashes.json").read_text())


@pytest.mark.parametrize("setting", list(SETTINGS)[1:])
def test_a_process_makes_the_same_bytes(setting, first, tmp_path):
    """A collection with a policy, a teacher, students by every route, an audit: on a road and at a bench."""
    if "one core" in setting and not Path("/usr/bin/taskset").exists():
        pytest.skip("taskset is not installed")
    made = _made(setting, tmp_path)
    assert made.keys() == set(alike.HABITS)
    assert all(
        {"collection", "teacher", "advantage", "cloning", "kl", "value", "adversarial", "audit"} == made[d].keys()
        for d in made
    )
    assert made == first


def _threads() -> list[int]:
    """Return how many threads every BLAS has, and torch in this thread."""
    return [*(library["num_threads"] for library in _blas()), torch.get_num_threads()]


def _blas() -> list[dict]:
    return sorted((lib for lib in threadpool_info() if lib["user_api"] == "blas"), key=lambda lib: lib["filepath"])


@pytest.fixture
def two():
    """As many threads as a process has that nobody said anything to."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(2, "blas"):
        yield
    torch.set_num_threads(before)


class Watching:
    """Drives on, and takes down how many threads there are."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def act(self, observations: np.ndarray) -> np.ndarray:
        self.seen += _threads()
        return np.ones(len(observations), np.int64)


def test_a_call_has_one_thread_and_leaves_as_many_as_before(two):
    """Also one that fails, one inside another, and a thread of its own."""
    before = _threads()
    assert set(before) == {2}
    with one_thread():
        with pytest.raises(ValueError), one_thread():
            raise ValueError
        assert set(_threads()) == {1}
        other: list[int] = []
        thread = threading.Thread(target=one_thread()(lambda: other.extend(_threads())))
        thread.start()
        thread.join()
        assert set(other) == {1} == set(_threads())
    assert _threads() == before


def test_calls_of_many_threads_hold_one_thread_until_the_last_is_over(two):
    before, inside, leave = _threads(), threading.Barrier(2), threading.Event()

    def hold() -> None:
        with one_thread():
            inside.wait(60)
            leave.wait(60)

    thread = threading.Thread(target=hold)
    with one_thread():
        thread.start()
        inside.wait(60)
    assert set(_threads()[:-1]) == {1}  # BLAS has one number a process, and the other call goes on
    leave.set()
    thread.join()
    assert _threads() == before


def test_a_library_that_is_loaded_meanwhile_counts_too():
    """torch and SciPy's BLAS come in the middle of a command; acting does not bring them in."""
    code = (
        "import sys, numpy, threadpoolctl as t\n"
        "from testbed.threads import one_thread\n"
        "count = lambda: {lib['num_threads'] for lib in t.threadpool_info() if lib['user_api'] == 'blas'}\n"
        "before = count()\n"
        "with one_thread():\n"
        "    assert 'torch' not in sys.modules\n"
        "    import scipy.linalg, torch\n"
        "    many = torch.get_num_threads()\n"
        "    with one_thread(): assert count() == {1} and torch.get_num_threads() == 1\n"
        "    assert count() == {1} and torch.get_num_threads() == 1\n"
        "assert count() == before and torch.get_num_threads() == many\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_whoever_plays_acts_on_one_thread_and_nothing_of_it_stays_between_episodes(two):
    policy, scenes, label = Watching(), [Scenario(seed) for seed in range(3)], Behaviour("watching")
    play_batch("testbed/Merge-v0", [Part(scenes, Watching(), label)])  # brings libraries in
    before = _threads()
    played = play("testbed/Merge-v0", scenes, [(policy, label)])
    for _ in played:
        assert _threads() == before
    play_batch("testbed/Merge-v0", [Part(scenes, policy, label)])
    assert set(policy.seen) == {1} and _threads() == before


def test_a_command_and_a_process_beside_it_compute_on_one_thread(two):
    seen: list[int] = []
    run_command(lambda: seen.extend(_threads()))
    assert set(seen) == {1} and set(_threads()) == {2}
    assert [set(found) for found in in_parallel(threads_there, [0], "count threads", 1)] == [{1}]


def threads_there(_: int) -> list[int]:
    return _threads()


def test_networks_and_intervals_are_computed_on_one_thread(two, monkeypatch):
    """Whoever asks a policy or the bootstrap outside a collection or an audit gets the same digits."""
    seen: list[int] = []

    class Counting(np.ndarray):
        def __matmul__(self, other):
            seen.extend(library.num_threads for library in libraries)
            return np.asarray(self) @ np.asarray(other)

        def __rmatmul__(self, other):
            return other.view(Counting) @ self

    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    for memory in (0, 4):
        config = PolicyConfig("testbed/Merge-v0", 5, 3, (8,), memory=memory)
        arrays = random_arrays(config, np.random.default_rng(0))
        policy = NetworkPolicy(config, {name: array.view(Counting) for name, array in arrays.items()})
        policy.reset(2).act(np.zeros((2, 5), np.float32))
        assert set(seen) == {1}
        seen.clear()
    assert set(_threads()) == {2}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_a_film_is_the_same_on_one_core(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (20, 64, 96, 3), dtype=np.uint8)
    cores = os.sched_getaffinity(0)
    for name, allowed in (("all", cores), ("one", {min(cores)})):
        try:
            os.sched_setaffinity(0, allowed)
            with video(tmp_path / f"{name}.mp4") as append:
                for frame in frames:
                    append(frame)
        finally:
            os.sched_setaffinity(0, cores)
    assert (tmp_path / "all.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()
