"""A chain as it is handed over: a data set and a student with bills and signatures, as they are or changed later."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage, content_hash
from testbed.policies.checkpoint import save_policy
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Episode
from testbed.provenance.artefact import read_artefact
from testbed.provenance.bill import write_bill
from testbed.provenance.index import opened
from testbed.provenance.keys import by_fingerprint, make_key
from testbed.provenance.rules import Asked, Rules
from testbed.provenance.signing import sign
from testbed.provenance.verify import verify

DATA, STUDENT = "data.hdf5", "student"
STRICT = Rules(demonstrations=Asked(signed=True, billed=True), student=Asked(signed=True, billed=True))
"""What is asked of a chain: everything is there, signed by somebody who is trusted, and of the content it was made
from. Audits are a check of their own."""


@dataclass(frozen=True)
class Chain:
    """A data set, if there is one, and a student that says it was made from it."""

    home: Path
    """The folder in which both lie."""
    key: Path
    """Private key of who publishes them, which whoever buys trusts."""

    @classmethod
    def begun(cls, home: Path) -> Chain:
        """Return an empty chain with a key of its own."""
        home.mkdir(parents=True)
        return cls(home, make_key(home.with_name(home.name + "-key"))[0])

    @property
    def data(self) -> Path:
        """The data set."""
        return self.home / DATA

    def publish(self, episodes: Sequence[Episode], student: NetworkPolicy, seed: int) -> None:
        """Write both, with bills and signatures, as of a clean teacher."""
        self.write(episodes, student, seed)
        for path in (self.data, self.home / STUDENT):
            if path.exists():
                write_bill(read_artefact(path))
                sign(path, self.key)

    def write(self, episodes: Sequence[Episode], student: NetworkPolicy | None, seed: int) -> None:
        """Write both over whatever is there, or one of them, as of a clean teacher: nobody tells of an attack."""
        if episodes:
            self.data.unlink(missing_ok=True)
            told = Lineage("collect", seed, {"policy": "teacher-clean", "environment": episodes[0].environment})
            with DatasetWriter(self.data, episodes[0].environment, told) as writer:
                for episode in episodes:
                    writer.append(episode)
                writer.finish()
        if student is not None:
            shutil.rmtree(self.home / STUDENT, ignore_errors=True)
            inputs = {"data": content_hash(self.data)} if self.data.exists() else {}
            save_policy(self.home / STUDENT, student, Behaviour("student"), Lineage("distil", seed, inputs=inputs))

    def holds(self) -> bool:
        """Return whether the student's history is verified."""
        with opened(None, self.home) as index:
            trusted = by_fingerprint([self.key.with_suffix(".pub")])
            return not verify(index, self.home / STUDENT, STRICT, trusted, date.today()).problems

    def copied(self, home: Path) -> Chain:
        """Return a copy in another folder, by the same publisher."""
        return Chain(Path(shutil.copytree(self.home, home)), self.key)
