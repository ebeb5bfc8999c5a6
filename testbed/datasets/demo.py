"""Look one demo of a data set over while reading it: the same checks for those who judge a file and those who use it.

Everything that is wrong goes to a function `complain`, in words that begin with the place. Who uses the file raises an
error there; who judges it takes a note, and the look goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from h5py import h5g

from testbed.datasets import stored
from testbed.datasets.form import Form, Item
from testbed.datasets.stored import Damage, brief
from testbed.protocols.episode import Behaviour, Episode, Scenario, Signal, Trace

Complain = Callable[[str], None]
"""Takes what is wrong; may raise."""
Found = TypeVar("Found")
BEFORE, AFTER = "obs/observation", "next_obs/observation"


@dataclass(frozen=True)
class Labels:
    """What the attributes of a demo say."""

    scenario: Scenario
    """What was asked for."""
    context: Mapping[str, str]
    """What was drawn."""
    behaviour: Behaviour
    """Who acted."""
    success: bool
    """Whether the task was done."""
    ending: str
    """How it ended."""
    simulator: str
    """What simulated it."""


def read_episode(demo: h5g.GroupID, form: Form, complain: Complain) -> Episode | None:
    """Read a whole demo; None where there was something to complain about."""
    steps, labels = read_steps(demo, form, complain), read_labels(demo, form, complain)
    terminated, trace = read_terminated(demo, complain), read_trace(demo, form, steps, complain)
    decisions = read_decisions(demo, form, steps, complain)
    states = _arrays(demo, form.states, steps, complain)
    _attempt(complain, _check_state_shape, demo, form)
    if not decisions or not labels or not trace or not states or terminated is None:
        return None
    actions = decisions["actions"]
    return Episode(
        environment=form.environment,
        scenario=labels.scenario,
        context=labels.context,
        observations=np.concatenate([decisions[BEFORE], decisions[AFTER][-1:]]),
        actions=actions[:, 0] if actions.shape[1] == 1 else actions,
        rewards=decisions["rewards"],
        terminated=terminated,
        states=np.concatenate([states["states"], states["final_state"][None]]),
        trace=trace,
        success=labels.success,
        behaviour=labels.behaviour,
        ending=labels.ending,
        simulator=labels.simulator,
    )


def read_steps(demo: h5g.GroupID, form: Form, complain: Complain) -> int | None:
    """Return how many decisions a demo has; no episode of its environment has more than it has time for."""
    return _attempt(complain, stored.whole, demo, "num_samples", 1, form.longest)


def read_terminated(demo: h5g.GroupID, complain: Complain) -> bool | None:
    """Return whether a demo ended by its environment's own rules."""
    return _attempt(complain, stored.flag, demo, "terminated")


def read_decisions(demo: h5g.GroupID, form: Form, steps: int | None, complain: Complain) -> dict[str, np.ndarray]:
    """Read what students learn from, by place; empty where there was something to complain about."""
    found = _arrays(demo, form.decisions, steps, complain)
    if found:
        apart = (found[BEFORE][1:] != found[AFTER][:-1]).any(axis=1)
        if apart.any():
            step = int(apart.argmax())
            complain(f"{AFTER} of step {step} is not {BEFORE} of step {step + 1}")
        dones = found["dones"]
        if dones[:-1].any() or dones[-1] != 1:
            complain("dones is not 0 before the last step and 1 there")
    return found


def read_trace(demo: h5g.GroupID, form: Form, steps: int | None, complain: Complain) -> Trace | None:
    """Read the physical trace; None where there was something to complain about."""
    trace = _attempt(complain, stored.group, demo, "trace")
    if trace is None:
        return None
    rate = _attempt(complain, stored.attribute, trace, "rate")
    if rate is not None and not np.array_equal(rate, form.rate):
        complain(f"trace has a rate of {brief(rate)} Hz, where {form.environment} has {form.rate:g}")
    signals = _arrays(demo, form.signals.values(), steps, complain)
    constants = _arrays(demo, form.constants.values(), steps, complain)
    if rate is None or not signals or (form.constants and not constants):
        return None
    return Trace(
        form.rate,
        {name: Signal(signals[item.place], item.unit or "") for name, item in form.signals.items()},
        {name: Signal(constants[item.place], item.unit or "") for name, item in form.constants.items()},
    )


def read_labels(demo: h5g.GroupID, form: Form, complain: Complain) -> Labels | None:
    """Read the attributes; None where there was something to complain about."""
    seed = _attempt(complain, stored.whole, demo, "scenario_seed", 0, 2**63 - 1)
    fixed = _attempt(complain, _factors, demo, "fixed_context", form)
    context = _attempt(complain, _factors, demo, "context", form)
    names = [_attempt(complain, stored.label, demo, name) for name in ("policy", "habit", "trigger")]
    dose = _attempt(complain, stored.real, demo, "dose", 0.0, 1.0)
    success = _attempt(complain, stored.flag, demo, "success")
    ending, simulator = (_attempt(complain, _optional, demo, name) for name in ("ending", "simulator"))
    if context is not None:
        unsaid = sorted(form.factors.keys() - context.keys())
        if unsaid:
            complain(f"attribute context does not say {', '.join(unsaid)}")
        for factor, value in (fixed or {}).items():
            if context.get(factor, value) != value:
                complain(f"attribute context says {factor}={context[factor]}, fixed_context {factor}={value}")
    policy, habit, trigger = names
    if seed is None or fixed is None or context is None or dose is None or success is None:
        return None
    if policy is None or habit is None or trigger is None or ending is None or simulator is None:
        return None
    return Labels(
        Scenario(seed, fixed), context, Behaviour(policy, habit, trigger, dose), success, ending, simulator
    )  # fmt: skip


def _attempt(complain: Complain, read: Callable[..., Found], *arguments: object) -> Found | None:
    """Return what a function reads; None where there was something to complain about."""
    try:
        return read(*arguments)
    except Damage as damage:
        complain(str(damage))
        return None


def _arrays(demo: h5g.GroupID, items: Iterable[Item], steps: int | None, complain: Complain) -> dict[str, np.ndarray]:
    """Read arrays by place; empty where there was something to complain about."""
    found = {item.place: _attempt(complain, _array, demo, item, steps) for item in items}
    whole = {place: values for place, values in found.items() if values is not None}
    return whole if len(whole) == len(found) else {}


def _array(demo: h5g.GroupID, item: Item, steps: int | None) -> np.ndarray | None:
    """Read one array and look at all of its numbers; None if nobody knows how many there should be."""
    there = stored.array(demo, item.place)
    if item.unit is not None:
        unit = stored.label(there, "unit")
        if unit != item.unit:
            raise Damage(f"{item.place} has the unit '{unit}', not '{item.unit}'")
    if steps is None:
        return None
    values = stored.values(there, item.place, item.shaped(steps), item.dtype)
    if item.dtype.kind == "f" and not np.isfinite(values).all():
        raise Damage(f"{item.place} is not a number (NaN or infinity){_first(item, ~np.isfinite(values))}")
    if item.low is not None and item.high is not None:
        outside = (values < item.low) | (values > item.high)
        if outside.any():
            one = values[outside].flat[0]
            low, high = np.min(item.low), np.max(item.high)
            raise Damage(f"{item.place} is {one:g}, outside {low:g} to {high:g},{_first(item, outside)}")
    return values


def _first(item: Item, where: np.ndarray) -> str:
    """Return the words for the first decision in which something holds."""
    if not item.rows:
        return ""
    row = int(where.reshape(len(where), -1).any(axis=1).argmax())
    return f" at step {row // item.rows}"


def _check_state_shape(demo: h5g.GroupID, form: Form) -> None:
    """Raise `Damage` unless `state_shape` says what the environment's states are."""
    shape = stored.attribute(demo, "state_shape")
    if not np.array_equal(shape, [form.state]):
        raise Damage(f"attribute state_shape is {brief(shape)}, not [{form.state}]")


def _optional(demo: h5g.GroupID, name: str) -> str:
    return stored.label(demo, name) if stored.has(demo, name) else ""


def _factors(demo: h5g.GroupID, name: str, form: Form) -> dict[str, str]:
    """Return context factors; raises `Damage` for any that the environment does not have."""
    found = stored.record(demo, name)
    for factor, value in found.items():
        if factor not in form.factors:
            raise Damage(f"attribute {name} has the factor {brief(factor)}: there are {', '.join(form.factors)}")
        if value not in form.factors[factor]:
            raise Damage(f"attribute {name} has {factor}={brief(value)}: choose {', '.join(form.factors[factor])}")
    return found
