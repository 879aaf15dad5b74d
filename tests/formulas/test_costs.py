import numpy as np
import pytest
from engines import names
from engines.drawing import drawn
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastnet import network2
from fastnet.formulas import costs
from fastnet.formulas.costs import (
    CrossEntropyCost,
    CustomCost,
    HuberCost,
    LogLikelihoodCost,
    Outputs,
    PoissonCost,
    QuadraticCost,
    QuantileCost,
    as_cost,
    name_of,
)
from fastnet.network import Network

OUTPUTS = [(name, activation) for name, cost in names.COSTS.items() for activation in cost.losses]
Z = arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 6)), elements=st.floats(-15, 15))


def targets(cost, z):
    """Draw targets for samples with weighted inputs `z`, one sample per row."""
    return names.COSTS[cost].targets(np.random.default_rng(0), z.shape)


def test_the_books_formulas_by_hand():
    a, y = np.array([[0.25], [0.5]]), np.array([[1.0], [0.0]])
    assert QuadraticCost.fn(a, y) == pytest.approx((0.75**2 + 0.5**2) / 2, rel=1e-15)
    assert CrossEntropyCost.fn(a, y) == pytest.approx(np.log(4) + np.log(2), rel=1e-15)
    assert LogLikelihoodCost.fn(a, y) == pytest.approx(np.log(4), rel=1e-15)
    z = np.array([[np.log(1 / 3)], [0.0]])  # a is sigmoid(z)
    np.testing.assert_allclose(
        QuadraticCost.delta(z, a, y), [[-0.75 * 0.25 * 0.75], [0.5 * 0.5 * 0.5]], rtol=1e-14, strict=True
    )
    for cost in (CrossEntropyCost, LogLikelihoodCost):
        np.testing.assert_array_equal(cost.delta(z, a, y), [[-0.75], [0.5]], strict=True)


def test_cross_entropy_against_scipy():
    special = pytest.importorskip("scipy.special")
    random = np.random.default_rng(0)
    a, y = random.random((10, 50)), random.random((10, 50))
    y[:, ::5] = np.round(y[:, ::5])
    # The relative entropy is the cross-entropy minus the entropy.
    expected = special.rel_entr(y, a) + special.rel_entr(1 - y, 1 - a) + special.entr(y) + special.entr(1 - y)
    assert CrossEntropyCost.fn(a, y) == pytest.approx(expected.sum(), rel=1e-13)
    p, q = a / a.sum(axis=0), y / y.sum(axis=0)
    assert LogLikelihoodCost.fn(p, q) == pytest.approx((special.rel_entr(q, p) + special.entr(q)).sum(), rel=1e-13)


@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
@given(z=Z)
@drawn(50)
def test_losses_against_their_definition_and_fn(cost, activation, z):
    outputs, y = Outputs(costs.COSTS[cost], activation), targets(cost, z)
    losses = outputs.losses(z, y)
    assert losses.dtype == np.float64
    np.testing.assert_allclose(losses, names.COSTS[cost].losses[activation](z, y), rtol=1e-12, atol=1e-13)
    a, fn = outputs.activations(z), outputs.cost.fn
    if np.abs(z).max() < 12:  # for larger z, 1 - a has too few digits
        np.testing.assert_allclose(losses, [fn(*each) for each in zip(a, y, strict=True)], rtol=1e-9, atol=1e-9)
    columns = zip(a[:, :, np.newaxis], y[:, :, np.newaxis], strict=True)
    assert fn(a, y) == pytest.approx(sum(fn(*each) for each in columns), rel=1e-14)  # `fn` sums over the samples


@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
@given(z=Z)
@drawn(50)
def test_errors_are_the_derivative_of_the_losses(cost, activation, z):
    z = z / 5  # between -3 and 3
    outputs, y, h = Outputs(costs.COSTS[cost], activation), targets(cost, z), 1e-3
    assume(all(np.abs(each).min() > 2 * h for each in names.COSTS[cost].kinks(z, y)))
    differences = np.empty_like(z)
    for i in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[i] = h
        losses = names.COSTS[cost].losses[activation]
        d1, d2 = (np.sum(losses(z + k * step, y) - losses(z - k * step, y)) for k in (1, 2))
        differences[i] = (8 * d1 - d2) / (12 * h)
    np.testing.assert_allclose(outputs.errors(z, y), differences, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
def test_the_error_of_nan_is_nan(cost, activation, dtype):
    z = np.array([[0.5, np.nan]], dtype)
    errors = Outputs(costs.COSTS[cost], activation).errors(z, targets(cost, np.zeros((1, 2))).astype(dtype))
    assert np.isnan(errors[0, 1])
    assert errors.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_far_from_zero(dtype):
    """The cost is accurate where the activation rounds to 0 or 1, because it is computed from z."""
    tolerance = float(4 * np.finfo(dtype).eps)
    one, zero = np.ones((1, 1), dtype), np.zeros((1, 1), dtype)
    with np.errstate(all="raise", under="ignore"):
        for z, y, expected in [
            (100, one, np.exp(-100.0)),
            (-100, one, 100),
            (100, zero, 100),
            (-100, zero, np.exp(-100.0)),
            (100, one / 2, 50),
            (1e4, zero, 1e4),
            (-1e4, zero, 0),
            (10, one, np.log1p(np.exp(-10.0))),
        ]:
            (found,) = Outputs(CrossEntropyCost, "sigmoid").losses(np.full((1, 1), z, dtype), y)
            if dtype is np.float64 or expected > 1e-40:  # below 1e-40, float32 has too few digits
                assert float(found) == pytest.approx(expected, rel=tolerance, abs=0)
            else:
                assert 0 <= found < 1e-40
        z = np.array([[100, -100, 0], [-1e4, 1e4, 1e4]], dtype)
        y = np.array([[0, 1, 0], [0.5, 0.25, 0.25]], dtype)
        found = Outputs(LogLikelihoodCost, "softmax").losses(z, y)  # in sample 2, softmax sums exp(-2e4), 1 and 1
        np.testing.assert_allclose(found, [200, 1e4 + np.log(2)], rtol=tolerance)
        found = Outputs(QuadraticCost, "sigmoid").losses(z, y)
        np.testing.assert_allclose(found, [(1 + 1 + 0.25) / 2, (0.25 + 2 * 0.75**2) / 2], rtol=tolerance)
        found = Outputs(QuadraticCost, "linear").losses(z, y)
        np.testing.assert_allclose(found[0], (100**2 + 101**2) / 2, rtol=tolerance)


@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
def test_costs_of_float32_are_summed_in_float64(cost, activation):
    outputs = Outputs(costs.COSTS[cost], activation)
    z = np.random.default_rng(0).normal(0, 3, (1, 5_000)).astype(np.float32)
    a, y = outputs.activations(z), targets(cost, z).astype(np.float32)
    each = [outputs.cost.fn(one, desired) for one, desired in zip(a.reshape(-1, 1), y.reshape(-1, 1), strict=True)]
    assert float(outputs.cost.fn(a, y)) == pytest.approx(sum(map(float, each)), rel=1e-13)
    expected = outputs.losses(z.astype(np.float64), y.astype(np.float64))
    assert float(outputs.losses(z, y)[0]) == pytest.approx(float(expected[0]), rel=1e-6)


@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
def test_a_cost_takes_targets_that_are_drawn_for_it(cost, activation):
    costs.COSTS[cost].check(targets(cost, np.zeros((50, 4))))
    costs.COSTS[cost].check(np.eye(3, dtype=np.float32))


@pytest.mark.parametrize(
    ("cost", "wrong", "message"),
    [
        (CrossEntropyCost, [[0.0, 1.5]], "component 1.5; CrossEntropyCost needs targets from 0 to 1"),
        (CrossEntropyCost, [[0.5, 1.0], [-0.25, 1.0]], "component -0.25"),
        (CrossEntropyCost, [[0.5, np.nan]], "component nan"),
        (LogLikelihoodCost, [[0.5, 0.5], [0.5, 0.75]], "sum 1.25 and the smallest component 0.5; LogLikelihoodCost"),
        (LogLikelihoodCost, [[1.5, -0.5]], "smallest component -0.5"),
        (LogLikelihoodCost, [[np.nan, 0.5]], "sum nan"),
        (PoissonCost, [[0.5, -0.5]], "component -0.5; PoissonCost needs targets of at least 0"),
    ],
)
def test_targets_that_a_cost_does_not_take(cost, wrong, message):
    with pytest.raises(ValueError, match=message):
        cost.check(np.array(wrong))
    QuadraticCost.check(np.array(wrong))
    as_cost(Mine).check(np.array(wrong))


def test_fn_of_zeros_and_ones_is_the_books_nan_to_num():
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    largest = np.finfo(np.float64).max
    with np.errstate(all="raise"):
        for a in (zero, one):
            assert CrossEntropyCost.fn(a, a) == 0  # 0 ln 0 is 0
            assert CrossEntropyCost.fn(a, 1 - a) == largest
        assert LogLikelihoodCost.fn(zero, zero) == 0
        assert LogLikelihoodCost.fn(zero, one) == largest
        assert LogLikelihoodCost.fn(one, one) == 0


@pytest.mark.parametrize("name", [name for name, cost in names.COSTS.items() if cost.setting is None])
def test_a_built_in_cost_is_given_by_its_class_or_an_instance(name):
    cost = costs.COSTS[name]
    assert as_cost(cost) is as_cost(cost()) is cost
    assert name_of(cost) == name_of(cost()) == name
    assert costs.from_name(name) is cost


def test_the_books_costs_are_in_network2():
    for cost in (QuadraticCost, CrossEntropyCost, LogLikelihoodCost):
        assert getattr(network2, cost.__name__) is cost


@pytest.mark.parametrize("cost", [HuberCost(0.25), QuantileCost(0.125)])
def test_a_cost_with_a_setting(cost):
    assert as_cost(cost) is cost
    assert as_cost(type(cost)) == costs.COSTS[type(cost).__name__] == type(cost)()
    assert costs.from_name(name_of(cost)) == cost
    assert costs.class_name(cost) == type(cost).__name__


@pytest.mark.parametrize(
    "name", ["HuberCost", "HuberCost(1)", "HuberCost(quantile=0.5)", "HuberCost(threshold=-1.0)", "QuadraticCost(a=1)",
             "QuantileCost(quantile=1.5)", "QuantileCost(quantile=e)", "Mine"]
)  # fmt: skip
def test_what_is_not_the_name_of_a_cost(name):
    assert costs.from_name(name) is None


@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, "1"])
def test_settings_that_a_cost_does_not_take(value):
    with pytest.raises((TypeError, ValueError), match="threshold is"):
        HuberCost(value)
    with pytest.raises((TypeError, ValueError), match="quantile is"):
        QuantileCost(value)


class Mine:
    @staticmethod
    def fn(a, y):
        return np.sum(a * y)

    @staticmethod
    def delta(z, a, y):
        return 2 * (a - y)


class ChangedAboutOneThing(CrossEntropyCost):
    """A cost that counts as custom, although its base class is a cost of the book."""

    @staticmethod
    def delta(z, a, y):
        return 3 * (a - y)


@pytest.mark.parametrize("kind", [Mine, ChangedAboutOneThing])
def test_a_custom_cost(kind):
    a, y = np.array([[0.5, 0.25], [0.75, 1.0], [0.0, 0.5]]), np.array([[1.0, 0.0], [0.5, 0.25], [1.0, 1.0]])
    z = np.log(a + 1)
    for cost in (kind, kind()):
        custom = as_cost(cost)
        assert isinstance(custom, CustomCost)
        assert custom.cost is cost
        assert name_of(cost) == kind.__name__
        np.testing.assert_array_equal(custom.delta(z, a, y), kind.delta(z, a, y))
        np.testing.assert_allclose(custom.losses(z, a, y), [kind.fn(*each) for each in zip(a, y, strict=True)])


@pytest.mark.parametrize("activation", ["sigmoid", "linear"])
def test_a_custom_cost_has_sigmoid_or_linear_outputs(activation):
    z, y = np.array([[0.0, np.log(3)]]), np.array([[1.0, 0.5]])
    outputs = Outputs(as_cost(Mine), activation)
    a = np.array([[0.5, 0.75]]) if activation == "sigmoid" else z
    np.testing.assert_allclose(outputs.activations(z), a, rtol=1e-15)
    np.testing.assert_allclose(outputs.losses(z, y), [np.sum(a * y)], rtol=1e-15)
    np.testing.assert_allclose(outputs.errors(z, y), 2 * (a - y), rtol=1e-15)


def test_a_custom_cost_is_given_columns():
    class Columns(Mine):
        @staticmethod
        def delta(z, a, y):
            assert z.shape == a.shape == y.shape == (4, 1)
            return a - y

        @staticmethod
        def fn(a, y):
            assert a.shape == y.shape == (4, 1)
            return 1.5

    rows = np.zeros((3, 4))
    assert as_cost(Columns).delta(rows, rows, rows).shape == (3, 4)
    assert as_cost(Columns).losses(rows, rows, rows).tolist() == [1.5] * 3


@pytest.mark.parametrize("what", [None, 3, object(), np.sum])
def test_what_is_no_cost(what):
    with pytest.raises(TypeError, match=r"cost is .*; it must have a function fn, as QuadraticCost, .* have"):
        as_cost(what)
    with pytest.raises(TypeError, match="cost is"):
        network2.Network([2, 2], what)


def test_a_cost_without_delta():
    class Half:
        fn = Mine.fn
        delta = 3

    with pytest.raises(TypeError, match="it must have a function delta"):
        as_cost(Half)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.ones(2), r"cost.delta returned an array of shape \(2,\); the shape must be \(2, 1\)"),
        (np.ones((1, 2)), r"cost.delta returned an array of shape \(1, 2\)"),
        (None, "cost.delta returned values of the type object; it must return real numbers"),
        (1j, "cost.delta returned values of the type complex128"),
    ],
)
def test_what_a_delta_may_not_return(returned, message):
    class Wrong(Mine):
        @staticmethod
        def delta(z, a, y):
            return returned

    with pytest.raises(ValueError, match=message):
        as_cost(Wrong).delta(*np.ones((3, 1, 2)))


def test_a_delta_may_return_a_number_and_another_precision():
    class Number(Mine):
        @staticmethod
        def delta(z, a, y):
            return 1

    errors = as_cost(Number).delta(*np.ones((3, 5, 2), np.float32))
    np.testing.assert_array_equal(errors, np.ones((5, 2), np.float32), strict=True)


def test_chapter_1_has_the_quadratic_cost():
    assert Network([2, 1])._cost() is QuadraticCost
