"""The stage that records demonstrators; what recording episodes for a run takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from testbed.console import ticked, tracked
from testbed.datasets.writer import DatasetWriter
from testbed.experiment.config import Run
from testbed.protocols.episode import Behaviour, Episode
from testbed.protocols.habit import make_demonstrator
from testbed.protocols.pair import HABITUAL, Pair
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play


def collect_demonstrations(run: Run) -> Pair[Path]:
    """Collect the clean demonstrator and the one with the habit on the same scenes; return both data sets."""
    count = run.experiment.teacher.demonstrations

    def collect(habitual: bool) -> Path:
        policy = make_demonstrator(run.habit, run.trigger, run.experiment.dose if habitual else 0.0)
        name = f"demonstrator-{'habit' if habitual else 'clean'}"
        writer, episodes = recording(run, name, policy, run.behaviour("demonstrator", habitual), count, {})
        if writer.complete:
            ticked(f"{writer.path.name} is there already")
        else:
            record(writer, tracked(episodes, f"collect {writer.path.name}", count - len(writer)))
        return writer.path

    return HABITUAL.map(collect)


def recording(
    run: Run, name: str, policy: Policy, behaviour: Behaviour, count: int, inputs: Mapping[str, Path]
) -> tuple[DatasetWriter, Iterator[Episode]]:
    """Return the data set `demonstrations/<name>.hdf5` and the episodes that it lacks of `count`."""
    path, purpose = run.folder / "demonstrations" / f"{name}.hdf5", behaviour.policy
    lineage = run.lineage(
        "collect", inputs, environment=run.habit.environment, count=count, purpose=purpose, **asdict(behaviour)
    )
    writer = DatasetWriter(path, run.habit.environment, lineage, renewing=True)
    return writer, play(run.habit.environment, run.scenarios(purpose, count), [(policy, behaviour)], skip=len(writer))


def record(writer: DatasetWriter, episodes: Iterable[Episode]) -> None:
    """Write episodes and make one file of them."""
    with writer:
        for episode in episodes:
            writer.append(episode)
        writer.finish()
