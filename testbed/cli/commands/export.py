"""Policies for the runtime of a robot or a car, and data sets for other tools; and these back in."""

from __future__ import annotations

from pathlib import Path

from testbed.cli.commands.bills import leave_bill, require_bill_place
from testbed.cli.commands.dataset import validate_file
from testbed.console import console, progress
from testbed.datasets.reader import each_episode
from testbed.datasets.writer import DatasetWriter
from testbed.errors import UserError
from testbed.exchange.carried import read_header
from testbed.exchange.registry import format_for, format_of
from testbed.files import require_replaceable
from testbed.lineage import Copied
from testbed.policies.checkpoint import load_policy


def export(source: Path, out: Path, to: str | None = None) -> None:
    """Export a policy or a data set; see `testbed export --help`."""
    if source.suffix == ".hdf5":
        _export_data(source, out, to)
    elif to is not None:
        raise UserError(f"{source} is no .hdf5 file, and --to says what a data set becomes: leave it out")
    else:
        _export_policy(source, out)


def _export_policy(folder: Path, out: Path) -> None:
    from testbed.policies.onnx import ONNX, export_onnx

    require_replaceable(out, ONNX)
    require_bill_place(out)
    policy, _ = load_policy(folder)
    exported = export_onnx(policy, out)
    leave_bill(out, folder)
    console.print(f"{out}  takes {', '.join(exported.inputs)}; gives {', '.join(exported.outputs)}")


def _export_data(source: Path, out: Path, to: str | None) -> None:
    form = format_for(out, to)
    require_replaceable(out, form.kind)
    count = form.write(out, read_header(source), each_episode(source))
    console.print(f"{out} holds {count} episodes")


def import_data(source: Path, out: Path) -> None:
    """Import a data set; see `testbed import --help`."""
    header, episodes = format_of(source).read(source)
    require_bill_place(out)
    with DatasetWriter(out, header.environment, Copied(header.lineage)) as writer:
        there = len(writer)
        with progress(f"import {source.name}", None) as advance:
            for number, episode in enumerate(episodes):
                if number >= there and not writer.complete:
                    writer.append(episode)
                advance(1)
        writer.finish(header.masks)
    leave_bill(out)
    validate_file(out)
