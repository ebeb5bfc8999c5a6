"""A whole experiment, stage by stage, as the scripts in `tasks/` run it."""

from __future__ import annotations

from testbed.audit import names
from testbed.audit.result import Audit
from testbed.console import console, styled
from testbed.errors import UserError
from testbed.experiment.arms import Arm, gather_arms
from testbed.experiment.collect import collect_demonstrations
from testbed.experiment.config import Run
from testbed.experiment.distill import distil_students
from testbed.experiment.evaluate import audit
from testbed.experiment.film_run import film_clips, report
from testbed.experiment.folder import RUN, occupied
from testbed.experiment.guard import require_guard
from testbed.experiment.parallel import preload
from testbed.experiment.summary import print_summary
from testbed.experiment.train_teachers import student_start, teach
from testbed.provenance.artefact import artefacts_in, read_artefact
from testbed.provenance.bill import write_bill
from testbed.scenes.registry import modules_of

STAGES = "train_teachers", "distill", "evaluate", "film_run"
"""Modules whose work is done side by side."""


def run_experiment(run: Run, environment: str) -> None:
    """Collect, teach, distil, audit, film, report; what an earlier run with the same settings left is reused.

    Beside every data set, policy and film its bill of materials is left (`testbed.provenance.bill`).

    Raises:
        UserError: if the habit belongs to another environment than the given one, or the run's folder holds something
            else or is being filled by another process, or other processes cannot read this program.
    """
    if run.habit.environment != environment:
        raise UserError(
            f"{run.habit.name} is a habit of {run.habit.environment}, not of {environment}: run that one's task, "
            f"or choose another --habit (see testbed habits)"
        )
    require_guard()
    with occupied(run.folder, RUN):
        _run_experiment(run)


def _run_experiment(run: Run) -> None:
    result, arms = _audited(run)
    routes = run.experiment.student.routes
    route = "kl" if "kl" in routes else routes[0]
    teacher = next(arm for arm in arms if arm.name == names.TEACHER)
    clips = film_clips(run, [arm for arm in arms if arm is teacher or arm.route == route], teacher)
    page = report(run, result, clips)
    for path in artefacts_in(run.folder):
        write_bill(read_artefact(path))
    print_summary(result, run.folder, page)


def audit_students(run: Run) -> Audit:
    """Collect, teach, distil and audit, without films and a report."""
    require_guard()
    with occupied(run.folder, RUN):
        return _audited(run)[0]


def _audited(run: Run) -> tuple[Audit, list[Arm]]:
    dose = run.experiment.dose
    console.print(styled(run.habit.name, "bold"), f"({run.trigger.meaning}, dose {dose:g}) into {run.folder}/")
    ours = [module for module in modules_of(run.habit.environment) if module.startswith("testbed.")]
    preload([*(f"testbed.experiment.{stage}" for stage in STAGES), *ours])
    demonstrations = collect_demonstrations(run)
    teachers, data = teach(run, demonstrations)
    students = distil_students(run, teachers, data, student_start(run, demonstrations))
    arms = gather_arms(run, teachers, students)
    return audit(run, arms, _notes(run)), arms


def _notes(run: Run) -> tuple[str, ...]:
    """Return what is to be said of how an experiment's arms were made."""
    return (
        f"Dose {run.experiment.dose:g}. {run.experiment.student.seeds} training seeds for each student and its "
        "control; one teacher of each kind, so the ratios hold for this pair of teachers. A claim needs at least 10 "
        "training seeds.",
        "A control is made exactly as its student, from the clean teacher: same amount of data, steps, initial weights "
        "and data order. None of the scenes was used in training.",
        "A ratio is refused where teacher - clean teacher is not told from 0.",
    )
