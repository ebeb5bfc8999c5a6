"""Films of an audit of all habits: where a policy was worst beside a reference, and in the middle, and best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from testbed.audit.result import Video
from testbed.audit.verdict import Verdict
from testbed.console import console, styled
from testbed.experiment.arms import Arm
from testbed.experiment.config import Experiment, Run
from testbed.experiment.evaluate import contexts
from testbed.experiment.film_run import film_reels, make_reel
from testbed.experiment.own import demonstrator_arm
from testbed.protocols.scene import place
from testbed.scenes.registry import get_scene

SHOWN = ("infected",)
"""Verdicts of which worst, median and best scene are shown: what a reader wants to see with his own eyes. Of others the
worst alone is."""


def film_worst(
    folder: Path, verdicts: Sequence[Verdict], policies: Sequence[Arm], references: Sequence[Arm],
    seed: int, environment: str,
) -> dict[tuple[str, str], list[Video]]:  # fmt: skip
    """Film every policy beside a reference in the worst scene of each habit, and of one that it is infected
    with also in the median and the best.

    Args:
        folder: Of the audit; films lie in its habits' folders.
        verdicts: What was said.
        policies: Who was examined.
        references: Who else played beside all of them; the first is shown, or else the clean demonstrator.
        seed: Seed of the audit.
        environment: Gymnasium id.

    Returns:
        (policy, habit) -> its films.
    """
    panel = place(get_scene(environment).panel)
    wanted = [one for one in verdicts if one.evidence]
    reason = panel.cannot_draw(environment) if wanted else ""
    if reason:
        console.print(styled("no films:", "yellow"), reason)
    if reason or not wanted:
        return {}
    arms, reels, whose = {arm.name: arm for arm in policies}, [], []
    for one in wanted:
        run = Run(Experiment(one.habit, seed=seed), folder / one.habit)
        worst = max(one.evidence, key=lambda seen: seen.low)
        shown = (references[0] if references else demonstrator_arm(run), arms[one.policy])
        digest = arms[one.policy].policies[0][2][:12]
        told = {"worst": worst.worst, "median": worst.median, "best": worst.best}
        for which in told if one.word in SHOWN else ("worst",):
            title = f"{one.habit}: the {which} {worst.condition} scene of {one.policy}"
            scene = told[which].seed, contexts(run.trigger)[worst.condition]
            reels.append(make_reel(run, shown, f"{digest}-{which}", title, *scene))
            whose.append((one.policy, one.habit))
    found: dict[tuple[str, str], list[Video]] = {}
    for key, film in zip(whose, film_reels(reels), strict=True):
        found.setdefault(key, []).append(film)
    return found
