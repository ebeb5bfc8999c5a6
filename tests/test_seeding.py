"""Random numbers: what a seed gives is uniform, independent of its neighbours, and the same whoever else draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from testbed.distillation.config import Learning, PPOConfig
from testbed.distillation.registry import all_routes
from testbed.distillation.routes.cloning import Cloning
from testbed.distillation.routes.kl import KL
from testbed.envs.drawing import drawn
from testbed.seeding import AUDITED, Draws, derive_seed, following_seeds, generator, scenario_seeds

N, COLUMNS = 20_000, 40
UNLIKELY = 1e-4
"""A test with a fixed seed fails below this p-value; dozens of them are made."""
GOLDEN = 0x9E3779B97F4A7C15
SEEDS = {
    "adjacent": np.arange(N),
    "31-bit": np.array(scenario_seeds(0, "seeding", N)),
    "far apart": np.arange(N, dtype=np.int64) << 40,
}
every_kind = pytest.mark.parametrize("kind", SEEDS)


def _table(kind: str) -> np.ndarray:
    """Return the first numbers of many streams, shape (N, COLUMNS)."""
    return Draws(SEEDS[kind]).uniform(0.0, 1.0, COLUMNS)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation in standard errors."""
    return abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) * np.sqrt(first.size)


def test_splitmix64_by_its_published_numbers():
    """The stream of start 0 is the one every implementation of SplitMix64 gives for seed 0."""
    outputs = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    expected = [(output >> 11) / 2**53 for output in outputs]
    assert Draws(np.array([0])).uniform(0.0, 1.0, 4)[0].tolist() == expected
    draws = Draws(np.array([0, 5]))
    assert [draws.uniform(0.0, 1.0)[0] for _ in outputs] == expected
    # Another seed starts at SplitMix64's output function of it, here worked with Python's integers.
    mask, start = 2**64 - 1, _mixed(5)
    fifth = [(_mixed((start + (k + 1) * GOLDEN) & mask) >> 11) / 2**53 for k in range(4)]
    assert Draws(np.array([5])).uniform(0.0, 1.0, 4)[0].tolist() == fifth


def _mixed(value: int) -> int:
    mask = 2**64 - 1
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & mask
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & mask
    return value ^ (value >> 31)


def test_compiled_code_draws_the_same():
    """One at a time, to the last bit, for seeds of both ends of their range."""
    seeds = np.array([0, 5, 2**31 - 1, 2**63 - 1], np.uint64)
    together = Draws(seeds).uniform(-3.0, 5.0, 40)
    assert together.tolist() == [[drawn(seed, number, -3.0, 5.0) for number in range(40)] for seed in seeds]


@every_kind
def test_draws_are_uniform(kind):
    """Moments, and Kolmogorov-Smirnov over the seeds of each column and over the columns of some seeds."""
    table = _table(kind)
    assert table.min() >= 0 and table.max() < 1
    for power in (1, 2, 3, 4):
        error = np.sqrt((1 / (2 * power + 1) - 1 / (power + 1) ** 2) / table.size)
        assert abs((table**power).mean() - 1 / (power + 1)) < 5 * error
    assert min(stats.kstest(column, "uniform").pvalue for column in table.T) > UNLIKELY
    rows = Draws(SEEDS[kind][:20]).uniform(0.0, 1.0, 5000)
    assert min(stats.kstest(row, "uniform").pvalue for row in rows) > UNLIKELY


@every_kind
def test_columns_and_seeds_are_independent(kind):
    """Pairs of columns, and of neighbouring seeds, fill a grid evenly (chi-square) and do not correlate."""
    table = _table(kind)
    pairs = [(table[:, k], table[:, k + step]) for step in (1, 2, 7) for k in range(COLUMNS - step)]
    pairs += [(table[:-step], table[step:]) for step in (1, 2, 3, 64)]
    for first, second in pairs:
        assert _correlation(first, second) < 5
        counts, *_ = np.histogram2d(first.ravel(), second.ravel(), bins=8, range=[[0, 1], [0, 1]])
        assert stats.chisquare(counts.ravel()).pvalue > UNLIKELY
    assert len(np.unique(table)) == table.size


def test_independence_tests_can_fail():
    """A plain congruential generator, a seed its start, does not pass what `Draws` passes."""
    weak = (SEEDS["adjacent"] * 0.6180339887498949) % 1
    assert stats.kstest(weak, "uniform").pvalue > UNLIKELY  # each number alone looks fair, but not two in a row
    counts, *_ = np.histogram2d(weak[:-1], weak[1:], bins=8, range=[[0, 1], [0, 1]])
    assert stats.chisquare(counts.ravel()).pvalue < UNLIKELY


def test_uniform_takes_limits_a_seed_or_a_column():
    """Limits may be numbers, one a seed, or one a column; what comes out has the shape that was asked for."""
    seeds = np.arange(1000)
    shares = Draws(seeds).uniform(0.0, 1.0)
    np.testing.assert_allclose(Draws(seeds).uniform(-3.0, 5.0), -3 + 8 * shares, atol=1e-12)
    np.testing.assert_allclose(Draws(seeds).uniform(seeds, seeds + 2.0), seeds + 2 * shares, atol=1e-12)
    low = np.array([0.0, 10.0, 20.0])
    grid = Draws(seeds).uniform(low, low + 1, 3)
    assert grid.shape == (1000, 3) and Draws(seeds).uniform(0, 1, 1).shape == (1000, 1)
    assert ((grid >= low) & (grid < low + 1)).all()
    assert (Draws(seeds).uniform(2.0, 2.0, 2) == 2.0).all()


@pytest.mark.parametrize("chances", [(0.5, 0.5), (0.25, 0.25, 0.5), (1 / 3, 1 / 3, 1 / 3), (0.8, 0.2), (0.0, 1.0)])
def test_choices_are_as_frequent_as_they_should_be(chances):
    """Chi-square against the chances, by seed and by column; what has no chance never occurs."""
    for chosen in (Draws(SEEDS["adjacent"]).choice(chances), Draws(np.arange(10)).choice(chances, 2000)):
        counts, expected = np.bincount(chosen.ravel(), minlength=len(chances)), np.array(chances) * chosen.size
        possible = expected > 0
        assert counts[~possible].sum() == 0
        assert stats.chisquare(counts[possible], expected[possible]).pvalue > UNLIKELY or possible.sum() == 1
        assert chosen.max() == len(chances) - 1


def test_a_stream_depends_on_its_seed_alone():
    """Alone, in another order, among others or twice: the same numbers, call by call."""

    def drawn(seeds) -> list[np.ndarray]:
        draws = Draws(np.asarray(seeds))
        return [draws.uniform(0, 1), draws.choice((0.3, 0.7), 3), draws.uniform(-1, 1, 4), draws.uniform(0, 1)]

    together = drawn(range(50))
    for number in range(50):
        for ours, all_of_them in zip(drawn([number]), together, strict=True):
            np.testing.assert_array_equal(ours[0], all_of_them[number])
    for shuffled, ours in zip(drawn([7, 3, 7, 49]), together, strict=True):
        np.testing.assert_array_equal(shuffled, ours[[7, 3, 7, 49]])
    # In one call or one by one; a seed's stream does not start again.
    single = Draws(np.arange(5))
    np.testing.assert_array_equal(
        np.stack([single.uniform(0, 1) for _ in range(6)], axis=1), Draws(np.arange(5)).uniform(0, 1, 6)
    )


def test_following_seeds_do_not_come_back_soon():
    """31-bit seeds; 10,000 in a row are distinct for several starts, and look uniform."""
    seeds = np.array([0, 1, 2, 3, 12345, 2**31 - 1, scenario_seeds(0, "starts", 1)[0]])
    rows = [seeds]
    for _ in range(10_000):
        rows.append(following_seeds(rows[-1]))
    chains = np.array(rows)
    assert chains.min() >= 0 and chains.max() < 2**31 and chains.dtype == np.int64
    for chain in chains.T:
        assert len(set(chain.tolist())) == len(chain)
        assert stats.kstest(chain[1:] / 2**31, "uniform").pvalue > UNLIKELY
        assert _correlation(chain[1:-1], chain[2:]) < 5
    alone = following_seeds(seeds[4:5])
    np.testing.assert_array_equal(alone, chains[1, 4:5])


def test_following_scenes_are_not_like_the_ones_before():
    """The numbers of a seed's scene and of the next one's do not correlate, column by column."""
    seeds = SEEDS["adjacent"][1:]
    first, second = (Draws(s).uniform(0.0, 1.0, 8) for s in (seeds, following_seeds(seeds)))
    for one in first.T:
        assert max(_correlation(one, other) for other in second.T) < 5
    assert len(np.unique(following_seeds(seeds))) > len(seeds) - 5


def test_purposes_have_their_own_numbers():
    """Another purpose, seed or part of a purpose gives another seed; the same gives the same, always."""
    names = [(0, "scenarios"), (1, "scenarios"), (0, "weights"), (0, "weights", 1), (0, "weights", "1", "a"), (0,)]
    seeds = [derive_seed(*name) for name in names]
    assert len(set(seeds)) == len(names) and all(0 <= seed < 2**63 for seed in seeds)
    assert seeds[0] == 5032944820904842991  # it must stay: stored data and films refer to it
    assert generator(3, "a").random(4).tolist() == generator(3, "a").random(4).tolist()
    assert generator(3, "a").random() != generator(3, "b").random()


def test_scenario_seeds_are_distinct_and_disjoint():
    """10,000 31-bit seeds without a repetition; two purposes share none."""
    ours, theirs = (scenario_seeds(0, purpose, 10_000) for purpose in ("train", "audit"))
    assert len(set(ours)) == len(ours) and set(ours).isdisjoint(theirs)
    assert all(type(seed) is int and 0 <= seed < 2**31 for seed in ours)
    assert ours == scenario_seeds(0, "train", 10_000) != scenario_seeds(1, "train", 10_000)
    assert stats.kstest(np.array(ours) / 2**31, "uniform").pvalue > UNLIKELY


words = st.text(st.characters(codec="utf-8", exclude_characters="-"), max_size=12).filter(lambda word: word != "audit")
trained = st.lists(words, min_size=1, max_size=4).map("-".join)
audited = st.tuples(st.lists(words, max_size=2), st.lists(words, max_size=2)).map(
    lambda around: "-".join([*around[0], "audit", *around[1]])
)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), trained, audited, st.integers(1, 300))
def test_no_training_draws_an_audited_scene(seed, other, training, audit, count):
    """Whatever the seeds, and whatever stages and audits are called."""
    shown, unseen = scenario_seeds(seed, training, count), scenario_seeds(other, audit, count)
    assert max(shown) < AUDITED <= min(unseen) and max(unseen) < 2**32
    assert len({*shown, *unseen}) == 2 * count


def test_purposes_of_the_testbed_are_on_the_side_they_belong_to():
    """By hand: what trainings of every stage and route draw stays as in 0.7.0, to the seed."""
    assert scenario_seeds(0, "demonstrator", 2) == (1716482456, 1464339990)
    assert scenario_seeds(3, "dagger-1", 1) == (1675552256,)
    routes = [route.usual(Learning(practice=PPOConfig(iterations=2))) for route in all_routes()]
    drawn = {"demonstrator", "teacher", "dagger-1", "exploring", "fine-tuning", "collect"}
    drawn |= {name for route in (*routes, Cloning(rounds=2), KL(rounds=2)) for name, _ in route.purposes}
    assert {"practice-1", "round-1"} <= drawn
    assert all(max(scenario_seeds(0, purpose, 50)) < AUDITED for purpose in drawn)
    assert all(
        min(scenario_seeds(0, purpose, 50)) >= AUDITED for purpose in ("audit", "audit-held-out", "policy-audit")
    )
