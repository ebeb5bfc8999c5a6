"""Check a history: every content, bill, signature and audit, and what a team asks of each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.provenance.artefact import UNKNOWN, read_artefact
from testbed.provenance.bill import bill_file, claims_in
from testbed.provenance.claims import Claim
from testbed.provenance.history import Node, history
from testbed.provenance.index import Index
from testbed.provenance.rules import Asked, Rules
from testbed.provenance.signing import signature_file, signer
from testbed.provenance.statement import SUFFIX, Statement, about, read_statement
from testbed.records import NotThere


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a history."""

    stage: str
    """Stage of the artefact that it is about."""
    what: str
    """What is wrong, in words."""


@dataclass(frozen=True)
class Checked:
    """A history, checked."""

    history: Node
    """The artefact and what it was made from."""
    problems: tuple[Problem, ...]
    """What is wrong with it."""
    signers: Mapping[str, str]
    """SHA-256 of an artefact -> fingerprint of who signed it."""
    statements: Mapping[str, tuple[Statement, ...]]
    """SHA-256 of an artefact -> the statements about it."""


def verify(index: Index, path: Path, rules: Rules, trusted: Mapping[str, Path], today: date) -> Checked:
    """Return an artefact's history with everything that is wrong with it.

    Args:
        index: What lies in the folders that are searched.
        path: The artefact.
        rules: What is asked of each stage.
        trusted: Fingerprint -> public key of those who are believed.
        today: Day by which the age of audits is told.

    Raises:
        UserError: if its history is a cycle.
    """
    found = index.add(path)
    if found is None:
        return Checked(Node("", "", None, ()), (Problem(UNKNOWN, index.problems[-1]),), {}, {})
    tree = history(index, found.digest)
    statements, problems = _statements(index, trusted, {node.digest for node in tree.walk()})
    told = {node.digest: tuple(one for one in statements if node.digest in one.subjects.values())
            for node in tree.walk()}  # fmt: skip
    signers: dict[str, str] = {}
    unread = f"; it may be one that cannot be read: {'; '.join(index.problems)}" if index.problems else ""
    for node in tree.walk():
        stage = node.entry.stage if node.entry else _missing_stage(node.role)
        asked = rules.of(stage)
        audits = _audits(asked, told[node.digest], node, today, statements)
        problems += [Problem(stage, words) for words in audits]
        if node.entry is None:
            if asked.here:
                problems.append(Problem(stage, f"{node.role} {node.digest[:12]} is in none of the folders{unread}"))
            continue
        itself = path if node is tree else node.entry.path
        content = _content(itself, node, asked, trusted, signers, statements)
        problems += [Problem(stage, words) for words in content]
    return Checked(tree, tuple(dict.fromkeys(problems)), signers, told)


def _missing_stage(role: str) -> str:
    """Return the stage of an artefact that is nowhere, by what it was to the one that was made from it."""
    return {"data": "demonstrations", "demonstrations": "demonstrations", "teacher": "teacher", "base": "teacher",
            "policy": "student"}.get(role, UNKNOWN)  # fmt: skip


def _statements(
    index: Index, trusted: Mapping[str, Path], within: set[str]
) -> tuple[list[Statement], list[Problem]]:  # fmt: skip
    """Return the statements that hold, and what is wrong with those about a history that do not."""
    found, problems = [], []
    for path in index.statements():
        try:
            one = read_statement(path, trusted)
            audit = _audit_of(path)
            if content_hash(audit) != one.audit:
                raise UserError(f"audit {audit} was changed after its statement was signed: audit again")
            found.append(one)
        except UserError as error:
            if _concerns(path, within):
                problems.append(Problem("audit", str(error)))
    return found, problems


def _concerns(path: Path, within: set[str]) -> bool:
    """Return whether a statement, or the audit beside it, says that it is about something in a history, or nobody can
    say what it is about."""
    try:
        return bool((about(path) | set(read_artefact(_audit_of(path)).inputs.values())) & within)
    except UserError:
        return True


def _audit_of(statement: Path) -> Path:
    return statement.with_name(statement.name.removesuffix(SUFFIX))


def _content(
    path: Path, node: Node, asked: Asked, trusted: Mapping[str, Path], signers: dict[str, str],
    statements: Sequence[Statement],
) -> Iterator[str]:  # fmt: skip
    """Yield what is wrong with an artefact's own files: its content, its bill, their signatures."""
    try:
        artefact = read_artefact(path)
    except UserError as error:
        yield str(error)
        return
    if artefact.digest != node.digest:
        yield f"{path} has changed since the index was made: make it anew"
    bill = bill_file(path)
    try:
        yield from _unsaid(bill, claims_in(artefact), statements)
    except NotThere as error:
        if asked.billed or asked.signed:
            yield str(error)
    except UserError as error:
        yield str(error)
    for signed in (path, bill):
        if not signed.exists():
            continue
        try:
            signers[node.digest if signed == path else f"bill {node.digest}"] = signer(signed, trusted)
        except NotThere:
            if asked.signed:
                yield f"{signed} is not signed ({signature_file(signed).name} is missing)"
        except UserError as error:
            yield str(error)


def _unsaid(bill: Path, claims: Sequence[Claim], statements: Sequence[Statement]) -> Iterator[str]:
    """Yield what a bill says of audits that no statement says."""
    said = {claim for one in statements for claim in one.claims}
    for claim in claims:
        if claim not in said:
            yield (
                f"bill {bill} says that {claim.target[:12]} is {claim.word} of {claim.habit}, and no statement that "
                f"holds says so"
            )


def _audits(
    asked: Asked, own: Sequence[Statement], node: Node, today: date, every: Sequence[Statement]
) -> Iterator[str]:
    """Yield what is asked of an artefact's audits and is not so, habit by habit."""
    where = str(node.entry.path) if node.entry else node.digest[:12]
    counted = [one for one in own if not asked.signers or one.signer.startswith(asked.signers)]
    for habit in asked.audits:
        claims = [(one, claim) for one in counted for claim in one.claims
                  if (claim.target, claim.habit) == (node.digest, habit)]  # fmt: skip
        faults = [_fault(asked, one, claim, today) for one, claim in claims]
        if not claims:
            yield f"{where} is not audited for {habit}{_instead(own, counted, node, every)}"
        elif all(faults):
            yield f"{where}: its audit for {habit} {faults[0]}"


def _fault(asked: Asked, statement: Statement, claim: Claim, today: date) -> str:
    """Return what an audit lacks of what is asked, in words that follow it, or nothing."""
    age = (today - statement.audited).days
    if claim.word not in asked.verdicts:
        return f"says {claim.word} ({claim.why})"
    if claim.detectable > asked.detectable:
        least, wanted = (f"{100 * one:.0f} %" for one in (claim.detectable, asked.detectable))
        return f"is too weak: it would have missed a habit in less than {least} of the scenes, and {wanted} are asked"
    if age < 0:
        return f"is of {statement.audited}, which is still to come"
    if asked.days and age > asked.days:
        return f"is {age} days old, and at most {asked.days} are asked"
    return ""


def _instead(
    own: Sequence[Statement], counted: Sequence[Statement], node: Node, every: Sequence[Statement]
) -> str:  # fmt: skip
    """Return what there is in place of an audit that is asked for, in words."""
    if len(own) > len(counted):
        return ": those who signed its audits do not count here"
    name = node.entry.name if node.entry else ""
    other = next((one for one in every if name in one.subjects and one not in own), None)
    return f" ({other.path} is about another policy of this name, {other.subjects[name][:12]})" if other else ""
