"""Batch normalization in every engine: comparison with PyTorch, and mini-batches of one sample."""

import numpy as np
import pytest
from engines.drawing import task_of

from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Dense

FLOAT64 = np.dtype("float64")


def test_training_and_outputs_are_those_of_pytorch(engine_name):
    """The networks are trained with five mini-batches: four of 5 samples, and one of 2 samples."""
    torch = pytest.importorskip("torch")
    layers = (Dense(6, "linear"), BatchNormalization("tanh", momentum=0.3, epsilon=1e-5), Dense(2, "linear"))
    task = task_of(Architecture((4,), layers, dtype=FLOAT64), np.random.default_rng(0), 22)
    below, normalization, above = (
        torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6, eps=1e-5, momentum=0.3), torch.nn.Linear(6, 2)
    )  # fmt: skip
    model = torch.nn.Sequential(below, normalization, torch.nn.Tanh(), above).double()
    names = {"weights": "weight", "biases": "bias", "gamma": "weight", "beta": "bias"}
    names |= {"mean": "running_mean", "variance": "running_var"}
    modules = (below, normalization, above)
    with torch.no_grad():
        for module, own in zip(modules, task.parameters, strict=True):
            for name, array in own.items():
                getattr(module, names[name]).copy_(torch.from_numpy(array if name == "weights" else array[:, 0]))

    engine = task.engine(engine_name)
    engine.epoch(np.arange(22), 5, 0.1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = (torch.tensor(array) for array in (task.data.inputs, task.data.targets))
    for start in range(0, 22, 5):
        optimizer.zero_grad()
        inputs, targets = x[start : start + 5], y[start : start + 5]
        (torch.sum((model(inputs) - targets) ** 2) / 2 / len(inputs)).backward()
        optimizer.step()

    for module, own in zip(modules, engine.parameters(), strict=True):
        for name, array in own.items():
            expected = getattr(module, names[name]).detach().numpy()
            np.testing.assert_allclose(array.squeeze(), expected.squeeze(), rtol=0, atol=1e-12, err_msg=name)
    outputs = model.eval()(x).detach().numpy()
    np.testing.assert_allclose(engine.outputs(task.data.inputs), outputs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mini_batch_of_one_sample_leaves_the_running_means(engine_name, dtype):
    layers = (Dense(20, "linear"), BatchNormalization("sigmoid"), Dense(3), BatchNormalization(momentum=1.0), Dense(2))
    task = task_of(Architecture((4,), layers, dtype=FLOAT64), np.random.default_rng(0), 7)
    engine = task.engine(engine_name, dtype)
    before = engine.parameters()
    engine.epoch(np.array([3, 1]), 1, 0.5)
    after = engine.parameters()
    for i in (1, 3):
        for name in ("mean", "variance"):
            np.testing.assert_array_equal(after[i][name], before[i][name])
    assert (after[3]["beta"] != before[3]["beta"]).all()
    engine.epoch(np.arange(7), 3, 0.5)  # the last mini-batch has one sample
    first = engine.parameters()
    assert (first[1]["mean"] != before[1]["mean"]).all()
    assert np.isfinite(np.concatenate([first[1]["mean"], first[1]["variance"]])).all()
    for own in first:
        for array in own.values():
            assert array.dtype == dtype


def test_the_last_mini_batch_alone_counts_with_momentum_one(engine_name):
    """The inputs of batch normalization are the network's inputs, so the test can compute their statistics."""
    architecture = Architecture((3,), (Dense(3, "linear"), BatchNormalization(momentum=1.0), Dense(1)), dtype=FLOAT64)
    task = task_of(architecture, np.random.default_rng(0), 9)
    task.parameters[0] = {"weights": np.eye(3), "biases": np.zeros((3, 1))}
    engine = task.engine(engine_name)
    engine.epoch(np.arange(9), 5, 1e-12)
    last = task.data.inputs[5:]
    found = engine.parameters()[1]
    np.testing.assert_allclose(found["mean"][:, 0], last.sum(axis=0) / 4, rtol=0, atol=1e-10)
    variance = np.sum((last - last.sum(axis=0) / 4) ** 2, axis=0) / 3  # unbiased estimate: divided by 4 - 1
    np.testing.assert_allclose(found["variance"][:, 0], variance, rtol=0, atol=1e-10)
