"""Dropout masks. `engines/test_gradients.py` tests how the engines use the masks.

The bounds follow from Hoeffding's inequality. The mean of n independent numbers between 0 and 1 differs from its
expectation by more than t with a probability of at most 2 exp(-2 n t^2). Here, t makes this probability 1e-9.
"""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnet.formulas import dropout

SEEDS = [0, 1, 2**31 - 1]
PROBABILITIES = [0.1, 0.5, 0.8]
NEURONS = [1, 7, 8, 9, 30]  # the generator draws numbers for 8 neurons at a time


def masks(seed, first, samples, neurons, probability):
    return dropout.kept(seed, first, samples, np.full(neurons, probability, np.float32))


def bound(n):
    return np.sqrt(np.log(2 / 1e-9) / (2 * n))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("probability", PROBABILITIES)
def test_each_neuron_is_kept_as_often_as_it_is_to_be(seed, probability):
    kept = masks(seed, 0, 20_000, 30, probability)
    assert kept.dtype == bool
    assert kept.shape == (20_000, 30)
    assert abs(kept.mean() - (1 - probability)) < bound(kept.size)
    assert (abs(kept.mean(axis=0) - (1 - probability)) < bound(len(kept))).all()


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_neurons_samples_and_seeds_have_nothing_to_do_with_one_another(probability):
    """Two independent neurons are both kept or both left out with the probability p^2 + (1 - p)^2."""
    kept = masks(3, 0, 20_000, 30, probability)
    pairs = {"the next seed": (kept, masks(4, 0, 20_000, 30, probability))}
    for k in (1, 2, 3, 10_000):  # pairs of samples that are k apart; no sample is in two pairs
        first = np.flatnonzero(np.arange(20_000) // k % 2 == 0)
        first = first[first + k < 20_000]
        pairs[f"{k} samples later"] = kept[first], kept[first + k]
    for k in range(1, 30):
        pairs[f"neurons 0 and {k}"] = kept[:, 0], kept[:, k]
    for name, (one, other) in pairs.items():
        agreement = (one == other).mean()
        assert abs(agreement - probability**2 - (1 - probability) ** 2) < bound(one.size), name


@pytest.mark.parametrize("neurons", NEURONS)
def test_a_samples_neurons_do_not_depend_on_how_they_are_requested(neurons):
    whole = masks(5, 0, 50, neurons, 0.5)
    assert 0 < whole.mean() < 1
    for cuts in ([0, 50], [0, 1, 2, 50], [0, 7, 14, 49, 50], range(51)):
        pieces = [masks(5, a, b - a, neurons, 0.5) for a, b in pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate(pieces), whole)
    far = 10**12
    np.testing.assert_array_equal(masks(5, far + 1, 1, neurons, 0.5), masks(5, far, 2, neurons, 0.5)[1:])


def test_what_is_more_probable_leaves_out_more_and_the_same():
    seldom, often = (masks(6, 0, 100, 20, probability) for probability in (0.2, 0.6))
    assert (often <= seldom).all()
    assert (often < seldom).any()


@pytest.mark.parametrize("neurons", NEURONS)
def test_with_probability_zero_all_are_kept(neurons):
    assert masks(0, 0, 1000, neurons, 0.0).all()


def test_each_neuron_has_its_own_probability():
    probabilities = np.array([0.0, 0.9, 0.1, 0.5, 0.0, 0.3, 0.7, 0.2, 0.6], np.float32)
    kept = dropout.kept(7, 0, 20_000, probabilities)
    assert (abs(kept.mean(axis=0) - (1 - probabilities)) < bound(len(kept))).all()
    for i, probability in enumerate(probabilities):
        np.testing.assert_array_equal(kept[:, i], masks(7, 0, 20_000, 9, probability)[:, i])


def test_nothing_to_decide():
    assert masks(0, 3, 0, 5, 0.5).shape == (0, 5)


@given(
    samples=st.integers(0, 200),
    mini_batch_size=st.integers(1, 250),
    neurons=st.integers(0, 50),
    at_a_time=st.integers(1, 3000),
)
def test_parts_are_the_order_in_whole_mini_batches_of_bounded_size(samples, mini_batch_size, neurons, at_a_time):
    order = np.random.default_rng(0).permutation(samples)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dropout, "_NEURONS_AT_A_TIME", at_a_time)
        parts = list(dropout.parts(order, mini_batch_size, neurons))
    np.testing.assert_array_equal(np.concatenate([*parts, np.empty(0, int)]), order)
    assert all(len(part) % mini_batch_size == 0 for part in parts[:-1])
    assert all(len(part) for part in parts)
    for part in parts:  # samples times neurons are at most `at_a_time`, unless the part is a single mini-batch
        assert len(part) * neurons <= at_a_time or len(part) <= mini_batch_size
    for part in parts[:-1]:  # one more mini-batch would exceed `at_a_time`
        assert (len(part) + mini_batch_size) * max(neurons, 1) > at_a_time


def test_an_epoch_of_the_books_network_is_one_part():
    assert [len(part) for part in dropout.parts(np.arange(50_000), 10, 30)] == [50_000]
