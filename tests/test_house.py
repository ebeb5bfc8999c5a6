"""The house itself: floors, file sizes, and what the package says of itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from testbed.errors import missing_package

ROOT = Path(__file__).parent.parent
LIBRARY = sorted((ROOT / "testbed").rglob("*.py"))


def test_imports_run_downwards_only():
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None) == EXIT_STATUS_SUCCESS


def test_files_are_short_enough_to_read():
    files = [
        file for room in ("testbed", "tasks", "tests", "benchmarks", "docs") for file in (ROOT / room).rglob("*.py")
    ]
    assert len(files) > len(LIBRARY) > 200
    assert [file.name for file in files if len(file.read_text().splitlines()) > 300] == []


def test_acting_needs_no_torch():
    """A process that plays scenes must not wait for torch."""
    program = "import testbed.rollouts.rollout, testbed.policies.checkpoint, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_what_is_imported_is_declared():
    """Every package that the library imports is among the dependencies or the extras, not only somebody else's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = list(chain(project["dependencies"], *project["optional-dependencies"].values()))
    names = {re.split(r"[^A-Za-z0-9_.-]", text)[0].lower().replace("_", "-") for text in declared}
    imported: set[str] = set()
    for file in LIBRARY:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"testbed"}
    homes = packages_distributions()
    assert {"pygame", "mujoco", "numba"} <= foreign
    undeclared = [name for name in foreign if not names & {home.lower().replace("_", "-") for home in homes[name]}]
    assert undeclared == []


def test_the_page_of_commands_names_every_subcommand():
    written = "".join(file.read_text() for file in sorted((ROOT / "testbed/cli").glob("*.py")))
    names = re.findall(r"^@app\.command\ndef (\w+)", written, re.MULTILINE)
    page = (ROOT / "docs/commands.md").read_text()
    assert len(names) >= 8
    assert [name for name in names if f"testbed {name.rstrip('_').replace('_', '-')}" not in page] == []


def test_links_between_documents_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]
    broken = []
    for page in pages:
        if "runs" in page.parts or ".venv" in page.parts:
            continue
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if not target.startswith("http") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_nobody_is_told_to_install_a_package_of_this_name():
    """The name `testbed` is another project's among published packages: everything installs from the clone."""
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *LIBRARY,
        *ROOT.glob("tasks/*.py"),
        *ROOT.glob("benchmarks/*.py"),
    ]
    wrong = re.compile(r"pip install[^\n]*[ '\"](transfer-)?testbed\b(?!\.)")
    assert [str(page) for page in pages if wrong.search(page.read_text())] == []
    assert re.search(r'^name = "transfer-testbed"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    for extra in ("onnx", "benchmark"):
        assert f"pip install -c constraints.txt -e '.[{extra}]'" in str(missing_package("x", extra, "it needs"))
