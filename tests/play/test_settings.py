import pytest

from fastnet import network2
from fastnet.formulas.layers import Convolution, Dense, Dropout, MaxPooling
from fastnet.play import digits
from fastnet.play.presets import PRESETS
from fastnet.play.settings import DEFAULTS, RequestError, checked, of_network


def test_by_default_it_is_chapter_3s_network():
    settings = checked({})
    assert settings.chosen == DEFAULTS
    assert settings.network().sizes == [784, 30, 10]
    assert len(settings.data()) == 50_000
    assert settings.training()["lmbda"] == 5.0


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_preset_can_be_trained(preset):
    settings = checked(preset.settings)
    net = settings.network()
    assert (net.sizes[0], net.sizes[-1]) == (784, 10)
    net.engine = "numpy"
    assert net.begin_training(settings.data()[:20], **settings.training()).advance() > 0


def test_the_convolutional_preset_learns():
    (preset,) = (each for each in PRESETS if each.name == "convolution")
    settings = checked(preset.settings)
    net = settings.network()
    net.begin_training(settings.data(), **settings.training()).advance(500)
    assert net.accuracy(digits.test_data()[:1000]) > 700


def test_integers_may_be_written_with_a_point():
    settings = checked({"samples": 100.0, "mini_batch_size": 20.0, "seed": 3.0})
    assert len(settings.data()) == 100
    settings.network()


def test_layers_of_all_kinds():
    net = checked({"layers": "conv 3 5x5 relu, pool 2x2, dropout 0.5, dense 20 tanh"}).network()
    assert net.layers[:-1] == (
        Convolution(3, 5, "relu"), MaxPooling(2), Dropout(0.5), Dense(20, "tanh"),
    )  # fmt: skip
    assert checked({"layers": ""}).network().sizes == [784, 10]
    assert checked({"layers": "dense 20, dense 10", "dropout": 0.5}).network().sizes == [784, 20, 10, 10]


def test_wrong_labels_are_as_many_as_the_noise_says():
    data = checked({"samples": 1000, "noise": 0.3}).data()
    right = checked({"samples": 1000}).data()
    wrong = data.labels(10) != right.labels(10)
    assert wrong.sum() == 300
    assert (data.inputs == right.inputs).all()
    again = checked({"samples": 1000, "noise": 0.3}).data()
    assert (again.labels(10) == data.labels(10)).all()


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        ({"eta": -1}, "eta", "eta is -1.0; it must be positive"),
        ({"eta": "fast"}, "eta", "eta is 'fast'"),
        ({"lambda": -1}, "lambda", "lambda is -1.0"),
        ({"dropout": 1}, "dropout", "dropout is 1"),
        ({"momentum": 0.5, "optimizer": "adam"}, "momentum", "momentum is 0.5"),
        ({"cost": "hinge"}, "cost", "cost is 'hinge'"),
        ({"activation": "step"}, "activation", "activation is 'step'"),
        ({"initial_weights": "none"}, "initial_weights", "initial_weights is 'none'"),
        ({"samples": 0}, "samples", "samples is 0; it must be an integer from 1 to 50,000"),
        ({"samples": 2.5}, "samples", "samples is 2.5"),
        ({"samples": True}, "samples", "samples is True"),
        ({"samples": 10**400}, "samples", "samples is"),
        ({"noise": 10**400}, "noise", "noise is"),
        (
            {"layers": "conv 200 5x5 same, conv 200 5x5 same, pool 28x28"},
            "layers",
            "multiplications; it may take at most 20,000,000",
        ),
        ({"samples": 5, "mini_batch_size": 6}, "mini_batch_size", "mini_batch_size is 6"),
        ({"seed": -1}, "seed", "seed is -1"),
        ({"noise": float("nan")}, "noise", "noise is nan"),
        ({"layers": "convolution"}, "layers", "layers: "),
        ({"layers": "conv 5 30x30 relu"}, "layers", "layers: "),
        ({"layers": "dense 99999999999"}, "layers", "neurons|GiB"),
        ({"layers": "dense 3000"}, "layers", "it may have at most 2,000,000"),
        ({"layers": "", "dropout": 0.5}, "dropout", "dropout needs hidden neurons"),
        ({"layers": "x" * 1000}, "layers", "layers has 1000 characters"),
        ({"layers": ["dense 30"]}, "layers", "layers must be a number or a text"),
        ({"layers": None}, "layers", "layers"),
        ({"engine": "reference"}, None, "'engine' is no setting"),
    ],
)
def test_what_a_setting_may_not_be(given, field, text):
    with pytest.raises(RequestError, match=text) as caught:
        checked(given)
    assert caught.value.field == field


def test_settings_of_a_network_from_a_file():
    layers = [(1, 28, 28), Convolution(2, 5, "relu"), MaxPooling(2), Dropout(0.5, inverted=False), 10]
    chosen = of_network(network2.Network(layers, "log-likelihood")).chosen
    assert (chosen["layers"], chosen["cost"]) == ("conv 2 5x5 relu, pool 2x2, dropout 0.5", "log-likelihood")
    with pytest.raises(RequestError, match="the cost of the network is AbsoluteErrorCost"):
        of_network(network2.Network([784, Dense(10, "linear")], "absolute-error"))
