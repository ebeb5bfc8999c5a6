"""One cell of the grid: students of one teacher, made and audited in one way, with their controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from testbed.audit import names
from testbed.experiment.config import Experiment, Run
from testbed.lineage import Lineage, code_version, text_hash

Channel = Literal["overt", "scrubbed", "nominal", "agreeing", "noise", "auxiliary"]
"""What of the teacher reaches the student; `auxiliary` is noise by outputs alone that drive nothing."""
Start = Literal["fresh", "base", "other-base"]
"""What a student begins as."""


@dataclass(frozen=True)
class Place:
    """What a grid varies."""

    habit: str
    """Habit that is audited."""
    taught: str
    """Habit of the teacher."""
    teacher: str
    """How teachers were made."""
    route: str
    """Route."""
    channel: str
    """Channel."""
    start: str
    """What students began as."""
    width: int
    """Units of a student's hidden layer."""
    dose: float
    """Strength of the habit."""
    training: int
    """Optimiser steps of a student; by the adversarial route its iterations of practice."""


@dataclass(frozen=True)
class Cell:
    """A cell. Its name is the hash of all that is chosen about it and of the versions that compute it."""

    experiment: Experiment
    """Habit, dose, teachers, amounts; how students train and are audited. Of its number of
    students' seeds only bases of other seeds are made."""
    route: str
    """Route from teacher to student."""
    channel: Channel
    """Channel."""
    seeds: tuple[int, ...]
    """Training seeds."""
    taught: str = ""
    """Habit of the teacher, where that is another than the one that is audited: the control of specificity."""
    conditions: tuple[str, ...] = (names.TRIGGERED, names.UNTRIGGERED, names.HELD_OUT)
    """Scenes in which its students are audited."""

    @property
    def name(self) -> str:
        """32 hexadecimal digits."""
        return text_hash(_recipe("cell", self.experiment.seed, asdict(self)))

    @property
    def training(self) -> int:
        """How long students train: optimiser steps; by the adversarial route iterations of practice."""
        adversarial = self.route == "adversarial"
        return self.experiment.adversarial.practice.iterations if adversarial else self.experiment.training.steps

    @property
    def place(self) -> Place:
        """Its place in the grid, whatever its training seeds."""
        experiment = self.experiment
        return Place(
            experiment.habit, self.taught or experiment.habit, experiment.teacher, self.route, self.channel, self.start,
            self.width, experiment.dose, self.training,
        )  # fmt: skip

    @property
    def start(self) -> Start:
        """What students begin as."""
        return self.experiment.start

    @property
    def width(self) -> int:
        """Width of the students' first hidden layer."""
        return self.experiment.student_hidden[0]

    @property
    def school(self) -> Experiment:
        """What the teachers are made from: the experiment without anything that bears on students alone."""
        return teachers_of(replace(self.experiment, habit=self.taught or self.experiment.habit))

    @property
    def audited(self) -> Experiment:
        """The school whose teachers have the habit that is audited."""
        return teachers_of(self.experiment)


def teachers_of(experiment: Experiment) -> Experiment:
    """Return an experiment with everything as usual that bears on students alone, but for how many there are."""
    usual = Experiment()
    return replace(
        experiment, student_hidden=usual.student_hidden, routes=usual.routes, start=usual.start,
        training=usual.training, adversarial=usual.adversarial,
    )  # fmt: skip


def teachers_run(folder: Path, school: Experiment) -> Run:
    """Return the run that makes a school, in its place in the benchmark's folder."""
    recipe = _recipe("school", school.seed, asdict(school))
    return Run(school, folder / "schools" / f"{school.habit}-{text_hash(recipe)[:12]}")


def _recipe(kind: str, seed: int, settings: Mapping[str, object]) -> str:
    """Return what something of the benchmark is made from, the measures that judge it included."""
    return Lineage(kind, seed, settings, code=code_version(judging=True)).to_json()


def cell_file(folder: Path, cell: Cell) -> Path:
    """Return where what is found of a cell is kept."""
    return folder / "cells" / f"{cell.name}.json"
