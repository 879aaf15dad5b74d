"""Tests `Rule`, scikit-learn's rule for stopping, with sequences of values to maximize."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.neural_network._stochastic_optimizers import SGDOptimizer

from fastnet.neural_network.stopping import Rates, Rule


def rule_of(*, best=-np.inf, since=0, schedule="constant", power=0.5, **parameters):
    settings = {"n_iter_no_change": 1, "tol": 0.0, "early_stopping": False, **parameters}
    return Rule(SimpleNamespace(**settings), Rates(schedule, 0.5, power), 10, 0.5, 0, best, since)


def follow(rule, values):
    rates = []
    for value in values:
        rates.append(rule.rate(0))
        rule.look_at(value)
        if rule.stopped:
            break
    return rates


@pytest.mark.parametrize(
    ("tol", "most", "values", "iterations"),
    [
        (0.0, 1, [5, 5, 5, 4, 4], 5),  # with tol 0, an equal value counts as an improvement
        (1.0, 1, [5, 5, 5.5], 3),
        (1.0, 1, [5, 5, 6, 6, 6.5], 5),
        (1.0, 2, [5, 5.5, 5.9, 5.95], 4),  # a rise by less than tol changes the best value, but is no improvement
    ],
)
def test_when_it_stops(tol, most, values, iterations):
    rule = rule_of(tol=tol, n_iter_no_change=most)
    assert follow(rule, values) == [0.5] * iterations
    assert (
        rule.stopped == f"Training loss did not improve more than tol={tol:f} for {most} consecutive epochs. Stopping."
    )
    assert rule.best == max(values)


def test_it_continues_from_the_state_of_another():
    assert len(follow(rule_of(best=7.0, since=1), [5, 5])) == 1
    assert len(follow(rule_of(best=7.0), [5, 5])) == 2
    assert not rule_of(n_iter_no_change=np.inf).stopped


def test_an_adaptive_rate_is_divided_until_it_is_small():
    rule = rule_of(schedule="adaptive", tol=1.0)
    rates = follow(rule, [0.0] * 40)
    np.testing.assert_allclose(rates, 0.5 / 5.0 ** np.maximum(0, (np.arange(len(rates)) - 1) // 2))
    assert rates[-1] <= 1e-6 < rates[-3]
    assert "Learning rate too small" in rule.stopped


def test_an_inverse_scaling_rate_depends_on_all_samples():
    rates = follow(rule_of(schedule="invscaling"), [1, 2, 3])
    np.testing.assert_allclose(rates, [0.5, 0.5 / 11**0.5, 0.5 / 21**0.5])


@pytest.mark.parametrize("power", [2, 130, 1000])
def test_an_inverse_scaling_rate_may_be_too_small_for_a_float(power):
    """With a power of type `float64`, scikit-learn divides by infinity. With an integer, scikit-learn fails."""
    optimizer = SGDOptimizer([], 0.5, "invscaling", power_t=np.float64(power))
    with np.errstate(over="ignore"):
        optimizer.iteration_ends(20)
    assert follow(rule_of(schedule="invscaling", power=power), [1, 2, 3])[2] == optimizer.learning_rate
