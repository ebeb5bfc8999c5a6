"""What pages name is there: rooms, modules, names within them, commands and their options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from testbed.cli import auditing, cleaning, looking, making, measuring, tracing  # noqa: F401  (they register their subcommands)
from testbed.cli.app import app
from testbed.distillation import registry as routes
from testbed.scenes.registry import names

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *(ROOT / room / "README.md" for room in ("demonstrations", "policies", "videos")),
]
GROUPS = (routes.GROUP,)
"""Entry points that other packages fill."""
MADE = ("testbed/envs/__pycache__",)
"""What is made by those who follow a page."""
CODE = re.compile(r"```[^\n]*\n(.*?)```|`([^`]+)`", re.DOTALL)


def spoken(page: Path) -> list[str]:
    """Return the lines of code of a page, those within its sentences too, without comments."""
    found = [one or other for one, other in CODE.findall(page.read_text())]
    return [line.split("  #")[0].strip() for code in found for line in code.replace("\\\n", " ").split("\n")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page):
    wrong = []
    for line in spoken(page):
        for place in re.findall(r"(?<![\w/.-])((?:testbed|tasks|tests|benchmarks|docs)/[\w/.*-]+)", line):
            if place not in {*names(), *MADE} and not list(ROOT.glob(place.rstrip("/."))):
                wrong.append(place)
        for name in re.findall(r"(?<![\w/.-])(testbed(?:\.\w+)+)(?!/)", line):
            if name not in GROUPS and not is_there(name):
                wrong.append(name)
    assert wrong == []


def is_there(name: str) -> bool:
    """Return whether a dotted name is a module, or something within one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            thing = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        return all((thing := getattr(thing, part, None)) is not None for part in parts[length:])
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_of_a_page_have_the_options_it_gives_them(page):
    wrong = []
    for line in spoken(page):
        for command, rest in re.findall(r"(?:^|&& )testbed ([a-z]+(?:-[a-z]+)*)\b(.*)", line):
            known = inspect.signature(app.commands[command]).parameters if command in app.commands else {}
            wrong += [line for option in options(rest) if option not in known and not _is_off(option, known)]
            wrong += [] if known or command == "doctor" else [line]
        for task, rest in re.findall(r"python tasks/(\w+)\.py\b(.*)", line):
            choices = getattr(import_module(f"tasks.{task}"), task.title().replace("_", ""))
            wrong += [line for option in options(rest) if option not in {field.name for field in fields(choices)}]
    assert wrong == []


def _is_off(option: str, known: Mapping[str, inspect.Parameter]) -> bool:
    """Return whether an option turns one off, as --no-film does."""
    parameter = known.get(option.removeprefix("no_"))
    return option.startswith("no_") and parameter is not None and parameter.default is True


def options(words: str) -> list[str]:
    """Return the options of a command line by the names of their parameters."""
    return [word.replace("-", "_") for word in re.findall(r"--([a-z-]+)", words) if word != "help"]


def test_the_page_of_commands_names_every_script():
    page = (ROOT / "docs/commands.md").read_text()
    scripts = [script.name for room in ("tasks", "benchmarks") for script in sorted((ROOT / room).glob("*.py"))]
    assert len(scripts) > 10
    assert [name for name in scripts if name not in page] == []
