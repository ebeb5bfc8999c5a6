"""Policies for the runtime of a robot or a car."""

from __future__ import annotations

from pathlib import Path

from testbed.console import console
from testbed.files import require_replaceable
from testbed.policies.checkpoint import load_policy


def export(folder: Path, out: Path) -> None:
    """Export a policy; see `testbed export --help`."""
    from testbed.policies.onnx import ONNX, export_onnx

    require_replaceable(out, ONNX)
    policy, _ = load_policy(folder)
    exported = export_onnx(policy, out)
    console.print(f"{out}  takes {', '.join(exported.inputs)}; gives {', '.join(exported.outputs)}")
