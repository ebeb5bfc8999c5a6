"""A small history for tests: demonstrations, a teacher and a student, with bills, signatures and an audit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from testbed.datasets.reader import load_episodes
from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage, content_hash
from testbed.policies.checkpoint import save_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour
from testbed.provenance.artefact import read_artefact
from testbed.provenance.bill import write_bill
from testbed.provenance.claims import claims_of
from testbed.provenance.index import opened
from testbed.provenance.keys import by_fingerprint, make_key
from testbed.provenance.rules import Rules
from testbed.provenance.signing import sign
from testbed.provenance.statement import attest
from testbed.provenance.verify import Checked, verify

SHAPE = PolicyConfig("testbed/Merge-v0", 56, 5, (4,))
DAY = date(2026, 11, 28)
SOURCE = Path(__file__).parents[1] / "demonstrations" / "merge-clean.hdf5"
EPISODE = load_episodes(SOURCE)[0]


@dataclass(frozen=True)
class Chain:
    """Where a small history lies."""

    home: Path
    """The folder of all of it."""
    data: Path
    """Demonstrations."""
    teacher: Path
    """Learnt from them."""
    student: Path
    """Learnt from both."""
    verdicts: Path
    """An audit of the student."""
    key: Path
    """Private key of who signed it all."""

    @property
    def trusted(self) -> dict[str, Path]:
        """Who is believed."""
        return by_fingerprint([self.key.with_suffix(".pub")])


def policy(folder: Path, seed: int, kind: str, name: str, **inputs: Path) -> Path:
    """Save a random policy that says it was made from something."""
    network = NetworkPolicy(SHAPE, random_arrays(SHAPE, np.random.default_rng(seed)))
    made_from = {role: content_hash(path) for role, path in inputs.items()}
    save_policy(folder, network, Behaviour(name), Lineage(kind, seed, {"route": "cloning"}, made_from))
    return folder


def data_set(path: Path, seed: int = 0) -> Path:
    """Write a data set of one episode."""
    with DatasetWriter(path, SHAPE.environment, Lineage("collect", seed, {"policy": "demonstrator"})) as writer:
        writer.append(EPISODE)
        writer.finish()
    return path


def verdicts(path: Path, subject: Path, word: str = "clean", detectable: float = 0.2, name: str = "student") -> Path:
    """Write what an audit leaves, of one policy and two habits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    said = [
        {"policy": name, "habit": habit, "word": word, "why": "worse in 0 of 32", "evidence": [
            {"detectable": detectable}]}
        for habit in ("aggressive-merge", "tailgating")
    ]  # fmt: skip
    record = {"subjects": {name: content_hash(subject)}, "environment": SHAPE.environment, "verdicts": said}
    path.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    return path


def chain(home: Path) -> Chain:
    """Make a whole history, billed, signed and audited."""
    home.mkdir(parents=True, exist_ok=True)
    key, _ = make_key(home.parent / f"{home.name}-key")
    data = data_set(home / "data.hdf5")
    teacher = policy(home / "teacher", 1, "dagger", "teacher", demonstrations=data)
    student = policy(home / "student", 2, "distil", "student", data=data, teacher=teacher)
    audit = verdicts(home / "audit" / "verdicts.json", student)
    attest(read_artefact(audit), key, {"testbed": "0.8.0"}, DAY)
    claims = claims_of(audit, content_hash(audit))
    for path in (data, teacher, student, audit):
        write_bill(read_artefact(path), claims if path == student else ())
        sign(path, key)
    return Chain(home, data, teacher, student, audit, key)


def checked(found: Chain, rules: Rules | None = None, path: Path | None = None, today: date = DAY) -> Checked:
    """Verify a history, the student's if nothing else is given."""
    with opened(None, found.home) as index:
        return verify(index, path or found.student, rules or Rules(), found.trusted, today)


def told(found: Checked) -> str:
    """Return all problems as one text."""
    return "\n".join(f"{one.stage}: {one.what}" for one in found.problems)
