"""Chapter 2's experiments, on smaller networks."""

import pytest

from fastnet import book


@pytest.mark.parametrize("seed", range(5))
def test_equations_are_derivatives_of_the_cost(seed):
    found = book.equations(sizes=(3, 4, 5, 2), seed=seed).data
    assert [len(differences) for differences in found.values()] == [1, 2, 3, 3]
    assert 0 < max(map(max, found.values())) < 1e-7


def test_equations_of_one_layer_have_no_bp2():
    assert [len(differences) for differences in book.equations(sizes=(3, 2)).data.values()] == [1, 0, 1, 1]


def test_matrix_based_gives_the_sum_over_the_samples_in_less_time():
    data = book.matrix_based(hidden=10, mini_batch_sizes=(1, 30), repeats=3).data
    assert len(data["differences"]) == 4
    assert max(data["differences"]) < 1e-12
    times = data["microseconds per sample"]
    assert times["all samples at once"][1] < times["sample by sample"][1]


def test_backprop_speed():
    data = book.backprop_speed(inputs=20, hidden=(2, 20)).data
    assert data["weights"] == [60, 600]
    assert max(data["largest differences"]) < 1e-5
    slow, fast = data["seconds"].values()
    assert slow[1] > fast[1]
    assert slow[1] / fast[1] > slow[0] / fast[0]  # the speed-up grows with the number of weights
