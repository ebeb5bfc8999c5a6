"""What is refused: in one line, and soon."""

from __future__ import annotations

import time

import pytest

from testbed.errors import UserError

MERGE = "testbed/Merge-v0"


def refused(load, *arguments, words: str | None = None) -> str:
    """Return the one line with which something is refused, soon."""
    began = time.monotonic()
    with pytest.raises(UserError, match=words) as error:
        load(*arguments)
    assert time.monotonic() - began < 30 and "\n" not in str(error.value) and len(str(error.value)) < 1000
    return str(error.value)
