"""Logs of traffic in files of several kinds say the same, and what is no log is named with its mend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from testbed.errors import UserError
from testbed.traffic.reading import read_log


def write_csv(path: Path, head: str, rows: list[tuple], delimiter: str = ",") -> Path:
    lines = [head.replace(",", delimiter), *(delimiter.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_tables_of_several_kinds_say_the_same(tmp_path):
    """Plain columns in metres, NGSIM's feet by the front, highD's corners by the frame, and SUMO's degrees."""
    frames = range(0, 30)
    plain = write_csv(tmp_path / "plain.csv", "time,id,x,y,length,width,lane",
                      [(n / 25, "7", n * 1.0, 3.0, 5.0, 2.0, 1) for n in frames], ";")  # fmt: skip
    corner = write_csv(tmp_path / "highd.csv", "frame,id,x,y,width,height,laneId,xVelocity,yVelocity",
                       [(n, "7", n * 1.0 - 2.5, 2.0, 5.0, 2.0, 1, 25.0, 0.0) for n in frames])  # fmt: skip
    foot = 0.3048
    feet = write_csv(
        tmp_path / "ngsim.csv",
        "Frame_ID,Vehicle_ID,Local_X,Local_Y,v_Length,v_Width,v_Vel,v_Acc,Lane_ID",
        [(n, "7", 3 / foot, (n * 2.5 + 2.5) / foot, 5 / foot, 2 / foot, 25 / foot, 0, 1) for n in frames],
    )
    sumo = write_csv(tmp_path / "sumo.csv", "timestep_time,vehicle_id,vehicle_x,vehicle_y,vehicle_angle,vehicle_speed",
                     [(n / 25, "7", n * 1.0 + 2.5, 3.0, 90.0, 25.0) for n in frames])  # fmt: skip
    logs = [
        read_log(file, kind) for file, kind in ((plain, "plain"), (corner, "highd"), (feet, "ngsim"), (sumo, "sumo"))
    ]
    for log, rate in zip(logs, (25, 25, 10, 25), strict=True):
        assert (log.rate, log.names) == (rate, ("7",))
        np.testing.assert_allclose(log.position[:, 1], 3.0, atol=1e-9)
        np.testing.assert_allclose(log.position[:, 0], np.arange(30) * 25 / rate, atol=1e-9)
        np.testing.assert_allclose(log.speed, 25.0)
        np.testing.assert_allclose(log.size, [[5.0, 1.8 if log is logs[3] else 2.0]])
    told = pyarrow.table({"time": [0.0, 0.04], "id": [1, 1], "x": [0.0, 1.0], "y": [3.0, 3.0]})
    pyarrow.parquet.write_table(told, tmp_path / "plain.parquet")
    assert read_log(tmp_path / "plain.parquet").guessed[0] == "every length as 5 m"
    own = tmp_path / "own.toml"
    own.write_text('time = "t"\nid = "who"\nx = "east"\ny = "north"\n')
    table = write_csv(tmp_path / "own.csv", "t,who,east,north", [(0, "a b", 0, 0), (1, "a b", 9, 0)], "\t")
    assert read_log(table, str(own)).speed.tolist() == [9.0, 9.0]


GOOD = [(0.0, "a", 0.0, 0.0), (0.1, "a", 1.0, 0.0)]


@pytest.mark.parametrize(("name", "head", "rows", "says"), [
    ("a.csv", "time,id,x,z", GOOD, r"no column 'y' for y; there are time, id, x, z"),
    ("a.csv", "time,id,x,y", [*GOOD, (0.1, "a", 2.0, 0.0)], r"vehicle a is there twice at 0.1 s"),
    ("a.csv", "time,id,x,y", [*GOOD, (0.25, "a", 2.0, 0.0)], r"times are not even"),
    ("a.csv", "time,id,x,y", [*GOOD, (0.2, "a", "nan", 0.0)], r"x of vehicle a at 0.2 s is nan: give numbers up to"),
    ("a.csv", "time,id,x,y", [*GOOD, (0.2, "a", 1e308, 0.0)], r"x of vehicle a at 0.2 s is 1e\+308"),
    ("a.csv", "time,id,x,y", [*GOOD, (0.1 + 1e-9, "a", 2.0, 0.0)], r"two times are 1e-09 s apart"),
    ("a.csv", "time,id,x,y", [*GOOD, (0.2, "a", "far", 0.0)], r"column 'x' has something else than numbers"),
    ("a.csv", "time,id,x,y", [(0.0, "a", 0.0, 0.0)], r"no vehicle is there at two times"),
    ("a.csv", "time,id,x,y", [], r"there is no vehicle in it"),
    ("a.csv", "time,id,x,y,length", [(*row, 0) for row in GOOD], r"no length or width above 0"),
    ("a.csv", "", [], r"is no table"),
    ("a.parquet", "time,id,x,y", GOOD, r"is no table"),
    ("a.json", "time,id,x,y", GOOD, r"ends in \.json: give"),
    ("a.xml", "<tripinfos></tripinfos>", [], r"holds <tripinfos>, not <fcd-export>"),
    ("a.xml", "<fcd-export><timestep time='0'><vehicle id='a'/>", [], r"a vehicle at 0 s lacks 'x'"),
    ("a.xml", "<fcd-export><timestep time='0'>", [], r"is damaged, or no XML"),
    ("a.xml", "<fcd-export></fcd-export>", [], r"has no vehicle in it"),
    ("a.xml.gz", "not packed", [], r"cannot be read|is damaged"),
])  # fmt: skip
def test_what_is_no_log_is_named_with_its_mend(tmp_path, name, head, rows, says):
    file = write_csv(tmp_path / name, head, rows) if name.endswith((".csv", ".parquet")) else tmp_path / name
    if not file.exists():
        file.write_text(head)
    with pytest.raises(UserError, match=says) as error:
        read_log(file)
    assert "\n" not in str(error.value) and str(file) in str(error.value)


def test_what_a_set_of_columns_cannot_mean_is_refused(tmp_path):
    file, own = write_csv(tmp_path / "a.csv", "time,id,x,y", GOOD), tmp_path / "own.toml"
    for text, says in (("frames = -25.0", "frames of 0 or more"), ("metres = 0.0", "metres above 0"),
                       ('point = "corner"', "no columns say length and width")):  # fmt: skip
        own.write_text(text)
        with pytest.raises(UserError, match=says):
            read_log(file, str(own))
    types = tmp_path / "types.xml"
    for text, says in (('<a><vType id="car" length="long"/></a>', "declares no types"),
                       ('<a><vType id="car" length="0"/></a>', "no length or width above 0")):  # fmt: skip
        types.write_text(text)
        with pytest.raises(UserError, match=says):
            read_log(Path(__file__).parent / "sumo_fcd.xml", types=types)


def test_names_of_columns_and_vehicles_are_listed(tmp_path):
    file = write_csv(tmp_path / "a.csv", "time,id,x,y", GOOD)
    with pytest.raises(UserError, match=r"plain, sumo"):
        read_log(file, "mine")
    with pytest.raises(UserError, match=r"unknown vehicle 'z'.* a"):
        read_log(file).trace("z")
