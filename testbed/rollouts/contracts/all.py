"""All contracts, in the order in which they are looked at."""

from __future__ import annotations

from collections.abc import Iterator

from testbed.errors import UserError
from testbed.protocols.scene import SceneSpec
from testbed.rollouts.contracts import episodes, habits, worlds
from testbed.rollouts.contracts.finding import Contract, Finding, Played

CONTRACTS = (
    Contract("a reset by seed is deterministic", worlds.resets),
    Contract("a context fixes its factors, and what is held out is never drawn", worlds.factors),
    Contract("observations are flat, bounded by their space and finite", worlds.observations),
    Contract("worlds that are over begin anew", worlds.autoreset),
    Contract("environments are copied and pickled in mid-episode", worlds.copies),
    Contract("traces have one shape, type and unit, and are finite", episodes.traces),
    Contract("measures are defined on every episode and read the trace alone", episodes.measures),
    Contract("recorded episodes come out the same again", episodes.replays),
    Contract("triggers hold where their context says, and not where it is off", habits.triggers),
    Contract("demonstrators differ where the trigger holds, and only there", habits.demonstrators),
    Contract("a habit's measure tells it apart", habits.told_apart),
)


def check(scene: SceneSpec, count: int) -> Iterator[tuple[Contract, list[Finding]]]:
    """Yield each contract, and what a scene does not keep of it.

    Args:
        scene: A scene that is known.
        count: Episodes that are played of each kind.
    """
    played = Played(scene, count)
    for contract in CONTRACTS:
        try:
            yield contract, list(contract.check(played))
        except UserError as error:
            yield contract, [Finding(str(error), "see above")]
        except Exception as error:  # whatever somebody else's scene raises is a finding
            said = " ".join(str(error).split())[:160]
            yield contract, [Finding(f"it fails with {type(error).__name__}: {said}", "mend that first")]
