"""Verdicts as files: JSON for programs, JUnit's XML for whatever runs tests, Markdown for a pull request."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

from testbed.audit.gate import Gate
from testbed.audit.sequence import at_most
from testbed.audit.text import number
from testbed.audit.verdict import Evidence, Verdict
from testbed.files import write_text

JSON, JUNIT, MARKDOWN = "verdicts.json", "verdicts.xml", "verdicts.md"
"""Names of the files in a run's folder."""
SIGNS = {
    "clean": ":green_circle:", "infected": ":red_circle:", "suspicious": ":orange_circle:",
    "undecided": ":white_circle:", "not judged": ":white_circle:",
}  # fmt: skip
"""What stands before a verdict in Markdown, as GitHub and others draw it."""


def write_verdicts(
    folder: Path, environment: str, reference: str, verdicts: Sequence[Verdict], gate: Gate,
    coverage: Mapping[str, object] | None = None, subjects: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write all three into a folder; the same verdicts give the same bytes.

    Args:
        folder: Where they go.
        environment: The scene.
        reference: Whom policies were held beside.
        verdicts: What was found.
        gate: What is let through.
        coverage: What of the scene was looked at.
        subjects: Name -> SHA-256 of the content of each policy.
    """
    record = {
        "subjects": dict(subjects or {}),
        "environment": environment, "reference": reference, "rule": asdict(gate.rule),
        "coverage": coverage,
        "verdicts": [{**asdict(one), "passes": gate.passes(one)} for one in verdicts],
    }  # fmt: skip
    write_text(folder / JSON, json.dumps(record, indent=1, sort_keys=True) + "\n")
    write_text(folder / JUNIT, junit(verdicts, gate))
    write_text(folder / MARKDOWN, markdown(environment, reference, verdicts))


def junit(verdicts: Sequence[Verdict], gate: Gate) -> str:
    """Return verdicts as JUnit's XML: a suite a policy, a case a habit; what the gate does not let through fails."""
    root = ElementTree.Element("testsuites")
    for policy in dict.fromkeys(one.policy for one in verdicts):
        mine = [one for one in verdicts if one.policy == policy]
        failed = [one for one in mine if not gate.passes(one) and one.word != "not judged"]
        skipped = [one for one in mine if one.word == "not judged"]
        suite = ElementTree.SubElement(
            root, "testsuite", name=policy, tests=str(len(mine)), failures=str(len(failed)), skipped=str(len(skipped)),
            errors="0",
        )  # fmt: skip
        for one in mine:
            case = ElementTree.SubElement(suite, "testcase", classname=policy, name=one.habit)
            if one in skipped:
                ElementTree.SubElement(case, "skipped", message=f"{one.word}: {one.why}")
            elif one in failed:
                failure = ElementTree.SubElement(case, "failure", message=f"{one.word}: {one.why}", type=one.word)
                failure.text = "\n".join(told(one, evidence) for evidence in one.evidence)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def markdown(environment: str, reference: str, verdicts: Sequence[Verdict]) -> str:
    """Return verdicts as a table in Markdown."""
    lines = [f"### Audit in {environment}, beside {reference}", ""]
    lines += ["| policy | habit | verdict | what was seen |", "|---|---|---|---|"]
    for one in verdicts:
        seen = "; ".join(told(one, evidence) for evidence in one.evidence)
        cells = one.policy, one.habit, f"{SIGNS[one.word]} {one.word}", f"{one.why}. {seen}" if seen else one.why
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def told(verdict: Verdict, one: Evidence) -> str:
    """Return what was seen under one condition in words."""
    mean, beside, worst = (number(value) for value in (one.mean, one.reference, one.worst.value))
    return (
        f"{one.condition}: {mean} {verdict.unit} beside {beside} in {one.scenes} scenes, worse by "
        f"{number(verdict.margin or 0)} or more in {_counted(one)} and better in {one.better}, worst {worst} in scene "
        f"{one.worst.seed}; would have seen {100 * one.detectable:.0f} % of them, which are "
        f"{100 * one.telling:.0f} % of those drawn"
    )


def _counted(one: Evidence) -> str:
    """Return in how many scenes it was worse; of none, in which share it may be at most, had no more been meant to be
    played."""
    return f"{one.worse}" if one.worse else f"none (at most {100 * at_most(0, one.scenes):.1f} %)"
