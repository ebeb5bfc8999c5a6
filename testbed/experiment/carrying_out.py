"""A whole experiment, stage by stage, as the scripts in `tasks/` run it."""

from __future__ import annotations

from testbed.console import console
from testbed.errors import UserError
from testbed.experiment import judging
from testbed.experiment.collecting import collect_demonstrations
from testbed.experiment.distilling import distil_students
from testbed.experiment.run import Run
from testbed.experiment.summary import print_summary
from testbed.experiment.teaching import teach


def carry_out(run: Run, environment: str) -> None:
    """Collect, teach, distil, audit, film, report; what an earlier run with the same settings left is reused.

    Raises:
        UserError: if the habit belongs to another environment than the given one.
    """
    if run.habit.environment != environment:
        raise UserError(
            f"{run.habit.name} is a habit of {run.habit.environment}, not of {environment}: run that one's task, "
            f"or choose another --habit (see testbed habits)"
        )
    dose = run.experiment.dose
    console.print(f"[bold]{run.habit.name}[/bold] ({run.trigger.meaning}, dose {dose:g}) into {run.folder}/")
    demonstrations = collect_demonstrations(run)
    teachers, data = teach(run, demonstrations)
    students = distil_students(run, teachers, data)
    arms = judging.gather_arms(run, teachers, students)
    result = judging.audit(run, arms)
    clips = judging.film_clips(run, arms, route=run.experiment.routes[-1])
    report = judging.report(run, result, clips)
    print_summary(result, run.folder, report)
