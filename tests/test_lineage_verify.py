"""Histories that hold, and every way in which one does not: each is found, and named for what it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flipping import flipped
from lineages import DAY, chain, checked, data_set, policy, told, verdicts

from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.provenance.artefact import read_artefact
from testbed.provenance.bill import bill_file, write_bill
from testbed.provenance.claims import Known
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


def test_a_statement_that_was_made_to_speak_of_another(found):
    """Whoever changes its subject leaves a signature that does not hold, and it is the statement that is named."""
    file = statement_file(found.verdicts)
    envelope = json.loads(file.read_text())
    said = json.loads(b64decode(envelope["payload"]))
    said["subject"][0]["digest"]["sha256"] = "0" * 64
    envelope["payload"] = b64encode(json.dumps(said, sort_keys=True).encode()).decode()
    file.write_text(json.dumps(envelope, indent=1) + "\n")
    for path in (found.student, found.verdicts):
        assert f"audit: statement {file}" in told(checked(found, path=path))


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
