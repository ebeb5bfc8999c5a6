"""Signatures over artefacts and their bills, in the format of OpenSSF model signing; no network is asked.

Whoever has the package model-signing can check them without the testbed: `model_signing verify key`. Policies are
signed file by file; what else lies in their folders is not looked at.
Specification: https://github.com/sigstore/model-transparency.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from testbed.errors import UserError, missing_package
from testbed.files import Kind, replacing
from testbed.legible import brief
from testbed.lineage import POLICY_FILES
from testbed.provenance.artefact import is_policy
from testbed.provenance.bill import bill_file
from testbed.provenance.keys import load_private
from testbed.records import read_bytes

SUFFIX = ".sig"
SIGNATURE = Kind("a signature", lambda path: path.is_file() and b"sigstore.bundle" in path.read_bytes())
"""What a new signature replaces."""
MOST = 1 << 20
MEND = "sign it with `testbed lineage sign`"


def signature_file(path: Path) -> Path:
    """Return where the signature of an artefact or a bill is: beside it."""
    return path.with_name(path.name + SUFFIX)


def signed_paths(artefact: Path) -> tuple[Path, ...]:
    """Return what is signed of an artefact: itself, and its bill if it has one."""
    bill = bill_file(artefact)
    return (artefact, bill) if bill.is_file() else (artefact,)


def sign(artefact: Path, private: Path) -> list[Path]:
    """Sign an artefact and its bill and return where the signatures are.

    Raises:
        UserError: if the key cannot be read, or something else is in the way.
    """
    _package()
    from model_signing import signing

    load_private(private)
    written = []
    for path in signed_paths(artefact):
        with replacing(signature_file(path), SIGNATURE) as temporary:
            config = signing.Config().use_elliptic_key_signer(private_key=private)
            config.set_hashing_config(_hashing(path)).sign(path, temporary)
        written.append(signature_file(path))
    return written


def signer(path: Path, trusted: Mapping[str, Path]) -> str:
    """Return the fingerprint of who signed an artefact or a bill.

    Args:
        path: What was signed.
        trusted: Fingerprint -> public key of those who are believed.

    Raises:
        NotThere: if it is not signed.
        UserError: if the signature is damaged, of something else, or of nobody who is trusted; the line says which.
    """
    file = signature_file(path)
    text = read_bytes(file, MEND, MOST).decode(errors="replace")
    _package()
    from model_signing import verifying

    hint = _hint(text, file)
    if hint not in trusted:
        raise UserError(
            f"signature {file} is by a key that nobody trusts ({brief(hint[:12])}): give its .pub with --trust"
        )
    config = verifying.Config().use_elliptic_key_verifier(public_key=trusted[hint])
    config.set_hashing_config(_hashing(path)).set_ignore_unsigned_files(path.is_dir())
    said = StringIO()
    try:
        with redirect_stdout(said):
            config.verify(path, file)
    except Exception as error:  # the package raises what its own packages raise
        reason = " ".join(str(error).split())
        if "mismatch" in reason.lower():
            raise UserError(f"signature {file} is of other content than {path} has: {MEND}") from None
        raise UserError(f"signature {file} does not hold ({brief(reason or type(error).__name__)}): {MEND}") from None
    return hint


def _hint(text: str, file: Path) -> str:
    """Return which key a signature names; a file that reads otherwise than it is written is damaged."""
    from sigstore_models.bundle.v1 import Bundle

    try:
        bundle = Bundle.from_json(text)
        if json.loads(text) != json.loads(bundle.to_json()) or bundle.to_json() != text:
            raise ValueError("it has more in it than a signature has")
        key = bundle.verification_material.public_key
        return key.hint if key and key.hint else "none is named"
    except Exception as error:  # whatever its parser raises
        reason = brief(" ".join(str(error).split()) or type(error).__name__)
        raise UserError(f"signature {file} is damaged ({reason}): {MEND}") from None


def _hashing(path: Path) -> Any:
    from model_signing import hashing

    config = hashing.Config()
    if path.is_dir() and is_policy(path):
        strange = [one.name for one in path.iterdir() if one.name not in POLICY_FILES]
        config.set_ignored_paths(paths=strange, ignore_git_paths=True)
    return config


def _package() -> None:
    try:
        import model_signing  # noqa: F401
    except ImportError:
        raise missing_package("model-signing", "lineage", "signatures need") from None
