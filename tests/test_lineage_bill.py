"""Bills of materials: the same whatever a file is called, read back, held to the schema, opened by other tools."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from command_line import run_testbed
from lineages import chain

from testbed.errors import UserError
from testbed.lineage import content_hash
from testbed.provenance.artefact import read_artefact
from testbed.provenance.bill import bill_file, bill_text, read_bill, require_valid, write_bill
from testbed.provenance.claims import Known, claims_of


@pytest.fixture
def found(tmp_path):
    return chain(tmp_path / "run")


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


def test_something_else_where_a_bill_would_be_stays(tmp_path):
    mine = tmp_path / "a.hdf5.cdx.json"
    mine.write_text("mine")
    done = run_testbed("collect a.hdf5 --episodes 1", tmp_path)
    assert done.returncode == 2 and "a.hdf5.cdx.json" in done.stderr and done.stderr.strip().count("\n") == 0
    assert mine.read_text() == "mine" and not (tmp_path / "a.hdf5").exists()


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
