"""What README and pages tell people to type works as written, and prints what they say."""

from __future__ import annotations

import re
import runpy
import sys
from contextlib import closing, redirect_stdout
from io import StringIO
from pathlib import Path

import h5py
import jupytext
import numpy as np
import pytest
from command_line import run_testbed

from testbed.datasets.validation import validate
from testbed.distillation.config import Learning, Training
from testbed.scenes.registry import all_habits, get_scene, make_vector
from testbed.scenes.registry import names as scene_names

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = (ROOT / "docs/commands.md").read_text()
STAGES = re.search(r"## The stages alone\n.*?```sh\n(.*?)```", COMMANDS, re.DOTALL)
# These are tested in test_task.py, test_cli.py, test_sweep.py, test_ranks.py, test_check.py, test_gallery.py and
# test_cleaning.py.
ELSEWHERE = (
    "testbed report", "testbed doctor", "testbed check", "testbed transfers", "testbed routes", "testbed benchmark",
    "testbed ranks", "testbed references", "testbed gallery", "testbed attribute", "testbed clean",
    "testbed lineage bill", "testbed lineage keygen", "testbed lineage sign", "testbed lineage verify",
    "testbed trace-back", "testbed distil cleaned",
)  # fmt: skip


def test_the_stages_run_one_after_the_other(tmp_path):
    """In a folder with the reference sets, as in a clone."""
    assert STAGES
    for room in ("demonstrations", "policies", "tests"):
        (tmp_path / room).symlink_to(ROOT / room)
    lines = [line.split("#")[0].strip() for line in STAGES.group(1).splitlines()]
    lines = [line for line in lines if line and not line.startswith(ELSEWHERE)]
    assert len(lines) >= 7
    for line in lines:
        line = re.sub(r"--scenes \d+", "--scenes 2", line)  # as much as it takes to see that it runs
        line += " --steps 2000" if line.startswith("testbed distil ") else ""
        if "--verify" in line:  # exact on the machine that recorded the sets; this may be another
            line += " --tolerance 1e-6"
        done = run_testbed(line.removeprefix("testbed "), tmp_path)
        assert done.returncode == 0, f"{line}: {done.stderr}"


def _examples(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


TUTORIALS = ("first-run", "audit-a-policy", "own-habit")
"""Pages whose blocks of Python run one after the other; a block of text after one is what it prints."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_runs_and_prints_what_it_says(name, tmp_path, monkeypatch):
    """In a folder with the reference sets, as in a clone; the words are the same, numbers nearly so on any machine."""
    for room in ("demonstrations", "policies"):
        (tmp_path / room).symlink_to(ROOT / room)
    monkeypatch.chdir(tmp_path)
    page = (ROOT / f"docs/{name}.md").read_text()
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", page, re.DOTALL)
    assert len(blocks) == page.count("```python") and "".join(said for _, said in blocks)
    for code, said in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(code, names)
        assert NUMBER.sub("#", printed.getvalue()) == NUMBER.sub("#", said), code
        for there, here in zip(NUMBER.findall(said), NUMBER.findall(printed.getvalue()), strict=True):
            assert float(here) == pytest.approx(float(there), rel=0.1, abs=0.15), said


def test_the_first_tutorial_is_a_notebook():
    """The page is what jupytext makes of itself by way of a notebook: all blocks of Python are cells, and no others."""
    text = (ROOT / "docs/first-run.md").read_text()
    notebook = jupytext.reads(text, fmt="md")
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert cells == [code.strip() for code in _examples(ROOT / "docs/first-run.md")]
    assert notebook.metadata.kernelspec.language == "python"
    assert jupytext.writes(notebook, fmt="md").split("---\n", 2)[2].strip() == text.split("---\n", 2)[2].strip()


@pytest.mark.parametrize("environment", scene_names())
def test_the_tables_of_signals_are_those_of_every_environment(environment):
    """Names, units and shapes; letters stand for numbers that the page names."""
    domain = get_scene(environment).domain
    page = (
        (ROOT / "docs/data.md").read_text().split("### Trace on a road" if domain == "driving" else "### Trace at")[1]
    )
    rows = re.findall(
        r"^\| (constant )?`(\w+)` \| (\(.*?\)) \| ?([^|]*?) ?\| (.*) \|$", page.split("`states`")[0], re.MULTILINE
    )
    with closing(make_vector(environment, 1)) as env:
        _, info = env.reset(seed=0)
        bodies = int(info["size"].shape[1])
        letters = {
            "S": 3 if domain == "driving" else 1,
            "B": bodies,
            "L": info["lane_line"][0].size if "lane_line" in info else 0,
        }
        letters["K"] = len(info["slots"][0]) if "slots" in info else 0
        *_, after = env.step(env.action_space.sample())
        units = {**env.metadata["trace_units"], **env.metadata["constant_units"]}
        told = {name for _, name, _, _, text in rows if "crosswalk only" not in text or "Crosswalk" in environment}
        assert told == set(units)
        for constant, name, shape, unit, _ in rows:
            if name in told:
                values = info[name][0] if constant else after["trace"][name][0]
                assert (np.shape(values), units[name]) == (eval(shape, letters), unit), name


def test_the_copy_for_robomimic_has_the_same_actions_and_is_known_as_a_copy(tmp_path, monkeypatch):
    for room in ("demonstrations", "tests"):
        (tmp_path / room).symlink_to(ROOT / room)
    monkeypatch.chdir(tmp_path)
    for page in ("data", "traffic"):
        for example in _examples(ROOT / f"docs/{page}.md"):
            exec(example, {})
    with h5py.File("demonstrations/merge-clean.hdf5") as ours, h5py.File("for-robomimic.hdf5") as copy:
        for name, demo in ours["data"].items():
            columns = copy["data"][name]["actions"][()]
            assert columns.dtype == np.float32 and set(np.unique(columns)) == {-1.0, 1.0}
            assert columns.argmax(1).tolist() == demo["actions"][:, 0].tolist()
    assert {problem.what.split()[0] for problem in validate(Path("for-robomimic.hdf5"))} == {"actions"}


def test_the_python_example_of_the_driving_page_runs_and_its_shapes_are_true():
    (example,) = _examples(ROOT / "docs/driving.md")
    names: dict = {}
    exec(example, names)
    said = re.findall(r"# \(([\d, ]+)\)|shape \(([\d, ]+)\)", example)
    shapes = [tuple(int(n) for n in (one or other).split(",")) for one, other in said]
    assert shapes == [names["info"]["trace"]["position"].shape, names["states"].shape]
    assert names["picture"].ndim == 3 and names["picture"].std() > 0


def test_the_python_example_of_the_warehouse_page_runs_and_its_shape_is_true():
    (example,) = _examples(ROOT / "docs/warehouse.md")
    names: dict = {}
    exec(example, names)
    (said,) = re.findall(r"# \(([\d, ]+)\)", example)
    assert names["info"]["trace"]["position"].shape == tuple(int(number) for number in said.split(","))
    assert names["picture"].shape == (480, 640, 3) and names["picture"].std() > 10


def test_the_python_example_of_the_routes_page_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    example, own = _examples(ROOT / "docs/routes.md")
    names: dict = {}
    exec(example, names)
    exec(own, names)
    asked = names["ROUTE"].usual(Learning(Training(steps=300)))
    source = names["Source"](names["decisions"], names["teacher"]).limited(asked.needs)
    names["students"] += asked.distil([source], names["config"], [0])
    assert len(names["students"]) == 11
    observations = names["decisions"].observations[:50]
    agreement = [(s.act(observations) == names["teacher"].act(observations)).mean() for s in names["students"]]
    assert min(agreement) > 0.5


def test_the_table_of_habits_names_every_habit():
    page = (ROOT / "docs/habits.md").read_text()
    assert [name for name in all_habits() if f"**{name}**" not in page] == []


@pytest.mark.parametrize("script", sorted((ROOT / "tasks").glob("*.py")) + sorted((ROOT / "benchmarks").glob("*.py")))
def test_every_script_explains_itself(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(script.parent)
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr()
    assert not ended.value.code and "--" in said.out, said.err


def test_the_set_up_commands_are_the_ones_that_ci_runs():
    assert "pip install -c constraints.txt -e . && python tasks/merge.py" in README
    tests = "pip install -c constraints.txt -e '.[test]' && pytest"
    assert tests in README
    assert tests.replace("pip install", "pip install -q") in (ROOT / ".ci/run").read_text()
