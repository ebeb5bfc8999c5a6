"""The reference driver of every bench."""

from testbed.envs.warehouse.scene import ACTIONS
from testbed.protocols.policy import Constant, Reference

STILL = (Reference("hands still", Constant((0.0,) * len(ACTIONS)), "never moves its hand"),)
