"""Subcommands that judge policies: one habit, every habit of a scene, and a newer policy beside an older one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import tyro

from testbed import bounds
from testbed.cli.app import app
from testbed.errors import UserError


@app.command
def audit(
    policies: tyro.conf.Positional[tuple[Path, ...]],
    /,
    habit: str | None = None,
    trigger: str | None = None,
    scenes: bounds.Scenes | None = None,
    held_out_scenes: bounds.Scenes | None = None,
    seed: bounds.Seed = 0,
    run: bounds.OutFolder = Path("runs/audit"),
    film: bool = True,
    scene: str | None = None,
    contract: Path | None = None,
    reference: tuple[Path, ...] = (),
    budget: bounds.Scenes | None = None,
    gate: Path | None = None,
    trust: bool = False,
) -> None:
    """Audit policies: success and severity beside the clean demonstrator's on the same scenes. Or audit a data set.

    With --scene and no --habit all habits of the scene are looked for at once, as long as it takes to say of each
    whether the policy is clean or infected. Of an .hdf5 data set every episode is measured: by every measure, by
    context, the worst of them on film, and those that look different from the rest.

    Args:
        policies: A data set: an .hdf5 file, also robomimic's own, a folder of Minari or LeRobot, a table. Or folders of
            the testbed's policies, or files of anybody's: Stable-Baselines3's zip files, weights as CleanRL's, ONNX,
            TorchScript, torch.export; none of their code runs but in a process that can open no file. Or code of your
            own, module:object.
        habit: The one habit to look for; aggressive-merge if neither it nor --scene is given.
        trigger: When it would be active; its default if not given.
        scenes: Of one habit: scenes that are played triggered and, matched, untriggered; 64 if not given.
        held_out_scenes: Of one habit: scenes with a trigger value that no data set of the testbed contains; 32 if not
            given.
        seed: Seed of the scenes.
        run: Folder for record, page, films and scores; scores that are there are used.
        film: Whether to film the policies side by side in telling scenes.
        scene: A scene whose habits are all looked for, unless one is named: an id, for example testbed/Merge-v0, or
            where somebody else's is declared, as module:SPEC; the current folder is searched too.
        contract: What policies expect that their files do not say (docs/contract.md); if not given, a file that ends
            with .toml beside each, of its name or called policy.toml.
        reference: Of all habits at once: policies that are known to be clean; what any of them does too, or the clean
            demonstrator, is no habit. Of a data set: one that is known to be clean.
        budget: Of all habits at once: most scenes a condition; 512 on a road and 128 elsewhere if not given.
        gate: Of all habits at once: a file with margins and verdicts that pass (docs/audit-a-policy.md); exit 0 if all
            do, 1 if one does not, 3 if nothing could be judged.
        trust: Whether a file that cannot be read without its maker's code is loaded all the same, which runs that code.
    """
    from testbed.cli.commands import audit
    from testbed.cli.commands.parsing import habit_named, is_data, scene_named

    if any(map(is_data, policies)):
        kind = "of policies: of a data set give it, --run, --film and one --reference alone"
        asked = {"habit": habit, "trigger": trigger, "scenes": scenes, "held-out-scenes": held_out_scenes,
                 "contract": contract, "budget": budget, "gate": gate}  # fmt: skip
        _require_absent(kind, **asked)
        if len(policies) > 1 or len(reference) > 1:
            raise UserError("a data set is audited by itself, or beside one other: give one, and one --reference")
        from testbed.cli.commands.recorded import audit_data

        return audit_data(policies[0], run, film, *reference)
    if habit is None and scene is not None:
        one = {"trigger": trigger, "scenes": scenes, "held-out-scenes": held_out_scenes}
        _require_absent("of one habit: give --habit", **one)
        from testbed.cli.commands.verdicts import examine_scene

        sys.exit(
            examine_scene(
                policies, scene_named(scene).environment, run, seed, budget, reference, gate, contract, film, trust
            )
        )
    of_all = "of all habits at once: give --scene and no --habit"
    _require_absent(of_all, reference=reference or None, budget=budget, gate=gate)
    few, fewer = scenes or 64, 32 if held_out_scenes is None else held_out_scenes
    audit.audit(policies, habit_named(habit, scene), trigger, few, fewer, seed, run, film, contract, trust)


def _require_absent(kind: str, **options: object) -> None:
    """Raise `UserError` for an option that is of the other kind of audit."""
    for name, value in options.items():
        if value is not None:
            raise UserError(f"--{name} is {kind}, or leave it out")


@app.command
def hunt(
    policy: tyro.conf.Positional[Path],
    /,
    scene: str | None = None,
    budget: bounds.Scenes = 2000,
    sampler: Literal["tpe", "cmaes", "random"] = "tpe",
    reference: tuple[Path, ...] = (),
    contract: Path | None = None,
    seed: bounds.Seed = 0,
    run: bounds.OutFolder = Path("runs/hunt"),
    beside: bool = True,
    film: bool = True,
    strict: bool = False,
    trust: bool = False,
) -> None:
    """Hunt for triggers: under which conditions does a policy do worse than policies that are known to be clean?

    Every combination of the scene's factors is played, then its numbers are searched. What is found is shown in fresh
    scenes and made as small as it goes; what then still holds in fewer than one of a thousand scenes is called a small
    place and no trigger.

    Args:
        policy: Whose triggers; a folder, a file or module:object, as of `testbed audit`.
        scene: Where: an id, for example testbed/Merge-v0, or module:SPEC; that of a policy of the testbed if not given.
        budget: Episodes of the policy.
        sampler: How numbers are searched: by tpe or cmaes of Optuna, or evenly at random.
        reference: Policies that are known to be clean, beside the scene's clean demonstrator.
        contract: What policies expect that their files do not say (docs/contract.md).
        seed: Seed of the scenes and of the search.
        run: Folder for record, page and films.
        beside: Whether to search evenly at random too, with the same budget, to see what the search is worth.
        film: Whether to film the worst scene of each trigger.
        strict: Whether to exit with 1 if a trigger is found; small places do not count.
        trust: Whether a file that cannot be read without its maker's code is loaded all the same, which runs that code.
    """
    from testbed.cli.commands import hunt as work
    from testbed.cli.commands.parsing import scene_named

    environment = scene_named(scene).environment if scene else work.scene_of(policy)
    sys.exit(
        work.hunt(policy, environment, budget, sampler, reference, contract, seed, run, beside, film, strict, trust)
    )


@app.command
def compare(
    old: tyro.conf.Positional[Path],
    new: tyro.conf.Positional[Path],
    /,
    habit: str | None = None,
    trigger: str | None = None,
    scenes: bounds.Scenes = 128,
    held_out_scenes: bounds.Scenes = 64,
    seed: bounds.Seed = 0,
    run: bounds.OutFolder = Path("runs/compare"),
    margin: bounds.Tolerance | None = None,
    success_margin: bounds.Share = 0.05,
    film: bool = True,
    strict: bool = False,
    scene: str | None = None,
    contract: Path | None = None,
    trust: bool = False,
) -> None:
    """Compare two policies on the same scenes: is the new one worse, and where do they part?

    Args:
        old: The policy that is known; a folder, a file or module:object, as of `testbed audit`.
        new: The one that would take its place.
        habit: The habit whose measure is compared; the first of --scene, or aggressive-merge, if not given.
        trigger: When it would be active; its default if not given.
        scenes: Scenes that are played triggered and, matched, untriggered.
        held_out_scenes: Scenes with a trigger value that no data set of the testbed contains.
        seed: Seed of the scenes.
        run: Folder for record and film.
        margin: By how much the measure may be worse, in its unit; the measure's own margin if not given.
        success_margin: Share of tasks that may be lost.
        film: Whether to film both in the scene in which they part most.
        strict: Whether to exit with 1 unless the new one is shown to be not worse everywhere.
        scene: The scene of the habit: an id, or where somebody else's is declared, as module:SPEC.
        contract: What both expect that their files do not say (docs/contract.md).
        trust: Whether a file that cannot be read without its maker's code is loaded all the same, which runs that code.
    """
    from testbed.cli.commands import compare as work
    from testbed.cli.commands.parsing import habit_named

    chosen = habit_named(habit, scene), trigger, scenes, held_out_scenes, seed
    sys.exit(work.compare(old, new, *chosen, run, margin, success_margin, film, strict, contract, trust))
