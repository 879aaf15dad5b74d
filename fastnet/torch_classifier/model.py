"""The network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from fastnet.torch_classifier.options import DEFAULTS, Options


class Classifier(nn.Module):
    """Dense layers with ReLU between them.

    Parameters
    ----------
    sizes : sequence of int
        Number of neurons in each layer, the inputs first.
    dropout : float, optional
        Probability of dropping a hidden neuron in training.
    batch_norm : bool, optional
        Whether hidden neurons are normalized over the mini-batch, before the ReLU.

    Attributes
    ----------
    sizes, dropout, batch_norm
        As given.
    layers : nn.Sequential
        Layers from images of shape (n, ...) to the unnormalized log-probabilities of the digits, (n, sizes[-1]).
    """

    def __init__(self, sizes: Sequence[int], dropout: float = 0.0, batch_norm: bool = False) -> None:
        super().__init__()
        self.sizes, self.dropout, self.batch_norm = tuple(sizes), dropout, batch_norm
        self.layers = nn.Sequential(nn.Flatten())
        for n_in, n_out in pairwise(self.sizes[:-1]):
            self.layers.append(nn.Linear(n_in, n_out))
            if batch_norm:
                self.layers.append(nn.BatchNorm1d(n_out))
            self.layers.append(nn.ReLU())
            if dropout:
                self.layers.append(nn.Dropout(dropout))
        self.layers.append(nn.Linear(self.sizes[-2], self.sizes[-1]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the unnormalized log-probabilities of the digits, one image a row."""
        return self.layers(images)


def make_model(options: Options = DEFAULTS) -> Classifier:
    """Make a network, with parameters drawn by PyTorch's global generator."""
    return Classifier(options.sizes, options.dropout, options.batch_norm)
