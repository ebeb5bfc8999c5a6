"""The console prints names as they are, obeys nothing in them, and never stops the work."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from testbed.console import console, lines, progress, run_command, styled, ticked
from testbed.errors import UserError, suggested
from testbed.legible import PLAIN, Steady, legible

ROOT = Path(__file__).parent.parent
NASTY = (
    "a[b]", "[/red]", "[bold]x", ":smile:", "x\x1b[2J\x1b]0;title\x07", "a\nb\r\tc", "\u202egnp", "\x9b31m", "😀 ü",
)  # fmt: skip
ENCODINGS = ("utf-8", "ascii", "cp1252", "latin-1", "cp437", "shift_jis")


@pytest.fixture
def printed(monkeypatch):
    """Return a function that puts a stream of an encoding in the place of standard output, and one that reads it."""

    def put(encoding: str = "utf-8"):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)

        def read() -> str:
            stream.flush()
            return stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]

        return read

    return put


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_printed_as_it_is_wherever_it_stands(name, printed):
    read = printed()
    table = Table(title=name, caption=name)
    table.add_column(name, no_wrap=True)
    table.add_column("so wide that nothing is wrapped", no_wrap=True)
    table.add_row(name)
    table.add_row(styled(name, "bold"))
    console.print(name)
    console.print(table)
    console.print(lines([name, name]))
    with progress(name, 3) as advance:
        advance(1)
    ticked(name, name)
    assert read().count(legible(name)) == 12
    assert re.search(r"[^\n -~\u2500-\u257f✓😀ü]", read()) is None


@pytest.mark.parametrize("name", NASTY)
def test_a_mistake_with_any_name_is_one_line(name, capsys):
    def refuse() -> None:
        raise UserError(f"no data set at {name}")

    with pytest.raises(SystemExit) as ended:
        run_command(refuse)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: no data set at {legible(name)}\n"


@given(st.text())
def test_a_legible_text_steers_nothing_and_keeps_what_can_be_seen(text):
    shown = legible(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)
    assert legible(shown) == shown
    if text.isprintable():
        assert shown == text


@given(st.text(), st.sampled_from(ENCODINGS))
def test_nothing_is_too_much_for_any_encoding(text, encoding):
    stream, before = io.TextIOWrapper(io.BytesIO(), encoding=encoding), sys.stdout
    try:
        sys.stdout = stream
        console.print(text)
        Steady("stdout").write(text)
    finally:
        sys.stdout = before
    stream.flush()
    assert stream.buffer.getvalue().decode(encoding) or not text  # what is there can be read again
    stream.flush()
    stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("encoding", "says"), [("utf-8", "✓ m/s² ×"), ("cp1252", "ok m/s² ×"), ("ascii", "ok m/s2 x")])
def test_a_tick_is_said_in_words_where_there_is_none(encoding, says, printed):
    read = printed(encoding)
    ticked("m/s² ×")
    assert read() == f"{says}\n"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bar_moves_on_any_terminal(encoding, printed, monkeypatch):
    read = printed(encoding)
    monkeypatch.setattr(console, "_force_terminal", True)
    monkeypatch.setattr(console, "is_interactive", True)
    with progress("[red]", 10) as advance:
        for _ in range(10):
            advance(1)
    assert "[red]" in read() and "10/10" in read()


def test_whatever_the_testbed_prints_has_a_plain_form():
    written = "".join(file.read_text(encoding="utf-8") for file in sorted((ROOT / "testbed").rglob("*.py")))
    assert set(re.findall(r"[^\x00-\x7f]", written)) - set(PLAIN) == set()


def test_no_mark_up_is_written_where_none_is_read():
    files = [file for room in ("testbed", "tasks", "benchmarks") for file in sorted((ROOT / room).rglob("*.py"))]
    written = {file.name: file.read_text(encoding="utf-8") for file in files}
    marks = re.compile(r"\[/(bold|dim|red|green|yellow)\]|markup=True|\\\[[{9]|console.print\(.*\\n")
    assert {name: marks.findall(text) for name, text in written.items() if marks.search(text)} == {}
    assert [name for name, text in written.items() if "rich.text" in text or "rich.console" in text] == ["console.py"]


def test_a_reader_that_goes_away_stops_nothing(monkeypatch, capsys):
    end, begin = os.pipe()
    monkeypatch.setattr(sys, "stdout", os.fdopen(begin, "w"))
    monkeypatch.setattr(console, "stream", Steady("stdout"))
    monkeypatch.setattr(console, "_file", console.stream)
    os.close(end)
    done = []

    def work() -> None:
        for number in range(3):
            console.print(f"line {number}")
            done.append(number)

    run_command(work)
    assert done == [0, 1, 2]
    sys.stdout.close()  # as Python does at its end: there is nothing left that cannot be written


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_behind_standard_output_is_said_at_the_end(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", open("/dev/full", "w"))  # noqa: SIM115
    monkeypatch.setattr(console, "stream", Steady("stdout"))
    monkeypatch.setattr(console, "_file", console.stream)
    done = []
    with pytest.raises(SystemExit) as ended:
        run_command(lambda: done.append(console.print("one")))
    assert done == [None] and ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    sys.stdout.close()


@pytest.mark.parametrize("gone", [None, "closed"])
def test_no_standard_output_at_all_stops_nothing(gone, monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stdout", None if gone is None else stream)
    monkeypatch.setattr(console, "stream", Steady("stdout"))
    monkeypatch.setattr(console, "_file", console.stream)
    ticked("done")
    with progress("title", 1) as advance:
        advance(1)


def test_a_suggested_command_can_be_pasted():
    assert suggested("testbed", "replay", Path("my data/a[b].hdf5"), "--episode", 0) == (
        "testbed replay 'my data/a[b].hdf5' --episode 0"
    )
