"""Settings of layers, costs, optimizers and schedules are stored as Python's own numbers."""

import json
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest

from fastnet import Adam, BatchNormalization, Convolution, Cosine, Dense, Dropout, Geometric, MaxPooling, RMSProp, Steps
from fastnet.formulas.optimizers import GradientDescent
from fastnet.formulas.regression import HuberCost, QuantileCost


@pytest.mark.parametrize("half", [np.float16(0.5), np.float32(0.5), Fraction(1, 2)], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize(
    "make",
    [
        lambda half, three: Adam(half, half, half, epsilon_hat=np.True_),
        lambda half, three: GradientDescent(half, nesterov=np.True_),
        lambda half, three: RMSProp(half, half),
        lambda half, three: Cosine(half),
        lambda half, three: Geometric(half),
        lambda half, three: Steps([three, three], half),
        lambda half, three: HuberCost(half),
        lambda half, three: QuantileCost(half),
        lambda half, three: BatchNormalization(momentum=half, epsilon=half),
        lambda half, three: Convolution(three, (three, three)),
        lambda half, three: Dense(three),
        lambda half, three: Dropout(half, inverted=np.True_),
        lambda half, three: MaxPooling((three, three)),
    ],
)
def test_numbers_of_other_types_become_pythons(make, half):
    found, expected = asdict(make(half, np.int16(3))), asdict(make(0.5, 3))
    assert json.dumps(found) == json.dumps(expected)
