"""Compares batch normalization and its gradient with PyTorch."""

import numpy as np
import pytest
from engines.drawing import drawn
from hypothesis import given
from hypothesis import strategies as st

from fastnet.formulas import normalization


@given(
    st.integers(2, 9), st.integers(1, 5), st.sampled_from([1e-5, 0.1]), st.floats(0.05, 1.0), st.integers(0, 2**32 - 1)
)
@drawn(50)
def test_against_pytorch(samples, neurons, epsilon, momentum, seed):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    x, error = random.normal(3, 2, (2, samples, neurons))
    gamma, beta, mean = random.standard_normal((3, neurons))
    variance = random.uniform(0.5, 2, neurons)
    module = torch.nn.BatchNorm1d(neurons, eps=epsilon, momentum=momentum).double()
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(gamma))
        module.bias.copy_(torch.from_numpy(beta))
        module.running_mean.copy_(torch.from_numpy(mean))
        module.running_var.copy_(torch.from_numpy(variance))
    inputs = torch.tensor(x, requires_grad=True)
    outputs = module(inputs)
    outputs.backward(torch.from_numpy(error))

    normalized = normalization.normalize(x, epsilon)
    np.testing.assert_allclose(normalized.values * gamma + beta, outputs.detach(), rtol=1e-9, atol=1e-9)
    gradient = normalization.backpropagate(error, gamma, normalized)
    scale = np.abs(gamma / normalized.deviation).max() * np.abs(error).max()
    np.testing.assert_allclose(gradient, inputs.grad, rtol=0, atol=1e-9 * scale)
    running = {"mean": mean.reshape(-1, 1), "variance": variance.reshape(-1, 1)}
    normalization.keep(running, normalized.mean, normalized.variance, samples, momentum)
    np.testing.assert_allclose(running["mean"][:, 0], module.running_mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(running["variance"][:, 0], module.running_var, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_sample_is_normalized_to_zero_and_not_kept(dtype):
    x = np.array([[3.0, -2.0]], dtype)
    normalized = normalization.normalize(x, 0.25)
    assert normalized.values.tolist() == [[0, 0]]
    assert normalized.deviation.tolist() == [0.5, 0.5]
    assert {array.dtype for array in normalized[:4]} == {np.dtype(dtype)}
    assert normalization.backpropagate(x, x[0], normalized).tolist() == [[0, 0]]
    running = {"mean": np.ones((2, 1), dtype), "variance": np.ones((2, 1), dtype)}
    normalization.keep(running, normalized.mean, normalized.variance, 1, 0.5)
    assert running["mean"].tolist() == running["variance"].tolist() == [[1], [1]]


def test_float32_stays_float32():
    x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    normalized = normalization.normalize(x, 1e-5)
    running = {"mean": np.zeros((3, 1), np.float32), "variance": np.ones((3, 1), np.float32)}
    normalization.keep(running, normalized.mean, normalized.variance, 4, 0.1)
    gradient = normalization.backpropagate(x, np.ones(3, np.float32), normalized)
    assert {array.dtype for array in (*normalized[:4], gradient, *running.values())} == {np.dtype(np.float32)}
