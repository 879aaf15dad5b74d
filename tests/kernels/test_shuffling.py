"""The compiled shuffle gives the same order as NumPy, and leaves the generator in the same state."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture
from fastnet.kernels import shuffling

POWERS = [2**k + more for k in (1, 5, 9, 13, 14, 16) for more in (-1, 0, 1)]
NUMBERS = [0, 1, 2, 3, 10, 623, 624, 625, 1247, 1248, 1249, 9_999, 10_000, 10_001, 50_000, *POWERS]


@pytest.fixture(autouse=True)
def compiled_for_few(monkeypatch):
    """Use the kernel also for short arrays, which NumPy would otherwise shuffle."""
    monkeypatch.setattr(shuffling, "_FEWEST", 0)


def assert_same_afterwards(random, other):
    """Compare the states of the generators, and the numbers that they draw next."""
    one, two = random.get_state(legacy=False), other.get_state(legacy=False)
    assert (one["state"]["key"].dtype, one["state"]["pos"]) == (np.dtype("uint32"), two["state"]["pos"])
    np.testing.assert_array_equal(one["state"]["key"], two["state"]["key"])
    # NumPy draws Gaussian numbers in pairs, and keeps the second number for the next call.
    assert (one["has_gauss"], one["gauss"]) == (two["has_gauss"], two["gauss"])
    for draw in (lambda each: each.randn(3), lambda each: each.randint(2**31, size=700), lambda each: each.rand(2)):
        np.testing.assert_array_equal(draw(random), draw(other))


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    numbers=st.lists(st.one_of(st.sampled_from(NUMBERS), st.integers(0, 3000)), min_size=1, max_size=3),
    gaussians=st.integers(0, 3),
    draws=st.one_of(st.integers(0, 3), st.integers(0, 1300), st.sampled_from([623, 624, 625])),
)
def test_as_numpy(seed, numbers, gaussians, draws):
    random, other = np.random.RandomState(seed), np.random.RandomState(seed)
    for each in (random, other):
        each.randn(gaussians)
        each.bytes(4 * draws)  # 4 bytes take one draw of 32 bits
    for n in numbers:
        expected, order = other.permutation(n), shuffling.permutation(random, n)
        assert order.dtype == expected.dtype
        np.testing.assert_array_equal(order, expected)
    assert_same_afterwards(random, other)


@pytest.mark.parametrize("n", NUMBERS)
@pytest.mark.parametrize("position", [0, 1, 623, 624])
def test_every_number_from_the_ends_of_a_state(n, position):
    random, other = np.random.RandomState(7), np.random.RandomState(7)
    for each in (random, other):
        state = each.get_state(legacy=False)
        state["state"]["pos"] = position
        each.set_state(state)
    np.testing.assert_array_equal(shuffling.permutation(random, n), other.permutation(n))
    assert_same_afterwards(random, other)


def test_numpys_global_generator():
    np.random.seed(5)
    np.random.randn()
    order = shuffling.permutation(np.random, 3000)
    other = np.random.RandomState(5)
    other.randn()
    np.testing.assert_array_equal(order, other.permutation(3000))
    assert_same_afterwards(np.random, other)


def test_another_bit_generator_is_left_to_numpy(monkeypatch):
    monkeypatch.setattr(shuffling, "shuffle", None)
    random, other = (np.random.RandomState(np.random.PCG64(1)) for _ in range(2))
    np.testing.assert_array_equal(shuffling.permutation(random, 3000), other.permutation(3000))


@pytest.mark.parametrize(("fewest", "most"), [(3001, 1 << 32), (0, 2999)])
def test_few_numbers_and_very_many_are_left_to_numpy(fewest, most, monkeypatch):
    for name, value in (("_FEWEST", fewest), ("_MOST", most), ("shuffle", None)):
        monkeypatch.setattr(shuffling, name, value)
    assert not shuffling.calls(3000)
    random, other = np.random.RandomState(1), np.random.RandomState(1)
    np.testing.assert_array_equal(shuffling.permutation(random, 3000), other.permutation(3000))


def test_a_state_of_another_form_is_left_to_numpy(monkeypatch):
    assert shuffling._is_as_expected()
    shuffling._is_as_expected.cache_clear()
    monkeypatch.setattr(shuffling, "_state", lambda bits: np.zeros(625, np.uint32))
    monkeypatch.setattr(shuffling, "shuffle", None)
    random, other = np.random.RandomState(1), np.random.RandomState(1)
    np.testing.assert_array_equal(shuffling.permutation(random, 3000), other.permutation(3000))
    shuffling._is_as_expected.cache_clear()


def test_no_other_thread_draws_meanwhile(monkeypatch):
    random, acquired = np.random.RandomState(2), []

    def shuffle(order, state, draws):
        other = threading.Thread(target=lambda: acquired.append(random._bit_generator.lock.acquire(blocking=False)))
        other.start()
        other.join()

    monkeypatch.setattr(shuffling, "shuffle", shuffle)
    shuffling.permutation(random, 3000)
    assert acquired == [False]


@pytest.mark.parametrize("name", ["numba", "numpy"])
def test_engines_order_as_numpy(name):
    architecture = Architecture.dense([2, 1], np.dtype("float32"))
    engine = engine_class(name)(architecture, [{"weights": np.zeros((1, 2)), "biases": np.zeros((1, 1))}])
    random, other = np.random.RandomState(3), np.random.RandomState(3)
    np.testing.assert_array_equal(engine.permutation(random, 20_000), other.permutation(20_000))
    assert_same_afterwards(random, other)
