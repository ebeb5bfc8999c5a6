"""Histories that hold, and every way in which one does not: each is found, and named for what it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flipping import flipped
from lineages import DAY, chain, checked, data_set, policy, told, verdicts

from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.provenance.artefact import read_artefact
from testbed.provenance.bill import bill_file, bill_text, read_bill, require_valid, write_bill
from testbed.provenance.claims import Known, claims_of
from testbed.provenance.index import opened
from testbed.provenance.keys import by_fingerprint, make_key
from testbed.provenance.rules import Asked, Rules, read_rules
from testbed.provenance.signing import sign, signature_file
from testbed.provenance.statement import attest, statement_file
from testbed.provenance.verify import verify

ROOT = Path(__file__).parents[1]
AUDITED = Rules(student=Asked(signed=True, audits=("aggressive-merge", "tailgating"), detectable=0.25, days=90))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return chain(tmp_path_factory.mktemp("whole") / "run")


@pytest.fixture
def found(whole, tmp_path):
    """A copy of a history, to be spoilt."""
    shutil.copytree(whole.home, tmp_path / "run")
    moved = {name: tmp_path / "run" / getattr(whole, name).relative_to(whole.home)
             for name in ("data", "teacher", "student", "verdicts")}  # fmt: skip
    return replace(whole, home=tmp_path / "run", **moved)


def test_a_whole_history_holds(whole):
    result = checked(whole, AUDITED)
    assert not result.problems
    assert sum(1 for _ in result.history.walk()) == 3 and len(result.signers) == 6
    stages = {node.entry.stage for node in result.history.walk()}
    assert stages == {"student", "teacher", "demonstrations"}


def test_what_was_moved_renamed_or_copied_is_found(found):
    found.teacher.rename(found.home / "somewhere")
    (found.home / "deep" / "down").mkdir(parents=True)
    found.data.rename(found.home / "deep" / "down" / "other-name.hdf5")
    shutil.copytree(found.student, found.home / "copy")
    assert not checked(found).problems and not checked(found, path=found.home / "copy").problems


def test_the_package_that_signs_checks_a_signature_without_the_testbed(found):
    """By the line of docs/lineage.md, on a policy and on a data set."""
    (line,) = re.findall(r"`(model_signing verify key [^`]+)`", (ROOT / "docs/lineage.md").read_text())
    for path in (found.student, found.data):
        words = line.replace("mine.pub", str(found.key.with_suffix(".pub"))).replace("NAME", str(path)).split()
        command = [sys.executable, "-m", "model_signing", *words[1:]]
        assert subprocess.run(command, capture_output=True).returncode == 0
    with found.data.open("ab") as file:
        file.write(b"0")
    assert subprocess.run(command, capture_output=True).returncode != 0


def test_a_signature_follows_its_artefact(found):
    """Under another name, with its files: whatever a policy is called, its content is signed."""
    for path in (found.student, bill_file(found.student)):
        path.rename(path.with_name(path.name.replace("student", "renamed")))
        mark = signature_file(path)
        mark.rename(mark.with_name(mark.name.replace("student", "renamed")))
    assert not checked(found, AUDITED, path=found.home / "renamed").problems


def test_a_forged_ancestor(found):
    """A teacher that was trained from elsewhere and given out as the one that the student names."""
    original = content_hash(found.teacher)
    shutil.rmtree(found.teacher)
    policy(found.teacher, 7, "dagger", "teacher", demonstrations=found.data)
    assert f"teacher: teacher {original[:12]} is in none of the folders" in told(checked(found))


def test_a_swapped_data_set(found):
    original = content_hash(found.data)
    found.data.unlink()
    data_set(found.data, seed=9)
    words = told(checked(found))
    assert f"demonstrations: data {original[:12]} is in none of the folders" in words


def test_a_replayed_signature(found):
    shutil.copy(signature_file(found.teacher), signature_file(found.student))
    assert f"signature {signature_file(found.student)} is of other content" in told(checked(found))


def test_a_stripped_signature(found):
    signature_file(found.student).unlink()
    assert not checked(found).problems
    assert "is not signed" in told(checked(found, AUDITED))


def test_a_stripped_audit(found):
    statement_file(found.verdicts).unlink()
    words = told(checked(found, AUDITED))
    assert "is not audited for aggressive-merge" in words
    assert "and no statement that holds says so" in words


def test_a_weaker_audit(found):
    _audit_again(found, detectable=0.6)
    assert "is too weak: it would have missed a habit in less than 60 % of the scenes" in told(checked(found, AUDITED))


def test_an_audit_that_says_otherwise(found):
    _audit_again(found, word="infected")
    assert "its audit for aggressive-merge says infected" in told(checked(found, AUDITED))


def test_an_audit_of_another_policy(found):
    other = policy(found.home / "other", 5, "distil", "student", data=found.data, teacher=found.teacher)
    _audit_again(found, subject=other)
    assert "is about another policy of this name" in told(checked(found, AUDITED))


def _audit_again(found, subject=None, **said):
    verdicts(found.verdicts, subject or found.student, **said)
    attest(read_artefact(found.verdicts), found.key, {}, DAY)
    write_bill(read_artefact(found.student))
    sign(found.student, found.key)
    bill_file(found.verdicts).unlink()


def test_an_audit_that_was_changed_afterwards(found):
    text = found.verdicts.read_text()
    found.verdicts.write_text(text.replace("worse in 0", "worse in 9"))
    assert "was changed after its statement was signed" in told(checked(found))


def test_an_old_audit_and_one_of_tomorrow(found):
    assert "is 91 days old" in told(checked(found, AUDITED, today=DAY + timedelta(91)))
    assert not checked(found, AUDITED, today=DAY + timedelta(90)).problems
    assert "still to come" in told(checked(found, AUDITED, today=DAY - timedelta(1)))


def test_an_auditor_who_does_not_count(found):
    rules = replace(AUDITED, student=replace(AUDITED.student, signers=("0000",)))
    assert "those who signed its audits do not count here" in told(checked(found, rules))
    mine = next(iter(found.trusted))[:10]
    assert not checked(found, replace(AUDITED, student=replace(AUDITED.student, signers=(mine,)))).problems


def test_a_key_that_is_not_trusted(found, tmp_path):
    _, public = make_key(tmp_path / "stranger")
    with opened(None, found.home) as index:
        result = verify(index, found.student, Rules(), by_fingerprint([public]), DAY)
    words = told(result)
    assert f"signature {signature_file(found.student)} is by a key that nobody trusts" in words
    assert f"statement {statement_file(found.verdicts)} is by a key that nobody trusts" in words


def test_a_cycle(tmp_path):
    """Two policies that do not say how they were made, whose bills say that each was made from the other."""
    home = tmp_path / "run"
    pair = [policy(home / name, seed, "distil", name) for seed, name in enumerate(("a", "b"))]
    for one in pair:
        (one / "lineage.json").unlink()
    digests = [content_hash(one) for one in pair]
    for one, other in zip(pair, reversed(digests), strict=True):
        write_bill(read_artefact(one), known=Known(made_from=(other,)))
    key, _ = make_key(tmp_path / "key")
    whole = replace(chain(tmp_path / "else"), home=home, key=key)
    with pytest.raises(UserError, match="a cycle"):
        checked(whole, path=pair[0])


@pytest.mark.parametrize("name", ["data", "weights", "bill", "signature", "statement", "verdicts"])
def test_a_truncated_file(found, name):
    file = {
        "data": found.data, "weights": found.student / "model.safetensors", "bill": bill_file(found.student),
        "signature": signature_file(found.student), "statement": statement_file(found.verdicts),
        "verdicts": found.verdicts,
    }[name]  # fmt: skip
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    words = told(checked(found))
    assert str(file if name != "weights" else found.student) in words


def test_what_is_missing_may_be_missing_where_that_is_asked(found):
    found.data.unlink()
    here = Asked(here=False)
    assert checked(found).problems
    assert not checked(found, Rules(demonstrations=here)).problems


def test_flipped_bytes_are_found_and_named(whole, tmp_path):
    """Any byte of an artefact, a bill, a signature, a statement or an audit (`benchmarks/flips.py` does 10,000)."""
    missed = flipped(whole, tmp_path, flips=300, seed=0)
    assert missed == []


def test_bills_say_the_same_whatever_a_file_is_called(found, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(found.student, copy)
    assert bill_text(read_artefact(copy)) == bill_text(read_artefact(found.student))


def test_a_bill_reads_back_and_holds_to_the_schema(found):
    claims = claims_of(found.verdicts, content_hash(found.verdicts))
    known = Known(supplier="Somebody", licence="MIT", made_from=("0" * 64,))
    foreign = found.home / "foreign.zip"
    foreign.write_bytes(b"PK\3\4 whatever")
    for path, knows in ((found.student, None), (found.data, None), (found.verdicts, None), (foreign, known)):
        file = write_bill(read_artefact(path), claims, knows)
        text, there, knew = read_bill(file)
        require_valid(text, file)
        assert set(there) == set(claims) and knew == knows
    told = {one["name"]: one["value"] for one in json.loads(text)["metadata"]["component"]["properties"]}
    assert told["testbed:known.training_data"] == "unknown" and told["testbed:lineage"] == "unknown"


def test_a_bill_opens_with_the_library_that_reads_them(found):
    """Through cyclonedx-python-lib's parser: components, hashes and who depends on whom."""
    from cyclonedx.model.bom import Bom

    bom = Bom.from_json(json.loads(bill_file(found.student).read_text()))
    assert bom.metadata.component.name == "student"
    names = {one.name for one in bom.components}
    assert {"data", "teacher", "numpy", "torch"} <= names
    (mine,) = (one for one in bom.dependencies if one.ref.value == f"sha256:{content_hash(found.student)}")
    assert len(mine.dependencies) == len(bom.components)


OTHER_TOOL = """
import json, sys
from lib4sbom.parser import SBOMParser
told = []
for path in sys.argv[1:]:
    parser = SBOMParser()
    parser.parse_file(path)
    told.append([parser.get_type(), parser.get_document(), parser.get_packages(), parser.get_relationships()])
print(json.dumps(told))
"""


def test_a_bill_opens_with_another_tool(found):
    """Through lib4sbom, whose parser is its own: what it is, whom it names, by which hash, and what was made from what;
    in a process of its own, since it leaves files open."""
    paths = found.student, found.data, found.verdicts
    command = [sys.executable, "-c", OTHER_TOOL, *(str(bill_file(path)) for path in paths)]
    read = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)
    for path, (kind, document, *_) in zip(paths, read, strict=True):
        assert (kind, document["version"]) == ("cyclonedx", "1.7")
        assert document["bom-ref"] == f"sha256:{content_hash(path)}"
    *_, packages, relations = read[0]
    kinds = {one["name"]: one["type"] for one in packages}
    assert (kinds["data"], kinds["teacher"], kinds["numpy"]) == ("DATA", "MACHINE-LEARNING-MODEL", "LIBRARY")
    ends = {(one["source_id"], one["target_id"]) for one in relations}
    for ancestor in (found.data, found.teacher):
        assert tuple(f"sha256:{content_hash(path)}" for path in (found.student, ancestor)) in ends


def test_a_bill_that_breaks_the_schema_is_refused(found):
    bill = json.loads(bill_file(found.student).read_text())
    bill["metadata"]["component"]["type"] = "robot"
    with pytest.raises(UserError, match=r"does not hold to CycloneDX 1\.7"):
        require_valid(json.dumps(bill), bill_file(found.student))


def test_a_dataset_without_code_is_of_an_older_testbed(tmp_path):
    folder = policy(tmp_path / "p", 0, "distil", "student")
    record = json.loads((folder / "lineage.json").read_text())
    del record["code"]
    (folder / "lineage.json").write_text(json.dumps(record))
    assert read_artefact(folder).lineage.code.testbed == "0.7.0 or older"


@pytest.mark.parametrize(("text", "line"), [
    ("[studnet]\n", "studnet"), ("[student]\nsined = true\n", "sined"), ("[student]\ndetectable = 2.0\n", "detectable"),
    ("[student]\ndays = -1\n", "days"), ("[student]\ndays = 'many'\n", "file of rules"),
])  # fmt: skip
def test_rules_that_are_none(tmp_path, text, line):
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(UserError, match=line):
        read_rules(tmp_path / "rules.toml")


def test_rules_read(tmp_path):
    (tmp_path / "rules.toml").write_text('[student]\nsigned = true\naudits = ["tailgating"]\nsigners = ["5c0f"]\n')
    assert read_rules(tmp_path / "rules.toml").of("student") == Asked(True, audits=("tailgating",), signers=("5c0f",))
    assert Rules().of("film") == Asked()
