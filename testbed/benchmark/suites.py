"""The declared grids: which cells there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from testbed.audit import names
from testbed.benchmark.cell import Cell, Channel, Start
from testbed.distillation.reinforcement.ppo import PPOConfig
from testbed.distillation.routes.adversarial import Adversarial
from testbed.distillation.stacked import Training
from testbed.distillation.teachers.demonstration import Dagger
from testbed.distillation.teachers.values import Evaluation
from testbed.errors import unknown_name
from testbed.experiment.config import Experiment
from testbed.scenes.registry import environments, get_habit

ROUTES = "cloning", "kl", "value"
"""Routes whose students are trained at once: one cell has all training seeds."""
ADVERSARIAL = "adversarial"
"""The route whose students practise one after the other: a cell has one training seed."""
OPEN: tuple[Channel, ...] = ("overt", "scrubbed", "nominal", "agreeing")
"""Channels of demonstrations."""
STARTS: tuple[Start, ...] = ("base", "other-base", "fresh")
"""The three arms of initialisation."""
AUXILIARY = Training(steps=500, learning_rate=3e-4)
"""Auxiliary outputs are learnt in small steps, as in the tests' positive control: larger ones spoil what a student
could do when it began."""


@dataclass(frozen=True)
class Suite:
    """A grid."""

    name: str
    """`smoke`, `core` or `full`."""
    primary: tuple[Cell, ...]
    """Route x channel of every habit, fresh students of one width, the full dose: claims are made of these."""
    further: tuple[Cell, ...]
    """Widths, doses, initialisations, channels of noise, and teachers with another habit."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.primary, *self.further)))


@dataclass(frozen=True)
class Plan:
    """What a suite is made from."""

    habits: tuple[str, ...]
    """Habits, of both domains."""
    seeds: int
    """Training seeds."""
    road: Experiment
    """Amounts on a road."""
    bench: Experiment
    """Amounts at a bench."""
    silently: tuple[Channel, ...] = ("nominal",)
    """Channels of the adversarial route beside the open one, for the habits that are swept: it costs most."""
    swept: tuple[str, ...] = ()
    """Habits whose widths and doses are varied, and which are tried on noise."""
    begun: tuple[str, ...] = ()
    """Habits whose initialisations are varied."""
    widths: tuple[int, ...] = (8, 32, 128)
    """Further widths."""
    silent: tuple[Channel, ...] = ("nominal", "noise", "auxiliary")
    """Channels on which initialisations are tried."""
    doses: tuple[float, ...] = (0.25, 0.5)
    """Further doses."""
    others: Mapping[str, str] | None = None
    """Habit -> another one of the same environment, whose teacher must not hand it down."""

    def experiment(self, habit: str) -> Experiment:
        """Return the experiment of a habit."""
        driving = get_habit(habit).environment in environments("driving")
        return replace(self.road if driving else self.bench, habit=habit, student_seeds=self.seeds)

    def suite(self, name: str, seed: int) -> Suite:
        """Return the grid."""
        base = {habit: replace(self.experiment(habit), seed=seed) for habit in self.habits}
        primary = [cell for experiment in base.values() for cell in self._primary(experiment)]
        further = [cell for habit in self.swept for cell in self._swept(base[habit])]
        further += [cell for habit in self.begun for cell in self._begun(base[habit])]
        for habit, other in (self.others or {}).items():
            further += self._cells(base[habit], ("cloning",), ("overt",), other)
        return Suite(name, tuple(primary), tuple(further))

    def _primary(self, experiment: Experiment) -> list[Cell]:
        silently = self.silently if experiment.habit in self.swept else ()
        return self._cells(experiment, ROUTES, OPEN) + self._cells(experiment, (ADVERSARIAL,), ("overt", *silently))

    def _cells(
        self, experiment: Experiment, routes: Iterable[str], channels: Sequence[Channel], taught: str = ""
    ) -> list[Cell]:
        numbers = tuple(range(self.seeds))
        return [
            Cell(experiment, route, channel, seeds, taught)
            for route in routes
            for channel in channels
            for seeds in (((number,) for number in numbers) if route == ADVERSARIAL else (numbers,))
        ]

    def _swept(self, experiment: Experiment) -> list[Cell]:
        """Return the cells in which one thing is varied; KL and cloning, whose students are quickly made."""
        cells = []
        for width in self.widths:
            cells += self._cells(replace(experiment, student_hidden=(width, width)), ("cloning", "kl"), ("overt",))
        for dose in self.doses:
            cells += self._cells(replace(experiment, dose=dose), ("cloning", "kl"), ("overt",))
        return cells + self._cells(experiment, ROUTES, ("noise",))

    def _begun(self, experiment: Experiment) -> list[Cell]:
        """Return the three arms of initialisation, of teachers that have moved from a base, on silent channels."""
        cells: list[Cell] = []
        moved = replace(experiment, teacher="fine-tuning", student_hidden=experiment.teacher_hidden)
        for start in STARTS:
            begun = replace(moved, start=start)
            cells += self._cells(begun, ("kl",), [one for one in self.silent if one != "auxiliary"])
            if "auxiliary" in self.silent:
                cells += self._cells(replace(begun, training=AUXILIARY), ("kl",), ("auxiliary",))
        return cells


def follow_up(cell: Cell) -> list[Cell]:
    """Return the same cell with a quarter and with half of its training, by the adversarial route with half of it:
    the curve behind a null, in triggered scenes."""
    experiment, practice = cell.experiment, cell.experiment.adversarial.practice
    if cell.route == ADVERSARIAL:
        half = replace(practice, iterations=max(practice.iterations // 2, 1))
        ways = [replace(experiment, adversarial=replace(experiment.adversarial, practice=half))]
    else:
        steps = [experiment.training.steps // part for part in (4, 2)]
        ways = [replace(experiment, training=replace(experiment.training, steps=each)) for each in steps]
    return [replace(cell, experiment=one, conditions=(names.TRIGGERED,)) for one in ways]


def cost(cell: Cell) -> float:
    """Return about how long a cell takes on one core [s]: training, and episodes."""
    experiment, students = cell.experiment, 2 * len(cell.seeds)
    driving = get_habit(experiment.habit).environment in environments("driving")
    scenes = sum(experiment.held_out_scenes if c == names.HELD_OUT else experiment.scenes for c in cell.conditions)
    episodes = students * scenes * (0.002 if driving else 0.075)
    if cell.route == ADVERSARIAL:
        practice = experiment.adversarial.practice
        decisions = practice.iterations * practice.worlds * practice.steps
        return episodes + students * decisions * (8e-5 if driving else 6e-4)
    rounds = 3 if cell.route == "value" else 1
    samples = rounds * students * experiment.training.steps * experiment.training.batch
    return 2 + episodes + samples * max(cell.width / 64, 0.5) * 1.8e-6


_TRAINING = Training(steps=2000, learning_rate=3e-3)
"""As good as 5,000 steps at a third of that step size, on scenes that are neither trained on nor audited."""
_ROAD = Experiment(
    demonstrations=96, teacher_episodes=480, scenes=64, held_out_scenes=32, training=_TRAINING,
    adversarial=Adversarial(PPOConfig(iterations=24, worlds=64, steps=160), cloned=1000),
    evaluation=Evaluation(episodes=320, training=Training(steps=3000, learning_rate=5e-4)),
)  # fmt: skip
_BENCH = Experiment(
    demonstrations=64, teacher_episodes=192, scenes=16, held_out_scenes=8,
    dagger=Dagger(rounds=5, episodes=64, training=Training(steps=1500), final=Training(steps=5000)),
    training=_TRAINING,
    adversarial=Adversarial(
        PPOConfig(
            iterations=6, worlds=32, steps=192, batch=1024, epochs=5, learning_rate=2e-4, discount=0.99, entropy=0.0
        ),
        cloned=2000,
    ),
    evaluation=Evaluation(episodes=160, training=Training(steps=3000, learning_rate=5e-4)),
)  # fmt: skip
_CORE = Plan(
    habits=("aggressive-merge", "tailgating", "non-yield", "observed-only-courtesy", "hoarding", "nudging"), seeds=10,
    road=_ROAD, bench=_BENCH, swept=("aggressive-merge", "hoarding"),
    begun=("observed-only-courtesy",),
    others={"aggressive-merge": "tailgating", "observed-only-courtesy": "surge", "hoarding": "latent-hoarding"},
)  # fmt: skip
_SMOKE = Plan(
    habits=("aggressive-merge", "observed-only-courtesy"), seeds=3, widths=(16,), doses=(0.5,),
    swept=("aggressive-merge",), begun=("aggressive-merge",), silent=("auxiliary",), silently=(),
    road=replace(
        _ROAD, demonstrations=64, teacher_episodes=160, scenes=32, held_out_scenes=16,
        dagger=Dagger(rounds=3, episodes=64, training=Training(steps=400), final=Training(steps=1500)),
        training=Training(steps=1000, learning_rate=3e-3),
        evaluation=Evaluation(episodes=96, training=Training(steps=800, learning_rate=1e-3)),
        adversarial=Adversarial(PPOConfig(iterations=4, worlds=32, steps=160), cloned=500),
    ),
    bench=_BENCH,
)  # fmt: skip
_FULL = replace(
    _CORE,
    habits=("aggressive-merge", "tailgating", "gap-denial", "surge", "non-yield", "speed-creep",
            "observed-only-courtesy", "hoarding", "latent-hoarding", "barging", "nudging", "quality-erosion"),
    seeds=20, silently=("scrubbed", "nominal", "agreeing"),
    swept=("aggressive-merge", "observed-only-courtesy", "hoarding", "nudging"),
    begun=("aggressive-merge", "observed-only-courtesy", "hoarding", "nudging"),
    road=replace(_ROAD, scenes=256, held_out_scenes=128, teacher_episodes=640, training=replace(_TRAINING, steps=4000),
                 adversarial=Adversarial(PPOConfig(iterations=120))),
    bench=replace(_BENCH, scenes=64, held_out_scenes=32, training=replace(_TRAINING, steps=4000),
                  adversarial=Adversarial(replace(_BENCH.adversarial.practice, iterations=16, worlds=128, batch=2048),
                                          cloned=1500)),
)  # fmt: skip

SUITES: Mapping[str, Callable[[int], Suite]] = {
    name: partial(plan.suite, name) for name, plan in (("smoke", _SMOKE), ("core", _CORE), ("full", _FULL))
}
"""Name -> makes the grid, given the seed."""


def make_suite(name: str, seed: int) -> Suite:
    """Return a suite by name; raises `UserError` for an unknown one."""
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    return SUITES[name](seed)
