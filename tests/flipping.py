"""Flips random bytes of a history and says which flips were not found, or not named for what they are."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from lineages import Chain, checked, told

from testbed.provenance.bill import bill_file
from testbed.provenance.signing import signature_file
from testbed.provenance.statement import statement_file


def flipped(whole: Chain, folder: Path, flips: int, seed: int) -> list[str]:
    """Flip bytes one by one and return those flips that verification does not lay to the file or its artefact.

    Args:
        whole: A history that holds.
        folder: Where its copy is spoilt.
        flips: How many bytes.
        seed: Which.
    """
    home = folder / "flipped"
    shutil.copytree(whole.home, home)
    moved = {name: home / getattr(whole, name).relative_to(whole.home)
             for name in ("data", "teacher", "student", "verdicts")}  # fmt: skip
    found = replace(whole, home=home, **moved)
    rng, missed = np.random.default_rng(seed), []
    for _ in range(flips):
        artefact = [found.data, found.teacher, found.student, found.verdicts][rng.integers(4)]
        file = _files(artefact)[rng.integers(len(_files(artefact)))]
        data = bytearray(file.read_bytes())
        place, bit = int(rng.integers(len(data))), int(rng.integers(1, 256))
        data[place] ^= bit
        before = file.read_bytes()
        file.write_bytes(data)
        words = told(checked(found, path=artefact))
        file.write_bytes(before)
        if not any(str(one) in words for one in (file, artefact)):
            missed.append(f"{file.name}, byte {place} ^ {bit}: {words}")
    return missed


def _files(artefact: Path) -> list[Path]:
    """Return the files of an artefact: its own, its bill, both signatures, and an audit's statement."""
    own = sorted(artefact.iterdir()) if artefact.is_dir() else [artefact]
    beside = [bill_file(artefact), signature_file(artefact), signature_file(bill_file(artefact))]
    return own + beside + [one for one in [statement_file(artefact)] if one.is_file()]
