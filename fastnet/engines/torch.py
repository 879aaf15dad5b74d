"""PyTorch on the CPU: the usual training step, with its automatic gradients, and no data loader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Arrays


class Engine(contract.Engine):
    """Tensors in the book's shapes; the data are tensors too, and a mini-batch is indexed out of them."""

    calls_no_cost_derivative = "engine 'torch' has its gradients from PyTorch and cannot call"

    def _lay_out(self, data: Dataset) -> None:
        self._inputs, self._targets = self._tensor(data.inputs), self._tensor(data.targets)

    def _epoch(self, data: Dataset, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        optimizer = torch.optim.SGD(self._parameters, lr=eta, foreach=True)
        for mini_batch in torch.from_numpy(order).split(mini_batch_size):
            optimizer.zero_grad()
            self._cost(self._inputs[mini_batch], self._targets[mini_batch]).backward()
            optimizer.step()

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        cost = self._cost(self._tensor(inputs), self._tensor(targets))
        nabla = [gradient.numpy() for gradient in torch.autograd.grad(cost, self._parameters)]
        layers = len(self._weights)
        return [nabla_b[:, np.newaxis] for nabla_b in nabla[layers:]], nabla[:layers]

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self._feed_forward(self._tensor(inputs)).numpy()

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        super().set_parameters(weights, biases)
        columns = [b[:, 0] for b in self._biases]
        self._parameters = [torch.from_numpy(array).requires_grad_() for array in self._weights + columns]

    def _feed_forward(self, inputs: torch.Tensor) -> torch.Tensor:
        layers = len(self._weights)
        activations = inputs
        for w, b in zip(self._parameters[:layers], self._parameters[layers:], strict=True):
            activations = torch.sigmoid(torch.nn.functional.linear(activations, w, b))
        return activations

    def _cost(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the quadratic cost: the mean of ||a - y||^2 / 2 over the samples."""
        return torch.nn.functional.mse_loss(self._feed_forward(inputs), targets, reduction="sum") / (2 * len(inputs))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, dtype=getattr(torch, self.architecture.dtype.name))
