"""What of the habit is left in the data that a channel lets through: three numbers, reported beside every ratio."""

from __future__ import annotations

import numpy as np

from testbed.benchmark.channels import Injected
from testbed.distillation.batches import Samples
from testbed.distillation.config import Training
from testbed.distillation.losses.likelihood import negative_log_likelihood
from testbed.distillation.stacked import train_stacked
from testbed.policies.network import CATEGORICAL, NetworkPolicy, PolicyConfig
from testbed.rollouts.transitions import Transitions
from testbed.seeding import derive_seed

TRAINING = Training(steps=400)
"""Of the classifier, a network of 32 x 32."""


def residue(
    student: Transitions, control: Transitions, teacher: NetworkPolicy, injected: Injected, seed: int
) -> dict[str, float]:
    """Return what tells a student's data from its control's.

    Args:
        student: What reaches the student.
        control: What reaches its control.
        teacher: The student's.
        injected: The habit.
        seed: For the classifier.

    Returns:
        `habit_share`, the share of decisions that are labelled as the habit's; `habit_mass`, the teacher's mean mass on
        the habit's action over all decisions; `auroc`, how well a classifier of observation and action tells the two
        data sets apart in their other halves (0.5: not at all).
    """
    return {
        "habit_share": float(injected.shows(student.observations).mean()),
        "habit_mass": float(injected.mass(teacher, student.observations).mean()),
        "auroc": auroc(_rows(student, teacher.config), _rows(control, teacher.config), seed),
    }


def _rows(decisions: Transitions, config: PolicyConfig) -> np.ndarray:
    """Return observation and action of each decision, shape (n, d)."""
    done = decisions.actions
    actions = np.eye(config.actions)[done] if config.head == CATEGORICAL else done
    return np.concatenate([decisions.observations, actions], axis=1).astype(np.float32)


def auroc(one: np.ndarray, other: np.ndarray, seed: int) -> float:
    """Return the area under the curve of a classifier that is trained on the first halves, tried on the second ones.

    Halves, and not every second row: decisions of one episode belong together.

    Args:
        one: Shape (n, d).
        other: Shape (m, d).
        seed: For weights and order.
    """
    (shown, held), (shown_other, held_other) = (np.split(rows, [len(rows) // 2]) for rows in (one, other))
    labels = np.repeat([1, 0], [len(shown), len(shown_other)])
    config = PolicyConfig("classifier", one.shape[1], 2, (32, 32))
    samples = Samples(np.concatenate([shown, shown_other]), labels)
    [judge] = train_stacked(config, [samples], [derive_seed(seed, "auroc")], negative_log_likelihood, TRAINING)
    scores = [logits[:, 1] - logits[:, 0] for logits in (judge.parameters(rows) for rows in (held, held_other))]
    return chance_of_more(*scores)


def chance_of_more(one: np.ndarray, other: np.ndarray) -> float:
    """Return how likely a value of one sample exceeds one of another, ties counted half: the area under the curve.

    That is Mann and Whitney's U of 1947 over its largest value, for samples of shapes (n,) and (m,).
    """
    below, at_most = (np.searchsorted(np.sort(other), one, side).sum() for side in ("left", "right"))
    return float((below + at_most) / 2 / (len(one) * len(other)))
