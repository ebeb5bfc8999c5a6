"""Every format of policies of other people: how it is told, and how it is read."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from testbed.errors import UserError, missing_package
from testbed.policies.confined.policy import as_policy
from testbed.policies.confined.process import Confined
from testbed.policies.contract import Contract, Interface
from testbed.policies.formats.archives import read_file
from testbed.policies.formats.layers import Bounded, LayeredPolicy
from testbed.policies.formats.sb3 import DATA, WEIGHTS, load_sb3
from testbed.policies.formats.state_dict import load_state_dict
from testbed.policies.found import Found


@dataclass(frozen=True)
class Format:
    """One format."""

    files: str
    """What its files are, in plain words."""
    tells: Callable[[Path, Collection[str]], bool]
    """(file, names of what is in it if it is a zip file) -> whether it is one."""
    read: Callable[[Path, Contract, Interface], Found]
    """Reads a file, for a scene."""


EXPORTED = "models/model.json", "serialized_exported_program.json"
"""What a file of torch.export's holds, of this and of earlier versions."""


def _layered(policy: LayeredPolicy) -> Found:
    bounds = policy.head.told if isinstance(policy.head, Bounded) else None
    return Found(policy, policy.sees, policy.does, not isinstance(policy.head, Bounded), bounds)


def _program(runtime: str, path: Path, contract: Contract, scene: Interface) -> Found:
    if runtime == "onnx" and find_spec("onnxruntime") is None:
        raise missing_package("onnxruntime", "onnx", "ONNX files need")
    return as_policy(Confined(runtime, read_file(path), str(path)), contract, scene)


FORMATS = (
    Format(
        "zip files that Stable-Baselines3's model.save writes (PPO, A2C, DQN, SAC, TD3, DDPG; MlpPolicy)",
        lambda path, names: {DATA, WEIGHTS} <= set(names), lambda path, contract, scene: _layered(load_sb3(path)),
    ),
    Format(
        "TorchScript (in a process of its own)", lambda path, names: _is_script(names),
        lambda path, contract, scene: _program("torchscript", path, contract, scene),
    ),
    Format(
        "torch.export's .pt2 (likewise)",
        lambda path, names: any(name.endswith(EXPORTED) for name in names),
        lambda path, contract, scene: _program("torch.export", path, contract, scene),
    ),
    Format(
        ".onnx files (likewise)", lambda path, names: path.suffix == ".onnx",
        lambda path, contract, scene: _program("onnx", path, contract, scene),
    ),
    Format(
        "weights that torch.save wrote, as CleanRL's .cleanrl_model",
        lambda path, names: any(name.endswith("data.pkl") for name in names),
        lambda path, contract, scene: _layered(load_state_dict(path, contract, scene)),
    ),
)  # fmt: skip
"""In the order in which a file is tried."""


def _is_script(names: Collection[str]) -> bool:
    """Return whether a zip file is a TorchScript archive: it holds code."""
    return any("/code/" in name for name in names)


def format_of(path: Path) -> Format:
    """Return the format of a file.

    Raises:
        UserError: if it is of none, or cannot be looked at; the line lists those that are read.
    """
    data = BytesIO(read_file(path))
    try:
        names = zipfile.ZipFile(data).namelist() if zipfile.is_zipfile(data) else []
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
        said = " ".join(str(error).split())[:80]
        raise UserError(f"{path} cannot be looked at ({said}): give the file of a policy") from None
    found = next((one for one in FORMATS if one.tells(path, names)), None)
    if found is None:
        raise UserError(f"{path} {_why_not(path, names)}; read are a policy's folder, {_listed()}")
    return found


def _listed() -> str:
    *some, last = (one.files for one in FORMATS)
    return f"{', '.join(some)} and {last}"


def _why_not(path: Path, names: Collection[str]) -> str:
    if path.suffix in (".pkl", ".pickle", ".joblib", ".dill", ".pt", ".pth"):
        return "may be a pickle, and loading a pickle runs its code"
    return "is in no format of policies that is read"
