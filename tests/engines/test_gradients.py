"""Compares every engine's gradients and steps with finite differences of a cost that is computed without fastnet."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from engines.drawing import SEEDS, architectures, descents, drawn, parameters_of, task_of
from engines.names import ACTIVATIONS, OPTIMIZERS
from engines.truth import Truth, factors_of, flattened
from hypothesis import assume, given
from hypothesis import strategies as st

from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import CustomCost
from fastnet.formulas.layers import BatchNormalization, Dense
from fastnet.kernels import choice

# The epsilon of batch normalization is larger than the default of 1e-5. If samples are few and similar, the gradient
# varies on a scale of about sqrt(epsilon). With a smaller epsilon, finite differences would seldom be accurate.
WIDTHS = st.integers(1, 6) | st.sampled_from([1, 3, 18])
ARCHITECTURES = architectures(WIDTHS, epsilons=st.sampled_from([0.01, 0.1]))
OF_IMAGES = architectures(st.integers(1, 4), epsilons=st.sampled_from([0.01, 0.1]), images=True)
ZEROS = st.sampled_from([0.0, 0.5, 0.8, 1.0])
ZEROS_OF_IMAGES = st.sampled_from([0.0, 0.5])  # at most half zeros, because max pooling of zeros has no derivative


def assert_close(gradient, expected):
    assert np.linalg.norm(gradient - expected) <= 1e-7 * np.linalg.norm(expected) + 1e-12


@given(ARCHITECTURES, st.integers(1, 12), ZEROS, SEEDS)
@drawn(25)
def test_gradient_is_that_of_the_cost(engine_name, architecture, samples, zeros, seed):
    check_gradient(engine_name, architecture, samples, zeros, seed)


@given(OF_IMAGES, st.integers(1, 5), ZEROS_OF_IMAGES, SEEDS)
@drawn(12)
def test_gradient_of_networks_of_images(engine_of_images, architecture, samples, zeros, seed):
    check_gradient(engine_of_images, architecture, samples, zeros, seed)


def check_gradient(name, architecture, samples, zeros, seed):
    task = task_of(architecture, np.random.default_rng(seed), samples, zeros=zeros)
    truth = Truth(architecture, task.data.inputs, task.data.targets)
    expected, accurate = truth.gradient(task.parameters)
    assume(accurate)
    engine = task.engine(name)
    gradients = engine.gradients(task.data.inputs, task.data.targets)
    assert [{name: g.shape for name, g in own.items()} for own in gradients] == architecture.trained
    assert_close(flattened(architecture.trained, gradients), expected)
    for own, before in zip(engine.parameters(), task.parameters, strict=True):
        for name, array in own.items():  # `gradients` changes no parameter and no running mean or variance
            np.testing.assert_allclose(array, before[name], rtol=1e-15, atol=0)


@given(ARCHITECTURES, st.integers(1, 12), st.booleans(), SEEDS)
@drawn(25)
def test_cost_and_gradient_of_all_data(engine_name, architecture, samples, weighted, seed):
    check_cost_and_gradient(engine_name, architecture, samples, weighted, seed)


@given(OF_IMAGES, st.integers(1, 8), st.booleans(), SEEDS)
@drawn(12)
def test_cost_and_gradient_of_all_images(engine_of_images, architecture, samples, weighted, seed):
    check_cost_and_gradient(engine_of_images, architecture, samples, weighted, seed)


def check_cost_and_gradient(name, architecture, samples, weighted, seed):
    layers = [layer for layer in architecture.layers if not isinstance(layer, BatchNormalization)]
    architecture = replace(architecture, layers=tuple(layers))
    task = task_of(architecture, np.random.default_rng(seed), samples, weighted=weighted)
    weights = task.sample_weights if weighted else 1.0
    truth = Truth(architecture, task.data.inputs, task.data.targets, sample_weights=weights)
    expected, accurate = truth.gradient(task.parameters)
    assume(accurate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "threads", lambda multiplications, parts, available: min(parts, 1 + seed % 3))
        patch.setattr(choice, "samples_at_a_time", lambda samples, *_: min(samples, 1 + seed % 5))
        cost, gradients = task.engine(name).cost_and_gradients()
    assert cost == pytest.approx(samples * float(truth.costs(task.parameters)[0]), rel=1e-12, abs=1e-12)
    assert_close(flattened(architecture.trained, gradients), samples * expected)


DESCENTS = descents(l2=(0.0, 0.1, 3.0), l1=(0.0, 0.2), max_norm=(0.0, 0.0, 0.8))


@given(ARCHITECTURES, st.lists(st.integers(1, 8), min_size=2, max_size=3), ZEROS, DESCENTS, st.booleans(), SEEDS)
@drawn(25)
def test_steps_follow_the_gradient_of_the_regularized_cost(
    engine_name, architecture, mini_batches, zeros, descent, weighted, seed
):
    check_steps(engine_name, architecture, mini_batches, zeros, descent, weighted, seed)


@given(OF_IMAGES, st.lists(st.integers(1, 4), min_size=2, max_size=2), ZEROS_OF_IMAGES, DESCENTS, st.booleans(), SEEDS)
@drawn(12)
def test_steps_of_networks_of_images(engine_of_images, architecture, mini_batches, zeros, descent, weighted, seed):
    check_steps(engine_of_images, architecture, mini_batches, zeros, descent, weighted, seed)


def check_steps(name, architecture, mini_batches, zeros, descent, weighted, seed):
    """Check an engine's steps with different learning rates and mini-batch sizes."""
    random = np.random.default_rng(seed)
    task = task_of(architecture, random, sum(mini_batches), zeros=zeros, weighted=weighted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "threads", lambda multiplications, parts, available: min(parts, 1 + seed % 3))
        patch.setattr(choice, "samples_at_a_time", lambda samples, *_: min(samples, 1 + seed % 5))
        engine = task.engine(name)
        order, first = random.permutation(sum(mini_batches)), 0
        gradients, etas, before = [], [], task.parameters
        for samples, eta in zip(mini_batches, (0.25, 0.125, 0.2), strict=False):
            part = order[first : first + samples]
            factors = factors_of(architecture, descent.seed, first, samples)
            weights = task.sample_weights[part] if weighted else 1.0
            truth = Truth(
                architecture, task.data.inputs[part], task.data.targets[part],
                factors=factors, sample_weights=weights, l2=descent.l2, l1=descent.l1,
                weighted_mean=descent.weighted_mean,
            )  # fmt: skip
            gradient, accurate = truth.gradient(before)
            assume(accurate)
            gradients.append(gradient)
            etas.append(eta)
            change = OPTIMIZERS[descent.optimizer.name].last_change(descent.optimizer, gradients, etas)
            expected = truth.unflattened(flattened(architecture.trained, before) + change)
            for own in expected if descent.max_norm else ():
                if "weights" in own:
                    axes = tuple(range(1, own["weights"].ndim))
                    norms = np.sqrt(np.sum(own["weights"] ** 2, axis=axes, keepdims=True))
                    own["weights"] = own["weights"] * np.minimum(1, descent.max_norm / norms)
            with_penalty = bool(seed % 2)
            found = engine.epoch(part, samples, eta, descent, with_costs=True, with_penalty=with_penalty)
            assert found.costs == pytest.approx(samples * float(truth.costs(before)[0]), rel=1e-12, abs=1e-12)
            penalty = truth.penalty(before) if with_penalty else 0.0
            assert found.penalty == pytest.approx(samples * penalty, rel=1e-12, abs=1e-12)
            after, start = engine.parameters(), flattened(architecture.trained, before)
            assert_close(
                flattened(architecture.trained, after) - start, flattened(architecture.trained, expected) - start
            )
            before, first = after, first + samples


def test_the_differences_detect_a_wrong_gradient():
    random = np.random.default_rng(0)
    architecture = Architecture((3,), (Dense(4), BatchNormalization("tanh"), Dense(2)), dtype=np.dtype("float64"))
    task = task_of(architecture, random, 5)
    gradient = flattened(architecture.trained, task.engine("reference").gradients(task.data.inputs, task.data.targets))
    expected, _ = Truth(architecture, task.data.inputs, task.data.targets).gradient(task.parameters)
    assert_close(gradient, expected)
    for i in range(len(gradient)):
        wrong = gradient.copy()
        wrong[i] += 1e-3 * np.linalg.norm(gradient)
        with pytest.raises(AssertionError):
            assert_close(wrong, expected)


@pytest.mark.parametrize("name", ["reference", "numpy"])
@pytest.mark.parametrize("output", ["sigmoid", "linear"])
def test_a_custom_cost_gives_its_own_gradient(name, output):
    def delta(z, a, y):
        assert z.shape == a.shape == y.shape == (3, 1)  # a column vector, as in the book
        return 4 * (a - y) ** 3 * ACTIVATIONS[output].derivative(z)

    random = np.random.default_rng(1)
    layers = (Dense(5, "tanh"), BatchNormalization("sigmoid"), Dense(3, output))
    architecture = Architecture((4,), layers, CustomCost(SimpleNamespace(delta=delta)), np.dtype("float64"))
    parameters = parameters_of(architecture, random)
    inputs, targets = random.standard_normal((6, 4)), random.random((6, 3))
    truth = Truth(architecture, inputs, targets)
    truth.losses = lambda z, y: np.sum((ACTIVATIONS[output].function(z) - y) ** 4, axis=-1)
    gradients = engine_class(name)(architecture, parameters).gradients(inputs, targets)
    assert_close(flattened(architecture.trained, gradients), truth.gradient(parameters)[0])


@given(st.lists(st.integers(0, 3), min_size=8, max_size=8).filter(any), SEEDS)
@drawn(10)
def test_sample_weights_are_repetitions(engine_name, repetitions, seed):
    """A sample weight of k has the same effect as k repetitions of the sample with another learning rate.

    The gradient is divided by the number of samples, which is 8 with weights and `total` with repetitions. So the
    learning rate is multiplied by total / 8 with repetitions. The network has no batch normalization, because batch
    normalization ignores sample weights.
    """
    random = np.random.default_rng(seed)
    architecture = Architecture.dense((3, 5, 2), np.dtype("float64"), "tanh")
    task = task_of(architecture, random, 8)
    repeating, total = task.engine(engine_name), sum(repetitions)
    task.sample_weights = np.array(repetitions, float)
    weighted = task.engine(engine_name)
    for _ in range(2):
        cost = weighted.epoch(np.arange(8), 8, 0.2, with_costs=True).costs
        expected = repeating.epoch(np.repeat(np.arange(8), repetitions), total, 0.2 * total / 8, with_costs=True).costs
        assert cost == pytest.approx(expected, rel=1e-12)
        assert_close(*(flattened(architecture.trained, engine.parameters()) for engine in (weighted, repeating)))
