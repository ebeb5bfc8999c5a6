"""What every declared scene is alike in: it is named, and not copied."""

from __future__ import annotations

from typing import Any


class Declared:
    """A scene that a module declares: pickles and copies of it are the scene itself, by its name.

    Its functions are compiled, and would be compiled again where a copy of them arrives.
    """

    environment: str
    """Gymnasium id."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        from testbed import envs  # which knows the modules of all scenes

        if self.environment in envs.names() and envs.scene_of(self.environment) is self:
            return envs.scene_of, (self.environment,)
        return super().__reduce_ex__(protocol)
