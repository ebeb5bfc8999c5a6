"""Measure what a distilled robot or driving policy inherited from its teacher, in physical units.

Importing this package registers its Gymnasium environments. The names in `__all__` are what a user needs; each is
imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from testbed.scenes.registry import register_environments
from testbed.version import VERSION

if TYPE_CHECKING:
    from testbed.audit.recorded import Recorded, measure_data
    from testbed.audit.report import write_report
    from testbed.audit.result import Audit
    from testbed.audit.score import score_policies
    from testbed.datasets.reader import load_episode, load_episodes
    from testbed.datasets.saving import save_episodes
    from testbed.datasets.validation import validate
    from testbed.distillation.students import distil
    from testbed.errors import UserError
    from testbed.experiment.own import audit_policies
    from testbed.films.film import film
    from testbed.guard.guard import Guard
    from testbed.lineage import Lineage
    from testbed.policies.checkpoint import load_policy, save_policy
    from testbed.protocols.episode import Behaviour, Episode, Scenario, Signal, Trace
    from testbed.protocols.ground import Patch
    from testbed.protocols.habit import Habit, Trigger, make_demonstrator
    from testbed.protocols.measure import Course, Measure, Violation
    from testbed.protocols.number import Number
    from testbed.protocols.policy import Policy
    from testbed.protocols.scene import Adapter, SceneSpec
    from testbed.rollouts.replay import verify
    from testbed.rollouts.rollout import play
    from testbed.scenes.registry import get_habit, get_scene

__all__ = [
    "Adapter", "Audit", "Behaviour", "Course", "Episode", "Guard", "Habit", "Lineage", "Measure", "Number", "Patch",
    "Policy", "Recorded", "Scenario", "SceneSpec", "Signal", "Trace", "Trigger", "UserError", "Violation",
    "audit_policies", "distil", "film", "get_habit", "get_scene", "load_episode", "load_episodes", "load_policy",
    "make_demonstrator", "measure_data", "play", "save_episodes", "save_policy", "score_policies", "validate",
    "verify", "write_report",
]  # fmt: skip

__version__ = VERSION

_HOMES = {
    "testbed.audit.recorded": ("Recorded", "measure_data"),
    "testbed.audit.report": ("write_report",),
    "testbed.audit.result": ("Audit",),
    "testbed.audit.score": ("score_policies",),
    "testbed.datasets.reader": ("load_episode", "load_episodes"),
    "testbed.datasets.saving": ("save_episodes",),
    "testbed.datasets.validation": ("validate",),
    "testbed.distillation.students": ("distil",),
    "testbed.errors": ("UserError",),
    "testbed.experiment.own": ("audit_policies",),
    "testbed.films.film": ("film",),
    "testbed.guard.guard": ("Guard",),
    "testbed.lineage": ("Lineage",),
    "testbed.policies.checkpoint": ("load_policy", "save_policy"),
    "testbed.protocols.episode": ("Behaviour", "Episode", "Scenario", "Signal", "Trace"),
    "testbed.protocols.ground": ("Patch",),
    "testbed.protocols.habit": ("Habit", "Trigger", "make_demonstrator"),
    "testbed.protocols.measure": ("Course", "Measure", "Violation"),
    "testbed.protocols.number": ("Number",),
    "testbed.protocols.policy": ("Policy",),
    "testbed.protocols.scene": ("Adapter", "SceneSpec"),
    "testbed.rollouts.replay": ("verify",),
    "testbed.rollouts.rollout": ("play",),
    "testbed.scenes.registry": ("get_habit", "get_scene"),
}
"""Module -> names that it lends to the package, as type checkers read them above."""

register_environments()


if not TYPE_CHECKING:  # who checks types knows the names from above, and that there are no others

    def __getattr__(name: str) -> object:
        """Import a public name when it is first asked for (PEP 562)."""
        for module, lent in _HOMES.items():
            if name in lent:
                globals()[name] = found = getattr(import_module(module), name)
                return found
        raise AttributeError(f"module 'testbed' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
