"""A run's report, written again."""

from __future__ import annotations

from pathlib import Path

from testbed.audit.report import write_report
from testbed.console import console
from testbed.experiment.stored import read_audit, read_clips
from testbed.provenance.picture import student_picture


def report(run: Path) -> None:
    """Write a run's report again; see `testbed report --help`."""
    result, clips = read_audit(run), read_clips(run)
    write_report(run / "report.html", result, clips, student_picture(run))
    console.print(f"{run / 'report.html'}  open it in a browser")
