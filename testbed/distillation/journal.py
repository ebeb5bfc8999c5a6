"""What a training says of itself while it runs, and what a killed one goes on from.

In a folder: `curve.jsonl`, one JSON object every 50 steps; the same for TensorBoard, where that is installed; and
`unfinished.pt` with weights, optimiser and generators, which is gone when the training is done.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from testbed.errors import UserError
from testbed.files import replacing, write_bytes
from testbed.records import NotThere, decoded, read_bytes

if TYPE_CHECKING:  # whoever only declares a training, or audits, has no use for it
    import torch

    from testbed.distillation.optimiser import Adam
    from testbed.policies.network import NetworkPolicy

CURVE, KEPT = "curve.jsonl", "unfinished.pt"
"""Names of the files."""
LARGEST = 2**32
"""Neither is larger [bytes]."""
EVERY = 10.0
"""How long a training runs between what it keeps of itself [s]: a kill loses no more."""


class Journal:
    """Curves, progress and what to go on from.

    Args:
        folder: Where it goes; nothing is written without one.
        recipe: What is trained, on what: only the same training goes on from what one left.
        on_progress: Called with the number of steps done since the last call.
    """

    def __init__(
        self, folder: Path | None = None, recipe: str = "", on_progress: Callable[[int], None] = lambda count: None
    ) -> None:
        self.folder, self.recipe, self.on_progress = folder, recipe, on_progress
        self._step, self._kept = 0, time.monotonic()
        self._board: Any = None

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Take down values of a step."""
        self.on_progress(step - self._step)
        self._step = step
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / CURVE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        board = self._tensorboard()
        for name, value in values.items() if board else ():
            board.add_scalar(name, value, step)

    def _tensorboard(self) -> Any:
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                return None
            self._board = SummaryWriter(str(self.folder), purge_step=self._step)
        return self._board

    def restore(self, trained: Mapping[str, torch.Tensor], optimiser: Adam, batches) -> int:
        """Put what an interrupted training kept into a fresh one of the same recipe; return the steps it had done."""
        kept = self.kept("weights", trained)
        if kept is None:
            self.begin(0)
            return 0
        import torch

        with torch.no_grad():
            for name, tensor in trained.items():
                tensor.copy_(kept["weights"][name])
        optimiser.restore(kept["optimiser"])
        for order, state in zip(batches.orders, kept["orders"], strict=True):
            order.bit_generator.state = json.loads(state)
        self.begin(kept["step"])
        return kept["step"]

    def kept(self, name: str, like: Mapping[str, torch.Tensor]) -> dict[str, Any] | None:
        """Return what a training of the same recipe kept, or None where it is not there whole. Reading runs no code.

        Args:
            name: Where its weights are.
            like: What they are like; others are not this training's.

        Raises:
            UserError: if something else is at that place, or it may not be read.
        """
        if self.folder is None:
            return None
        import torch

        try:
            data = read_bytes(self.folder / KEPT, "remove it; the training begins anew", LARGEST)
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if archive.testzip():  # torch does not look at the check sums
                    return None
            kept = torch.load(io.BytesIO(data), weights_only=True)
        except NotThere:
            return None
        except UserError:
            raise
        except Exception:  # torch and zipfile raise many kinds for a damaged file
            return None
        if not isinstance(kept, dict) or kept.get("recipe") != self.recipe or not isinstance(kept.get("step"), int):
            return None
        return kept if _alike(kept.get(name), like) else None

    def begin(self, step: int) -> None:
        """Drop what a curve has of steps that are done anew, and of lines that are none."""
        self.on_progress(step)
        self._step = step
        if self.folder is None or not (self.folder / CURVE).exists():
            return
        try:
            lines = read_bytes(self.folder / CURVE, "remove it", LARGEST).splitlines(keepends=True)
        except NotThere:
            lines = []
        write_bytes(self.folder / CURVE, b"".join(line for line in lines if _is_before(line, step)))

    def keep(self, step: int, trained: Mapping[str, torch.Tensor], optimiser: Adam, batches) -> None:
        """Keep what is needed to go on from here, if the last time was EVERY seconds ago."""
        if not self.is_due():
            return
        self.write(
            {
                "step": step,
                "weights": {name: tensor.detach() for name, tensor in trained.items()},
                "optimiser": optimiser.state(),
                "orders": [json.dumps(order.bit_generator.state) for order in batches.orders],
            }
        )

    def is_due(self) -> bool:
        """Return whether it is time to keep something."""
        return self.folder is not None and time.monotonic() - self._kept > EVERY

    def write(self, kept: dict[str, Any]) -> None:
        """Write what to go on from, whole or not at all."""
        import torch

        assert self.folder is not None
        with replacing(self.folder / KEPT) as temporary:
            torch.save({**kept, "recipe": self.recipe}, temporary)
        self._kept = time.monotonic()

    def passed(self, step: int, policies: Callable[[], list[NetworkPolicy]]) -> None:
        """Say that so many steps are done; whoever wants to know gets copies of what the students are by then."""

    def finish(self) -> None:
        """Say that the training is done."""
        if self._board is not None:
            self._board.close()
        if self.folder is not None:
            (self.folder / KEPT).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Line:
    """What every line of a curve has."""

    step: int


def _is_before(line: bytes, step: int) -> bool:
    """Return whether a line of a curve is whole, and no later than a step."""
    try:
        return line.endswith(b"\n") and decoded(line, _Line).step <= step
    except ValueError:
        return False


def _alike(found: object, like: Mapping[str, torch.Tensor]) -> bool:
    """Return whether there are tensors of the same names and shapes."""
    import torch

    if not isinstance(found, dict) or found.keys() != like.keys():
        return False
    return all(isinstance(found[name], torch.Tensor) and found[name].shape == one.shape for name, one in like.items())


SILENT = Journal()
"""Writes nothing."""


class Snapshots(Journal):
    """What students are on their way: after some of their steps, or iterations of practice.

    Args:
        at: When, in multiples of what a training does at once (50 steps of optimisation, 1 iteration of practice).
    """

    def __init__(self, at: Sequence[int]) -> None:
        super().__init__()
        self.at = at
        self.students: dict[int, list[NetworkPolicy]] = {}
        """Length -> students of that length, in their order."""

    def passed(self, step: int, policies: Callable[[], list[NetworkPolicy]]) -> None:
        """Keep the students, if it is time."""
        if step in self.at:
            self.students[step] = policies()
