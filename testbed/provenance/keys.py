"""Keys on elliptic curves, as PEM files: a private one to sign with, a public one to give away. No network is asked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from testbed.errors import UserError, missing_package
from testbed.files import require_plain, write_bytes
from testbed.records import read_bytes

PRIVATE, PUBLIC = ".key", ".pub"
"""Suffixes of the two files of a key."""
MEND = "make one with `testbed lineage keygen`"
LARGEST = 1 << 16


def cryptography() -> Any:
    """Return the package cryptography's module of keys; raises `UserError` where it is not installed."""
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise missing_package("model-signing", "lineage", "keys and signatures need") from None
    return serialization


def make_key(name: Path) -> tuple[Path, Path]:
    """Write a new key as `NAME.key`, which only its owner may read, and `NAME.pub`; return both places.

    Raises:
        UserError: if either is there already: a key that has signed something is never replaced.
    """
    serialization = cryptography()
    from cryptography.hazmat.primitives.asymmetric import ec

    private, public = (name.with_name(name.name + suffix) for suffix in (PRIVATE, PUBLIC))
    for path in (private, public):
        require_plain(path)
        if path.exists():
            raise UserError(f"{path} is there already, and keys are not replaced: give another name")
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    mask = os.umask(0o077)
    try:
        write_bytes(private, secret)
    finally:
        os.umask(mask)
    write_bytes(public, _public_bytes(key.public_key()))
    return private, public


def _public_bytes(key: Any) -> bytes:
    serialization = cryptography()
    return bytes(key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))


def fingerprint(public: Path) -> str:
    """Return the SHA-256 of a public key's PEM, by which signatures name it.

    Raises:
        UserError: if the file holds no such key.
    """
    serialization = cryptography()
    try:
        return sha256(_public_bytes(serialization.load_pem_public_key(read_bytes(public, MEND, LARGEST)))).hexdigest()
    except ValueError:
        raise UserError(f"{public} holds no public key: give a {PUBLIC} file, or {MEND}") from None


def load_private(path: Path) -> Any:
    """Return a private key; raises `UserError` if the file holds none."""
    serialization = cryptography()
    try:
        return serialization.load_pem_private_key(read_bytes(path, MEND, LARGEST), None)
    except (ValueError, TypeError):
        raise UserError(f"{path} holds no private key: give a {PRIVATE} file, or {MEND}") from None


def by_fingerprint(keys: Iterable[Path]) -> dict[str, Path]:
    """Return public keys by their fingerprints; raises `UserError` as `fingerprint`."""
    return {fingerprint(key): key for key in keys}


def verified(public: Path, signature: bytes, data: bytes) -> bool:
    """Return whether data was signed by the owner of a public key (ECDSA with SHA-256)."""
    serialization = cryptography()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_public_key(read_bytes(public, MEND, LARGEST))
    with suppress(InvalidSignature):
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        return True
    return False


def signature_of(private: Path, data: bytes) -> tuple[str, bytes]:
    """Return the fingerprint of a private key's public one, and its signature of data (ECDSA with SHA-256)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = load_private(private)
    return sha256(_public_bytes(key.public_key())).hexdigest(), key.sign(data, ec.ECDSA(hashes.SHA256()))
