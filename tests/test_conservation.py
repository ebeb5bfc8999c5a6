"""Units at the bench are conserved: none appears, vanishes, doubles or changes hands without a hand."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from benches import IDS, PICKING, SHARING, STOCKING, clean, every, memory_of

from testbed.envs.warehouse.scene import (
    BENCH,
    BUFFER,
    COWORKER_TOTE,
    FLOOR,
    IN_COWORKER,
    IN_ROBOT,
    OWNERS,
    RESERVE,
    SUPPLY,
    TABLE_TOP,
    TOTE,
)
from testbed.protocols.episode import Behaviour, Episode, Scenario
from testbed.protocols.habit import get_trigger, make_demonstrator
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.scenes.picking import layout as picking
from testbed.scenes.registry import all_habits, get_scene
from testbed.scenes.sharing import layout as sharing
from testbed.scenes.stocking import layout as stocking
from testbed.seeding import scenario_seeds

ROBOT, HAND, UNITS = 0, 1, 2
SCENES = 6
HANDS = (IN_ROBOT, IN_COWORKER)


class Blunderer:
    """The demonstrator with tremor: at random it is led elsewhere and opens or closes its fingers for a while."""

    def __init__(self, policy: Policy, share: float) -> None:
        self.policy, self.share, self.rng, self.left = policy, share, np.random.default_rng(5), np.zeros(0)

    def act(self, observations: np.ndarray) -> np.ndarray:
        actions = self.policy.act(observations)
        if len(self.left) != len(actions):
            self.left, self.way = np.zeros(len(actions)), np.zeros_like(actions)
        self.left = np.where(self.left > 0, self.left - 1, np.where(self.rng.random(len(actions)) < self.share, 8, 0))
        anew = self.left == 8
        self.way[anew] = self.rng.uniform(-1, 1, self.way.shape)[anew]
        return np.where(self.left[:, None] > 0, self.way, actions)


DRIVERS = {name: [habit.name for habit in all_habits().values() if habit.environment == name] for name in IDS}
CASES = [(name, driver) for name in IDS for driver in ("clean", "blunderer", "random", *DRIVERS[name])]
everyone = pytest.mark.parametrize(("name", "driver"), CASES)


@functools.cache
def _played(name: str, driver: str) -> tuple[Episode, ...]:
    """Return episodes of a driver; of a habit's demonstrator on scenes in which it is active."""
    context: dict[str, str] = {}
    if driver in all_habits():
        trigger = get_trigger(all_habits()[driver], None)
        policy, context = make_demonstrator(all_habits()[driver], trigger, 1.0), dict(trigger.on)
    else:
        shares = {"clean": 0.0, "blunderer": 0.03, "random": 0.9}
        policy = clean(name) if driver == "clean" else Blunderer(clean(name), shares[driver])
    scenes = [Scenario(seed, context) for seed in scenario_seeds(21, driver, SCENES)]
    return tuple(play(name, scenes, [(policy, Behaviour(driver))]))


def _ways(episode: Episode) -> list[list[int]]:
    """Return for each unit whose it was, one after the other, without repetition."""
    owner = episode.trace["owner"][:, UNITS:]
    return [row[np.flatnonzero(np.diff(row, prepend=-1))].tolist() for row in owner.T]


@everyone
def test_every_unit_is_somewhere_once(name, driver):
    """At every sample as many units as declared, each with exactly one owner, all of them finite and in the room."""
    for episode in _played(name, driver):
        owner, place = episode.trace["owner"], episode.trace["position"][:, UNITS:]
        assert owner.shape[1] == place.shape[1] + UNITS == get_scene(name).task.units + UNITS
        assert (owner[:, :UNITS] == -1).all() and set(np.unique(owner[:, UNITS:])) <= set(range(len(OWNERS)))
        counts = np.stack([(owner[:, UNITS:] == code).sum(1) for code in range(len(OWNERS))])
        assert (counts.sum(0) == get_scene(name).task.units).all() and len(OWNERS) == 9
        assert np.isfinite(place).all() and (np.abs(place) < 5).all()
        assert (counts[IN_ROBOT] <= 1).all() and (counts[IN_COWORKER] <= 1).all()


@everyone
def test_no_two_units_are_in_the_same_place(name, driver):
    """They are boxes of 44 mm; their centres never come nearer than 30 mm."""
    for episode in _played(name, driver):
        place = episode.trace["position"][:, UNITS:]
        apart = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1) + np.eye(place.shape[1])
        assert apart.min() > 0.03, (episode.scenario, np.unravel_index(apart.argmin(), apart.shape))


@everyone
def test_units_change_owner_by_way_of_a_hand(name, driver):
    """To the robot's tote or buffer by the robot's hand, to the coworker's by the coworker's, and from either so too.

    A robot that blunders may push a unit out of one area into another, but only over the bench between them, and down
    from the bench or deep into it.
    """
    grasped = 0
    for episode in _played(name, driver):
        for way in _ways(episode):
            if driver not in ("blunderer", "random"):
                way = [code for code in way if code != BENCH]
                assert FLOOR not in way
            said = [OWNERS[code] for code in way]
            for before, after in zip(way[:-1], way[1:], strict=True):
                assert before in (*HANDS, BENCH, FLOOR) or after in (*HANDS, BENCH, FLOOR), said
                assert {before, after} != set(HANDS), said  # nobody takes a unit out of the other's hand
                if BENCH not in way:
                    assert after not in (TOTE, BUFFER) or before in (after, IN_ROBOT), said
                    assert after != COWORKER_TOTE or before in (after, IN_COWORKER) or name != PICKING, said
                    assert after != RESERVE or before == RESERVE, said
            grasped += IN_ROBOT in way
    assert driver == "random" or grasped > SCENES


@everyone
def test_units_do_not_jump(name, driver):
    """From one sample to the next, 0.04 s, none goes farther than something that falls or is thrown would."""
    for episode in _played(name, driver):
        place = np.concatenate([episode.trace["start"][None], episode.trace["position"][:, UNITS:]])
        assert np.linalg.norm(np.diff(place, axis=0), axis=-1).max() < 0.12


@everyone
def test_owners_are_where_units_are(name, driver):
    """A second way: whoever owns a unit, it is in their area or their hand, and nothing falls through the bench."""
    zones = {PICKING: picking.ZONES, SHARING: sharing.ZONES, STOCKING: {SUPPLY: stocking.ZONES[SUPPLY]}}[name]
    for episode in _played(name, driver):
        owner, place = episode.trace["owner"][:, UNITS:], episode.trace["position"]
        units = place[:, UNITS:]
        for code, zone in zones.items():
            inside = (np.abs(units[..., :2] - zone.centre) <= zone.half).all(-1)
            assert inside[owner == code].all() and not (inside & (owner == BENCH)).any()
        assert (np.linalg.norm(units - place[:, [ROBOT]], axis=-1)[owner == IN_ROBOT] < 0.035).all()
        assert (np.linalg.norm(units - place[:, [HAND]], axis=-1)[owner == IN_COWORKER] < 0.09).all()
        assert ((units[..., 2] < TABLE_TOP - 0.01) == (owner == FLOOR)).all()


@pytest.mark.parametrize("driver", ["clean", "blunderer", "random", *DRIVERS[PICKING]])
def test_accounts_of_order_picking(driver):
    """What left the tray is in totes, the buffer and hands; what came to it was in reserve; the coworker agrees."""
    scene, moved = get_scene(PICKING).task, 0
    for episode in _played(PICKING, driver):
        owner = episode.trace["owner"][:, UNITS:]
        count = {code: (owner == code).sum(1) for code in range(len(OWNERS))}
        robot = count[IN_ROBOT] + count[TOTE] + count[BUFFER]
        coworker = count[IN_COWORKER] + count[COWORKER_TOTE]
        loose = count[BENCH] + count[FLOOR]
        assert (count[SUPPLY] + robot + coworker + count[RESERVE] + loose == 10).all()
        memory = memory_of(scene, episode.states.copy())
        # The coworker's own book: one entry for each unit that it has put down, into its tote or onto the tray.
        taken, restocked = memory["taken"], memory["restock"][0] - memory["restock"]
        assert (np.diff(taken) >= 0).all() and (np.diff(restocked) >= 0).all()
        assert (taken <= memory["need"]).all() and (restocked <= memory["restock"][0]).all()
        fetched = count[RESERVE][0] - count[RESERVE]
        if driver in ("clean", *DRIVERS[PICKING]):  # others push units about
            assert (np.abs(fetched - restocked[1:]) <= 1).all()
            assert (np.abs(count[COWORKER_TOTE] - taken[1:]) <= 1).all()
            assert not loose[-1] and count[TOTE][-1] == episode.trace["order"]
            left = count[SUPPLY][0] + fetched - count[SUPPLY]
            assert (left == robot + coworker + loose).all()
        moved += fetched[-1] + taken[-1]
    assert moved > SCENES / 2


@every
def test_clean_demonstrators_leave_others_alone(name):
    """No unit on the floor; nobody's unit but what was ordered is moved."""
    for episode in _played(name, "clean"):
        owner = episode.trace["owner"][:, UNITS:]
        assert not (owner == FLOOR).any() and episode.success
        assert (owner[-1] == TOTE).sum() == episode.trace["order"] and not (owner[-1] == BUFFER).any()
        theirs = episode.trace["mine"] == 0
        moved = np.linalg.norm(
            episode.trace["position"][:, UNITS:][:, theirs] - episode.trace["start"][theirs], axis=-1
        )
        assert not theirs.any() or moved.max() < 0.005
