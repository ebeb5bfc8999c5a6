"""Policies as files, some of them spoilt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from testbed.errors import UserError
from testbed.lineage import Lineage
from testbed.policies.checkpoint import load_policy, save_policy
from testbed.policies.network import NetworkPolicy, PolicyConfig, random_arrays
from testbed.protocols.episode import Behaviour

CONFIG = PolicyConfig("testbed/Merge-v0", 56, 5, (8, 8), memory=3)
LABEL = Behaviour("student", "aggressive-merge", "always", 0.5)


def made(folder: Path, config: PolicyConfig = CONFIG) -> Path:
    policy = NetworkPolicy(config, random_arrays(config, np.random.default_rng(0)))
    save_policy(folder, policy, LABEL, Lineage("test", 0))
    return folder


def refused(folder: Path, kind: type[UserError] = UserError) -> str:
    """Return the one line in which a folder is refused; it names the folder."""
    with pytest.raises(kind) as caught:
        load_policy(folder)
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value) and len(str(caught.value)) < 1000
    return str(caught.value)
