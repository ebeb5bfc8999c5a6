"""The names of the package itself: each is there when it is asked for, not before, and its example runs as written."""

from __future__ import annotations

import ast
import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

import testbed

ROOT = Path(__file__).parent.parent
SLOW = ("torch", "mujoco", "numba", "highway_env", "pygame", "stable_baselines3", "h5py", "scipy", "gymnasium_robotics")
"""Packages that take long to import."""


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A folder with the reference sets, as in a clone."""
    for room in ("demonstrations", "policies"):
        (tmp_path / room).symlink_to(ROOT / room)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", testbed.__all__)
def test_the_example_of_every_public_name_runs(name, clone):
    thing = getattr(testbed, name)
    test = doctest.DocTestParser().get_doctest(thing.__doc__, {}, name, None, 0)
    assert any(re.match(r"import.*testbed", example.source) for example in test.examples) and len(test.examples) > 1
    said: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert result.failed == 0, "".join(said)


def test_type_checkers_and_python_find_the_same_names():
    tree = ast.parse((ROOT / "testbed/__init__.py").read_text())
    block, late = [node for node in tree.body if isinstance(node, ast.If)]
    assert [ast.unparse(one.test) for one in (block, late)] == ["TYPE_CHECKING", "not TYPE_CHECKING"]
    seen = {
        node.module: tuple(one.name for one in node.names) for node in block.body if isinstance(node, ast.ImportFrom)
    }
    assert seen == testbed._HOMES
    assert sorted(name for lent in seen.values() for name in lent) == sorted(testbed.__all__)
    assert set(testbed.__all__) <= set(dir(testbed))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'testbed' has no attribute 'plya'"):
        testbed.plya  # noqa: B018


@pytest.mark.parametrize(
    ("program", "slow"),
    [("import testbed", (*SLOW, "rich", "tyro")), ("from testbed.cli import main; main(['--help'])", SLOW)],
    ids=["package", "help"],
)
def test_nothing_slow_is_imported_before_it_is_needed(program, slow):
    said = f"import sys\nprint('slow:', *sorted({set(slow)} & set(sys.modules)))"
    whole = f"try:\n {program}\nexcept SystemExit: pass\n{said}"
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "slow:"
