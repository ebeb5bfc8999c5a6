"""Bills, signatures and histories of artefacts from the command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from testbed.console import console, styled
from testbed.errors import UserError
from testbed.files import require_replaceable
from testbed.lineage import content_hash
from testbed.provenance.artefact import AUDIT, artefacts_in, is_policy, read_artefact
from testbed.provenance.bill import BILL, bill_file, bill_text, require_valid, write_bill
from testbed.provenance.claims import Claim, Known, read_known
from testbed.provenance.history import Node, descent, history, parting
from testbed.provenance.index import Index, opened
from testbed.provenance.keys import by_fingerprint, make_key
from testbed.provenance.picture import PICTURE, tree, words, write_picture
from testbed.provenance.rules import Rules, read_rules
from testbed.provenance.signing import sign
from testbed.provenance.statement import attest, read_statement
from testbed.provenance.verify import Checked, verify
from testbed.sources import code_version

BOTH = 2
"""How many artefacts are compared."""
FULL = 64
"""Digits of a SHA-256."""


@dataclass(frozen=True)
class Asking:
    """What was asked for; see `testbed lineage --help`."""

    among: tuple[Path, ...] = ()
    """Folders that are searched."""
    key: Path | None = None
    """Private key."""
    trust: tuple[Path, ...] = ()
    """Public keys."""
    rules: Path | None = None
    """What is asked of each stage."""
    known: Path | None = None
    """What is known of an artefact."""
    index: Path | None = None
    """Where the index is kept."""
    picture: Path | None = None
    """Where the picture goes."""
    up: bool = False
    """Whether a query asks what something was made from."""
    replay: int = 0
    """Episodes of each data set that are simulated again; above 0, students are distilled again too."""
    tolerance: float = 0.0
    """How far states may be apart then."""


def lineage(what: str, paths: Sequence[str], asked: Asking) -> None:
    """Do one thing about lineages; see `testbed lineage --help`."""
    if not paths:
        raise UserError(f"testbed lineage {what} needs something to work on: see testbed lineage --help")
    work = {"bill": _bill, "keygen": _keygen, "sign": _sign, "attest": _attest, "show": _show, "verify": _verify,
            "query": _query, "diff": _diff}  # fmt: skip
    work[what](paths, asked)


def _artefacts(paths: Sequence[str]) -> list[Path]:
    """Return artefacts, and those in folders that are none themselves."""
    found: list[Path] = []
    for path in map(Path, paths):
        inside = list(artefacts_in(path)) if path.is_dir() and not is_policy(path) else [path]
        if not inside:
            raise UserError(f"{path} holds no artefact: give a policy's folder, a data set, a film or an audit")
        found += inside
    return found


def _bill(paths: Sequence[str], asked: Asking) -> None:
    found, known = _artefacts(paths), read_known(asked.known) if asked.known else None
    for path in found:
        require_replaceable(bill_file(path), BILL)
    trusted = by_fingerprint(asked.trust)
    with _searched(found, asked) as index:
        claims = list(_claims(index, trusted))
        for path in found:
            artefact = read_artefact(path)
            foreign = known or Known() if artefact.lineage is None and artefact.what != AUDIT else None
            within = {node.digest for node in history(index, artefact.digest).walk()}
            said = [one for one in claims if one.target in within]
            require_valid(bill_text(artefact, said, foreign), bill_file(path))
            written = write_bill(artefact, said, foreign)
            console.print(f"{written}  {artefact.stage}, {artefact.digest[:12]}")


def _claims(index: Index, trusted: Mapping[str, Path]) -> Iterator[Claim]:
    """Yield what statements say that hold; of the others it is said that they are left out."""
    for path in index.statements():
        try:
            yield from read_statement(path, trusted).claims
        except UserError as error:
            console.print(styled("left out:", "yellow"), str(error))


def _keygen(paths: Sequence[str], asked: Asking) -> None:
    for name in paths:
        private, public = make_key(Path(name))
        (mark,) = by_fingerprint([public])
        console.print(f"{private}  keep it to yourself")
        console.print(f"{public}  give it away; fingerprint {mark}")


def _sign(paths: Sequence[str], asked: Asking) -> None:
    private = _private(asked)
    for path in _artefacts(paths):
        for written in sign(path, private):
            console.print(str(written))


def _attest(paths: Sequence[str], asked: Asking) -> None:
    private = _private(asked)
    audits = [found for path in _artefacts(paths) if (found := read_artefact(path)).what == AUDIT]
    if not audits:
        raise UserError(f"{paths[0]} holds no audit: give the verdicts.json of `testbed audit`, or a folder with one")
    for audit in audits:
        written = attest(audit, private, asdict(code_version(judging=True)), date.today())
        console.print(f"{written}  about {len(audit.inputs)} policies")


def _private(asked: Asking) -> Path:
    if asked.key is None:
        raise UserError("signing needs --key NAME.key: make one with `testbed lineage keygen NAME`")
    return asked.key


def _show(paths: Sequence[str], asked: Asking) -> None:
    if asked.picture:
        require_replaceable(asked.picture, PICTURE)
    with _searched([Path(path) for path in paths], asked) as index:
        for path in map(Path, paths):
            checked = verify(index, path, Rules(), by_fingerprint(asked.trust), date.today())
            told = _told(checked)
            console.print(tree(checked.history, told))
            if asked.picture:
                write_picture(asked.picture, checked.history, told)
                console.print(f"{asked.picture}  the same as a picture")


def _told(checked: Checked) -> dict[str, str]:
    """Return what is said of each artefact of a history: who signed it, and what its audits say."""
    told = {}
    for node in checked.history.walk():
        said = [f"signed by {checked.signers[node.digest][:12]}"] if node.digest in checked.signers else []
        words = {claim.word for one in checked.statements.get(node.digest, ()) for claim in one.claims
                 if claim.target == node.digest}  # fmt: skip
        told[node.digest] = ", ".join([*said, *(f"audited: {word}" for word in sorted(words))])
    return told


def _verify(paths: Sequence[str], asked: Asking) -> None:
    rules, trusted = read_rules(asked.rules) if asked.rules else Rules(), by_fingerprint(asked.trust)
    wrong = 0
    with _searched([Path(path) for path in paths], asked) as index:
        for path in _artefacts(paths):
            checked = verify(index, path, rules, trusted, date.today())
            count = sum(1 for _ in checked.history.walk())
            wrong += len(checked.problems)
            verdict = styled("does not hold", "bold red") if checked.problems else styled("holds", "green")
            console.print(f"{path}  {verdict}: {count} artefacts, {len(checked.signers)} signatures")
            for one in checked.problems:
                console.print(f"  {styled(one.stage, 'bold')}  {one.what}")
            wrong += _derived(checked, index, asked) if asked.replay else 0
    if wrong:
        raise SystemExit(1)


def _derived(checked: Checked, index: Index, asked: Asking) -> int:
    """Derive a history again, print what came of it, and return how much did not come out again."""
    from testbed.provenance.replay import derive

    failed = 0
    said = {True: ("again", "green"), False: ("not again", "bold red"), None: ("not asked", "dim")}
    for one in derive(checked.history, index, asked.replay, 0, asked.tolerance):
        console.print(f"  {styled(*said[one.same])}  {one.digest[:12]}  {one.told}")
        failed += one.same is False
    return failed


def _query(paths: Sequence[str], asked: Asking) -> None:
    if len(paths) != BOTH or ":" not in paths[0]:
        raise UserError("give ROLE:HASH and a folder, for example teacher:5e40eddd runs/merge; any:HASH for any role")
    role, beginning = paths[0].split(":", 1)
    with opened(asked.index, Path(paths[1]), *asked.among) as index:
        digest = content_hash(Path(beginning)) if Path(beginning).exists() else index.digest(beginning)
        found = history(index, digest) if asked.up else descent(index, digest, "" if role == "any" else role)
        below = [node for node in found.walk() if node is not found]
        for node in below:
            console.print(_entry(node))
        console.print(f"{len(below)} {'ancestors' if asked.up else 'descendants'} of {digest[:12]}")
        _say(index)


def _entry(node: Node) -> str:
    head, more = words(node)
    return f"{node.digest[:12]}  {head}  {more}"


def _diff(paths: Sequence[str], asked: Asking) -> None:
    if len(paths) != BOTH:
        raise UserError("give two artefacts to compare")
    one, other = (read_artefact(Path(path)) for path in paths)
    with _searched([Path(path) for path in paths], asked) as index:
        both, parts = parting(*(history(index, side.digest) for side in (one, other)))
        console.print(f"{len(both)} artefacts in both histories")
        for place, here, there in parts:
            console.print(f"{styled(place, 'bold')}  {here[:12] or 'nothing'}  {there[:12] or 'nothing'}")
        if not parts:
            console.print("the same artefact")


def _say(index: Index) -> None:
    for problem in index.problems:
        console.print(styled("left out:", "yellow"), problem)


@contextmanager
def _searched(paths: Sequence[Path], asked: Asking) -> Iterator[Index]:
    """Yield the index of the folders that were given, or of those in which the artefacts lie."""
    folders = asked.among or tuple(dict.fromkeys(path if path.is_dir() and not is_policy(path) else path.parent
                                                 for path in paths))  # fmt: skip
    with opened(asked.index, *folders) as index:
        yield index
