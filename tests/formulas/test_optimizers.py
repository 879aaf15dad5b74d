"""Compares the formulas of optimizers with closed forms and with PyTorch's optimizers."""

import numpy as np
import pytest
from engines import names
from engines.drawing import drawn
from hypothesis import assume, given
from hypothesis import strategies as st

from fastnet.formulas import optimizers
from fastnet.formulas.optimizers import Adam, GradientDescent, RMSProp, as_optimizer

DRAWN = st.one_of([each.drawn for each in names.OPTIMIZERS.values()])


def changes(optimizer, gradients, etas):
    """Yield each step's change of a parameter. The optimizer's state is initially 0."""
    state = {name: np.zeros_like(gradients[0]) for name in optimizer.state_names}
    for step, (gradient, eta) in enumerate(zip(gradients, etas, strict=True), 1):
        before = gradient.copy()
        yield optimizer.change(gradient, state, eta, step).copy()
        np.testing.assert_array_equal(gradient, before)


@given(DRAWN, st.integers(1, 12), st.integers(0, 2**32 - 1))
@drawn(50)
def test_changes_are_those_of_the_closed_form(optimizer, steps, seed):
    random = np.random.default_rng(seed)
    gradients, etas = list(random.standard_normal((steps, 3, 2))), list(random.uniform(0.01, 1, steps))
    last_change = names.OPTIMIZERS[optimizer.name].last_change
    for step, change in enumerate(changes(optimizer, gradients, etas), 1):
        expected = last_change(optimizer, gradients[:step], etas[:step])
        np.testing.assert_allclose(change, expected, rtol=1e-9, atol=1e-12)


@given(DRAWN | st.sampled_from([each() for each in optimizers.OPTIMIZERS.values()]), st.integers(0, 2**32 - 1))
@drawn(50)
def test_changes_are_those_of_pytorch(optimizer, seed):
    assume(not getattr(optimizer, "epsilon_hat", False))  # PyTorch has no `epsilon_hat`
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    parameter = torch.zeros(4, dtype=torch.float64)
    name, settings = names.OPTIMIZERS[optimizer.name].torch(optimizer)
    theirs = getattr(torch.optim, name)([parameter], lr=0.1, **settings)
    gradients, ours = list(random.standard_normal((10, 4))), np.zeros(4)
    for gradient, change in zip(gradients, changes(optimizer, gradients, [0.1] * 10), strict=True):
        parameter.grad = torch.from_numpy(gradient)
        theirs.step()
        ours += change
        np.testing.assert_allclose(ours, parameter.numpy(), rtol=1e-12, atol=1e-14)


@given(DRAWN)
@drawn(50)
def test_float32_stays_float32(optimizer):
    for change in changes(optimizer, [np.ones(3, np.float32)] * 2, [0.5, 0.25]):
        assert change.dtype == np.float32


@given(DRAWN)
@drawn(50)
def test_settings_make_the_optimizer_again(optimizer):
    assert optimizers.OPTIMIZERS[optimizer.name](**optimizer.settings()) == optimizer


def test_by_hand():
    ones = [np.ones(1)] * 3
    assert np.concatenate(list(changes(GradientDescent(), ones, [1, 2, 4]))).tolist() == [-1, -2, -4]
    assert np.concatenate(list(changes(GradientDescent(0.5), ones, [1, 2, 4]))).tolist() == [-1, -2.5, -5.25]
    nesterov = GradientDescent(0.5, nesterov=True)
    assert np.concatenate(list(changes(nesterov, ones, [1, 2, 4]))).tolist() == [-1.5, -3.25, -6.625]
    # Adam's first step changes each component by eta against the gradient's sign, whatever the gradient's size.
    (change,) = changes(Adam(), [np.array([1e3, -1e-3])], [0.25])
    np.testing.assert_allclose(change, [-0.25, 0.25], rtol=1e-4)


def test_an_optimizer_by_name():
    assert as_optimizer(None) == as_optimizer("sgd") == GradientDescent()
    assert as_optimizer(None, 0.5) == as_optimizer("sgd", 0.5) == GradientDescent(0.5)
    assert as_optimizer("nesterov") == GradientDescent(0.9, nesterov=True)
    assert as_optimizer("nesterov", 0.5) == GradientDescent(0.5, nesterov=True)
    for name in names.OPTIMIZERS:
        assert as_optimizer(name) == optimizers.OPTIMIZERS[name]()
        assert as_optimizer(as_optimizer(name)) is not None
    mine = Adam(0.5)
    assert as_optimizer(mine) is mine


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("adagrad",), ValueError, "optimizer is 'adagrad'; it must be one of sgd, nesterov"),
        ((3,), TypeError, r"optimizer is 3; it must be one of .*, or an object such as Adam\(beta1=0.9\)"),
        ((Adam,), TypeError, "optimizer is .*Adam"),
        (("adam", 0.5), ValueError, "momentum is 0.5, but optimizer is 'adam'; momentum= can be used only with 'sgd'"),
        ((GradientDescent(0.5), 0.5), ValueError, "momentum is 0.5, but optimizer is"),
        (("sgd", 1.0), ValueError, "momentum is 1.0"),
    ],
)
def test_what_is_no_optimizer(arguments, error, message):
    with pytest.raises(error, match=message):
        as_optimizer(*arguments)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: GradientDescent(-0.1), ValueError, "momentum is -0.1"),
        (lambda: GradientDescent("0.5"), TypeError, "momentum is '0.5'"),
        (lambda: GradientDescent(0.5, nesterov=1), TypeError, "nesterov is 1"),
        (lambda: GradientDescent(nesterov=True), ValueError, "nesterov is True, but momentum is 0.0"),
        (lambda: Adam(beta1=1.0), ValueError, "beta1 is 1.0"),
        (lambda: Adam(beta2=-1), ValueError, "beta2 is -1"),
        (lambda: Adam(epsilon=0), ValueError, "epsilon is 0"),
        (lambda: Adam(epsilon=1e-60), ValueError, "epsilon is 1e-60; it must be at least 1.18e-38"),
        (lambda: RMSProp(epsilon=1e-38), ValueError, "epsilon is 1e-38; it must be at least 1.18e-38"),
    ],
)
def test_settings_out_of_their_range(make, error, message):
    with pytest.raises(error, match=message):
        make()
