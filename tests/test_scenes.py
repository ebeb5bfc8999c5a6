"""What scenes are drawn, what is seen of them, how they end, and that a clean driver masters them."""

from __future__ import annotations

import numpy as np
import pytest
from roads import CROSSWALK, IDS, MERGE, Random, begun, every

import testbed  # noqa: F401  (registers the environments)
from testbed.envs.asking import fixed_factors
from testbed.envs.driving.scene import ACTIONS, Scene, Worlds
from testbed.envs.driving.state import write_states
from testbed.envs.kernel.records import DECISION_HZ
from testbed.mechanics.contact import contacts
from testbed.scenes.crosswalk import observation as crosswalk_observation
from testbed.scenes.crosswalk.courtesy import Courtesy
from testbed.scenes.merge import observation as merge_observation
from testbed.scenes.merge.cruising import Cruising
from testbed.scenes.merge.gap_acceptance import GapAcceptance
from testbed.scenes.registry import get_scene

NEVER_DRAWN = {
    MERGE: {"leader": "bus", "ego": "main"},
    CROSSWALK: {"observer": "covered-camera", "pedestrian": "wheelchair"},
}
"""What is only there where it is asked for: held-out values, and the other role at the merge."""
FACTORS = [(name, factor) for name in IDS for factor in get_scene(name).context]
FIXED_ONE = [(name, {f: value}) for name, f in FACTORS for value in get_scene(name).context[f]]


FIXED_ONE += [
    (MERGE, {"ego": "main"} | context) for name, context in FIXED_ONE if name == MERGE and "ego" not in context
]
"""Every environment and role with each value of each factor."""


def _start(scene: Scene, count: int, context: dict[str, str] | None = None) -> Worlds:
    return scene.start(np.arange(count), np.tile(fixed_factors(scene.context, context or {}), (count, 1)))


class _Always:
    """A driver with one action."""

    def __init__(self, action: str) -> None:
        self.action = ACTIONS.index(action)

    def act(self, observations):
        return np.full(len(observations), self.action)


def _play(name: str, policy, n: int, context: dict[str, str] | None = None, seed: int = 0) -> dict[str, np.ndarray]:
    """Play n scenes to their ends; return, one a world, what they came to."""
    batch, observations = begun(name, n, seed=seed, options={"context": context or {}})
    limit = round(batch.scene.time_limit * DECISION_HZ)
    played = {key: np.zeros(n, bool) for key in ("success", "contact", "early", "terminated", "truncated")}
    played["decisions"], played["last_reward"], over = np.zeros(n, int), np.zeros(n), np.zeros(n, bool)
    while not over.all():
        observations, rewards, terminated, truncated, info = batch.step(policy.act(observations))
        touched = info["trace"]["contact"][:, :, 0].any(axis=1)
        played["early"] |= touched & ~terminated  # a contact after which the episode went on
        played["contact"] |= touched
        played["decisions"] += ~over
        played["last_reward"][~over] = rewards[~over]
        over = terminated | truncated
        assert played["decisions"].max() <= limit
    played |= {"terminated": terminated, "truncated": truncated, "success": info["success"], "states": batch.states()}
    batch.close()
    return played


@every
def test_what_is_held_out_is_never_drawn(name):
    """In 500 scenes every value of every factor occurs but those; fixed, it is there, and the rest as before."""
    scene = get_scene(name).task
    drawn = _start(scene, 500).worlds["context"]
    missing = {
        factor: value
        for k, (factor, values) in enumerate(scene.context.items())
        for number, value in enumerate(values)
        if number not in drawn[:, k]
    }
    assert missing == NEVER_DRAWN[name]
    for k, (factor, values) in enumerate(scene.context.items()):
        for number, value in enumerate(values):
            fixed = _start(scene, 500, {factor: value}).worlds["context"]
            assert (fixed[:, k] == number).all()
            np.testing.assert_array_equal(np.delete(fixed, k, axis=1), np.delete(drawn, k, axis=1))


@every
def test_factors_do_not_depend_on_each_other(name):
    """Any two factors are drawn independently (chi-square over 6,000 scenes), and so are they of what is placed."""
    from scipy import stats

    worlds = _start(get_scene(name).task, 6000)
    factors = [column for column in worlds.worlds["context"].T if len(set(column.tolist())) > 1]
    speed = (worlds.vehicles["speed"][:, 0] > np.median(worlds.vehicles["speed"][:, 0])).astype(int)
    columns = [*factors, speed]
    for k, first in enumerate(columns):
        for second in columns[:k]:
            table = np.array([[np.sum((first == a) & (second == b)) for b in set(second)] for a in set(first)])
            assert stats.chi2_contingency(table).pvalue > 1e-3


_PLATOON = {f"vehicles[{k}].{field}" for k in range(1, 7) for field in ("x", "timer")}


_PLATOON |= {f"vehicles[{k}].{field}" for k in (1, 2) for field in ("lane", "target_lane")}


_STARTS = {f"vehicles[{k}].{field}" for k in (0, 6) for field in ("y", "heading", "speed", "lane", "target_lane")}
CHANGES = {
    (MERGE, "leader"): {f"vehicles[1].{field}" for field in ("kind", "length", "width")},
    (MERGE, "density"): _PLATOON,
    (MERGE, "ego"): _PLATOON | _STARTS | {f"vehicles[{k}].target_speed" for k in (0, 1, 6)},
    (CROSSWALK, "density"): {f"vehicles[{k}].{field}" for k in (1, 2) for field in ("x", "timer")},
    (CROSSWALK, "observer"): set(),
    (CROSSWALK, "pedestrian"): {
        f"objects[0].{field}" for field in ("kind", "length", "width", "walk", "vy", "speed", "y")
    },
}
"""What is another one where a factor is: who leads; how far the others are; who follows; the first pedestrian."""


def _differences(first: Worlds, second: Worlds) -> set[str]:
    """Return the fields that differ anywhere, one name a body."""
    found = set()
    for part in ("worlds", "vehicles", "objects"):
        one, other = getattr(first, part), getattr(second, part)
        for field in one.dtype.names:
            differs = one[field] != other[field]
            if part == "worlds":
                found |= {field} if differs.any() else set()
            else:
                found |= {f"{part}[{k}].{field}" for k in range(one.shape[1]) if differs[:, k].any()}
    return found


@pytest.mark.parametrize(("name", "factor"), FACTORS)
def test_matched_pairs_differ_in_the_factor_alone(name, factor):
    """The same seeds with another value: everything else is equal bit for bit."""
    scene = get_scene(name).task
    first, *others = (_start(scene, 200, {factor: value}) for value in scene.context[factor])
    changed = [_differences(first, other) for other in others]
    assert set().union(*changed) == CHANGES[name, factor] | {"context"}
    column = list(scene.context).index(factor)
    for other in others:
        np.testing.assert_array_equal(
            np.delete(first.worlds["context"], column, 1), np.delete(other.worlds["context"], column, 1)
        )


def test_another_leader_is_seen_as_that_alone():
    """The observation of a matched pair differs in the context and in the length of the vehicle ahead."""
    for seed in range(20):
        seen = {k: begun(MERGE, 1, seed=seed, options={"context": {"leader": k}})[1][0] for k in ("car", "bus")}
        names = {merge_observation.NAMES[k] for k in np.flatnonzero(seen["car"] != seen["bus"])}
        assert names == {"leader=car", "leader=bus", "ahead1.length"}


def test_who_watches_changes_nothing_but_what_is_seen():
    """Whole episodes with the same actions are equal bit for bit, but for the context in the observation."""
    said = []
    for value in get_scene(CROSSWALK).context["observer"]:
        batch, _ = begun(CROSSWALK, 20, seed=5, options={"context": {"observer": value}})
        driver, rows = Random(0), []
        for _ in range(80):
            observations, *rest, info = batch.step(driver.act(np.zeros(20)))
            physical = [k for k, name in enumerate(crosswalk_observation.NAMES) if not name.startswith("observer=")]
            rows += [observations[:, physical], *rest, *info["trace"].values()]
        said.append(b"".join(row.tobytes() for row in rows))
    assert len(set(said)) == 1


@pytest.mark.parametrize(("name", "context"), FIXED_ONE)
def test_nobody_starts_on_top_of_another(name, context):
    """In 300 scenes vehicles are a metre apart at least and nobody is in their way; each is on its lane's centre.

    Pedestrians may stand close together, and the last vehicle of a platoon starts up to 60 m before the road does.
    """
    scene = get_scene(name).task
    worlds = _start(scene, 300, context)
    for vehicles, objects in zip(worlds.vehicles, worlds.objects, strict=True):
        place = np.concatenate([np.stack([b["x"], b["y"]], -1) for b in (vehicles, objects)])
        size = np.concatenate([np.stack([b["length"], b["width"]], -1) for b in (vehicles, objects)])
        heading = np.concatenate([b["heading"] for b in (vehicles, objects)])
        moves = np.arange(len(place)) < len(vehicles)
        within = np.where(moves[:, None] & moves[None, :], 1.0, np.where(moves[:, None] | moves[None, :], 0.0, -1.0))
        assert not contacts(place, heading, size, within).any()
        lanes = scene.lane_table[vehicles["lane"]]
        along = vehicles["x"] - lanes["start"]
        centre = lanes["y"] + lanes["amplitude"] * np.sin(lanes["pulsation"] * along + lanes["phase"])
        np.testing.assert_allclose(vehicles["y"], centre, atol=1e-9)
        assert (along >= -60).all() and (along[:3] >= 0).all() and (along <= lanes["length"]).all()
        assert (vehicles["speed"] > 5).all() and (vehicles["speed"] <= lanes["speed_limit"] + 1).all()


def _reasons(name: str, played: dict[str, np.ndarray]) -> None:
    """Check what an end means: by its own rules, or at the time limit; a contact ends an episode at once."""
    scene = get_scene(name).task
    states = write_states(scene, played["states"])
    limit = round(scene.time_limit * DECISION_HZ)
    assert not played["early"].any()
    assert (played["terminated"] | played["truncated"]).all()
    assert (played["decisions"][played["truncated"]] == limit).all()
    collided = played["contact"] | states.vehicles["crashed"][:, 0].astype(bool)
    assert (played["terminated"] == (played["success"] | collided)).all()
    assert not (played["success"] & collided).any()
    share = 1 / limit
    for flag, reward in ((played["success"], 1.0), (collided, -1.0), (~played["terminated"], 0.0)):
        rest = played["last_reward"][flag] - reward
        # One that is hit in the last moment of a task done has done it and touched somebody: 1 - 1.
        assert ((rest >= 0) & (rest <= share) | (collided[flag] & (rest >= 1) & (rest <= 1 + share))).all()


@every
def test_episodes_end_as_declared(name):
    """Random drivers, full speed, and one who stops: contact terminates, the time limit truncates."""
    drives = {
        "random": _play(name, Random(1), 300),
        "fast": _play(name, _Always("FASTER"), 100),
        "stops": _play(name, _Always("SLOWER"), 100, seed=7),
    }
    for played in drives.values():
        _reasons(name, played)
    assert drives["stops"]["truncated"].all() and not drives["stops"]["terminated"].any()
    if name == MERGE:
        assert drives["random"]["contact"].any() and drives["random"]["success"].any()
        assert drives["fast"]["terminated"].all()


def test_running_into_the_end_of_the_ramp_is_a_collision():
    """A driver who does nothing hits the barrier; the trace says where."""
    batch, _ = begun(MERGE, 50, seed=0)
    hit = np.zeros(50, bool)
    for _ in range(120):
        _, _, terminated, _, info = batch.step(np.full(50, ACTIONS.index("IDLE")))
        contact = info["trace"]["contact"][:, :, 0]
        nose = info["trace"]["position"][:, :, 0, 0] + 2.5
        assert (np.abs(nose[contact] - 199.0) < 2.5).all()
        hit |= contact.any(axis=1)
    assert hit.all() and terminated.all() and not info["success"].any()


@pytest.mark.parametrize(("name", "context"), FIXED_ONE)
def test_clean_driver_masters_its_scenes(name, context):
    """1,000 scenes for every value of every factor: at least 98 % succeed; at the crosswalk nobody is ever touched."""
    main = context.get("ego") == "main"
    policy = Courtesy() if name == CROSSWALK else Cruising() if main else GapAcceptance()
    played = _play(name, policy, 1000, context, seed=10_000)
    assert played["success"].mean() >= 0.98
    assert played["contact"].mean() <= (0.0 if name == CROSSWALK else 0.01)
    _reasons(name, played)


def test_a_careless_driver_does_not():
    """The same check fails for one who does not look: the numbers above are not given away."""
    assert _play(MERGE, _Always("LANE_LEFT"), 500)["success"].mean() < 0.95
    assert _play(MERGE, _Always("FASTER"), 200, {"ego": "main"})["success"].mean() < 0.9
