"""Data sets go out to other formats and come back to the last bit; what is damaged or somebody else's is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet
import pytest

from testbed.cli import main
from testbed.datasets.reader import each_episode, load_episode
from testbed.errors import UserError
from testbed.exchange.carried import read_header
from testbed.exchange.registry import FORMATS, format_for, format_of

ROOT = Path(__file__).parent.parent
SETS = sorted((ROOT / "demonstrations").glob("*.hdf5"))
ENDING = {"minari": "-v0", "lerobot": "", "parquet": ".parquet", "csv": ".csv"}


def everything(path: Path) -> dict[str, object]:
    """Return all arrays and attributes of an HDF5 file."""
    found: dict[str, object] = {}

    def look(name: str, item: h5py.HLObject) -> None:
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = np.array(value).tolist()
        if isinstance(item, h5py.Dataset):
            found[name] = (str(item.dtype), item.shape, item[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(look)
    return found


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("source", SETS, ids=lambda path: path.stem)
def test_every_set_comes_back_to_the_last_bit(source, name, tmp_path):
    out = tmp_path / f"{source.stem}{ENDING[name]}"
    count = FORMATS[name].write(out, read_header(source), each_episode(source))
    header, episodes = format_of(out).read(out)
    assert header == read_header(source)
    numbers = 0
    for one, other in zip(each_episode(source), episodes, strict=True):
        numbers += 1
        for field in ("observations", "actions", "rewards", "states"):
            mine, theirs = getattr(one, field), getattr(other, field)
            assert mine.dtype == theirs.dtype and mine.tobytes() == theirs.tobytes(), field
        for part in ("signals", "constants"):
            mine, theirs = getattr(one.trace, part), getattr(other.trace, part)
            assert list(mine) == list(theirs)
            for key, signal in mine.items():
                assert signal.unit == theirs[key].unit
                assert (signal.values.dtype, signal.values.shape) == (
                    theirs[key].values.dtype,
                    theirs[key].values.shape,
                )
                assert signal.values.tobytes() == theirs[key].values.tobytes(), key
        said = ("environment", "scenario", "terminated", "success", "behaviour", "ending", "simulator")
        assert all(getattr(one, field) == getattr(other, field) for field in said)
        assert dict(one.context) == dict(other.context) and one.trace.rate == other.trace.rate
    assert count == numbers


@pytest.mark.parametrize("name", FORMATS)
def test_the_commands_give_the_same_file_again_with_masks_that_somebody_chose(name, tmp_path, capsys):
    source, out = tmp_path / "mine.hdf5", tmp_path / f"mine{ENDING[name]}"
    shutil.copy(ROOT / "demonstrations" / "shelf-stocking-habit.hdf5", source)
    with h5py.File(source, "r+") as file:
        file["mask/chosen"] = np.array(["demo_1", "demo_0"], "S")
    main(["export", str(source), str(out), *(["--to", name] if ENDING[name][:1] != "." else [])])
    main(["import", str(out), str(tmp_path / "again.hdf5")])
    assert everything(tmp_path / "again.hdf5") == everything(source)
    main(["import", str(out), str(tmp_path / "again.hdf5")])  # it is there, and is left alone
    assert everything(tmp_path / "again.hdf5") == everything(source)
    main(["validate", str(tmp_path / "again.hdf5")])
    assert "nothing wrong" in capsys.readouterr().out


def test_minari_finds_its_own_names(tmp_path):
    """Of its places and types as its 0.5.4 has them; `benchmarks/formats.py` asks its own loader."""
    source = ROOT / "demonstrations" / "merge-habit.hdf5"
    out = tmp_path / "merge-habit-v0"
    FORMATS["minari"].write(out, read_header(source), each_episode(source))
    told = json.loads((out / "data" / "metadata.json").read_text())
    episode = load_episode(source, 0)
    assert (told["dataset_id"], told["data_format"]) == ("merge-habit-v0", "hdf5")
    assert json.loads(told["action_space"]) == {"type": "Discrete", "dtype": "int64", "start": 0, "n": 5}
    assert json.loads(told["env_spec"])["id"] == "testbed/Merge-v0"
    with h5py.File(out / "data" / "main_data.hdf5") as file:
        assert len(file) == told["total_episodes"]
        first = file["episode_0"]
        assert first["observations"].shape == (len(episode) + 1, 56) and first["actions"].shape == (len(episode),)
        ends = first["terminations"][()] | first["truncations"][()]
        assert ends.tolist() == [False] * (len(episode) - 1) + [True]
        assert first.attrs["seed"] == episode.scenario.seed
        for factor, value in episode.scenario.context.items():
            assert first.attrs[f"options/context/{factor}"] == value
        assert first["infos/trace/position"].attrs["unit"] == "m"


def test_what_cannot_be_exported_or_imported_is_named(tmp_path):
    with pytest.raises(UserError, match=r"ends in \.npz: give a name that ends in \.parquet \(parquet\)"):
        format_for(Path("a.npz"), None)
    with pytest.raises(UserError, match=r"unknown format 'zarr'.* csv, lerobot, minari, parquet"):
        format_for(Path("a"), "zarr")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nothing.parquet", SETS[0]):
        with pytest.raises(UserError, match=r"is no data set of|is no Parquet file"):
            format_of(path).read(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_set_is_refused_in_one_line_and_nothing_is_left(name, tmp_path):
    source = ROOT / "demonstrations" / "merge-clean.hdf5"
    out = tmp_path / f"a{ENDING[name]}"
    FORMATS[name].write(out, read_header(source), each_episode(source))
    files = sorted(file for file in ([out] if out.is_file() else out.rglob("*")) if file.is_file())
    files += [out.with_suffix(".json")] if name == "csv" else []
    for file in files:
        whole = file.read_bytes()
        for damaged in (b"", whole[: len(whole) // 2], whole[:100] + b"\xff" * 50 + whole[150:]):
            file.write_bytes(damaged)
            try:
                header, episodes = format_of(out).read(out)
                kept = list(episodes)
            except UserError as error:
                assert "\n" not in str(error) and str(tmp_path) in str(error)
            else:  # the damage is where no number is
                assert header.environment == "testbed/Merge-v0" and len(kept) == 16
        file.write_bytes(whole)


def test_an_episode_that_is_gone_is_missed(tmp_path):
    """A table that ends where an episode does is as whole as its labels say, and not more."""
    source = ROOT / "demonstrations" / "merge-clean.hdf5"
    tables = (("a.parquet", "parquet", "episode"), ("b/data/chunk-000/file-000.parquet", "lerobot", "episode_index"))
    for name, kind, column in tables:
        out = tmp_path / name.split("/")[0]
        FORMATS[kind].write(out, read_header(source), each_episode(source))
        carried = pyarrow.parquet.read_metadata(tmp_path / name).metadata
        rows = pyarrow.parquet.read_table(tmp_path / name)
        kept = {
            "fewer": rows.filter(pyarrow.compute.less(rows[column], 15)),
            "no column": rows.drop_columns(["trace.speed"]),
        }  # fmt: skip
        for what, table in kept.items():
            pyarrow.parquet.write_table(table.replace_schema_metadata(carried), tmp_path / name)
            with pytest.raises(UserError, match="15 episodes of 16" if what == "fewer" else "cannot be read"):
                list(format_of(out).read(out)[1])


def test_both_files_of_a_csv_are_written_or_none(tmp_path):
    theirs = tmp_path / "a.json"
    theirs.write_text('{"lineage": "of my family"}')
    with pytest.raises(UserError, match="is in the way"):
        FORMATS["csv"].write(tmp_path / "a.csv", read_header(SETS[0]), each_episode(SETS[0]))
    assert theirs.read_text() == '{"lineage": "of my family"}' and not (tmp_path / "a.csv").exists()


def test_a_table_of_somebody_else_is_not_taken_for_one(tmp_path):
    theirs = tmp_path / "theirs.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"observation.state": [[1.0]], "action": [[1.0]]}), theirs)
    with pytest.raises(UserError, match="was not exported by the testbed: it has no physical trace"):
        format_of(theirs).read(theirs)
    before = theirs.read_bytes()
    with pytest.raises(UserError, match="is in the way"):
        FORMATS["parquet"].write(theirs, read_header(SETS[0]), each_episode(SETS[0]))
    assert theirs.read_bytes() == before
