"""The costs of `formulas.costs` in PyTorch, given z, the weighted inputs of the output neurons.

The functions of `COSTS` are fast, and have accurate derivatives. If `summed` is True, a function returns the sum of the
costs. Otherwise, it returns the cost of each sample, or of each output of each sample.

Some functions of `COSTS` subtract nearly equal numbers, so small costs have few correct digits. `LOSSES` has accurate
versions of these functions, which return the term of each output of each sample. Their derivatives are not used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch.nn import functional

from fastnet.engines.torch_layers import ACTIVATIONS
from fastnet.formulas.costs import Outputs
from fastnet.formulas.regression import POISSON_SERIES, HuberCost, QuantileCost

Cost: TypeAlias = Callable[[torch.Tensor, torch.Tensor, Outputs, bool], torch.Tensor]


def _quadratic(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    return functional.mse_loss(ACTIVATIONS[outputs.activation](z), y, reduction=_reduction(summed)) / 2


def _cross_entropy(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(z, y, reduction=_reduction(summed))


def _log_likelihood(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    return functional.cross_entropy(z, y, reduction=_reduction(summed))


def _poisson(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    costs = functional.poisson_nll_loss(z, y, reduction="none") + torch.xlogy(y, y) - y
    return costs.sum() if summed else costs


def _absolute_error(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    return functional.l1_loss(z, y, reduction=_reduction(summed))


def _huber(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    assert isinstance(outputs.cost, HuberCost)
    return functional.huber_loss(z, y, reduction=_reduction(summed), delta=outputs.cost.threshold)


def _quantile(z: torch.Tensor, y: torch.Tensor, outputs: Outputs, summed: bool) -> torch.Tensor:
    assert isinstance(outputs.cost, QuantileCost)
    q, r = outputs.cost.quantile, z - y
    costs = (1 - q) * torch.relu(r) + q * torch.relu(-r)
    return costs.sum() if summed else costs


def _cross_entropy_losses(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.where(z > 0, 1 - y, y) * z.abs() + z.abs().neg().exp().log1p()


def _log_likelihood_losses(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    largest, index = z.max(dim=1, keepdim=True)
    below = z - largest
    others = below.exp().scatter(1, index, 0).sum(dim=1, keepdim=True)
    return y * (others.log1p() - below)  # -y ln a


def _poisson_losses(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    # as in `PoissonCost`, in float64
    count, mean = y.double(), z.double().exp()
    d = z.double() - torch.where(y > 0, count, 1).log()
    near = d.clamp(-1, 1)
    series = torch.zeros_like(near)
    for coefficient in POISSON_SERIES:
        series = series * near + coefficient
    losses = torch.where(d.abs() < 1, count * near**2 * series, mean - count - count * d)
    return torch.where(y > 0, losses, mean).to(z.dtype)


def _reduction(summed: bool) -> str:
    return "sum" if summed else "none"


COSTS: dict[str, Cost] = {
    "QuadraticCost": _quadratic,
    "CrossEntropyCost": _cross_entropy,
    "LogLikelihoodCost": _log_likelihood,
    "PoissonCost": _poisson,
    "AbsoluteErrorCost": _absolute_error,
    "HuberCost": _huber,
    "QuantileCost": _quantile,
}
"""The function of each cost, by the name of the cost's class."""

LOSSES: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "CrossEntropyCost": _cross_entropy_losses,
    "LogLikelihoodCost": _log_likelihood_losses,
    "PoissonCost": _poisson_losses,
}
"""Accurate functions for the costs whose function in `COSTS` is inaccurate, by the name of the cost's class."""
