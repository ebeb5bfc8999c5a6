"""Bills of materials beside what commands make."""

from __future__ import annotations

from pathlib import Path

from testbed.files import require_replaceable
from testbed.lineage import content_hash
from testbed.provenance.artefact import artefacts_in, read_artefact
from testbed.provenance.bill import BILL, bill_file, write_bill
from testbed.provenance.claims import Known


def require_bill_place(artefact: Path) -> None:
    """Raise `UserError` if something that is no bill lies where an artefact's would."""
    require_replaceable(bill_file(artefact), BILL)


def leave_bill(artefact: Path, *made_from: Path) -> None:
    """Write the bill of an artefact beside it.

    Args:
        artefact: What was made.
        made_from: What it was made from, if it does not say so itself.
    """
    known = Known(made_from=tuple(map(content_hash, made_from))) if made_from else None
    write_bill(read_artefact(artefact), (), known)


def leave_bills(folder: Path) -> None:
    """Write the bills of all artefacts in a folder: of films, of their episodes, of verdicts."""
    for path in artefacts_in(folder):
        leave_bill(path)
