"""Logs of traffic: encounters worked by hand or known from SUMO, and what the command says of them."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from testbed.cli import main
from testbed.protocols.episode import Behaviour, Scenario
from testbed.rollouts.rollout import play
from testbed.scenes.merge.cruising import Cruising
from testbed.scenes.merge.following import headway
from testbed.traffic.crossings import crossings
from testbed.traffic.encounters import cut_ins, drives, followings
from testbed.traffic.following import following
from testbed.traffic.log import TrafficLog, make_log
from testbed.traffic.measured import encounters, of_vehicle, over_units, summed
from testbed.traffic.reading import read_log

HERE = Path(__file__).parent
SAMPLES = 50


def driven(ways: dict[str, tuple], rate: float = 10.0, lanes: bool = True, size=(4.0, 2.0)) -> TrafficLog:
    """Return a log of vehicles; a way is x, y and lane over time, each a number or an array."""
    rows: dict[str, list[np.ndarray]] = {name: [] for name in ("time", "vehicle", "x", "y", "lane")}
    for number, way in enumerate(ways.values()):
        x, y, lane = np.broadcast_arrays(*way)
        rows["time"].append(np.arange(len(x)) / rate)
        rows["vehicle"].append(np.full(len(x), number))
        for name, values in zip(("x", "y", "lane"), (x, y, lane), strict=True):
            rows[name].append(values)
    columns = {name: np.concatenate(values) for name, values in rows.items()}
    known = [str(n) for n in range(int(columns["lane"].max()) + 1)] if lanes else []
    if not lanes:
        del columns["lane"]
    return make_log(columns, list(ways), known, np.tile(size, (len(ways), 1)))


TIME = np.arange(SAMPLES) / 10.0


@pytest.mark.parametrize("lanes", [True, False])
def test_who_follows_by_hand(lanes):
    """b is 30 m ahead of a, centre to centre, both are 4 m long: 26 m of gap that close at 5 m/s."""
    log = driven({"a": (20 * TIME, 0.0, 0), "b": (30 + 15 * TIME, 0.0, 0), "c": (20 * TIME, 4.0, 1)}, lanes=lanes)
    follows = following(log)
    own = np.flatnonzero(log.vehicle == 0)
    assert (log.vehicle[follows.leader[own]] == 1).all() and (follows.leader[log.vehicle > 0] == -1).all()
    gap = 26 - 5 * TIME
    np.testing.assert_allclose(follows.gap[own], gap, atol=1e-9)
    np.testing.assert_allclose(follows.headway[own], gap / 20, atol=1e-9)
    np.testing.assert_allclose(follows.ttc[own], gap / 5, atol=1e-9)
    np.testing.assert_allclose(follows.drac[own], 25 / (2 * gap), atol=1e-9)
    found = followings(log, follows)
    assert (found.ego.tolist(), found.other.tolist(), found.begin.tolist()) == ([0], [1], [0.0])
    last = 26 - 5 * TIME[-1]
    assert found.values["min_ttc"][0] == pytest.approx(last / 5)
    assert found.values["tailgating"][0] == pytest.approx((gap / 20 < 0.9).mean())


def test_a_leader_on_the_next_lane_is_found_along_the_way():
    """The road bends at x = 100 from lane 0 to lane 1, where places along begin again at 0."""
    x = 10 * TIME
    along = {"a": x + 2, "b": 40 + x + 2}
    columns: dict[str, list] = {name: [] for name in ("time", "vehicle", "x", "y", "lane", "along", "speed", "heading")}
    for number, place in enumerate(along.values()):
        on_next = place > 30
        columns["time"].append(TIME)
        columns["vehicle"].append(np.full(SAMPLES, number))
        columns["x"].append(np.where(on_next, 30.0, place))
        columns["y"].append(np.where(on_next, place - 30, 0.0))
        columns["lane"].append(on_next.astype(int))
        columns["along"].append(np.where(on_next, place - 30, place))
        columns["speed"].append(np.full(SAMPLES, 10.0))
        columns["heading"].append(np.where(on_next, np.pi / 2, 0.0))
    log = make_log({name: np.concatenate(values) for name, values in columns.items()}, ["a", "b"], ["0", "1"],
                   np.tile((4.0, 2.0), (2, 1)), front=True)  # fmt: skip
    follows = following(log)
    own = log.vehicle == 0
    assert (log.vehicle[follows.leader[own]] == 1).all()
    np.testing.assert_allclose(follows.gap[own], 36.0, atol=1e-6)


def test_a_cut_in_by_hand():
    """a comes from the other lane 16 m ahead of b, bumper to bumper 12 m, at 10 m/s; b drives 15 and then brakes with 3
    m/s2, after 1 m/s2 before: 2 more."""
    lane = (TIME >= 2.0).astype(int)
    speed = 15 - np.clip(TIME - 1.0, 0, 1.0) - 3 * np.clip(TIME - 2.0, 0, 1.0)
    b = np.concatenate([[0.0], np.cumsum(speed[1:]) / 10])
    a = b[20] + 16 + 10 * (TIME - 2.0)
    log = driven({"a": (a, 0.0, lane), "b": (b, 0.0, 1)})  # a line beside another lane, as maps have them
    found = cut_ins(log, following(log))
    assert (found.ego.tolist(), found.other.tolist(), found.begin.tolist()) == ([1], [0], [2.0])
    assert found.values["lag_headway"][0] == pytest.approx(12 / 14, rel=1e-3)
    assert found.values["cut_in_margin"][0] == pytest.approx(12 / 4 - (4 / 12 + 0.35), abs=0.02)
    assert found.values["imposed_deceleration"][0] == pytest.approx(2.0, abs=1e-6)
    assert not len(cut_ins(driven({"a": (a, 0.0, 1), "b": (b, 0.0, 1)}), following(log)))  # nobody changes lanes


def test_post_encroachment_by_hand():
    """Two ways at right angles cross in 0, 0; vehicles are 4 m by 2 m, so each place is 2 m + 4 m long. a, at 10 m/s,
    leaves it 3 m behind the crossing, b comes to it, at 5 m/s, 3 m before."""
    log = driven({"a": (10 * (TIME - 1.0), 0.0, 0), "b": (0.0, 5 * (TIME - 3.0), 0)}, lanes=False)
    found = crossings(log, following(log))
    assert (found.ego.tolist(), found.other.tolist()) == ([1], [0])
    assert found.values["pet"][0] == pytest.approx((3.0 - 3 / 5) - (1.0 + 3 / 10))
    both = driven({"a": (10 * (TIME - 1.0), 0.0, 0), "b": (0.0, 5 * (TIME - 1.2), 0)}, lanes=False)
    assert crossings(both, following(both)).values["pet"].tolist() == [0.0]
    beside = driven({"a": (10 * (TIME - 1.0), 0.0, 0), "b": (5 * (TIME - 1.2), 3.0, 0)}, lanes=False)
    assert not len(crossings(beside, following(beside)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-math.pi, math.pi), st.floats(-500, 500))
def test_nothing_hangs_on_where_the_axes_are_or_on_the_order_of_rows(seed, angle, shift):
    rng = np.random.default_rng(seed)
    ways = {str(n): (rng.uniform(-50, 50) + rng.uniform(5, 20) * TIME, rng.uniform(-4, 4), 0) for n in range(6)}
    log = driven(ways, lanes=False)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    moved = log.position @ turn + shift
    order = rng.permutation(len(log))
    columns = {"time": log.time, "vehicle": log.vehicle, "x": moved[:, 0], "y": moved[:, 1]}
    other = make_log({name: values[order] for name, values in columns.items()}, log.names, [], log.size)
    one, two = following(log), following(other)
    np.testing.assert_array_equal(one.leader, two.leader)
    there = one.leader >= 0
    np.testing.assert_allclose(one.gap[there], two.gap[there], atol=1e-6)
    np.testing.assert_allclose(one.drac[there], two.drac[there], rtol=1e-3, atol=1e-5)


def test_the_headway_of_a_log_is_that_of_the_trace_it_is_made_from():
    """Episodes of the merge, the ego on the main road, written as a log of all vehicles."""
    scenes = [Scenario(seed, {"ego": "main"}) for seed in range(3)]
    for episode in play("testbed/Merge-v0", scenes, [(Cruising(), Behaviour("cruising"))], states=False):
        trace = episode.trace
        count, bodies = trace["speed"].shape
        table = {
            "time": np.repeat(np.arange(count) / trace.rate, bodies), "vehicle": np.tile(np.arange(bodies), count),
            "x": trace["position"][..., 0].ravel(), "y": trace["position"][..., 1].ravel(),
            "heading": trace["heading"].ravel(), "speed": trace["speed"].ravel(),
            "lane": trace["lane"].astype(int).ravel(),
        }  # fmt: skip
        log = make_log(table, [str(n) for n in range(bodies)], ["left", "right", "ramp"], trace["size"])
        ours, theirs = following(log).headway[log.vehicle == 0], headway(trace)
        counts = ~np.isnan(theirs)
        assert counts.any()
        np.testing.assert_allclose(ours[counts], theirs[counts], rtol=0.02)
        again = log.trace("0", reach=1e6)
        np.testing.assert_array_equal(again["speed"], trace["speed"])
        np.testing.assert_allclose(again["position"], trace["position"])


def test_every_follower_of_a_log_of_sumo_is_as_close_as_its_own_device_says():
    """`python benchmarks/traffic.py --answers tests` makes log and answers, and compares some 30,000 values."""
    log = read_log(HERE / "sumo_fcd.xml", types=HERE / "sumo_types.xml")
    follows = following(log)
    assert (len(log.names), log.rate, log.guessed) == (14, 2.0, ())
    assert sorted({tuple(one) for one in log.size.tolist()}) == [(4.6, 1.8), (9.0, 2.4)]
    compared = 0
    for known in json.loads((HERE / "sumo_pairs.json").read_text())["pairs"]:
        when = log.sample == round((known["time"] - log.begin) * log.rate)
        [row] = np.flatnonzero(when & (log.vehicle == log.number(known["behind"])))
        if log.names[log.vehicle[follows.leader[row]]] == known["ahead"] and (known["TTC"] or 1e9) < 100:
            compared += 1
            assert follows.drac[row] == pytest.approx(known["DRAC"], rel=0.01, abs=5e-4)
            assert follows.ttc[row] == pytest.approx(known["TTC"], rel=0.01)
    assert compared > 30


def test_a_trace_has_whoever_came_near_and_not_the_rest():
    log = driven({"a": (20 * TIME, 0.0, 0), "b": (30 + 15 * TIME[:20], 0.0, 0), "far": (900 + 15 * TIME, 0.0, 0)})
    trace = log.trace("a")
    assert (trace.rate, trace["position"].shape, trace["size"].shape) == (10.0, (SAMPLES, 2, 2), (2, 2))
    assert np.isnan(trace["speed"][20:, 1]).all() and np.isfinite(trace["speed"][:20]).all()
    assert set(trace["lane"][20:, 1]) == {-2}


def test_intervals_are_over_vehicles():
    """Ten encounters of each of six vehicles, alike within a vehicle, are six values and no sixty."""
    rng = np.random.default_rng(0)
    levels = rng.normal(size=6)
    few, many = over_units(levels, np.arange(6)), over_units(np.repeat(levels, 10), np.repeat(np.arange(6), 10))
    assert (few.value, few.half()) == pytest.approx((many.value, many.half()))
    uneven = over_units(np.array([1.0, 1.0, 1.0, 4.0]), np.array([0, 0, 0, 1]))
    assert uneven.value == 1.75 and uneven.half() > over_units(np.array([1.0, 1.0, 1.0, 4.0]), np.arange(4)).half()


def test_every_measure_has_a_row_and_one_vehicle_its_own_part():
    log = read_log(HERE / "sumo_fcd.xml", types=HERE / "sumo_types.xml")
    found = encounters(log)
    rows = summed(found, log)
    assert {row.kind for row in rows} >= {"following", "crossing", "drive"}
    assert all(row.encounters >= row.vehicles > 0 for row in rows)
    assert len(drives(log)) == len(log.names)
    name = log.names[int(found[0].ego[0])]
    parts = {part.kind: len(part) for part in of_vehicle(found, log, name)}
    both = (found[0].ego == log.number(name)) | (found[0].other == log.number(name))
    assert parts[f"{name} follows"] + parts[f"others follow {name}"] == both.sum() and parts[f"{name} drives"] == 1


def test_the_command_says_what_was_found_and_leaves_every_encounter(tmp_path, capsys):
    out = tmp_path / "encounters.csv"
    words = ["measure", str(HERE / "sumo_fcd.xml"), "--types", str(HERE / "sumo_types.xml")]
    main([*words, "--write", str(out)])
    told = capsys.readouterr().out
    assert "14 vehicles, 44.5 s at 2 Hz" in told and "TTC [s]" in told and "PET" in told
    with out.open() as file:
        rows = list(csv.DictReader(file))
    log = read_log(HERE / "sumo_fcd.xml", types=HERE / "sumo_types.xml")
    assert len(rows) == sum(map(len, encounters(log)))
    main([*words, "--ego", "v3"])
    assert "v3 follows" in capsys.readouterr().out
    out.write_text("mine")
    for more, says in (["--write", str(out)], "is in the way"), (["--ego", "v99"], "unknown vehicle 'v99'"):
        with pytest.raises(SystemExit):
            main([*words, *more])
        assert says in capsys.readouterr().err
    assert out.read_text() == "mine"
