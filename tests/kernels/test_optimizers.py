"""Compares a step of each compiled optimizer with the formula in `formulas.optimizers`."""

import numpy as np
import pytest

from fastnet.formulas.optimizers import OPTIMIZERS, Adam, GradientDescent
from fastnet.formulas.regularization import decayed
from fastnet.kernels import optimizers, subnormals
from fastnet.kernels.compiler import kernel
from fastnet.kernels.layout import Parameters
from fastnet.kernels.optimizers import CODES, Update
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
EACH = [
    *(kind() for kind in OPTIMIZERS.values()),
    GradientDescent(0.9),
    GradientDescent(0.9, nesterov=True),
    Adam(0.5, 0.75, 0.01),
]
EACH_OPTIMIZER = pytest.mark.parametrize("optimizer", EACH, ids=str)


@kernel
def follow(update, step, first, last, l2, l1, parameters, sums, state):
    control = subnormals.count_as_zero()  # as in an epoch
    optimizers.follow(update, step, first, last, l2, l1, parameters, sums, state)
    subnormals.put_back(control)


class Step:
    """Parameters in five vectors, of which a step changes only the middle three."""

    def __init__(self, optimizer, dtype, eta=0.125, l2=0.0, l1=0.0):
        random, self.width = np.random.default_rng(0), lanes_of(dtype)
        self.optimizer, self.eta, self.l2, self.l1 = optimizer, eta, l2, l1
        self.w, self.gradient = random.standard_normal((2, 5 * self.width)).astype(dtype)
        self.w[self.width :: 5] = 0
        names = ("velocity",) if isinstance(optimizer, GradientDescent) else optimizer.state_names
        self.state = {name: random.random(5 * self.width).astype(dtype) for name in names}
        self.unused = np.full(5 * self.width, np.nan, dtype)

    def computed(self, step):
        """Return the parameters, the sums and the optimizer's state after the kernel's step."""
        # For gradient descent, changes of the parameters are summed instead of gradients. Without Nesterov's method,
        # the sums are initially momentum times velocity.
        descends = isinstance(self.optimizer, GradientDescent)
        settings = {name: type(Update._field_defaults[name])(n) for name, n in self.optimizer.settings().items()}
        unit = -self.eta if descends else 1.0
        sums, state = unit * self.gradient, [array.copy() for array in self.state.values()]
        if descends and not self.optimizer.nesterov:
            sums, state = sums + self.optimizer.momentum * state[0], []
        sums = sums.astype(self.w.dtype)
        w, scale = self.w.copy(), np.ones(1)
        unused = [self.unused.copy() for _ in range(2 - len(state))]
        update = Update(False, unit, optimizer=CODES[self.optimizer.name], eta=self.eta, **settings)
        follow(
            update, step, self.width, 4 * self.width, unit * self.l2, unit * self.l1,
            Parameters(w, scale), Parameters(sums, scale), optimizers.OptimizerState(*state, *unused),
        )  # fmt: skip
        for array in unused:
            assert np.isnan(array).all()
        return w, sums, state

    def expected(self, step):
        """Return the parameters and the optimizer's state after the formula's step, in float64."""
        inside = slice(self.width, 4 * self.width)
        w, gradient = self.w.astype(float), self.gradient.astype(float)
        state = {name: array.astype(float) for name, array in self.state.items()}
        parts = {name: array[inside] for name, array in state.items()}
        regularized = decayed(gradient[inside], w[inside], self.l2, self.l1)
        change = self.optimizer.change(regularized, parts, self.eta, step)
        w[inside] += change
        return w, list(state.values())


def test_every_optimizer_has_a_number_of_its_own():
    assert sorted(CODES) == sorted(OPTIMIZERS)
    assert len(set(CODES.values())) == len(CODES)


@EACH_OPTIMIZER
@pytest.mark.parametrize("step", [1, 2, 1000])
@pytest.mark.parametrize(("l2", "l1"), [(0.0, 0.0), (0.25, 0.0), (0.0, 0.5), (0.25, 0.5)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step(optimizer, dtype, l2, l1, step):
    case = Step(optimizer, dtype, l2=l2, l1=l1)
    w, sums, state = case.computed(step)
    expected, expected_state = case.expected(step)
    close = {"rtol": 32 * np.finfo(dtype).eps, "atol": 16 * np.finfo(dtype).eps}
    np.testing.assert_allclose(w, expected, **close)
    inside = slice(case.width, 4 * case.width)
    if isinstance(optimizer, GradientDescent) and not optimizer.nesterov:
        velocity = optimizer.momentum * expected_state[0][inside] if optimizer.momentum else 0
        np.testing.assert_allclose(sums[inside], velocity, **close)
    else:
        assert not sums[inside].any()
        for found, array in zip(state, expected_state, strict=True):
            np.testing.assert_allclose(found, array, **close)
    outside = np.r_[: case.width, 4 * case.width : 5 * case.width]
    assert w[outside].tobytes() == case.w[outside].tobytes()
    assert sums[outside].all()


@EACH_OPTIMIZER
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.skipif(not subnormals.IS_SUPPORTED, reason="fastnet does not know the control register of this processor")
def test_what_would_become_subnormal_becomes_zero(optimizer, dtype):
    """Arithmetic with subnormal numbers is slow.

    The optimizer's state would become subnormal for a pixel that is always 0.
    """
    case = Step(optimizer, dtype)
    case.gradient[:] = 0
    for array in case.state.values():
        array[:] = np.finfo(dtype).smallest_normal
    _, sums, state = case.computed(1000)
    for array in (sums, *state):
        assert not array[case.width : 4 * case.width].any()
