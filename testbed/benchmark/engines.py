"""Where cells are filled: in processes here, or on a cluster. Every engine does the same work on the same items."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

from testbed.bounds import Checked, Workers
from testbed.errors import missing_package

EngineName = Literal["local", "dask", "ray", "slurm"]
Item = TypeVar("Item")
Work = Callable[[Item], None]
"""Fills one cell; a function that other processes can import, or a `partial` of one."""

LOST = "KilledWorker", "RayActorError", "ActorDiedError", "WorkerCrashedError", "CommClosedError", "UncompletedJobError"
"""Names of the errors by which clusters say that a worker is gone."""


@dataclass(frozen=True)
class Cluster(Checked):
    """Where work is done."""

    engine: EngineName = "local"
    """`local` processes; `dask` or `ray`, a cluster that is there (`address`) or one on this machine; `slurm`, one
    array of jobs."""
    workers: Workers = 2
    """Processes, where they are started here; elements of the array that run at once, on Slurm."""
    address: str | None = None
    """Of a cluster that is there; of Slurm the partition."""
    queue: Path = Path("runs/queue")
    """Where Slurm's jobs and what they print are kept; every machine must see it."""


def run_on(cluster: Cluster, work: Work, items: Sequence[Any]) -> None:
    """Do all the work, as many items at once as there are workers.

    Args:
        cluster: Where.
        work: Does one item.
        items: What is to be done.

    Raises:
        LostWorkers: if a worker was ended from outside; what others did is done.
        UserError: if the engine is not installed.
    """
    try:
        if cluster.engine == "slurm":
            _submit(cluster, work, items)
        else:
            _joblib(cluster, work, items)
    except Exception as error:
        if isinstance(error, BrokenExecutor) or type(error).__name__ in LOST:
            raise LostWorkers(type(error).__name__) from error
        raise


class LostWorkers(Exception):
    """A worker was ended from outside."""


def _joblib(cluster: Cluster, work: Work, items: Sequence[Any]) -> None:
    joblib = _needs("joblib", "benchmark")
    opened = {"local": _local, "dask": _dask, "ray": _ray}[cluster.engine]
    with opened(cluster.workers, cluster.address) as options, joblib.parallel_config(**options):
        joblib.Parallel(batch_size=1, pre_dispatch="all")(joblib.delayed(work)(item) for item in items)


@contextmanager
def _local(workers: int, address: str | None) -> Iterator[dict[str, Any]]:
    with warnings.catch_warnings():  # a worker that has grown is replaced, and that is all
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        yield {"backend": "loky", "n_jobs": workers, "inner_max_num_threads": 1}


@contextmanager
def _dask(workers: int, address: str | None) -> Iterator[dict[str, Any]]:
    distributed = _needs("distributed", "dask")
    quiet = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    here = {"n_workers": workers, "threads_per_worker": 1, "processes": True, **quiet}
    with distributed.Client(address) if address else distributed.Client(**here):
        yield {"backend": "dask", "wait_for_workers_timeout": 120}


@contextmanager
def _ray(workers: int, address: str | None) -> Iterator[dict[str, Any]]:
    ray = _needs("ray", "ray")
    import_module("ray.util.joblib").register_ray()
    here = {"num_cpus": workers, "include_dashboard": False, "log_to_driver": False, "logging_level": logging.CRITICAL}
    began = not ray.is_initialized()
    if began:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        ray.init(address) if address else ray.init(**here)
    try:
        yield {"backend": "ray", "n_jobs": workers}
    finally:
        if began:
            ray.shutdown()


def _submit(cluster: Cluster, work: Work, items: Sequence[Any]) -> None:
    """Run the items as one array of Slurm jobs; where there is no Slurm, as processes of submitit's local executor."""
    submitit = _needs("submitit", "slurm")
    executor = submitit.AutoExecutor(folder=cluster.queue)
    executor.update_parameters(
        timeout_min=240, cpus_per_task=1, slurm_array_parallelism=cluster.workers,
        **({"slurm_partition": cluster.address} if cluster.address else {}),
    )  # fmt: skip
    jobs = executor.map_array(work, list(items))
    failed = [error for error in [job.exception() for job in jobs] if error is not None]  # after all have ended
    if failed:
        raise failed[0]


def _needs(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise missing_package(module, extra, "this engine needs") from None
