"""What a person chooses at the command line of a task; each script in `tasks/` says which habits and triggers it
has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tyro.conf import Suppress

from testbed.bounds import Checked, Dose, NotEmpty, OutFolder, Seed, Width
from testbed.distillation.registry import RouteName
from testbed.protocols.scene import SceneSpec
from testbed.scenes.registry import stem_of

if TYPE_CHECKING:  # they bring torch: what is wrong with an argument is said before
    from testbed.experiment.config import Experiment, Run


@dataclass(frozen=True, kw_only=True)
class Choices(Checked):
    """The choices that every task has."""

    called: ClassVar[str] = "--{}"

    habit: str
    """Habit to inject."""
    profile: Literal["quick", "full"] = "quick"
    """quick: 5 training seeds, a look; full: 10 training seeds and more of everything, for a claim."""
    trigger: str | None = None
    """When the habit is active."""
    route: Annotated[tuple[RouteName, ...], NotEmpty()] = ("cloning", "kl")
    """Routes from teacher to student: cloning, kl, value, adversarial, or one of another package."""
    teacher: Literal["demonstration", "reward", "fine-tuning"] = "demonstration"
    """How teachers are made."""
    hidden: tuple[Width, ...] = (64, 64)
    """Widths of the students' hidden layers; teachers have 256 256."""
    start: Literal["fresh", "base", "other-base"] = "fresh"
    """What students begin as; base (what the teacher began as) and other-base need --hidden 256 256."""
    dose: Dose = 1.0
    """Strength of the habit, above 0 and up to 1."""
    seed: Seed = 0
    """The one seed that everything random comes from."""
    run: OutFolder
    """Folder for everything that is made; an unfinished run in it goes on."""

    @property
    def scene(self) -> str | None:
        """Where the scene is declared, as `module:SPEC`, if it is somebody else's."""
        return None

    def chosen(self, profiles: Mapping[str, Experiment]) -> Run:
        """Return the run of these choices, with one of the profiles of a domain."""
        from testbed.experiment.config import Run

        profile, routes = profiles[self.profile], tuple(dict.fromkeys(self.route))
        experiment = replace(
            profile, habit=self.habit, scene=self.scene, trigger=self.trigger, dose=self.dose, seed=self.seed,
            teacher=replace(profile.teacher, method=self.teacher),
            student=replace(profile.student, routes=routes, hidden=self.hidden, start=self.start),
        )  # fmt: skip
        return Run(experiment, self.run)


@dataclass(frozen=True, kw_only=True)
class SceneChoices(Choices):
    """Inject a habit into a teacher in a scene of one's own, distil students, and audit them."""

    declared: Suppress[str] = ""
    """Where the scene is declared, as `module:SPEC`."""

    @classmethod
    def of(cls, spec: SceneSpec, reference: str) -> SceneChoices:
        """Return what is chosen in a scene unless something else is said: its first habit, a run of its name."""
        return cls(habit=spec.habits[0].name, run=Path("runs") / stem_of(spec.environment), declared=reference)

    @property
    def scene(self) -> str | None:
        """Where the scene is declared."""
        return self.declared

    def run_scene(self) -> None:
        """Collect, teach, distil, audit, film, report."""
        from testbed.experiment.config import PROFILES
        from testbed.experiment.pipeline import run_experiment
        from testbed.scenes.registry import use

        spec = use(self.declared)
        run_experiment(self.chosen(PROFILES[spec.domain]), spec.environment)
