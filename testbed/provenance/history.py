"""The history of an artefact as a tree: what it was made from, what that was made from, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from testbed.errors import UserError
from testbed.provenance.index import Entry, Index

DEEPEST = 200
"""No chain is longer."""


@dataclass(frozen=True)
class Node:
    """An artefact in a history."""

    role: str
    """What it was to the one that was made from it; empty of the first."""
    digest: str
    """SHA-256 of its content."""
    entry: Entry | None
    """Where it lies; None where it is in none of the folders."""
    nodes: tuple[Node, ...]
    """What it was made from, or what was made from it."""

    def walk(self) -> Iterator[Node]:
        """Yield it and everything below it, each content once."""
        seen: set[str] = set()
        waiting = [self]
        while waiting:
            node = waiting.pop()
            if node.digest not in seen:
                seen.add(node.digest)
                yield node
                waiting += reversed(node.nodes)


def history(index: Index, digest: str) -> Node:
    """Return what an artefact was made from; raises `UserError` if it was made from itself."""
    return Node("", digest, _entry(index, digest), _grown(index, digest, (), {}, down=False))


def descent(index: Index, digest: str, role: str = "") -> Node:
    """Return what was made from an artefact, in one role if that is given, and what was made from that; raises
    `UserError` if it was made from itself."""
    return Node("", digest, _entry(index, digest), _grown(index, digest, (), {}, True, role))


def _entry(index: Index, digest: str) -> Entry | None:
    copies = index.copies(digest)
    return copies[0] if copies else None


def _grown(
    index: Index, digest: str, above: tuple[str, ...], made: dict[str, tuple[Node, ...]], down: bool, role: str = ""
) -> tuple[Node, ...]:
    """Return what is next to an artefact; `made` keeps what was found of those that several were made from."""
    if digest in above or len(above) > DEEPEST:
        chain = " from ".join(one[:12] for one in (*above[above.index(digest) if digest in above else 0 :], digest))
        raise UserError(f"a cycle: {chain} - no artefact can be made from itself, so one of these bills is forged")
    if digest not in made:
        beside = index.children(digest, role) if down else index.parents(digest)
        made[digest] = tuple(
            Node(as_what, other, _entry(index, other), _grown(index, other, (*above, digest), made, down))
            for as_what, other in beside
        )
    return made[digest]


def parting(one: Node, other: Node) -> tuple[list[str], list[tuple[str, str, str]]]:
    """Return where two histories part.

    Returns:
        SHA-256 of everything that both have, and, stage by stage, what differs: the path of roles from the artefact
        (`data/teacher`), and the SHA-256 on both sides, empty where there is nothing.
    """
    both = {node.digest for node in one.walk()} & {node.digest for node in other.walk()}
    return sorted(both), list(_differing(one, other, ""))


def _differing(one: Node, other: Node, place: str) -> Iterator[tuple[str, str, str]]:
    if one.digest == other.digest:
        return
    yield place or "itself", one.digest, other.digest
    here, there = ({node.role: node for node in side.nodes} for side in (one, other))
    for role in sorted({*here, *there}):
        below = f"{place}/{role}" if place else role
        if role in here and role in there:
            yield from _differing(here[role], there[role], below)
        else:
            yield below, _digest(here, role), _digest(there, role)


def _digest(nodes: Mapping[str, Node], role: str) -> str:
    return nodes[role].digest if role in nodes else ""
