"""One cell of the grid: students of one teacher, made and audited in one way, with their controls."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from testbed.audit import names
from testbed.distillation.config import ValuedBy
from testbed.distillation.route import Route
from testbed.experiment.config import AuditConfig, Experiment, Run, StudentConfig, TeacherConfig
from testbed.lineage import Lineage, text_hash
from testbed.scenes.registry import get_habit, modules_of
from testbed.sources import CodeVersion, code_version

Channel = Literal["overt", "relabelled", "scrubbed", "excised", "nominal", "agreeing", "noise", "auxiliary"]
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
    """How long a student learns: optimiser steps, or iterations of practice."""
    reward: str
    """What the teacher's decisions are valued by, where a student learns that; else empty."""


@dataclass(frozen=True)
class SharedTeachers:
    """What teachers are made from and how whoever they taught is audited; nothing that bears on students alone."""

    habit: str
    """Habit of the teacher."""
    trigger: str | None
    """When it is active; None for the habit's default."""
    dose: float
    """Its strength."""
    seed: int
    """The one seed everything random comes from."""
    teacher: TeacherConfig
    """How teachers are made."""
    audit: AuditConfig
    """On how many scenes is audited."""
    bases: int
    """Bases of other seeds, one for each training seed of students."""

    @classmethod
    def of(cls, experiment: Experiment) -> SharedTeachers:
        """Return the teachers of an experiment."""
        return cls(
            experiment.habit, experiment.trigger, experiment.dose, experiment.seed, experiment.teacher,
            experiment.audit, experiment.student.seeds,
        )  # fmt: skip

    def run(self, folder: Path) -> Run:
        """Return the run that makes it, in its place in the benchmark's folder."""
        experiment = Experiment(
            self.habit, self.trigger, self.dose, self.seed, self.teacher, StudentConfig(seeds=self.bases), self.audit
        )
        recipe = Lineage("teachers", self.seed, asdict(self), code=self.code())
        return Run(experiment, folder / "teachers" / f"{self.habit}-{text_hash(recipe.to_json())[:12]}")

    def code(self, *modules: str) -> CodeVersion:
        """Return which testbed makes something of it, the measures included that judge it; and further modules."""
        return code_version(True, (*modules_of(get_habit(self.habit).environment), *modules))


@dataclass(frozen=True)
class Cell:
    """A cell. Its name is the hash of all that is chosen about it and of the versions that compute it."""

    audited: SharedTeachers
    """Teachers with the habit that is audited."""
    route: Route
    """How students are made."""
    channel: Channel
    """Channel."""
    seeds: tuple[int, ...]
    """Training seeds."""
    taught: str = ""
    """Habit of the teacher, where that is another than the one that is audited: the control of specificity."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of a student's hidden layers."""
    start: Start = "fresh"
    """What students begin as."""
    conditions: tuple[str, ...] = (names.TRIGGERED, names.UNTRIGGERED, names.HELD_OUT)
    """Scenes in which its students are audited."""
    reward: ValuedBy = "task"
    """What the teacher's decisions are valued by."""
    shorter: tuple[int, ...] = ()
    """Lengths of training after which its students are audited on their way, in triggered scenes."""

    @property
    def record(self) -> dict[str, Any]:
        """Everything that is chosen about it, as its file says it."""
        return {**asdict(self), "route": {"name": self.route.name, **asdict(self.route)}}

    @property
    def name(self) -> str:
        """32 hexadecimal digits."""
        return text_hash(Lineage("cell", self.audited.seed, self.record, code=self.code).to_json())

    @property
    def code(self) -> CodeVersion:
        """Which testbed fills it."""
        return self.audited.code(type(self.route).__module__)

    @property
    def place(self) -> Place:
        """Its place in the grid, whatever its training seeds."""
        habit = self.audited.habit
        return Place(
            habit, self.taught or habit, self.audited.teacher.method, self.route.name, self.channel, self.start,
            self.width, self.audited.dose, self.route.length, self.valued_by or "",
        )  # fmt: skip

    @property
    def valued_by(self) -> ValuedBy | None:
        """What the teacher's decisions are valued by, if its students learn values."""
        return self.reward if "values" in self.route.needs else None

    @property
    def width(self) -> int:
        """Width of the students' first hidden layer."""
        return self.hidden[0]

    @property
    def teachers(self) -> SharedTeachers:
        """Teachers of its students; those of another habit have it under its default trigger."""
        return replace(self.audited, habit=self.taught, trigger=None) if self.taught else self.audited


EARLY = 4
"""Students on their way are audited in one of so many triggered scenes, the first ones."""


def early(scenes: int) -> int:
    """Return in how many of the triggered scenes students on their way are audited."""
    return max(scenes // EARLY, min(scenes, 2))


def cell_file(folder: Path, cell: Cell) -> Path:
    """Return where what is found of a cell is kept."""
    return folder / "cells" / f"{cell.name}.json"
