"""PyTorch on the CPU: the usual training step, with its automatic gradients, and no data loader."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch

from fastnet.costs import CrossEntropyCost, LogLikelihoodCost, QuadraticCost
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Arrays, Descent, Receiver

_SAMPLES_AT_A_TIME = 4096  # when feeding forward only: bounds the memory that it takes
_ACTIVATIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


class Engine(contract.Engine):
    """Tensors in the book's shapes; the data are tensors too, and a mini-batch is indexed out of them."""

    calls_no_function = "engine 'torch' has its gradients from PyTorch and cannot call"

    _optimizer: torch.optim.SGD | None = None

    def _lay_out(self, data: Dataset) -> None:
        self._inputs, self._targets = self._tensor(data.inputs), self._tensor(data.targets)

    def _epoch(
        self,
        data: Dataset,
        order: np.ndarray,
        mini_batch_size: int,
        eta: float,
        descent: Descent,
        kept: np.ndarray | None,
    ) -> None:
        optimizer = self._optimizer_with(eta, descent)
        factors = None if kept is None else self._tensor(kept) / (1 - descent.dropout)
        for start in range(0, len(order), mini_batch_size):
            part = slice(start, start + mini_batch_size)
            mini_batch = torch.from_numpy(order[part])
            optimizer.zero_grad()
            z = self._weighted_inputs(self._inputs[mini_batch], None if factors is None else factors[part])
            cost = self._cost(z, self._targets[mini_batch])
            if descent.l1:
                cost = cost + descent.l1 * sum(w.abs().sum() for w in self._weight_tensors)
            cost.backward()
            optimizer.step()

    def _optimizer_with(self, eta: float, descent: Descent) -> torch.optim.SGD:
        """Return the optimizer, which keeps the velocity, with this learning rate."""
        if self._optimizer is None:
            groups = [
                {"params": self._weight_tensors, "weight_decay": descent.l2},
                {"params": self._bias_tensors},
            ]
            self._optimizer = torch.optim.SGD(groups, lr=eta, momentum=descent.momentum, foreach=True)
        for group in self._optimizer.param_groups:
            before, group["lr"] = group["lr"], eta
            for tensor in group["params"]:  # PyTorch's velocity is the book's without the learning rate
                velocity = self._optimizer.state[tensor].get("momentum_buffer")
                if velocity is not None and before != eta:
                    velocity.mul_(before / eta)
        return self._optimizer

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        cost = self._cost(self._weighted_inputs(self._tensor(inputs)), self._tensor(targets))
        nabla = torch.autograd.grad(cost, self._weight_tensors + self._bias_tensors)
        layers = len(self._weight_tensors)
        return [each.numpy()[:, np.newaxis] for each in nabla[layers:]], [each.numpy() for each in nabla[:layers]]

    def _feed_forward(self, inputs: np.ndarray | Dataset, receive: Receiver) -> None:
        rows = inputs.inputs if isinstance(inputs, Dataset) else inputs
        for start in range(0, len(rows), _SAMPLES_AT_A_TIME):
            part = slice(start, min(start + _SAMPLES_AT_A_TIME, len(rows)))
            with torch.no_grad():
                receive(part, self._weighted_inputs(self._tensor(rows[part])).numpy())

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        if not hasattr(self, "_weight_tensors"):
            sizes = self.architecture.sizes
            dtype = getattr(torch, self.architecture.dtype.name)
            self._weight_tensors = [
                torch.empty(n_out, n_in, dtype=dtype, requires_grad=True) for n_in, n_out in pairwise(sizes)
            ]
            self._bias_tensors = [torch.empty(n_out, dtype=dtype, requires_grad=True) for n_out in sizes[1:]]
        columns = [b[:, 0] for b in biases]
        with torch.no_grad():
            for tensor, array in zip(self._weight_tensors + self._bias_tensors, [*weights, *columns], strict=True):
                tensor.copy_(self._tensor(array))

    def parameters(self) -> tuple[Arrays, Arrays]:
        weights = [w.detach().numpy().copy() for w in self._weight_tensors]
        return weights, [b.detach().numpy()[:, np.newaxis].copy() for b in self._bias_tensors]

    def _weighted_inputs(self, inputs: torch.Tensor, factors: torch.Tensor | None = None) -> torch.Tensor:
        """Return z of the output layer, where hidden neurons are multiplied by factors, a row a sample."""
        linear, activation = torch.nn.functional.linear, _ACTIVATIONS[self.architecture.activation]
        *hidden, (w_out, b_out) = zip(self._weight_tensors, self._bias_tensors, strict=True)
        layers = [None] * len(hidden) if factors is None else factors.split(self.architecture.sizes[1:-1], dim=1)
        a = inputs
        for (w, b), factor in zip(hidden, layers, strict=True):
            a = activation(linear(a, w, b))
            if factor is not None:
                a = a * factor
        return linear(a, w_out, b_out)

    def _cost(self, z: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean cost over the samples."""
        functional = torch.nn.functional
        costs = {
            QuadraticCost: lambda: functional.mse_loss(torch.sigmoid(z), targets, reduction="sum") / 2,
            CrossEntropyCost: lambda: functional.binary_cross_entropy_with_logits(z, targets, reduction="sum"),
            LogLikelihoodCost: lambda: functional.cross_entropy(z, targets, reduction="sum"),
        }
        return costs[self.architecture.cost]() / len(z)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return torch.tensor(array, dtype=getattr(torch, self.architecture.dtype.name))
