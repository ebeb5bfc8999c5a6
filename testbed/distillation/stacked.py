"""Train k students at once: one batched network instead of a loop over seeds and arms.

Every student keeps its own weights, data order, optimiser moments and normaliser; only the
arithmetic is shared, so a student comes out as if it had been trained alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from testbed.distillation.batches import BURN_IN, CHUNK, Samples, make_batches
from testbed.distillation.config import Training
from testbed.distillation.dropout import Dropout, activation_of
from testbed.distillation.journal import SILENT, Journal
from testbed.distillation.losses.value import value_regression
from testbed.distillation.memory import keep_memory
from testbed.distillation.normaliser import normaliser
from testbed.distillation.optimiser import Adam
from testbed.policies.network import CATEGORICAL, LOG_STD, NetworkPolicy, PolicyConfig, random_arrays
from testbed.scratch import empty_table, pieces
from testbed.seeding import generator
from testbed.threads import one_thread

Loss = Callable[[Tensor, Tensor], Tensor]
"""(students' parameters (k, n, ...), targets (k, n, ...)) -> mean loss of all k students."""
Activation = Callable[[Tensor], Tensor]
"""What follows a hidden layer, (k, n, units) -> the same; may change what it is given."""

COLUMNS = 16
"""The last layer is multiplied with zeros up to a multiple of so many outputs: a product with few columns takes three
times as long on some processors."""


@one_thread()
def train_stacked(
    config: PolicyConfig,
    samples: Sequence[Samples],
    seeds: Sequence[int],
    loss: Loss,
    training: Training,
    starts: Sequence[NetworkPolicy] | None = None,
    journal: Journal = SILENT,
) -> list[NetworkPolicy]:
    """Train one student for each of k data sets and seeds, all at once.

    Args:
        config: Shape of every student.
        samples: One data set a student.
        seeds: One seed a student, for its weights and its data order.
        loss: A mean over students, each with as many samples as the others, so that k times it has each one's gradient.
            Auxiliary targets, where samples have them, are regressed beside it.
        training: Steps, batch and learning rate.
        starts: What the students begin as, normaliser included; fresh networks if not given.
        journal: Told the mean loss a student every 50 steps; keeps what a killed training goes on from.

    Returns:
        The students, in the order of the seeds.

    Raises:
        ValueError: if a start is of another shape than the students.
    """
    keep_memory()
    weights = fresh_weights(config, samples, seeds) if starts is None else started_weights(config, starts)
    trained = trainable(weights)
    optimiser = Adam(trained.values(), training.learning_rate, training.steps)
    seen = _standardised(samples, weights)
    batches = make_batches(config, seen, [generator(seed, "batches") for seed in seeds], training.batch)
    activation = activation_of(training, seeds)
    done = journal.restore(trained, optimiser, batches)
    for start in range(done, training.steps, CHUNK):
        count = min(CHUNK, training.steps - start)
        if isinstance(activation, Dropout):
            activation.begin(start)
        for step, batch in enumerate(batches.draw(count), start):
            outputs = _outputs(weights, batch.observations, config, batch.firsts, activation)
            value = _value(outputs, batch.targets, batch.auxiliary, loss, config, weights)
            optimiser.minimise(value * len(seeds))
            if step % CHUNK == 0 or step == training.steps - 1:
                journal.record(step + 1, {"loss": float(value.detach())})
        journal.passed(start + count, lambda: unstacked(weights, config))
        if start + count < training.steps:
            journal.keep(start + count, trained, optimiser, batches)
    journal.finish()
    return unstacked(weights, config)


def _value(outputs, targets, auxiliary, loss: Loss, config: PolicyConfig, weights) -> Tensor:
    """Return the loss of the policies' outputs, of the auxiliary ones, or of both."""
    total = torch.zeros(())
    if targets is not None:
        total = loss(as_parameters(outputs[..., : config.actions], weights, config), targets)
    if auxiliary is not None:
        total = total + value_regression(outputs[..., config.actions :], auxiliary)
    return total


def stacked_parameters(weights: Mapping[str, Tensor], observations: Tensor, config: PolicyConfig) -> Tensor:
    """Return the distributions of k networks on their own batches, shape (k, n, d) -> (k, n, actions) or twice that."""
    return as_parameters(stacked_outputs(weights, observations, config)[..., : config.actions], weights, config)


def as_parameters(outputs: Tensor, weights: Mapping[str, Tensor], config: PolicyConfig) -> Tensor:
    """Return outputs (k, n, actions) as parameters of distributions: with the log deviations of a Gaussian head."""
    if config.head == CATEGORICAL:
        return outputs
    spread = weights["log_std"][:, None].clamp(*LOG_STD)
    return torch.cat([outputs, spread.expand_as(outputs)], dim=-1)


def stacked_outputs(
    weights: Mapping[str, Tensor], observations: Tensor, config: PolicyConfig, firsts: Tensor | None = None
) -> Tensor:
    """Return the last layer's outputs of k networks on their own batches, shape (k, n, outputs).

    Args:
        weights: Every array of the networks, first axis k.
        observations: Shape (k, n, d); of networks with a memory windows of it, (k, n, length, d).
        config: Their shape.
        firsts: Of windows, 1 where an episode begins, else 0, shape (k, n, length). The result then has the decisions
            after the burn-in of all windows in a row.
    """
    seen = observations.flatten(1, -2)
    standardised = (seen - weights["mean"][:, None]) / weights["std"][:, None]
    return _outputs(weights, standardised.reshape(observations.shape), config, firsts)


def _outputs(
    weights: Mapping[str, Tensor], standardised: Tensor, config: PolicyConfig, firsts: Tensor | None,
    activation: Activation = torch.relu_,
) -> Tensor:  # fmt: skip
    """Return what `stacked_outputs` does, of observations that went through the normaliser."""
    inputs = _remembered(weights, standardised, firsts) if config.memory else standardised
    return perceptrons(weights, inputs, activation)


def _standardised(samples: Sequence[Samples], weights: Mapping[str, Tensor]) -> list[Samples]:
    """Return samples as their networks see them; what several share is made, and kept, once."""
    found: dict[tuple[int, bytes, bytes], Samples] = {}
    keys = []
    for data, mean, std in zip(samples, weights["mean"].numpy(), weights["std"].numpy(), strict=True):
        keys.append((id(data), mean.tobytes(), std.tobytes()))
        if keys[-1] not in found:
            seen = empty_table(data.observations.shape, np.float32)
            for part in pieces(seen):
                seen[part] = (data.observations[part] - mean) / std
            found[keys[-1]] = replace(data, observations=seen)
    return [found[key] for key in keys]


def perceptrons(weights: Mapping[str, Tensor], inputs: Tensor, activation: Activation = torch.relu_) -> Tensor:
    """Return the outputs of k multilayer perceptrons, each on its own inputs, shape (k, n, d) -> (k, n, outputs).

    Args:
        weights: `layer<i>.weight`, shape (k, in, out), and `layer<i>.bias`, (k, out), from 0 on.
        inputs: What the first layer is given.
        activation: What follows each layer but the last.
    """
    hidden, last = inputs, 0
    while f"layer{last + 1}.weight" in weights:
        bias = weights[f"layer{last}.bias"][:, None]
        hidden = activation(torch.baddbmm(bias, hidden, weights[f"layer{last}.weight"]))
        last += 1
    bias, weight = weights[f"layer{last}.bias"][:, None], weights[f"layer{last}.weight"]
    wider = (0, -weight.shape[-1] % COLUMNS)
    outputs = torch.baddbmm(functional.pad(bias, wider), hidden, functional.pad(weight, wider))
    return outputs[..., : weight.shape[-1]]


def _remembered(weights: Mapping[str, Tensor], windows: Tensor, firsts: Tensor | None) -> Tensor:
    """Return the gated recurrent units' state at every decision of windows but the burn-in, (k, n * counted,
    memory)."""
    k, n, length, _ = windows.shape
    given = torch.baddbmm(weights["input.bias"][:, None], windows.flatten(1, 2), weights["input.weight"])
    given = given.reshape(k, n, length, -1)
    state = windows.new_zeros(k, n, given.shape[-1] // 3)
    states = []
    for t in range(length):
        if firsts is not None:
            state = state * (1 - firsts[:, :, t, None])
        kept = torch.baddbmm(weights["memory.bias"][:, None], state, weights["memory.weight"])
        (r, z, new), (kept_r, kept_z, kept_new) = given[:, :, t].chunk(3, -1), kept.chunk(3, -1)
        update = torch.sigmoid(z + kept_z)
        state = (1 - update) * torch.tanh(new + torch.sigmoid(r + kept_r) * kept_new) + update * state
        states.append(state)
    return torch.stack(states[BURN_IN:], 2).reshape(k, n * (length - BURN_IN), -1)


def fresh_weights(config: PolicyConfig, samples: Sequence[Samples], seeds: Sequence[int]) -> dict[str, Tensor]:
    """Return every array of k fresh networks, first axis k; their normalisers are those of their data."""
    fresh = [random_arrays(config, generator(seed, "weights")) for seed in seeds]
    for arrays, data in zip(fresh, samples, strict=True):
        arrays["mean"], arrays["std"] = normaliser(data.observations)
    return _stack(fresh, config)


def started_weights(config: PolicyConfig, starts: Sequence[NetworkPolicy]) -> dict[str, Tensor]:
    """Return every array of k networks that are there already; raises ValueError if one has another shape."""
    for start in starts:
        if start.config != config:
            raise ValueError(f"a student {config} cannot begin as {start.config}: they differ in shape")
    return _stack([start.arrays for start in starts], config)


def trainable(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the arrays that training changes: all but the normaliser; they ask for gradients from now on."""
    return {name: tensor.requires_grad_() for name, tensor in weights.items() if name not in ("mean", "std")}


def put_back(weights: Mapping[str, Tensor], kept: Mapping[str, Tensor]) -> None:
    """Write what was kept of a training into its arrays, which stay the same objects."""
    with torch.no_grad():
        for name, tensor in weights.items():
            tensor.copy_(kept[name])


def _stack(arrays: Sequence[Mapping[str, np.ndarray]], config: PolicyConfig) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.stack([one[name] for one in arrays])) for name in config.shapes}


def unstacked(weights: Mapping[str, Tensor], config: PolicyConfig) -> list[NetworkPolicy]:
    """Return k networks as policies."""
    arrays = {name: tensor.detach().numpy() for name, tensor in weights.items()}
    return [
        NetworkPolicy(config, {name: array[number].copy() for name, array in arrays.items()})
        for number in range(len(arrays["mean"]))
    ]
