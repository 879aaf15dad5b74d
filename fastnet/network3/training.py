"""How layers learn: stochastic gradient descent, an epoch at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fastnet.network3.data import Pair, size
from fastnet.network3.layers import Layer, SoftmaxLayer
from fastnet.utils.interruption import heard_afterwards

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


def train_epoch(
    layers: Sequence[Layer],
    batches: Sequence[Pair],
    first: int,
    *,
    eta: float,
    decay: float,
    generator: torch.Generator | None,
) -> bool:
    """Go through the training data once.

    Parameters
    ----------
    layers : sequence of layers
        What learns.
    batches : sequence of tuples (x, y)
        The mini-batches.
    first : int
        The number of the first of them, in all epochs.
    eta, decay : float
        The learning rate, and the factor of half the sum of all weights squared in the cost.
    generator : torch.Generator or None
        What draws the masks of dropout.

    Returns
    -------
    bool
        Whether weights and biases are finite afterwards. If not, they are again what they were; also if the epoch was
        interrupted. Otherwise, an interrupted one has learned from whole mini-batches.
    """
    before = [layer.params for layer in layers]
    try:
        optimizer = _begin(layers, eta, decay)
        for number, (x, y) in enumerate(batches, first):
            if number % _MINI_BATCHES_PER_LINE == 0:
                print(f"Training mini-batch number {number}", flush=True)
            optimizer.zero_grad()
            with torch.enable_grad():  # which Ctrl-C elsewhere may have left switched off
                _cost(layers, x, y, generator).backward()
            with heard_afterwards():  # or weights might have learned, and biases not
                optimizer.step()
    finally:
        is_finite = _end(layers, before)
    return is_finite


def _begin(layers: Sequence[Layer], eta: float, decay: float) -> torch.optim.Optimizer:
    """Have the layers learn with copies of their parameters; return what descends along the gradients."""
    for layer in layers:
        layer.w, layer.b = (param.detach().clone().requires_grad_() for param in layer.params)
    groups = [
        # 0.5 * decay * sum(w**2) in the cost is decay * w in its gradient.
        {"params": [layer.w for layer in layers], "weight_decay": decay},
        {"params": [layer.b for layer in layers]},
    ]
    return torch.optim.SGD(groups, lr=eta, foreach=True)


def _end(layers: Sequence[Layer], before: Sequence[list[Tensor]]) -> bool:
    """Have no more gradients computed; return whether all parameters are finite, and if not, put back the others."""
    is_finite = all(bool(param.isfinite().all()) for layer in layers for param in layer.params)
    for layer, params in zip(layers, before, strict=True):
        layer.w, layer.b = (param.detach() for param in layer.params) if is_finite else params
    return is_finite


def _cost(layers: Sequence[Layer], x: Tensor, y: Tensor, generator: torch.Generator | None) -> Tensor:
    """Return the cost in training, without regularization."""
    *hidden, last = layers
    assert isinstance(last, SoftmaxLayer)
    for layer in hidden:
        x = layer.output_dropout(x, generator)
    return last.cost(x, y, generator)
