"""Convolutional networks in every engine: comparison with PyTorch, and cases that random networks do not cover."""

import numpy as np
import pytest
from engines.drawing import parameters_of, task_of

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.formulas.activations import CustomActivation
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling

FLOAT64 = np.dtype("float64")
NAMES = {"weights": "weight", "biases": "bias", "gamma": "weight", "beta": "bias"}
NAMES |= {"mean": "running_mean", "variance": "running_var"}


def test_training_and_outputs_are_those_of_pytorch(engine_of_images):
    """The networks are trained with five mini-batches: four of 5 samples, and one of 2 samples."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    layers = (
        Convolution(4, (3, 2), "relu"), MaxPooling((2, 3)), Convolution(3, 3, "linear", "same"),
        BatchNormalization("tanh", momentum=0.3), MaxPooling(2), Dense(5, "tanh"), Dense(2, "linear"),
    )  # fmt: skip
    task = task_of(Architecture((2, 11, 13), layers, dtype=FLOAT64), np.random.default_rng(0), 22)
    owners = {
        0: nn.Conv2d(2, 4, (3, 2)), 2: nn.Conv2d(4, 3, 3, padding="same"), 3: nn.BatchNorm2d(3, momentum=0.3),
        5: nn.Linear(12, 5), 6: nn.Linear(5, 2),
    }  # fmt: skip
    model = nn.Sequential(
        nn.Unflatten(1, (2, 11, 13)), owners[0], nn.ReLU(), nn.MaxPool2d((2, 3)), owners[2], owners[3], nn.Tanh(),
        nn.MaxPool2d(2), nn.Flatten(), owners[5], nn.Tanh(), owners[6],
    ).double()  # fmt: skip
    with torch.no_grad():
        for i, module in owners.items():
            for name, array in task.parameters[i].items():
                getattr(module, NAMES[name]).copy_(torch.from_numpy(array if name == "weights" else array[:, 0]))

    engine = task.engine(engine_of_images)
    engine.epoch(np.arange(22), 5, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = (torch.tensor(array) for array in (task.data.inputs, task.data.targets))
    for start in range(0, 22, 5):
        optimizer.zero_grad()
        inputs, targets = x[start : start + 5], y[start : start + 5]
        (torch.sum((model(inputs) - targets) ** 2) / 2 / len(inputs)).backward()
        optimizer.step()

    found = engine.parameters()
    for i, module in owners.items():
        for name, array in found[i].items():
            expected = getattr(module, NAMES[name]).detach().numpy()
            np.testing.assert_allclose(array.squeeze(), expected.squeeze(), rtol=0, atol=1e-12, err_msg=name)
    outputs = model.eval()(x).detach().numpy()
    np.testing.assert_allclose(engine.outputs(task.data.inputs), outputs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("first", range(4))
@pytest.mark.parametrize("activation", ["linear", "gelu"])
def test_the_first_of_the_largest_gets_the_error(engine_of_images, first, activation):
    """Pixel i is nonzero only in map i.

    So the gradient of the weight for map i shows whether the error was backpropagated to pixel i.
    """
    image = np.zeros((4, 2, 2))
    for pixel in range(first, 4):  # pixels `first` to 3 are 1, all others 0
        image[pixel, pixel // 2, pixel % 2] = 1
    architecture = Architecture((4, 2, 2), (Convolution(1, 1, activation), MaxPooling(2), Dense(1)), dtype=FLOAT64)
    parameters = architecture.parameters([np.ones((1, 4, 1, 1)), np.ones((1, 1))], [np.zeros((1, 1))] * 2)
    engine = engine_class(engine_of_images)(architecture, parameters)
    gradients = engine.gradients(image.reshape(1, -1), np.zeros((1, 1)))
    assert np.flatnonzero(gradients[0]["weights"]).tolist() == [first]


def test_rows_and_columns_that_fill_no_window_have_no_part(engine_of_images):
    architecture = Architecture((1, 3, 5), (MaxPooling(2), Dense(1, "linear")), dtype=FLOAT64)
    parameters = architecture.parameters([np.ones((1, 2))], [np.zeros((1, 1))])
    engine = engine_class(engine_of_images)(architecture, parameters)
    image = np.arange(15.0).reshape(1, 15)
    assert engine.outputs(image).tolist() == [[6.0 + 8.0]]


def test_a_dense_layer_has_maps_one_after_another(engine_of_images):
    """A dense layer takes one map after another, each in row-major order, as in the book and in PyTorch."""
    architecture = Architecture((2, 2, 3), (Convolution(2, 1, "linear"), Dense(12, "linear")), dtype=FLOAT64)
    swap = np.array([[0.0, 1.0], [1.0, 0.0]]).reshape(2, 2, 1, 1)
    parameters = architecture.parameters([swap, np.eye(12)], [np.zeros((2, 1)), np.zeros((12, 1))])
    outputs = engine_class(engine_of_images)(architecture, parameters).outputs(np.arange(12.0)[np.newaxis])
    assert outputs.tolist() == [[*range(6, 12), *range(6)]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_statistics_of_maps_count_places(engine_of_images, dtype):
    """A mini-batch of one sample changes the running mean and variance only if each map has at least two pixels."""
    layers = (Convolution(2, 2, "linear"), BatchNormalization(momentum=1.0), Dense(1))
    for side, changes in ((2, False), (3, True)):
        task = task_of(Architecture((1, side, side), layers, dtype=FLOAT64), np.random.default_rng(0), 1)
        engine = task.engine(engine_of_images, dtype)
        before = engine.parameters()[1]
        engine.epoch(np.arange(1), 1, 1e-9)
        after = engine.parameters()[1]
        for name in ("mean", "variance"):
            assert (after[name] != before[name]).all() == changes
            assert after[name].dtype == dtype
    image, own = task.data.inputs.reshape(3, 3), task.parameters[0]
    windows = np.lib.stride_tricks.sliding_window_view(image, (2, 2))
    z = np.einsum("hwrc,frc->fhw", windows, own["weights"][:, 0]) + own["biases"][:, :, np.newaxis]
    expected = z.reshape(2, 4)
    np.testing.assert_allclose(after["mean"][:, 0], expected.mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(after["variance"][:, 0], expected.var(axis=1, ddof=1), rtol=1e-4)


@pytest.mark.parametrize("image", [True, False])
def test_dropout_of_chapter_6(engine_of_images, image):
    """In training, kept inputs are not scaled. In evaluation, all inputs are multiplied by 1 - p."""
    layers = (Dropout(0.75, inverted=False), *([Convolution(1, 2, "linear")] if image else []), Dense(1, "linear"))
    architecture = Architecture((1, 2, 2) if image else (4,), layers, dtype=FLOAT64)
    parameters = parameters_of(architecture, np.random.default_rng(0))
    plain = Architecture(architecture.input_shape, layers[1:], dtype=FLOAT64)
    x = np.random.default_rng(1).standard_normal((64, 4))
    data = Dataset(x, np.zeros((64, 1)))
    engine = engine_class(engine_of_images)(architecture, parameters, data)
    without = engine_class(engine_of_images)(plain, parameters[1:])
    np.testing.assert_allclose(engine.outputs(x), without.outputs(x * 0.25), rtol=0, atol=1e-12)
    ours, theirs = engine.gradients(x, data.targets), without.gradients(x * 0.25, data.targets)
    for own, expected in zip(ours[1:], theirs, strict=True):
        for name, array in own.items():
            np.testing.assert_allclose(array, expected[name], rtol=0, atol=1e-12)
    cost = engine.epoch(np.arange(64), 64, 1e-9, with_costs=True).costs
    inverted = Architecture(architecture.input_shape, (Dropout(0.75), *layers[1:]), dtype=FLOAT64)
    same = engine_class(engine_of_images)(inverted, parameters, Dataset(x * 0.25, data.targets))
    assert cost == pytest.approx(same.epoch(np.arange(64), 64, 1e-9, with_costs=True).costs, rel=1e-12)
    assert cost != pytest.approx(engine.measure(data, cost=True).cost, rel=1e-3)


def test_many_samples_of_large_images_are_fed_forward_in_parts(engine_of_images, monkeypatch):
    layers = (Convolution(2, 3, "tanh"), MaxPooling(2), Dense(3))
    task = task_of(Architecture((1, 8, 8), layers, dtype=FLOAT64), np.random.default_rng(0), 40)
    whole = task.engine(engine_of_images).outputs(task.data.inputs)
    monkeypatch.setattr("fastnet.engines.contract._NUMBERS_OF_IMAGES", 3000)
    np.testing.assert_allclose(task.engine(engine_of_images).outputs(task.data.inputs), whole, rtol=0, atol=1e-12)


def swish(z):
    import torch

    return z * torch.sigmoid(z)


@pytest.mark.parametrize(
    "layers", [(Dense(4, CustomActivation(swish)),), (Convolution(2, 2, CustomActivation(swish)), MaxPooling(2))]
)
def test_a_custom_activation(layers):
    torch = pytest.importorskip("torch")
    architecture = Architecture((1, 4, 4), (*layers, Dense(2)), dtype=FLOAT64)
    task = task_of(architecture, np.random.default_rng(0), 9)
    own = task.engine("torch")
    first = layers[0]
    known = type(first)(**{**vars(first), "activation": "sigmoid"})
    twin = Architecture((1, 4, 4), (known, *layers[1:], Dense(2)), dtype=FLOAT64)
    same = Architecture(
        (1, 4, 4),
        (type(first)(**{**vars(first), "activation": CustomActivation(torch.sigmoid)}), *layers[1:], Dense(2)),
        dtype=FLOAT64,
    )
    engines = [engine_class("torch")(each, task.parameters, task.data) for each in (twin, same)]
    for engine in (own, *engines):
        engine.epoch(np.arange(9), 4, 0.1)
    outputs = [engine.outputs(task.data.inputs) for engine in (own, *engines)]
    np.testing.assert_array_equal(outputs[1], outputs[2])
    assert np.abs(outputs[0] - outputs[1]).max() > 1e-3


@pytest.mark.parametrize("name", ["numba", "numpy", "reference"])
def test_a_custom_activation_needs_pytorch(name):
    architecture = Architecture((3,), (Dense(4, CustomActivation(swish)), Dense(2)))
    with pytest.raises(
        ValueError, match=r"CustomActivation\(swish\), which this engine cannot call; use engine='torch'"
    ):
        engine_class(name)(architecture, parameters_of(architecture, np.random.default_rng(0)))


def test_a_custom_activation_returns_a_tensor_of_the_same_shape():
    pytest.importorskip("torch")
    for function, found in ((lambda z: z.sum(), r"a tensor of shape \(\)"), (lambda z: 3, "a int")):
        architecture = Architecture((3,), (Dense(4, CustomActivation(function)), Dense(2)))
        engine = engine_class("torch-cpu")(architecture, parameters_of(architecture, np.random.default_rng(0)))
        with pytest.raises(ValueError, match=rf"returned {found}; it must return a tensor of shape \(5, 4\)"):
            engine.outputs(np.zeros((5, 3)))


@pytest.mark.parametrize("density", [0.1, 1.0])
def test_networks_with_other_borders_share_a_data_set(density):
    """Filters of 3 x 5 and of 5 x 3 need the same number of border pixels, but at different positions."""
    random = np.random.default_rng(0)
    inputs = random.standard_normal((9, 49)) * (random.random((9, 49)) < density)
    data = Dataset(inputs, random.random((9, 2)))
    for shape in ((3, 5), (5, 3), (1, 1)):
        architecture = Architecture((1, 7, 7), (Convolution(3, shape, "tanh", "same"), Dense(2)), dtype=FLOAT64)
        parameters = parameters_of(architecture, np.random.default_rng(1))
        ours, theirs = (engine_class(name)(architecture, parameters, data) for name in ("numba", "numpy"))
        np.testing.assert_allclose(ours.outputs(data), theirs.outputs(data), rtol=0, atol=1e-12)


def test_more_filters_than_weights_are_kept_in_a_cache():
    random = np.random.default_rng(0)
    architecture = Architecture((1, 2, 2), (Convolution(4200, 1, "relu"), Dense(2)), dtype=FLOAT64)
    parameters, inputs = parameters_of(architecture, random), random.random((3, 4))
    ours, theirs = (engine_class(name)(architecture, parameters) for name in ("numba", "numpy"))
    np.testing.assert_allclose(ours.outputs(inputs), theirs.outputs(inputs), rtol=0, atol=1e-12)
