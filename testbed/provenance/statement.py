"""What an auditor signs: an in-toto statement that binds an audit to the content of the policies it is about.

The statement is in a DSSE envelope beside the audit. Specifications: https://github.com/in-toto/attestation
(Statement v1), https://github.com/secure-systems-lab/dsse (v1).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from testbed.errors import UserError
from testbed.files import Kind, write_text
from testbed.legible import brief
from testbed.provenance.artefact import AUDIT, Artefact
from testbed.provenance.claims import Claim, claims_of
from testbed.provenance.keys import signature_of, verified
from testbed.records import decoded, read_bytes

SUFFIX = ".intoto.json"
PAYLOAD, STATEMENT = "application/vnd.in-toto+json", "https://in-toto.io/Statement/v1"
PREDICATE = "urn:testbed:behavioural-audit:1"
"""Type of what is said: what an audit found of the behaviour of policies."""
ATTESTED = Kind("a signed statement", lambda path: path.is_file() and b"payloadType" in path.read_bytes())
"""What a new statement replaces."""
MOST = 16 << 20
MEND = "sign the audit again with `testbed lineage attest`"


@dataclass(frozen=True)
class Statement:
    """A statement that was signed, checked."""

    path: Path
    """Where it lies."""
    signer: str
    """Fingerprint of who signed it."""
    subjects: Mapping[str, str]
    """Name -> SHA-256 of the policies it is about."""
    audited: date
    """Day of the audit."""
    audit: str
    """SHA-256 of the audit's `verdicts.json`."""
    claims: tuple[Claim, ...]
    """What it says."""


@dataclass(frozen=True)
class _Signature:
    keyid: str
    sig: str


@dataclass(frozen=True)
class _Envelope:
    payload: str
    payloadType: str
    signatures: tuple[_Signature, ...]


@dataclass(frozen=True)
class _Subject:
    name: str
    digest: Mapping[str, str]


@dataclass(frozen=True)
class _Predicate:
    audit: str
    audited: date
    claims: tuple[Claim, ...]
    code: Mapping[str, str]


@dataclass(frozen=True)
class _Statement:
    _type: str
    predicate: _Predicate
    predicateType: str
    subject: tuple[_Subject, ...]


def statement_file(verdicts: Path) -> Path:
    """Return where the statement of an audit is: beside it."""
    return verdicts.with_name(verdicts.name + SUFFIX)


def attest(audit: Artefact, private: Path, code: Mapping[str, str], audited: date) -> Path:
    """Sign what an audit found and return where the statement is.

    Args:
        audit: The audit.
        private: The auditor's private key.
        code: Which testbed audited.
        audited: Day of the audit.

    Raises:
        UserError: if the audit does not say of which content it speaks, or the key cannot be read.
    """
    if audit.what != AUDIT:
        raise UserError(f"{audit.path} is no audit: give the verdicts.json of `testbed audit`")
    claims = claims_of(audit.path, audit.digest)
    said = {
        "_type": STATEMENT,
        "subject": [
            {"name": role.removeprefix("subject "), "digest": {"sha256": digest}}
            for role, digest in sorted(audit.inputs.items())
        ],
        "predicateType": PREDICATE,
        "predicate": {
            "audit": audit.digest, "audited": audited.isoformat(), "code": dict(code),
            "claims": [asdict(one) for one in claims],
        },
    }  # fmt: skip
    payload = json.dumps(said, sort_keys=True).encode()
    keyid, signature = signature_of(private, _pae(payload))
    path = statement_file(audit.path)
    write_text(path, _text(payload, keyid, signature), ATTESTED)
    return path


def _text(payload: bytes, keyid: str, signature: bytes) -> str:
    envelope = {
        "payload": b64encode(payload).decode(), "payloadType": PAYLOAD,
        "signatures": [{"keyid": keyid, "sig": b64encode(signature).decode()}],
    }  # fmt: skip
    return json.dumps(envelope, indent=1) + "\n"


def _pae(payload: bytes) -> bytes:
    """Return what is signed, DSSE's pre-authentication encoding."""
    return b" ".join((b"DSSEv1", str(len(PAYLOAD)).encode(), PAYLOAD.encode(), str(len(payload)).encode(), payload))


def about(path: Path) -> frozenset[str]:
    """Return SHA-256 of what a statement says it is about, whether its signature holds or not; raises `UserError` if it
    cannot be read."""
    try:
        said = json.loads(b64decode(decoded(read_bytes(path, MEND, MOST), _Envelope).payload, validate=True))
        return frozenset(one["digest"]["sha256"] for one in said["subject"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"statement {path} is damaged ({brief(str(error))}): {MEND}") from None


def read_statement(path: Path, trusted: Mapping[str, Path]) -> Statement:
    """Return a statement whose signature holds.

    Args:
        path: The statement.
        trusted: Fingerprint -> public key of auditors who are believed.

    Raises:
        UserError: if it is damaged, was changed, or is signed by nobody who is trusted; the line says which.
    """
    text = read_bytes(path, MEND, MOST).decode(errors="replace")
    try:
        envelope = decoded(text, _Envelope)
        (one,) = envelope.signatures
        payload, signature = b64decode(envelope.payload, validate=True), b64decode(one.sig, validate=True)
        if _text(payload, one.keyid, signature) != text:
            raise ValueError("it is written otherwise than statements are")
    except ValueError as error:
        raise UserError(f"statement {path} is damaged ({brief(str(error))}): {MEND}") from None
    if one.keyid not in trusted:
        raise UserError(
            f"statement {path} is by a key that nobody trusts ({brief(one.keyid[:12])}): give its .pub with --trust"
        )
    if not verified(trusted[one.keyid], signature, _pae(payload)):
        raise UserError(f"statement {path} was changed after it was signed: {MEND}")
    try:
        said = json.loads(payload)
        if (said["_type"], said["predicateType"]) != (STATEMENT, PREDICATE):
            raise ValueError(f"it is no {PREDICATE}")
        found = decoded(json.dumps(said["predicate"]), _Predicate)
        subjects = decoded(json.dumps(said["subject"]), tuple[_Subject, ...])
        named = {subject.name: subject.digest["sha256"] for subject in subjects}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"statement {path} says something else ({brief(str(error))}): {MEND}") from None
    return Statement(path, one.keyid, named, found.audited, found.audit, found.claims)
