"""Nonsense at the command line gets one line and exit code 2, at once, before anything is made: for every argument."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

import testbed
from testbed import bounds
from testbed.benchmark.engines import Cluster
from testbed.cli import auditing, cleaning, looking, main, making, measuring, run_task, tracing  # noqa: F401  (they register their subcommands)
from testbed.cli.app import app
from testbed.cli.arguments import require_clear
from testbed.cli.commands.parsing import parse_context
from testbed.distillation.config import Learning, PPOConfig, Training
from testbed.errors import UserError
from testbed.experiment.choices import Choices
from testbed.experiment.config import AuditConfig, Experiment, StudentConfig, TeacherConfig

ROOT = Path(__file__).parent.parent
TASKS = sorted((ROOT / "tasks").glob("*.py"))
NONSENSE = ("nan", "inf", "-inf", "-3", "1e26", str(10**26), "9" * 5000, "two", "0x10", "½")


def parts(hint: Any) -> Iterator[Any]:
    """Yield what an annotation is made of: types and bounds."""
    if get_origin(hint) in (Annotated, Union, UnionType, tuple):
        for part in get_args(hint):
            yield from parts(part)
    else:
        yield hint


def parameters(kind: type) -> list[tuple[str, str, list[Any]]]:
    """Return command, parameter and the parts of its annotation, of every parameter with a part of a kind."""
    found = []
    for name, command in app.commands.items():
        hints = get_type_hints(command, include_extras=True)
        found += [(name, p, list(parts(hints[p]))) for p in inspect.signature(command).parameters]
    for script in TASKS:
        hints = get_type_hints(choices_of(script), include_extras=True)
        found += [(script.stem, name, list(parts(hint))) for name, hint in hints.items()]
    return [one for one in found if any(part is kind or isinstance(part, kind) for part in one[2])]


def choices_of(script: Path) -> type[Choices]:
    """Return the choices of a script in `tasks/`."""
    specification = importlib.util.spec_from_file_location(f"task_{script.stem}", script)
    assert specification and specification.loader
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module
    specification.loader.exec_module(module)
    (found,) = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Choices)][1:]
    return found


def mistake(command: str, parameter: str, values: list[str], monkeypatch, capsys) -> str:
    """Give a parameter nonsense, and return the one line that is said."""
    if command in app.commands:
        signature = inspect.signature(app.commands[command]).parameters
        positional = [p for p in signature.values() if p.kind is p.POSITIONAL_ONLY]
        usual = {p.name: [{"which": "transfer", "what": "show"}.get(p.name, "x.hdf5")] for p in positional}
        if parameter in usual:
            usual[parameter] = values
            words = [word for value in usual.values() for word in value]
        else:
            words = [word for value in usual.values() for word in value]
            words += [f"--{parameter}={values[0]}"] if len(values) == 1 else [f"--{parameter}", *values]
        with pytest.raises(SystemExit) as ended:
            main([command, *words])
    else:
        monkeypatch.setattr(sys, "argv", ["task", f"--{parameter}={values[0]}"])
        with pytest.raises(SystemExit) as ended:
            run_task(choices_of(ROOT / f"tasks/{command}.py"), lambda task: pytest.fail(f"it begins with {task}"))
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == "" and said.err.count("\n") == 1 and len(said.err) < 200, said
    return said.err


NUMERIC = [one for kind in (int, float) for one in parameters(kind)]


def test_every_number_has_bounds():
    assert len(NUMERIC) > 25 and {command for command, _, _ in NUMERIC} > {script.stem for script in TASKS}
    assert [one[:2] for one in NUMERIC if not any(isinstance(part, bounds.Between) for part in one[2])] == []


@pytest.mark.parametrize(("command", "parameter", "held"), NUMERIC, ids=lambda value: value if value else "")
def test_a_number_that_is_none_or_out_of_bounds_is_one_line(command, parameter, held, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (bound,) = [part for part in held if isinstance(part, bounds.Between)]
    step = 1 if isinstance(bound.low, int) else 1e-6
    least = bound.low if bound.above else bound.low - step
    for value in (*NONSENSE, str(least), str(bound.high + max(step, bound.high // 1000))):
        said = mistake(command, parameter, [value], monkeypatch, capsys)
        assert said.startswith(f"error: --{parameter.replace('_', '-')} ") and said.endswith(f"{bound.fault(None)}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("command", "parameter", "held"), parameters(bounds.Output), ids=lambda value: value or "")
def test_a_place_where_nothing_can_be_made_is_one_line(command, parameter, held, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    (place,) = [part for part in held if isinstance(part, bounds.Output)]
    Path("a.folder.mp4").mkdir()
    Path("a.file").write_text("kept")
    for value in (*([] if place.names else [".", "..", "/"]), "", "a.file" if place.folder else "a.folder.mp4"):
        said = mistake(command, parameter, [value], monkeypatch, capsys)
        assert (parameter if value else "give a value, or leave it out") in said
    for ending in (".gif", ".avi", ".mkv", ".mp4.txt", "") if place.ending else ():
        assert place.ending in mistake(command, parameter, [f"x{ending}"], monkeypatch, capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.file", "a.folder.mp4"]
    assert Path("a.file").read_text() == "kept"


@given(st.floats(), st.integers(), st.floats(-1e9, 1e9), st.floats(0, 1e9), st.booleans())
def test_a_bound_holds_what_is_between(number, whole, low, width, above):
    bound = bounds.Between(low, low + width, above)
    for value in (number, whole):
        inside = (low < value or (low == value and not above)) and value <= low + width
        assert (bound.fault(value) is None) == inside
    assert bounds.Between(0, 10).fault(number) is not None, "a whole number is asked for"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["collect", "x", "--dose", "1", "--dose=0.5"], "--dose is given twice"),
        (["film", "p", "--context", "a=b", "--context", "c=d"], "--context is given twice"),
        (["distil", "D", ""], "after D is empty"),
        (["audit", "p", "--run", ""], "after --run is empty"),
        (["audit", "p", "--run="], "--run= says nothing"),
    ],
)
def test_words_that_say_nothing_or_two_things_are_refused(words, says):
    with pytest.raises(UserError, match=says):
        require_clear(words)


def test_clear_words_pass():
    require_clear(["distil", "a", "b", "--hidden", "64", "64", "--route=kl", "--teacher", "-x", "--", "--", "a"])


def test_a_factor_has_one_value():
    assert parse_context(["leader=truck", "density=dense"]) == {"leader": "truck", "density": "dense"}
    with pytest.raises(UserError, match="'leader' is given 2 times"):
        parse_context(["leader=truck", "density=dense", "leader=bus"])


def test_no_route_is_no_experiment(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["task", "--route"])
    with pytest.raises(SystemExit) as ended:
        run_task(choices_of(ROOT / "tasks/merge.py"), lambda task: pytest.fail(f"it begins with {task}"))
    assert ended.value.code == 2 and "give at least one" in capsys.readouterr().err


KINDS = Training, PPOConfig, Learning, Experiment, TeacherConfig, StudentConfig, AuditConfig, Cluster
CHECKED = [(kind, field.name) for kind in KINDS for field in fields(kind)]


@pytest.mark.parametrize(("kind", "name"), CHECKED, ids=lambda value: getattr(value, "__name__", value))
def test_a_library_refuses_nonsense_as_well(kind, name):
    held = list(parts(get_type_hints(kind, include_extras=True)[name]))
    if not any(isinstance(part, bounds.Between) for part in held):
        pytest.skip("no bounds")
    for value in (float("nan"), -1, 10**26, "many", None):
        given = (value,) if isinstance(getattr(kind(), name), tuple) else value
        with pytest.raises(UserError, match=f"^{name} .*: give a"):
            kind(**{name: given})


def test_the_version_is_told(capsys):
    main(["--version"])
    assert capsys.readouterr().out == f"testbed {testbed.__version__}\n"


def test_a_mistake_is_told_before_anything_heavy_is_imported():
    program = f"""
import runpy, sys
from testbed.cli import main
mistakes = [
    (["testbed", "audit", "p", "--scenes", "0"], main),
    (["task", "--dose", "2"], lambda: runpy.run_path({str(TASKS[0])!r}, run_name="__main__")),
]
for sys.argv, run in mistakes:
    try:
        run()
    except SystemExit as ended:
        assert ended.code == 2
sys.exit(bool({{"torch", "mujoco", "numba", "highway_env", "h5py"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr.count("\n") == 2, done.stderr
