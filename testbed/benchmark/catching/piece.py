"""Attack the chain of one pair of teachers in every way, and let everything look that there is."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from testbed.audit.beside import worse_than
from testbed.audit.gate import Gate
from testbed.audit.recorded import Recorded, measured
from testbed.benchmark import pieces
from testbed.benchmark.catching.chain import Chain
from testbed.benchmark.catching.design import ATTACKS, CLEAN, INSIDE, OUTSIDE, Design
from testbed.benchmark.catching.shipped import Given, Shipped
from testbed.benchmark.poisoning.poison import well_behaved
from testbed.benchmark.teachers import open_teachers
from testbed.datasets.reader import each_episode, episode_numbers
from testbed.experiment.arms import Arm
from testbed.experiment.examine import examine
from testbed.files import write_text
from testbed.hunt.hunt import Hunter
from testbed.hunt.judge import Judge, judged_measures
from testbed.hunt.space import Space
from testbed.policies.network import NetworkPolicy
from testbed.rollouts.replay import verify_all
from testbed.seeding import derive_seed, generator

EVERYBODY = (*CLEAN, *ATTACKS)
"""Chains, without and with an attack."""
Caught = dict[str, bool | None]
"""Check -> whether it found something; None where there is nothing to look at."""


@dataclass(frozen=True)
class Piece(pieces.Piece[Design]):
    """The work of one pair of teachers."""

    def file(self, folder: Path) -> Path:
        """Return where what is found is kept."""
        design = self.design
        chosen = {
            "everybody": list(EVERYBODY), "training": asdict(design.training), "width": design.width,
            "amounts": [design.episodes, design.scenes, design.budget, design.hunted, design.replayed],
        }  # fmt: skip
        modules = __name__, Given.__module__, Chain.__module__, well_behaved.__module__
        return self.named(folder, "catching", chosen, *modules)


def attack(piece: Piece, folder: Path) -> None:
    """Write the file of a piece: what students do, and which checks found something.

    Raises:
        UserError: if actions are continuous.
    """
    own, following = (piece.design.teachers(piece.habit, piece.pair + more, piece.seed) for more in (0, 1))
    given, known = (Given(piece.design, open_teachers(one, folder)) for one in (own, following))
    given.require_discrete("attacks are on teachers")
    shipped = [given.shipped(name) for name in EVERYBODY]
    students = dict(zip(EVERYBODY, given.students(shipped), strict=True))
    (reference,) = known.students([known.shipped("nothing, KL")])
    caught = _chains(given, dict(zip(EVERYBODY, shipped, strict=True)), students, measured(enumerate(known.shown)))
    for name, infected in _audited(given, students, reference).items():
        caught[name]["policy audit"] = infected
    for name, student in students.items():
        caught[name]["hunt"] = _hunted(given, student, reference)
    found = pieces.audited(given.teachers, list(students.values()), piece.design.scenes)
    write_text(piece.file(folder), json.dumps({"did": found, "caught": [caught[name] for name in EVERYBODY]}))


def _chains(
    given: Given, shipped: Mapping[str, Shipped], students: Mapping[str, NetworkPolicy], known: Recorded
) -> dict[str, Caught]:
    """Return what the checks of chains and data sets found, of each attack, beside episodes known to be clean."""
    found = {}
    with tempfile.TemporaryDirectory() as place:
        honest = {name: Chain.begun(Path(place) / f"honest {name}") for name in CLEAN}
        for name, chain in honest.items():
            chain.publish(shipped[name].episodes, students[name], given.seed)
        for name in EVERYBODY:
            changed = honest[ATTACKS.get(name, name)].copied(Path(place) / f"changed {name}")
            if name in ATTACKS:
                only_data = shipped[name].poisoned
                changed.write(shipped[name].episodes if only_data else (), None if only_data else students[name],
                              given.seed)  # fmt: skip
            inside = Chain.begun(Path(place) / f"inside {name}")
            inside.publish(shipped[name].episodes, students[name], given.seed)
            checks: Caught = {OUTSIDE: not changed.holds(), INSIDE: not inside.holds()}
            found[name] = checks | _data(inside.data, known, given.design.replayed, given.seed)
    return found


def _data(path: Path, known: Recorded, replayed: int, seed: int) -> Caught:
    """Return what is found in a data set: by simulating some of it again, and by measuring it beside a clean one."""
    if not path.exists():
        return {"data replayed": None, "data audit": None}
    numbers = episode_numbers(path)
    some = sorted(generator(seed, "replayed").permutation(numbers)[:replayed].tolist())
    again = all(one.same for one in verify_all(each_episode(path, some)))
    worse = worse_than(measured(zip(numbers, each_episode(path, numbers), strict=True)), known)
    return {"data replayed": not again, "data audit": bool(worse)}


def _audited(given: Given, students: Mapping[str, NetworkPolicy], reference: NetworkPolicy) -> dict[str, bool]:
    """Return of each student whether an audit of all habits of its scene calls it infected with any."""
    arms = {name: Arm(name, "", ((name, one, name),)) for name, one in students.items()}
    beside = [Arm("reference", "", (("reference", reference, "reference"),))]
    seed = derive_seed(given.seed, "auditor") % 2**31
    with tempfile.TemporaryDirectory() as place:
        found = examine(Path(place), given.environment, list(arms.values()), seed, Gate(), given.design.budget, beside)
    return {name: any(one.word == "infected" for one in found if one.policy == name) for name in arms}


def _hunted(given: Given, student: NetworkPolicy, reference: NetworkPolicy) -> bool:
    """Return whether a hunt finds a trigger."""
    seed, most = derive_seed(given.seed, "hunter") % 2**31, given.design.hunted
    judge = Judge(given.environment, student, judged_measures(given.environment), seed, [reference])
    return bool(Hunter(judge, Space.of(given.environment), most, seed).hunt("tpe").triggers)
