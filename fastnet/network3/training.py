"""How layers learn: stochastic gradient descent, an epoch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fastnet.learning.training import Findings
from fastnet.network3.data import Pair, size
from fastnet.network3.layers import Layer, SoftmaxLayer

_MINI_BATCHES_PER_LINE = 1000


def mini_batches(data: Pair, mini_batch_size: int) -> list[Pair]:
    """Divide training data; samples that are left over at the end are left out."""
    used = size(data) // mini_batch_size * mini_batch_size
    if used == 0:
        raise ValueError(f"training_data has {size(data)} samples; a mini-batch needs {mini_batch_size}")
    xs, ys = (tensor[:used].split(mini_batch_size) for tensor in data)
    return list(zip(xs, ys, strict=True))


def dropout_generator(layers: Sequence[Layer], device: torch.device) -> torch.Generator | None:
    """Return what draws the masks, seeded only where there are some: without dropout, nothing is drawn."""
    if not any(layer.p_dropout for layer in layers):
        return None
    # The book's generator is NumPy's old one.
    return torch.Generator(device).manual_seed(int(np.random.randint(2**31)))  # noqa: NPY002


@dataclass
class LayersLearner:
    """Layers in training.

    Attributes
    ----------
    layers : sequence of layers
        The network.
    batches : sequence of tuples (x, y)
        The mini-batches.
    decay : float
        The factor of half the sum of all weights squared in the cost.
    generator : torch.Generator or None
        What draws the masks of dropout.
    monitor : callable
        What measures the network.
    """

    layers: Sequence[Layer]
    batches: Sequence[Pair]
    decay: float
    generator: torch.Generator | None
    monitor: Callable[[], Findings]

    def begin(self) -> None:
        """Keep the parameters for `undo`."""
        self._before = [layer.params for layer in self.layers]

    def train(self, number: int, eta: float, hear: Callable[[], None]) -> None:
        """Go through the mini-batches once. Interrupted, the layers have learned from whole ones."""
        optimizer = _with_gradients(self.layers, eta, self.decay)
        try:
            for i, (x, y) in enumerate(self.batches, number * len(self.batches)):
                if i % _MINI_BATCHES_PER_LINE == 0:
                    print(f"Training mini-batch number {i}", flush=True)
                optimizer.zero_grad()
                with torch.enable_grad():  # which Ctrl-C elsewhere may have left switched off
                    _cost(self.layers, x, y, self.generator).backward()
                hear()
                optimizer.step()
                hear()
        finally:
            for layer in self.layers:
                layer.w, layer.b = (param.detach() for param in layer.params)

    def arrays(self) -> Iterable[np.ndarray]:
        """Return the weights and biases of the layers."""
        return (param.detach().cpu().numpy() for layer in self.layers for param in layer.params)

    def undo(self) -> None:
        """Put back the parameters as they were when the epoch began."""
        for layer, params in zip(self.layers, self._before, strict=True):
            layer.w, layer.b = params

    def findings(self) -> Findings:
        """Measure how well the network does."""
        return self.monitor()


def _with_gradients(layers: Sequence[Layer], eta: float, decay: float) -> torch.optim.Optimizer:
    """Give the layers copies of their parameters, with gradients; return the optimizer that changes the copies."""
    for layer in layers:
        layer.w, layer.b = (param.detach().clone().requires_grad_() for param in layer.params)
    groups = [
        # 0.5 * decay * sum(w**2) in the cost is decay * w in its gradient.
        {"params": [layer.w for layer in layers], "weight_decay": decay},
        {"params": [layer.b for layer in layers]},
    ]
    return torch.optim.SGD(groups, lr=eta, foreach=True)


def _cost(layers: Sequence[Layer], x: Tensor, y: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the cost in training, without regularization."""
    *hidden, last = layers
    assert isinstance(last, SoftmaxLayer)
    for layer in hidden:
        x = layer.output_dropout(x, generator)
    return last.cost(x, y, generator)
