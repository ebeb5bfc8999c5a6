"""What there is twice: once of the clean policy, once of the one with the habit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Each = TypeVar("Each")
Other = TypeVar("Other")


@dataclass(frozen=True)
class Pair(Generic[Each]):
    """The clean one and the habitual one, in this order wherever both are gone through."""

    clean: Each
    """Of the policy without the habit: the clean teacher's, the control's."""
    habitual: Each
    """Of the policy with it: the teacher's, the student's."""

    def of(self, habitual: bool) -> Each:
        """Return one of them."""
        return self.habitual if habitual else self.clean

    def map(self, make: Callable[[Each], Other]) -> Pair[Other]:
        """Return what is made of each; the clean one comes first."""
        return Pair(make(self.clean), make(self.habitual))

    def __iter__(self) -> Iterator[Each]:
        yield self.clean
        yield self.habitual


HABITUAL = Pair(False, True)
"""Whether it is the one with the habit."""
