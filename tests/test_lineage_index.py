"""The index of a folder, histories up and down, where two part, and the commands."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from command_line import run_testbed
from lineages import chain, data_set, policy, verdicts

from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.provenance.history import descent, history, parting
from testbed.provenance.index import opened
from testbed.provenance.picture import write_picture


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    """Two teachers of one data set, students of both, and a student's student."""
    home = tmp_path_factory.mktemp("family")
    data = data_set(home / "data.hdf5")
    teachers = [policy(home / f"teacher{n}", n, "dagger", "teacher", demonstrations=data) for n in (1, 2)]
    for n, teacher in enumerate(teachers):
        policy(home / f"student{n}", 10 + n, "distil", "student", data=data, teacher=teacher)
    policy(home / "grandchild", 20, "distil", "student", data=data, teacher=home / "student0")
    return home


def names(node):
    return sorted(one.entry.path.name if one.entry else "?" for one in node.walk())


def test_history_and_descent(family):
    with opened(None, family) as index:
        up = history(index, content_hash(family / "grandchild"))
        assert names(up) == ["data.hdf5", "grandchild", "student0", "teacher1"]
        down = descent(index, content_hash(family / "teacher1"), "teacher")
        assert names(down) == ["grandchild", "student0", "teacher1"]
        every = descent(index, content_hash(family / "data.hdf5"))
        assert len(names(every)) == 6
        assert names(descent(index, content_hash(family / "data.hdf5"), "demonstrations")) == sorted(
            ["data.hdf5", "teacher1", "teacher2", "student0", "student1", "grandchild"]
        )
        assert names(descent(index, content_hash(family / "data.hdf5"), "base")) == ["data.hdf5"]


def test_where_two_histories_part(family):
    with opened(None, family) as index:
        trees = [history(index, content_hash(family / name)) for name in ("student0", "student1")]
        both, parts = parting(*trees)
    assert both == [content_hash(family / "data.hdf5")]
    assert [place for place, _, _ in parts] == ["itself", "teacher"]
    assert parts[1][1:] == tuple(content_hash(family / f"teacher{n}") for n in (1, 2))
    assert parting(trees[0], trees[0])[1] == []
    deeper = parting(trees[0], history_of(family, "teacher1"))[1]
    assert ("data", content_hash(family / "data.hdf5"), "") in deeper


def history_of(family, name):
    with opened(None, family) as index:
        return history(index, content_hash(family / name))


def test_a_deep_line_of_students_is_not_walked_again_and_again(tmp_path):
    """Forty generations, each made from the one before in two roles: 2^40 ways through them."""
    last = policy(tmp_path / "0", 0, "dagger", "teacher")
    for number in range(1, 41):
        last = policy(tmp_path / str(number), number, "distil", "student", data=last, teacher=last)
    with opened(None, tmp_path) as index:
        assert len(names(history(index, content_hash(last)))) == 41


def test_an_index_is_kept_and_sees_what_changed(family, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(family, home)
    file = tmp_path / "kept.sqlite"
    with opened(file, home) as index:
        before = content_hash(home / "student0")
        assert [one.path for one in index.copies(before)] == [home / "student0"]
    shutil.move(home / "student0", home / "moved")
    shutil.copytree(home / "teacher1", home / "copy")
    policy(home / "student1", 99, "distil", "student", data=home / "data.hdf5")
    with opened(file, home) as index:
        assert [one.path for one in index.copies(before)] == [home / "moved"]
        assert len(index.copies(content_hash(home / "copy"))) == 2
        assert [role for role, _ in index.parents(content_hash(home / "student1"))] == ["data"]


def test_an_index_reads_nothing_twice(family, tmp_path, monkeypatch):
    file = tmp_path / "kept.sqlite"
    with opened(file, family):
        pass
    monkeypatch.setattr("testbed.provenance.index.read_artefact", lambda path: pytest.fail(f"{path} is read again"))
    with opened(file, family) as index:
        assert len(index.copies(content_hash(family / "data.hdf5"))) == 1
    os.utime(family / "data.hdf5")
    with pytest.raises(pytest.fail.Exception, match="read again"), opened(file, family):
        pass


def test_somebody_elses_file_is_no_index(family, tmp_path):
    (tmp_path / "thesis").write_text("years of work")
    with pytest.raises(UserError, match="in the way"), opened(tmp_path / "thesis", family):
        pass
    with pytest.raises(UserError, match="is no folder"), opened(None, tmp_path / "nowhere"):
        pass


def test_the_beginning_of_a_hash(family):
    with opened(None, family) as index:
        whole = content_hash(family / "teacher1")
        assert index.digest(whole[:12]) == whole
        with pytest.raises(UserError, match="no artefact begins"):
            index.digest("xyz")
        with pytest.raises(UserError, match="artefacts begin"):
            index.digest("")


def test_a_picture(family, tmp_path):
    tree = history_of(family, "grandchild")
    write_picture(tmp_path / "a.svg", tree, {tree.digest: "signed by <somebody>"})
    text = (tmp_path / "a.svg").read_text()
    assert text.count("<rect") == 6 and "signed by &lt;somebody&gt;" in text  # data is in it three times
    write_picture(tmp_path / "b.svg", tree, {tree.digest: "signed by <somebody>"})
    assert (tmp_path / "b.svg").read_text() == text


def test_the_commands_from_a_bill_to_a_verdict(tmp_path):
    """As a team does it: bill, key, signatures, a signed audit, rules; then something is changed."""
    home = tmp_path / "run"
    found = chain(home)
    for path in (*home.glob("*.cdx.json"), *home.glob("*.sig"), *home.rglob("*.intoto.json")):
        path.unlink()
    verdicts(found.verdicts, found.student)
    (tmp_path / "rules.toml").write_text('[student]\nsigned = true\naudits = ["tailgating"]\ndetectable = 0.25\n')

    def run(line: str, code: int = 0) -> str:
        done = run_testbed(f"lineage {line}", tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "fingerprint" in run("keygen mine")
    assert "keys are not replaced" in run("keygen mine", 2)
    run("attest run/audit/verdicts.json --key mine.key")
    alone = run("bill run")
    assert alone.count(".cdx.json") == 4 and "left out:" in alone and "nobody trusts" in alone
    assert "aggressive-merge" not in (home / "student.cdx.json").read_text()
    assert run("bill run --trust mine.pub").count(".cdx.json") == 4
    assert "aggressive-merge" in (home / "student.cdx.json").read_text()
    run("sign run --key mine.key")
    line = "verify run/student --among run --trust mine.pub --rules rules.toml"
    assert "holds: 3 artefacts, 6 signatures" in run(line)
    assert "teacher" in run("show run/student --among run --trust mine.pub --picture a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()
    assert "3 descendants" in run(f"query any:{content_hash(found.data)[:12]} run")
    assert "2 ancestors" in run("query any:run/student run --up")
    assert "in both histories" in run("diff run/student run/teacher --among run")
    (home / "teacher" / "config.json").write_text("{}")
    spoilt = run(line, 1)
    assert "does not hold" in spoilt and "teacher" in spoilt
    for wrong, words in (("verify nowhere", "no artefact"), ("sign run/student", "--key"), ("query x run", "ROLE:HASH"),
                         ("diff run/student", "two artefacts"), ("show", "needs something"),
                         ("sign run/student --key mine.pub", "no private key"),
                         ("attest run/student --key mine.key", "holds no audit"),
                         ("verify run/student --trust mine.key", "no public key")):  # fmt: skip
        said = run(wrong, 1 if wrong == "verify nowhere" else 2)
        assert words in said and "Traceback" not in said, said


def test_a_policy_of_somebody_else(tmp_path):
    (tmp_path / "theirs.zip").write_bytes(b"PK\3\4")
    (tmp_path / "known.toml").write_text('supplier = "Example Robotics"\nlicence = "Apache-2.0"\n')
    done = run_testbed("lineage bill theirs.zip --known known.toml", tmp_path)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "theirs.zip.cdx.json").read_text()
    assert '"unknown"' in text and "Example Robotics" in text and "Apache-2.0" in text
    assert "holds" in run_testbed("lineage verify theirs.zip", tmp_path).stdout
    assert Path(tmp_path / "theirs.zip").read_bytes() == b"PK\3\4"


def test_a_history_is_drawn_without_the_packages_of_signatures(tmp_path, monkeypatch):
    """They are an extra: histories are shown without, what needs them says so in one line, and nothing is half done."""
    found = chain(tmp_path / "run")
    for path in (*found.home.rglob("*.sig"), *found.home.rglob("*.cdx.json")):
        path.unlink()
    for name in ("model_signing", "cyclonedx", "cyclonedx.schema"):
        monkeypatch.setitem(sys.modules, name, None)
    shown = run_testbed("lineage show run/student --among run", tmp_path)
    assert shown.returncode == 0 and "teacher: teacher" in shown.stdout
    for line in (f"sign run/student --key {found.key}", "bill run"):
        done = run_testbed(f"lineage {line}", tmp_path)
        assert done.returncode == 2 and "'.[lineage]'" in done.stderr and done.stderr.count("\n") == 1
    assert list(found.home.rglob("*.cdx.json")) == []
