"""What reaches a student of its teacher."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from testbed.errors import UserError
from testbed.policies.network import NetworkPolicy
from testbed.protocols.episode import Behaviour, Scenario
from testbed.protocols.policy import Policy
from testbed.rollouts.rollout import play
from testbed.rollouts.transitions import Transitions, transitions

if TYPE_CHECKING:
    from testbed.distillation.teachers.values import ActionValues

Scenes = Callable[[str, int], Sequence[Scenario]]
"""(purpose, count) -> scenes for it: another purpose gives others."""
NO_SCENES = "this route lets students act while they learn: give scenes for that"


@dataclass(frozen=True)
class Source:
    """What a student learns from: demonstrations, and of the teacher as much as the route needs."""

    decisions: Transitions
    """Demonstrated decisions."""
    teacher: NetworkPolicy | None = None
    """The teacher, who can be asked in any state."""
    values: ActionValues | None = None
    """What the teacher's decisions are worth to it."""
    scenes: Scenes | None = None
    """Scenes in which a student may act while it learns."""

    def limited(self, needs: Collection[str]) -> Source:
        """Return no more of it than a route says that it needs (`Route.needs`)."""
        rest = {name: None for name in ("teacher", "values", "scenes") if name not in needs}
        return replace(self, **rest)  # type: ignore[arg-type]

    def require_teacher(self) -> NetworkPolicy:
        """Return the teacher; raises `UserError` if there is none."""
        if self.teacher is None:
            raise UserError("this route asks the teacher: give its policy, not its demonstrations alone")
        return self.teacher

    def check_interactive(self) -> None:
        """Raise `UserError` unless there is a teacher to ask and there are scenes to act in."""
        self.require_teacher()
        if self.scenes is None:
            raise UserError(NO_SCENES)

    def require_values(self) -> ActionValues:
        """Return the teacher's values; raises `UserError` if there are none."""
        if self.values is None:
            raise UserError("this route learns what decisions are worth to the teacher: give its values")
        return self.values

    def rollout(self, environment: str, policy: Policy, purpose: str, count: int) -> Transitions:
        """Return what a policy does in some scenes; raises `UserError` if there are none to act in."""
        jobs = [(policy, Behaviour("learner"))]
        return transitions(list(play(environment, self.scenarios(purpose, count), jobs, states=False)))

    def scenarios(self, purpose: str, count: int) -> Sequence[Scenario]:
        """Return scenes; raises `UserError` if there are none."""
        if self.scenes is None:
            raise UserError(NO_SCENES)
        return self.scenes(purpose, count)
