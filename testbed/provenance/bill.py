"""Bills of materials in CycloneDX 1.7: what an artefact is, what it was made from and with, and what audits say of it.

The same artefact gives the same bytes: there is no time stamp, and no name of a file. Everything but claims and what a
person knows is found again from the artefact, so a bill that differs from what is found there is not its own.
Specification: https://cyclonedx.org/docs/1.7/json/ (ECMA-424).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from testbed.errors import UserError, missing_package
from testbed.files import Kind, write_text
from testbed.legible import brief
from testbed.provenance.artefact import DATA, FOREIGN, NETWORK, POLICY, UNKNOWN, Artefact
from testbed.provenance.claims import Claim, Known
from testbed.records import NotThere, read_bytes

SUFFIX = ".cdx.json"
MOST = 16 << 20
"""No bill is larger [bytes]."""
TYPES = {POLICY: "machine-learning-model", FOREIGN: "machine-learning-model", NETWORK: "machine-learning-model",
         DATA: "data"}  # fmt: skip
"""What an artefact is -> CycloneDX's type of a component; `file` for everything else."""
BILL = Kind("a bill of materials", lambda path: path.is_file() and b'"CycloneDX"' in path.read_bytes()[:256])
"""What a new bill replaces."""
MEND = "write it with `testbed lineage bill`"


def bill_file(artefact: Path) -> Path:
    """Return where the bill of an artefact is: beside it."""
    return artefact.with_name(artefact.name + SUFFIX)


def bill_text(artefact: Artefact, claims: Iterable[Claim] = (), known: Known | None = None) -> str:
    """Return the bill of an artefact.

    Args:
        artefact: The artefact.
        claims: What audits say of it, or of what it was made from.
        known: What a person knows of it, where it says nothing itself.
    """
    claims = sorted(set(claims), key=lambda one: (one.target, one.habit, one.evidence))
    bill: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, f'sha256:{artefact.digest}')}",
        "version": 1,
        "metadata": {"component": _component(artefact, known)},
    }
    lineage = artefact.lineage
    if lineage is not None:
        sources = [{"name": "testbed:sources", "value": lineage.code.sources}] if lineage.code.sources else []
        tool = {"type": "application", "name": "testbed", "version": lineage.code.testbed}
        bill["metadata"]["tools"] = {"components": [{**tool, **({"properties": sources} if sources else {})}]}
    parents, packages = _parents(artefact, known), _packages(artefact)
    bill["components"] = [*parents, *packages]
    on = [one["bom-ref"] for one in bill["components"]]
    bill["dependencies"] = [{"ref": ref(artefact.digest), "dependsOn": on}] if on else []
    if claims:
        bill["declarations"] = _declared(claims)
    return json.dumps(bill, indent=1, ensure_ascii=True) + "\n"


def ref(digest: str) -> str:
    """Return how a bill refers to an artefact."""
    return f"sha256:{digest}"


def _component(artefact: Artefact, known: Known | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": TYPES.get(artefact.what, "file"), "bom-ref": ref(artefact.digest), "name": artefact.name,
    }  # fmt: skip
    if known and known.version:
        found["version"] = known.version
    if known and known.supplier:
        found["supplier"] = {"name": known.supplier}
    if len(artefact.files) == 1:
        found["hashes"] = _hashes(artefact.digest)
    else:
        found["components"] = [
            {"type": "file", "name": name, "hashes": _hashes(digest)} for name, digest in artefact.files
        ]
    if known and known.licence:
        found["licenses"] = [{"expression": known.licence}]
    parents = _parents(artefact, known)
    if parents:
        found["pedigree"] = {"ancestors": [{k: v for k, v in one.items() if k != "bom-ref"} for one in parents]}
    if found["type"] == "machine-learning-model":
        found["modelCard"] = _card(artefact)
    found["properties"] = [{"name": f"testbed:{name}", "value": value} for name, value in _told(artefact, known)]
    return found


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _parents(artefact: Artefact, known: Known | None) -> list[dict[str, Any]]:
    """Return what an artefact was made from, or is about, as components, each content once."""
    inputs = dict(artefact.inputs) | {f"input {n}": one for n, one in enumerate(known.made_from if known else ())}
    roles: dict[str, list[str]] = {}
    for role, digest in sorted(inputs.items()):
        roles.setdefault(digest, []).append(role)
    return [
        {
            "type": "data" if "data" in some or "demonstrations" in some else "machine-learning-model",
            "bom-ref": ref(digest), "name": ", ".join(some), "hashes": _hashes(digest),
        }
        for digest, some in sorted(roles.items(), key=lambda one: one[1])
    ]  # fmt: skip


def _packages(artefact: Artefact) -> list[dict[str, Any]]:
    versions = artefact.lineage.versions if artefact.lineage else {}
    return [
        {"type": "library", "bom-ref": f"pkg:pypi/{name}@{version}", "name": name, "version": version,
         "purl": f"pkg:pypi/{name}@{version}"}
        for name, version in sorted(versions.items())
    ]  # fmt: skip


def _card(artefact: Artefact) -> dict[str, Any]:
    """Return what CycloneDX asks of a model: how it learned, of what build it is, and from which data."""
    parameters: dict[str, Any] = {}
    if artefact.lineage is not None:
        route = artefact.lineage.settings.get("route", artefact.lineage.kind)
        practised = route in ("adversarial", "reward", "fine-tuning")
        parameters["approach"] = {"type": "reinforcement-learning" if practised else "supervised"}
    parameters["task"] = "control"
    if "network.hidden" in artefact.facts:
        parameters["architectureFamily"] = "multilayer perceptron"
        parameters["modelArchitecture"] = " x ".join(map(str, json.loads(artefact.facts["network.hidden"])))
    data = [digest for role, digest in sorted(artefact.inputs.items()) if role in ("data", "demonstrations")]
    if data:
        parameters["datasets"] = [{"ref": ref(digest)} for digest in data]
    return {"modelParameters": parameters}


def _told(artefact: Artefact, known: Known | None) -> Iterable[tuple[str, str]]:
    """Yield every other thing that is told, by name."""
    yield "artefact", artefact.what
    yield "stage", artefact.stage
    yield "content", artefact.digest
    if artefact.lineage is None:
        yield "lineage", UNKNOWN
    else:
        yield "made-by", artefact.lineage.kind
        yield "seed", str(artefact.lineage.seed)
        yield from _flat("setting", artefact.lineage.settings)
    yield from sorted(artefact.facts.items())
    if known is not None or artefact.what == FOREIGN:
        for name, value in (known or Known()).elements.items():
            yield f"known.{name}", value or UNKNOWN


def _flat(name: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in sorted(value.items()):
            yield from _flat(f"{name}.{key}", inner)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _declared(claims: Iterable[Claim]) -> dict[str, Any]:
    """Return claims as CycloneDX declares them: each of a target, with its evidence, made by this testbed."""
    claims = list(claims)
    named = {one: f"claim-{number}" for number, one in enumerate(claims)}
    audits = sorted({one.evidence for one in claims})
    return {
        "assessors": [{"bom-ref": "testbed", "thirdParty": False}],
        "attestations": [{
            "summary": "behavioural audits", "assessor": "testbed",
            "map": [{"requirement": "audit", "claims": list(named.values())}],
        }],
        "claims": [
            {
                "bom-ref": name, "target": f"target-{one.target}", "predicate": f"{one.word}: {one.habit}",
                "reasoning": f"{one.why}; smallest share that would have been found: {one.detectable}",
                "evidence": [ref(one.evidence)],
            }
            for one, name in named.items()
        ],
        "evidence": [{"bom-ref": ref(audit), "description": f"verdicts.json of SHA-256 {audit}"} for audit in audits],
        "targets": {"components": [
            {"type": "machine-learning-model", "bom-ref": f"target-{one}", "name": "audited", "hashes": _hashes(one)}
            for one in sorted({one.target for one in claims})
        ]},
    }  # fmt: skip


def write_bill(artefact: Artefact, claims: Iterable[Claim] = (), known: Known | None = None) -> Path:
    """Write the bill of an artefact beside it and return where; raises `UserError` if something else is there."""
    path = bill_file(artefact.path)
    write_text(path, bill_text(artefact, claims, known), BILL)
    return path


def read_bill(path: Path) -> tuple[str, tuple[Claim, ...], Known | None]:
    """Return what a bill says: its text, the claims in it, and what a person knew.

    Raises:
        NotThere: if it is missing.
        UserError: if it is no bill, or damaged.
    """
    try:
        text = read_bytes(path, MEND, MOST).decode()
        bill = json.loads(text)
        if bill["bomFormat"] != "CycloneDX":
            raise ValueError("it is of another format")
        return text, tuple(_claims(bill.get("declarations", {}))), _known(bill["metadata"]["component"], bill)
    except NotThere:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        reason = brief(" ".join(str(error).split()) or type(error).__name__)
        raise UserError(f"bill {path} is damaged ({reason}): {MEND}") from None


def _claims(declared: Mapping[str, Any]) -> Iterable[Claim]:
    for one in declared.get("claims", []):
        word, habit = one["predicate"].split(": ", 1)
        why, share = one["reasoning"].rsplit("; smallest share that would have been found: ", 1)
        target, evidence = one["target"].removeprefix("target-"), one["evidence"][0].removeprefix("sha256:")
        yield Claim(target, habit, word, float(share), why, evidence)


def _known(component: Mapping[str, Any], bill: Mapping[str, Any]) -> Known | None:
    prefix = "testbed:known."
    told = {
        one["name"].removeprefix(prefix): "" if one["value"] == UNKNOWN else one["value"]
        for one in component.get("properties", []) if one["name"].startswith(prefix)
    }  # fmt: skip
    if not told:
        return None
    made = [one["hashes"][0]["content"] for one in bill.get("components", []) if one["name"].startswith("input ")]
    return Known(**told, made_from=tuple(made))


def claims_in(artefact: Artefact) -> tuple[Claim, ...]:
    """Return the claims in the bill of an artefact, once it is seen to be its own and to hold to the schema.

    Raises:
        NotThere: if it has none.
        UserError: as `read_bill` and `require_valid`, and if what is found of the artefact gives another.
    """
    path = bill_file(artefact.path)
    text, claims, known = read_bill(path)
    wanted = bill_text(artefact, claims, known)
    if text != wanted:
        place = _first(json.loads(text), json.loads(wanted), "$")
        how = f"is not that of {artefact.path}: it differs at {place}" if place else "is written otherwise than read"
        raise UserError(f"bill {path} {how}")
    require_valid(text, path)
    return claims


def _first(one: Any, other: Any, place: str) -> str:
    """Return the first place at which two documents differ, or nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in (*one, *(key for key in other if key not in one)):
            if key not in one or key not in other:
                return f"{place}.{brief(key)}"
            if found := _first(one[key], other[key], f"{place}.{key}"):
                return found
        return ""
    if isinstance(one, list) and isinstance(other, list):
        for n, (left, right) in enumerate(zip(one, other, strict=False)):
            if found := _first(left, right, f"{place}[{n}]"):
                return found
        return "" if len(one) == len(other) else f"{place}[{min(len(one), len(other))}]"
    return "" if one == other and type(one) is type(other) else place


def require_valid(text: str, path: Path) -> None:
    """Raise `UserError` unless a bill holds to the schema of CycloneDX 1.7."""
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        raise missing_package("cyclonedx-python-lib", "lineage", "checking bills needs") from None
    found = JsonStrictValidator(SchemaVersion.V1_7).validate_str(text)
    if found:
        raise UserError(f"bill {path} does not hold to CycloneDX 1.7 ({brief(str(found.data))}): {MEND}")
