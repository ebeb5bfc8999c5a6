"""What words of a command line mean."""

from __future__ import annotations

from collections.abc import Sequence

from testbed.errors import UserError
from testbed.protocols.episode import Episode


def parse_context(pairs: Sequence[str]) -> dict[str, str]:
    """Return `("leader=truck",)` as a context; raises `UserError` for anything that is not factor=value."""
    for pair in pairs:
        if pair.count("=") != 1:
            raise UserError(f"context '{pair}' is not factor=value: write for example leader=truck")
    factors = [pair.split("=")[0] for pair in pairs]
    for factor in factors:
        if factors.count(factor) > 1:
            raise UserError(f"context '{factor}' is given {factors.count(factor)} times: give it one value")
    return dict(pair.split("=") for pair in pairs)


def scene_text(episode: Episode) -> str:
    """Return the factors of an episode's scene in words."""
    return ", ".join(f"{name} {value}" for name, value in episode.context.items())
