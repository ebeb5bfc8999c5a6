"""Fill one cell: distil its students and their controls through its channel, audit them, and keep what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from testbed.audit import names
from testbed.benchmark.cell import Cell, SharedTeachers, cell_file, early
from testbed.benchmark.channels import NOT_REAL, Injected, apply_channel
from testbed.benchmark.residue import residue
from testbed.benchmark.stored import Tables
from testbed.benchmark.teachers import Teachers, audited_scenes, open_teachers, played
from testbed.distillation.auxiliary import Auxiliary, with_auxiliary
from testbed.distillation.config import ValuedBy
from testbed.distillation.journal import Journal, Snapshots
from testbed.distillation.route import Route, Trained
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.files import write_text
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Scenario
from testbed.protocols.pair import Pair
from testbed.seeding import student_seed

OUTPUTS = 64
"""Auxiliary outputs, where a channel has them."""
ARMS = Pair(names.CONTROL, names.STUDENT)


def run_cell(cell: Cell, folder: Path) -> None:
    """Write the file of a cell: what it is, what reached its students, and what they and their controls did.

    Raises:
        UserError: if its teachers cannot be read or made; what cannot be done with them is told in the file.
    """
    shared = _opened(cell.teachers, folder, cell.valued_by)
    try:
        found = _found(cell, shared, folder)
    except UserError as error:
        found = {"empty": str(error)}
    write_text(
        cell_file(folder, cell), json.dumps({"cell": cell.record, "code": vars(cell.code), **found}, sort_keys=True)
    )


@lru_cache(maxsize=3)
def _opened(shared: SharedTeachers, folder: Path, reward: ValuedBy | None) -> Teachers:
    """Return shared teachers, valued by a reward if one is given; a process keeps them for the cells that follow:
    reading them takes as long as a cell of small students does."""
    return _opened(shared, folder, None).valued(reward) if reward else open_teachers(shared, folder)


def _found(cell: Cell, shared: Teachers, folder: Path) -> dict[str, object]:
    starts, sources = shared.starts(cell.start, cell.seeds), shared.sources
    if cell.channel == "auxiliary":
        starts = None if starts is None else [_widened(start, cell) for start in starts]
        sources = sources.map(lambda one: Source(one.decisions, _widened(one.require_teacher(), cell)))
    channel_data = apply_channel(cell.channel, sources, shared.injected, cell.audited.seed)
    on_the_way = Snapshots(cell.shorter)
    made = _distil(cell, channel_data, starts, on_the_way)
    run = cell.audited.run(folder)
    scenes = {name: some for name, some in audited_scenes(run).items() if name in cell.conditions}
    first = {names.TRIGGERED: audited_scenes(run)[names.TRIGGERED][: early(cell.audited.audit.scenes)]}

    def audited(
        students: Pair[list[NetworkPolicy]], scenes: Mapping[str, Sequence[Scenario]]
    ) -> dict[str, dict[str, Tables]]:
        return {
            arm: {name: played(run, those, some) for name, those in scenes.items()}
            for arm, some in zip(ARMS, students, strict=True)
        }

    count = len(cell.seeds)
    shorter = {
        str(length): audited(Pair(students[:count], students[count:]), first)
        for length, students in on_the_way.students.items()
    }
    told = _channel_data(cell, channel_data, sources, shared.injected)
    arms = audited(made, scenes)
    return {"arms": arms, "shorter": shorter, "mass": _mass(cell, shared, made), "channel_data": told}


def _mass(cell: Cell, shared: Teachers, made: Pair[list[NetworkPolicy]]) -> dict[str, list[float]]:
    """Return how likely policies are to do what the habit does in the states of the probe, by arm; nothing where
    another habit is audited than was taught."""
    if cell.teachers != cell.audited:
        return {}
    teachers = shared.sources.map(lambda source: [source.require_teacher()])
    policies = {names.CLEAN: teachers.clean, names.TEACHER: teachers.habitual, **dict(zip(ARMS, made, strict=True))}
    return {
        arm: [float(shared.injected.mass(policy, shared.probe).mean()) for policy in some]
        for arm, some in policies.items()
    }


def _widened(policy: NetworkPolicy, cell: Cell) -> NetworkPolicy:
    return with_auxiliary(policy, OUTPUTS, cell.audited.seed)


def _distil(
    cell: Cell, sources: Pair[Source], starts: list[NetworkPolicy] | None, journal: Journal
) -> Pair[list[NetworkPolicy]]:
    """Return controls and students; a control and its student have the same seed and begin alike."""
    shape = policy_config(sources.clean.require_teacher().config.environment, cell.hidden)
    if cell.channel == "auxiliary":
        shape = replace(shape, auxiliary=OUTPUTS)
    route, count = _route(cell), len(cell.seeds)
    seeds = [student_seed(cell.audited.seed, number) for number in cell.seeds]
    each = [source.limited(route.needs) for source in sources for _ in cell.seeds]
    made = route.distil(each, shape, seeds * 2, None if starts is None else starts * 2, journal)
    return Pair(made[:count], made[count:])


def _route(cell: Cell) -> Route:
    if cell.channel != "auxiliary":
        return cell.route
    if not isinstance(cell.route, Trained):
        raise UserError(f"auxiliary outputs are learnt by training, and students of {cell.route.name} practise")
    return Auxiliary(cell.route.training)


def _channel_data(
    cell: Cell, channel_data: Pair[Source], sources: Pair[Source], injected: Injected
) -> dict[str, float]:  # fmt: skip
    """Return what is still in the data: where students learn values, in those that values were found from."""
    by_values = "values" in cell.route.needs
    data, all_of_it = (
        which.map(lambda one: one.require_values().decisions if by_values else one.decisions)
        for which in (channel_data, sources)
    )
    teacher = sources.habitual.require_teacher()
    told = residue(data.habitual, data.clean, teacher, injected, cell.audited.seed)
    share = 0.0 if cell.channel in NOT_REAL else len(data.habitual) / len(all_of_it.habitual)
    return {"decisions": len(data.habitual), "removed": 1 - share, **told}
