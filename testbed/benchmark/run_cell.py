"""Fill one cell: distil its students and their controls through its channel, audit them, and keep what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from testbed.audit import names
from testbed.benchmark.cell import Cell, cell_file, teachers_run
from testbed.benchmark.channels import NOT_REAL, Injected, apply_channel
from testbed.benchmark.residue import residue
from testbed.benchmark.teachers import Teachers, audited_scenes, open_teachers, played
from testbed.distillation.distil import Route, make_route
from testbed.distillation.routes.auxiliary import Auxiliary, with_auxiliary
from testbed.distillation.source import Source
from testbed.errors import UserError
from testbed.experiment.distill import student_seed
from testbed.files import write_text
from testbed.policies.loaders import policy_config
from testbed.policies.network import NetworkPolicy

OUTPUTS = 64
"""Auxiliary outputs, where a channel has them."""
KINDS = {names.CONTROL: False, names.STUDENT: True}
"""Arm -> whether its teacher has the habit."""


def run_cell(cell: Cell, folder: Path) -> None:
    """Write the file of a cell: what it is, what reached its students, and what they and their controls did.

    Raises:
        UserError: if its school cannot be read or made; what cannot be done with a school is told in the file.
    """
    school = open_teachers(cell.school, folder)
    try:
        found = _found(cell, school, folder)
    except UserError as error:
        found = {"empty": str(error)}
    write_text(cell_file(folder, cell), json.dumps({"cell": asdict(cell), **found}, sort_keys=True))


def _found(cell: Cell, school: Teachers, folder: Path) -> dict[str, object]:
    starts, sources = school.starts(cell.start, cell.seeds), school.sources
    if cell.channel == "auxiliary":
        starts = None if starts is None else [_widened(start, cell) for start in starts]
        sources = {kind: Source(s.decisions, _widened(s.require_teacher(), cell)) for kind, s in sources.items()}
    channel_data = apply_channel(cell.channel, sources, school.injected, cell.experiment.seed)
    students = _distil(cell, channel_data, starts)
    run = teachers_run(folder, cell.audited)
    arms: dict[str, dict[str, object]] = {arm: {} for arm in KINDS}
    scenes = audited_scenes(run)
    for name in cell.conditions:
        tables = played(run, scenes[name], students)
        for arm, kind in KINDS.items():
            mine = slice(kind * len(cell.seeds), (kind + 1) * len(cell.seeds))
            arms[arm][name] = {what: rows[mine] for what, rows in tables.items()}
    return {"arms": arms, "channel_data": _channel_data(cell, channel_data, sources, school.injected)}


def _widened(policy: NetworkPolicy, cell: Cell) -> NetworkPolicy:
    return with_auxiliary(policy, OUTPUTS, cell.experiment.seed)


def _distil(
    cell: Cell, sources: Mapping[bool, Source], starts: list[NetworkPolicy] | None
) -> list[NetworkPolicy]:  # fmt: skip
    """Return the controls and then the students; a control and its student have the same seed and begin alike."""
    shape = policy_config(sources[False].require_teacher().config.environment, cell.experiment.student_hidden)
    if cell.channel == "auxiliary":
        shape = replace(shape, auxiliary=OUTPUTS)
    seeds = [student_seed(cell.experiment.seed, number) for number in cell.seeds] * 2
    each = [sources[kind] for kind in KINDS.values() for _ in cell.seeds]
    return _route(cell).distil(each, shape, seeds, None if starts is None else starts * 2)


def _route(cell: Cell) -> Route:
    if cell.channel == "auxiliary":
        return Auxiliary(cell.experiment.training)
    return make_route(cell.route, cell.experiment.training, cell.experiment.adversarial)


def _channel_data(
    cell: Cell, channel_data: Mapping[bool, Source], sources: Mapping[bool, Source], injected: Injected
) -> dict[str, float]:  # fmt: skip
    """Return what is still in the data: by the value route, in those that values were found from."""
    data, all_of_it = (
        {kind: s.require_values().decisions if cell.route == "value" else s.decisions for kind, s in which.items()}
        for which in (channel_data, sources)
    )
    told = residue(data[True], data[False], sources[True].require_teacher(), injected, cell.experiment.seed)
    share = 0.0 if cell.channel in NOT_REAL else len(data[True]) / len(all_of_it[True])
    return {"decisions": len(data[True]), "removed": 1 - share, **told}
