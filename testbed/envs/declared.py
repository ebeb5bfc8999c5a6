"""What every declared task is alike in: it is named, and not copied."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


class Declared:
    """A task that a module declares as `SCENE`: pickles and copies of it are that one, by the name of its module.

    Its functions are compiled, and would be compiled again where a copy of them arrives.
    """

    module: str
    """Name of the module."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        if getattr(sys.modules.get(self.module), "SCENE", None) is self:
            return declared_in, (self.module,)
        return super().__reduce_ex__(protocol)


def declared_in(module: str) -> Any:
    """Return what a module declares as `SCENE`."""
    return import_module(module).SCENE
