"""A whole experiment on one cure: students with and without it, and the cure on a clean teacher's, as `tasks/cure.py`
runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from testbed.audit import names
from testbed.console import console, styled, ticked, tracked
from testbed.cures.cure import Cure, Known, distil_cured
from testbed.cures.where import badness
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.experiment.arms import gather_arms
from testbed.experiment.collect import collect_demonstrations, record, recording
from testbed.experiment.config import Run
from testbed.experiment.distill import distil_students, open_sources
from testbed.experiment.evaluate import audit
from testbed.experiment.film_run import film_clips, report
from testbed.experiment.folder import RUN, occupied
from testbed.experiment.guard import require_guard
from testbed.experiment.reuse import is_there
from testbed.experiment.summary import print_summary
from testbed.experiment.train_teachers import teach
from testbed.policies.checkpoint import save_policy
from testbed.policies.loaders import policy_config
from testbed.protocols.habit import make_demonstrator
from testbed.protocols.pair import HABITUAL, Pair
from testbed.provenance.artefact import artefacts_in, read_artefact
from testbed.provenance.bill import write_bill
from testbed.rollouts.transitions import load_transitions
from testbed.seeding import student_seed

CURED = "cured"
"""What students with the cure are called, where others are by their route."""
REFERENCE = 24
"""Episodes of the clean demonstrator that a cure may be given, in scenes of their own."""
NOTES = (
    "Cured: {cure} of students by {route}. A cured student is made as the one without the cure and then, or instead, "
    "as the cure says; its control is the cure on the clean teacher's student, which shows what it does where there is "
    "no habit.",
    "A cure is told no more than it needs: bad decisions by the habit's measure of the traces, and {count} episodes of "
    "a clean demonstrator in scenes of their own.",
    "None of the audited scenes was used in training. A ratio is refused where teacher - clean teacher is not told "
    "from 0. {seeds} training seeds, one teacher of each kind: the ratios hold for this pair of teachers.",
)


def run_cure(run: Run, cure: Cure) -> None:
    """Collect, teach, distil with and without a cure, audit, film the teacher above both students, and report.

    Raises:
        UserError: if the cure asks other teachers, or does not suit the route, or as `run_experiment`.
    """
    if "peers" in cure.needs:
        raise UserError(f"{cure.name} asks other teachers, and this experiment has none: choose another cure")
    cure.check_route(run.experiment.student.route(run.experiment.student.routes[0]))
    require_guard()
    with occupied(run.folder, RUN):
        _run_cure(run, cure)


def _run_cure(run: Run, cure: Cure) -> None:
    what = f"{run.trigger.meaning}; {cure.name}"
    console.print(styled(run.habit.name, "bold"), f"({what}) into {run.folder}/")
    (name,) = run.experiment.student.routes
    demonstrations = collect_demonstrations(run)
    teachers, data = teach(run, demonstrations)
    reference = _reference(run) if "clean" in cure.needs else None
    students = distil_students(run, teachers, data)
    students[CURED] = _cured(run, cure, teachers, data, reference)
    arms = gather_arms(run, teachers, students)
    words = {"cure": cure.name, "route": name, "count": REFERENCE, "seeds": run.experiment.student.seeds}
    told = tuple(note.format(**words) for note in NOTES)
    result = audit(run, arms, told)
    shown = [arm for arm in arms if arm.name in (names.TEACHER, names.STUDENT)]
    clips = film_clips(run, shown, next(arm for arm in shown if arm.route == name))
    page = report(run, result, clips)
    for path in artefacts_in(run.folder):
        write_bill(read_artefact(path))
    print_summary(result, run.folder, page)


def _reference(run: Run) -> Path:
    """Return what a clean demonstrator did in scenes that nobody else was shown."""
    clean, behaviour = make_demonstrator(run.habit, run.trigger, 0.0), run.behaviour("reference", False)
    writer, episodes = recording(run, "reference", clean, behaviour, REFERENCE, {})
    if writer.complete:
        ticked(f"{writer.path.name} is there already")
    else:
        record(writer, tracked(episodes, f"collect {writer.path.name}", REFERENCE - len(writer)))
    return writer.path


def _cured(run: Run, cure: Cure, teachers: Pair[Path], data: Pair[Path], reference: Path | None) -> Pair[list[Path]]:
    """Return the folders of the students with the cure, of the clean teacher's first."""
    sources = open_sources(run, teachers, data)
    clean = load_transitions(reference) if reference else None
    each = []
    for habitual in HABITUAL:
        bad = _bad(run, data.of(habitual)) if "bad" in cure.needs else None
        inputs = {"teacher": teachers.of(habitual), "data": data.of(habitual)}
        inputs |= {"clean": reference} if reference else {}
        each.append(_students(run, cure, sources.of(habitual), Known(clean=clean, bad=bad), inputs, habitual))
    return Pair(*each)


def _students(
    run: Run, cure: Cure, source: Source, known: Known, inputs: dict[str, Path], habitual: bool
) -> list[Path]:  # fmt: skip
    config = run.experiment.student
    route = config.route(config.routes[0])
    kind = "student" if habitual else "control"
    folders = [run.folder / "policies" / f"{kind}-{route.name}-{cure.name}-seed{n}" for n in range(config.seeds)]
    recipes = [run.lineage("distil", inputs, route=route.name, learning=repr(route), cure=repr(cure), training_seed=n)
               for n in range(config.seeds)]  # fmt: skip
    if not all(map(is_there, folders, recipes)):
        seeds = [student_seed(run.experiment.seed, n) for n in range(config.seeds)]
        shape = policy_config(run.habit.environment, config.hidden)
        made = distil_cured(cure, route, [source] * len(seeds), known, shape, seeds)
        for folder, policy, recipe in zip(folders, made, recipes, strict=True):
            save_policy(folder, policy, run.behaviour(folder.name, habitual), recipe)
    ticked(f"{len(folders)} {kind}s by {route.name}, {cure.name}")
    return folders


def _bad(run: Run, data: Path) -> np.ndarray:
    """Return how bad each decision of a data set is, by the habit's measure."""
    return badness(each_episode(data, episode_numbers(data)), run.habit.measure)
