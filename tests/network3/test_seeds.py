"""Chapter 6's networks with a random generator of their own, which the argument `seed` creates."""

import numpy as np
import pytest
from network3_in_numpy import bits, some_data

from fastnet import network3
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, tanh

DATA = some_data()


def new_layers(p_dropout=0.5):
    first = ConvPoolLayer((2, 1, 3, 3), (4, 1, 6, 6), (2, 2), tanh)
    return [first, FullyConnectedLayer(8, 5, ReLU, p_dropout), SoftmaxLayer(5, 3, p_dropout)]


def seeded(seed, layers=None, engine="numpy"):
    return Network(new_layers() if layers is None else layers, 4, engine=engine, seed=seed)


def train(net, epochs=2, **options):
    net.SGD(DATA, epochs, 4, 0.3, DATA, DATA, lmbda=0.1, report=lambda history: None, **options)
    return bits(net)


def test_the_same_seed_gives_the_same_network(engine):
    found = []
    for seed, state in ((3, 1), (3, 2), (4, 1)):
        np.random.seed(state)
        net = seeded(seed, engine=engine)
        np.random.seed(state + 10)  # the dropout masks of `train` must not depend on this state
        found.append((bits(net), train(net), train(net)))
    assert found[0] == found[1]
    assert all(one != other for one, other in zip(found[0], found[2], strict=True))


def test_a_seed_gives_the_books_numbers():
    np.random.seed(3)
    book = Network(new_layers(), 4, engine="numpy")
    before = bits(book)
    expected = train(book)
    net = seeded(3)
    assert bits(net) == before
    assert train(net) == expected


def test_without_a_seed_numpys_generator_is_used():
    found = []
    for state in (5, 5, 6):
        np.random.seed(state)
        found.append(train(Network(new_layers(), 4, engine="numpy")))
    assert found[0] == found[1] != found[2]


def test_with_a_seed_nothing_more_is_drawn_of_numpys_generator():
    layers = new_layers()
    np.random.seed(7)
    train(seeded(3, layers))
    assert np.random.random() == np.random.RandomState(7).random()


def learnt(layer):
    Network([layer, SoftmaxLayer(5, 3, params=(np.eye(5, 3), np.zeros(3)))], 4, engine="numpy").SGD(
        some_data(n_in=8), 1, 4, 0.3, some_data(n_in=8), None, report=lambda history: None
    )


CHANGES = {
    "learnt": learnt,
    "assigned": lambda layer: setattr(layer, "w", np.ones((8, 5))),
    "weights in place": lambda layer: layer.w.__setitem__((0, 0), 2),
    "biases in place": lambda layer: layer.b.__setitem__(0, 2),
}


@pytest.mark.parametrize("change", CHANGES)
def test_weights_that_were_changed_are_not_drawn_anew(change):
    first, second, last = new_layers()
    CHANGES[change](second)
    w, b = (np.array(param) for param in second.params)
    drawn = first.w
    seeded(3, [first, second, last])
    np.testing.assert_array_equal(second.w, w)
    np.testing.assert_array_equal(second.b, b)
    assert (first.w != drawn).any()


def test_weights_that_were_given_are_kept_and_draw_nothing():
    params = np.full((36, 8), 0.5), np.zeros(8)
    given = FullyConnectedLayer(36, 8, params=params)
    seeded(3, [given, after := FullyConnectedLayer(8, 5), SoftmaxLayer(5, 3)])
    np.testing.assert_array_equal(given.w, params[0])
    alone = FullyConnectedLayer(8, 5)
    seeded(3, [alone, SoftmaxLayer(5, 3)])
    np.testing.assert_array_equal(after.w, alone.w)


def test_layers_may_get_another_seed():
    """Each new network draws weights again, except given or changed ones. So the same seed gives the same weights."""
    layers = new_layers()
    found = [bits(seeded(seed, layers)) for seed in (3, 4, 3)]
    assert found[0] == found[2] != found[1]


def test_a_network_that_is_loaded_has_its_weights_and_draws_masks_of_its_seed(tmp_path):
    path, net = tmp_path / "net", seeded(3)
    net.save(path)
    found = []
    for state, seed in ((1, 8), (2, 8), (1, 9)):
        np.random.seed(state)
        again = network3.load(path, engine="numpy", seed=seed)
        assert bits(again) == bits(net)
        found.append(train(again))
    assert found[0] == found[1] != found[2]


def test_a_run_continues_bit_for_bit(engine, tmp_path):
    whole, begun, again = (seeded(3, engine=engine) for _ in range(3))
    expected = train(whole, 4)
    train(begun, 2, checkpoint=tmp_path / "run")
    np.random.seed(12)
    assert train(again, 4, checkpoint=tmp_path / "run", resume=True) == expected
    assert again.best == whole.best
    assert train(again) == train(whole)  # further training is equal, because the states of the generators are equal


@pytest.mark.parametrize("other", [None, 4])
def test_a_run_with_another_seed_is_refused(other, tmp_path):
    train(seeded(3), 1, checkpoint=tmp_path / "run")
    net = seeded(other)
    before = bits(net)
    with pytest.raises(ValueError, match=f"with seed 3; this run has {'no seed' if other is None else 'seed 4'}"):
        train(net, 2, checkpoint=tmp_path / "run", resume=True)
    assert bits(net) == before


def test_the_seed_is_in_the_recipe():
    for seed in (None, 0):
        net = seeded(seed)
        train(net)
        assert net.history.recipe.get("seed") == seed
        assert ("seed" in net.history.recipe) == (seed == 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seed": -1}, ValueError, "seed is -1; it must not be negative"),
        ({"seed": 2**32}, ValueError, r"seed is 4294967296; it must be below 2\*\*32"),
        ({"seed": 1.5}, TypeError, "seed is 1.5; it must be an integer"),
        ({"seed": "1"}, TypeError, "seed is '1'; it must be an integer"),
        ({"seed": True}, TypeError, "seed is True; it must be an integer"),
        ({"seed": 1, "engine": "theano"}, ValueError, "engine is 'theano'"),
        ({"seed": 1, "mini_batch_size": 0}, ValueError, "mini_batch_size is 0"),
    ],
)
def test_a_refusal_changes_no_layer(options, error, message):
    layers = new_layers()
    np.random.seed(7)
    before = [param.tobytes() for layer in layers for param in layer.params]
    with pytest.raises(error, match=message):
        Network(layers, **{"mini_batch_size": 4, "engine": "numpy", **options})
    assert [param.tobytes() for layer in layers for param in layer.params] == before
    assert np.random.random() == np.random.RandomState(7).random()
