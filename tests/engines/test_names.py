"""Every list of names in fastnet has exactly the names in `names.py`."""

import numpy as np
import pytest
from engines import names, truth

from fastnet.formulas import activations, costs, layers, optimizers
from fastnet.kernels import activations as kernel_activations
from fastnet.kernels import costs as kernel_costs
from fastnet.kernels import optimizers as kernel_optimizers
from fastnet.neural_network import settings

OUTPUTS = {activation for cost in names.COSTS.values() for activation in cost.losses}


def test_activations():
    assert set(activations.ACTIVATIONS) == set(names.ACTIVATIONS)
    assert set(kernel_activations.CODES) == set(names.ACTIVATIONS)
    assert set(settings.ACTIVATIONS.values()) == set(names.ACTIVATIONS)
    assert OUTPUTS - set(names.ACTIVATIONS) == set(layers.OF_OUTPUTS)


def test_activations_that_are_not_monotonic():
    z = np.linspace(-8, 8, 1601)
    falling = {name for name, each in names.ACTIVATIONS.items() if (each.derivative(z) < 0).any()}
    assert set(activations.NOT_MONOTONIC) == falling
    assert {name for name, each in names.ACTIVATIONS.items() if not each.monotonic} == falling


def test_costs():
    assert set(costs.COSTS) == set(kernel_costs.CODES) == set(names.COSTS)
    assert {*costs.NAMES.values(), *costs.FOR_REGRESSION.values()} == set(costs.COSTS.values())
    assert {name: set(cost.outputs) for name, cost in costs.COSTS.items()} == {
        name: set(cost.losses) for name, cost in names.COSTS.items()
    }
    assert set(kernel_costs.OUTPUTS) == OUTPUTS


def test_optimizers():
    assert set(optimizers.OPTIMIZERS) == set(kernel_optimizers.CODES) == set(names.OPTIMIZERS)
    assert set(optimizers.NAMES) == {*names.OPTIMIZERS, "nesterov"}


def test_layers():
    assert set(layers.LAYERS) == set(truth.FORWARD) == set(names.LAYERS)


@pytest.mark.parametrize(
    "codes", [kernel_activations.CODES, kernel_costs.CODES, kernel_costs.OUTPUTS, kernel_optimizers.CODES]
)
def test_codes_are_numbers_from_zero(codes):
    np.testing.assert_array_equal(sorted(codes.values()), range(len(codes)))


def test_pytorch():
    pytest.importorskip("torch")
    from fastnet.engines import torch_costs, torch_layers, torch_optimizers

    assert set(torch_layers.ACTIVATIONS) == set(names.ACTIVATIONS)
    assert set(torch_costs.COSTS) == set(names.COSTS)
    assert set(torch_optimizers.OPTIMIZERS) == set(names.OPTIMIZERS)
