"""A scene held to every contract that ours keep."""

from __future__ import annotations

import sys

from testbed.console import console, errors, styled
from testbed.errors import UserError
from testbed.protocols.scene import SceneSpec
from testbed.rollouts.contracts.all import check as check_contracts
from testbed.scenes.declaration import problems
from testbed.scenes.outside import imported
from testbed.scenes.registry import get_scene, names, use
from testbed.threads import one_thread


def check(scene: str, scenes: int) -> None:
    """Say what a scene keeps, and what is missing; see `testbed check --help`."""
    spec = _declared(scene)
    missing = 0
    with one_thread():
        for contract, findings in check_contracts(spec, scenes):
            missing += len(findings)
            console.print(styled("✗", "red") if findings else styled("✓", "green"), contract.name)
            for finding in findings:
                console.print(f"  {finding.what}: {finding.mend}")
    if missing:
        errors.print(f"{scene} does not keep {missing} of what every scene keeps")
        sys.exit(1)
    console.print(f"{scene} keeps all that scenes keep: testbed habits --scene {scene} measures its habits")


def _declared(scene: str) -> SceneSpec:
    """Return the scene of an id, or at `module:SPEC`; where its declaration lacks something, say all of it and exit."""
    if "/" in scene or scene in names():
        return get_scene(scene)
    try:
        return use(scene)
    except UserError:
        found = problems(imported(scene, whole=False))
        if not found:
            raise
    for problem in found:
        console.print(styled("✗", "red"), problem)
    errors.print(f"{scene} is not whole: {len(found)} of its declaration to mend, then run this again")
    sys.exit(1)
