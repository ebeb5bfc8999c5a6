"""A fifth route is one file: it shows up in tasks, `testbed distil`, `testbed routes` and the benchmark's grid."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import ROAD

from testbed.benchmark.cell import cell_file
from testbed.benchmark.run_cell import run_cell
from testbed.benchmark.stored import read_filled
from testbed.benchmark.suites import Plan, make_suite
from testbed.cli import main, run_task
from testbed.cli.commands import routes as table
from testbed.distillation import registry, routes
from testbed.errors import UserError
from testbed.experiment import distill
from testbed.experiment.config import Experiment, Run
from testbed.lineage import content_hash
from testbed.policies.checkpoint import load_policy, recorded_lineage
from testbed.protocols.pair import Pair

HERE, ROOT = Path(__file__).parent, Path(__file__).parent.parent
FIFTH = "advantage", "cloning", "kl", "sharpened", "value", "adversarial"
DATA, TEACHERS = ROOT / "demonstrations", ROOT / "policies" / "merge"


@pytest.fixture
def fifth(monkeypatch, tmp_path):
    """The package's folder of routes, and one file more."""
    folder = tmp_path / "further"
    folder.mkdir()
    shutil.copy(HERE / "fifth_route.py", folder / "sharpened.py")
    monkeypatch.setattr(routes, "__path__", [*routes.__path__, str(folder)])
    yield
    sys.modules.pop("testbed.distillation.routes.sharpened", None)


@pytest.fixture
def plug_in(monkeypatch, tmp_path):
    """The same as another package's, by an entry point; and one of that package's that cannot be imported."""
    site = tmp_path / "site"
    (site / "peers-1.0.dist-info").mkdir(parents=True)
    (site / "peers-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: peers\nVersion: 1.0\n")
    (site / "peers-1.0.dist-info" / "entry_points.txt").write_text(
        "[testbed.routes]\nsharpened = peers_sharpened:ROUTE\nkl = peers_sharpened:ROUTE\nbroken = peers_gone:ROUTE\n"
        "misnamed = peers_sharpened:ROUTE\n"
    )
    shutil.copy(HERE / "fifth_route.py", site / "peers_sharpened.py")
    monkeypatch.syspath_prepend(site)
    registry._plug_ins.cache_clear()
    yield
    sys.modules.pop("peers_sharpened", None)
    registry._plug_ins.cache_clear()


def test_testbed_distil_has_it(fifth, tmp_path, capsys):
    """And makes students of it that are told from those of others."""
    made = {}
    for route in ("sharpened", "kl"):
        out = tmp_path / route
        main(["distil", str(DATA / "merge-habit.hdf5"), str(out), "--route", route, "--teacher",
              str(TEACHERS / "teacher-habit"), "--hidden", "8", "--steps", "60"])  # fmt: skip
        policy, behaviour = load_policy(out)
        assert behaviour.policy == f"student-{route}-seed0" and f'"route": "{route}"' in recorded_lineage(out)
        made[route] = policy.arrays["layer0.weight"].tobytes()
    assert made["sharpened"] != made["kl"]
    with pytest.raises(SystemExit) as ended:
        main(["distil", "a", "b", "--route", "sharpend"])
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.count("\n") == 1
    assert said.startswith(
        "error: --route sharpend: choose one of advantage, adversarial, cloning, kl, sharpened, value. "
        "Did you mean 'sharpened'?"
    )


def test_tasks_have_it(fifth, tmp_path, monkeypatch, capsys):
    """A task takes it by its name, and the stage makes students and controls by it, which are audited as others are."""
    sys.path.insert(0, str(ROOT / "tasks"))
    try:
        from merge import Merge
    finally:
        sys.path.pop(0)
    chosen: list[Run] = []
    arguments = ["merge", "--route", "sharpened", "--run", str(tmp_path / "run"), "--hidden", "8"]
    monkeypatch.setattr(sys, "argv", arguments)
    run_task(Merge, lambda task: chosen.append(task.chosen({"quick": ROAD})))
    run = replace(
        chosen[0], experiment=replace(chosen[0].experiment, student=replace(chosen[0].experiment.student, seeds=2))
    )
    monkeypatch.setattr(distill, "in_parallel", lambda work, items, title, total: [work(item) for item in items])
    teachers = Pair(TEACHERS / "teacher-clean", TEACHERS / "teacher-habit")
    data = Pair(DATA / "merge-clean.hdf5", DATA / "merge-habit.hdf5")
    for _ in range(2):
        students = distill.distil_students(run, teachers, data)
    assert "4 policies by sharpened are there already" in capsys.readouterr().out
    assert list(students) == ["sharpened"] and [folder.name for folder in students["sharpened"].habitual] == [
        "student-sharpened-seed0", "student-sharpened-seed1"]  # fmt: skip
    assert len({content_hash(folder / "model.safetensors") for some in students["sharpened"] for folder in some}) == 4
    monkeypatch.setattr(sys, "argv", ["merge", "--route", "clonning"])
    with pytest.raises(SystemExit) as ended:
        run_task(Merge, lambda task: pytest.fail("it begins"))
    said = capsys.readouterr().err
    assert (
        ended.value.code == 2
        and said.count("\n") == 1
        and "advantage, adversarial, cloning, kl, sharpened, value" in said
    )


def test_the_table_of_routes_has_it(fifth, tmp_path, monkeypatch):
    """Every route is distilled, in this order."""
    asked: list[Experiment] = []

    class Enough(Exception):
        pass

    def audit_students(run: Run):
        asked.append(run.experiment)
        raise Enough

    monkeypatch.setattr(table, "audit_students", audit_students)
    with pytest.raises(Enough):
        main(["routes", "merge", "--folder", str(tmp_path / "routes")])
    assert asked[0].student.routes == FIFTH


def test_the_benchmarks_grid_has_it(fifth, tmp_path):
    """In the place that its students, made at once, give it; a cell of it is filled like any other."""
    for name in ("smoke", "core", "full"):
        suite = make_suite(name, 0)
        assert [*dict.fromkeys(cell.route.name for cell in suite.primary)] == list(FIFTH)
        channels = {(cell.route.name, cell.channel) for cell in suite.primary}
        assert {channel for route, channel in channels if route == "sharpened"} == {
            channel for route, channel in channels if route == "kl"
        }
    suite = Plan(("aggressive-merge",), 1, 2, ROAD, ROAD, silently=(), widths=(), doses=()).suite("tiny", 0)
    [cell] = [one for one in suite.primary if one.place.route == "sharpened" and one.channel == "overt"]
    run_cell(cell, tmp_path)
    assert len(read_filled(cell, tmp_path).arms["student"]["triggered"]["severity"]) == 2
    assert '"name": "sharpened"' in cell_file(tmp_path, cell).read_text()


def test_a_plug_in_is_a_route_as_well(plug_in, capsys):
    """Ours win where a name is taken; one that fails is told and left out, or refused where it is asked for."""
    assert registry.names() == ["advantage", "adversarial", "broken", "cloning", "kl", "misnamed", "sharpened", "value"]
    assert [route.name for route in registry.all_routes()] == list(FIFTH)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and "broken cannot be imported from peers_gone:ROUTE (ModuleNotFoundError" in said[0]
    assert registry.get_route("sharpened").__module__ == "peers_sharpened"
    assert registry.get_route("kl").__module__ == "testbed.distillation.routes.kl"
    with pytest.raises(UserError, match=r"peers_sharpened calls itself 'sharpened'.*'misnamed'"):
        registry.get_route("misnamed")


@pytest.mark.parametrize("name", registry.names())
def test_every_route_says_what_it_is(name):
    """A file declares the route of its name; it lasts as long as it is told to, and draws what it says it draws."""
    route = registry.get_route(name).usual(ROAD.student.learning)
    assert route.name == name and route.lasting(7).length == 7 and route.lasting(route.length) == route
    assert route.cost.reports >= route.length > 0 and route.cost.samples >= 0
    assert route.needs <= {"teacher", "values", "scenes"} and ("scenes" in route.needs) == bool(route.purposes)
    assert ROAD.student.route(name) == route
    tuned = replace(ROAD.student, tuned=(route.lasting(9),))
    assert tuned.route(name).length == 9
