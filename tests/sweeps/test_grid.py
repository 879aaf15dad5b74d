import itertools

import numpy as np
import pytest

from fastnet import Dense
from fastnet.sweeps import grid
from fastnet.sweeps.recipe import recipe


def test_all_combinations_in_the_order_of_the_arguments():
    found = grid.recipes(eta=[0.5, 3.0], sizes=[[784, 30, 10], [784, 100, 10]], epochs=5)
    expected = itertools.product([(784, 30, 10), (784, 100, 10)], [0.5, 3.0])
    assert found == [recipe(sizes, eta=eta, epochs=5) for sizes, eta in expected]


@pytest.mark.parametrize("sizes", [(784, 30, 10), np.array([784, 30, 10]), [[784, 30, 10]], [np.array([784, 30, 10])]])
def test_one_network_may_be_given_alone(sizes):
    assert grid.recipes(sizes=sizes, eta=np.array([3.0])) == [recipe()]


@pytest.mark.parametrize("layers", ["dense 30", [Dense(30)], [30], ["dense 30"], [[Dense(30)]], [(30,)]])
def test_one_list_of_layers_may_be_given_alone(layers):
    assert grid.recipes(layers=layers) == [recipe(layers="dense 30")]


@pytest.mark.parametrize(
    ("values", "each"),
    [
        ({"layers": [None, "dense 5"]}, [{"layers": None}, {"layers": "dense 5"}]),
        ({"layers": ["dense 5", None]}, [{"layers": "dense 5"}, {"layers": None}]),
        ({"sizes": [None, [784, 10]]}, [{"sizes": None}, {"sizes": [784, 10]}]),
        (
            {"layers": "pool", "image_shape": [None, (4, 14, 14)]},
            [{"layers": "pool", "image_shape": None}, {"layers": "pool", "image_shape": (4, 14, 14)}],
        ),
        ({"patience": [None, 1]}, [{"patience": None}, {"patience": 1}]),
    ],
)
def test_none_may_be_one_of_several_values(values, each):
    assert grid.recipes(**values) == [recipe(**one) for one in each]


def test_labels_of_networks_contain_their_layers():
    found = grid.recipes(layers=["pool 4x4, dense 5", [Dense(5)]], eta=[0.1, 0.5])
    assert grid.labels(found)[:2] == ["pool 4x4, dense 5; eta 0.1", "pool 4x4, dense 5; eta 0.5"]
    assert grid.differing(found[:1]) == ["layers"]
    shaped = grid.recipes(layers="pool", image_shape=[(1, 28, 28), (4, 14, 14)])
    assert grid.labels(shaped)[1] == "image_shape 4-14-14"
    mixed = grid.recipes(layers=[None, "dense 5"], sizes=[784, 10], cost="cross-entropy", eta=1)
    assert grid.labels(mixed) == ["layers None", "dense 5"]


@pytest.mark.parametrize("name", ["eta", "lmbda", "l1", "max_norm", "dropout"])
@pytest.mark.parametrize(
    "values", [[0.3, 0.1 + 0.2], [0.12345678, 0.12345679, 0.5], np.logspace(-3, -0.1, 30), [0.7, np.nextafter(0.7, 1)]]
)
def test_different_values_have_different_texts(name, values):
    found = grid.recipes(**{name: values})
    texts = grid.columns(found)[name]
    assert len(set(texts)) == len(set(grid.labels(found))) == len(values)
    np.testing.assert_allclose([float(text) for text in texts], values, rtol=1e-5)


def test_texts_are_no_longer_than_needed():
    assert grid.shown([1e6, 1000001.0, 1 / 3, 0.5]) == ["1e+06", "1000001.0", "0.333333", "0.5"]


def test_what_is_the_same_is_there_once():
    assert grid.recipes(eta=[3, 3.0, 0.5], cost=["quadratic", "quadratic"]) == [recipe(), recipe(eta=0.5)]


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"etas": [1]}, TypeError, "a sweep has no argument 'etas'; the arguments are sizes, layers"),
        ({"eta": []}, ValueError, "eta is empty"),
        ({"eta": np.array(0.5)}, TypeError, "eta is array(0.5); it must be a number"),
        ({"eta": [0.5, -1]}, ValueError, "eta is -1.0"),
        ({"epochs": [3, 0]}, ValueError, "epochs is 0; it must be at least 1"),
        ({"sizes": [[784, 10], [784, "many", 10]]}, TypeError, "a size is 'many'"),
    ],
)
def test_a_mistake_is_named(values, kind, message):
    with pytest.raises(kind) as error:
        grid.recipes(**values)
    assert str(error.value).startswith(message)


def test_seeds():
    assert grid.seeds(3) == [0, 1, 2]
    assert grid.seeds(np.array([7, 7, 5])) == [7, 5]
    for wrong, message in (
        (0, "seeds is 0"),
        (10**12, "seeds is 1000000000000; it must be at most"),
        ([], "seeds is empty"),
        ([-1], "seed is -1"),
        ("many", "seeds is 'many'; it must be a sequence of integers"),
        (np.array(1.5), r"seeds is array\(1.5\); it must be an integer"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            grid.seeds(wrong)


def test_labels_say_what_differs_and_nothing_else():
    found = grid.recipes(sizes=[[784, 30, 10], [784, 100, 10]], lmbda=[0, 5], epochs=5)
    assert grid.labels(found)[:3] == ["784-30-10, lmbda 0", "784-30-10, lmbda 5", "784-100-10, lmbda 0"]
    assert grid.differing(found[:1]) == ["sizes"]
