"""How arrays are laid out: what the page says is what its table says, and the writer does it."""

from __future__ import annotations

import re
from pathlib import Path

import h5py

from testbed.datasets.reader import load_episodes
from testbed.datasets.writer import DatasetWriter
from testbed.lineage import Lineage

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "data.md").read_text()
ROW = re.compile(r"\| ([\w-]+) \| (.+?) \| [\d.]+ MB \(([\d.]+)\) \| [\d.]+ ms \([\d.]+\) \| [\d.]+ ms \(([\d.]+)\)")
ROWS = [(name, way, float(size), float(read)) for name, way, size, read in ROW.findall(TEXT)]


def test_ours_is_the_smallest_and_the_plain_way_reads_quicker_by_as_much_as_is_said():
    assert len(ROWS) == 24 and len({name for name, *_ in ROWS}) == 4
    assert all(size > 1 for _, way, size, _ in ROWS if "ours" not in way)
    plain = [(size, read) for _, way, size, read in ROWS if "one piece" in way]
    said = re.search(
        r"takes up ([\d.]+) to ([\d.]+) times the space, and reads an episode in ([\d.]+) to ([\d.]+)", TEXT
    )
    assert said
    small, large, quick, slow = map(float, said.groups())
    assert small <= min(size for size, _ in plain) and max(size for size, _ in plain) <= large
    assert quick <= min(read for _, read in plain) and max(read for _, read in plain) <= slow


def test_the_writer_lays_out_what_the_table_calls_ours(tmp_path):
    episode = load_episodes(ROOT / "demonstrations" / "merge-clean.hdf5")[0]
    with DatasetWriter(tmp_path / "a.hdf5", episode.environment, Lineage("save", 0)) as writer:
        writer.append(episode)
        writer.finish()
    with h5py.File(tmp_path / "a.hdf5") as file:
        states = file["data/demo_0/states"]
        assert (states.compression, states.compression_opts, states.shuffle) == ("gzip", 1, False)
        assert states.chunks is not None and 8 * states.chunks[0] * states.chunks[1] <= 1 << 18


def test_a_large_set_takes_less_than_a_gigabyte_and_its_page_names_every_piece():
    """The table has a row for every piece of work of `benchmarks/large`, and none took a gigabyte of its own."""
    source = (ROOT / "benchmarks" / "large" / "pieces.py").read_text()
    pieces = re.findall(r'^        "([^"]+)": ', source, re.MULTILINE)
    table = TEXT[TEXT.index("<!-- large -->") : TEXT.index("<!-- /large -->")]
    rows = re.findall(r"^\| (.+?) \| ([\d,]+) s \| ([\d,]+) MB \|$", table, re.MULTILINE)
    assert [name for name, *_ in rows] == pieces and len(pieces) == 6
    assert all(0 < float(memory.replace(",", "")) < 1000 for _, _, memory in rows)
