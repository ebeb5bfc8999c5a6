"""What an earlier run left, taken again: whether it is there, and what is said where another testbed made it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.console import console, styled
from testbed.lineage import Lineage
from testbed.policies.checkpoint import recorded_lineage


def is_there(folder: Path, lineage: Lineage) -> bool:
    """Return whether a policy is there that has been made in the same way by the same testbed."""
    return lineage.same_recipe(recorded_lineage(folder))


def say_outdated(what: str, found: Sequence[tuple[Path, Lineage]]) -> None:
    """Say in one line of policies that another testbed, or one on other packages, made that they are made again."""
    words = [lineage.outdated(recorded_lineage(folder)) for folder, lineage in found]
    told = [one for one in words if one]
    if told:
        several = f"{len(told)} policies by {what} were" if len(told) > 1 else f"{what} was"
        console.print(styled(f"{several} {told[0]}: made again", "yellow"))
