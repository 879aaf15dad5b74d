"""The optimizers of `torch.optim` that correspond to those of `formulas.optimizers`, and their states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import torch

from fastnet.engines.contract import Pass
from fastnet.formulas.optimizers import Adam, Optimizer

Tensors: TypeAlias = list[dict[str, torch.Tensor]]
"""The arrays of each layer by name: weights in the book's shape, and all other arrays as vectors."""
OptimizerState: TypeAlias = dict[str, Tensors]
"""The state of an optimizer, by the `state_names` in `formulas.optimizers`: one tensor for each trained array."""

_LEAST_RATIO = 1e-10  # smallest ratio of a learning rate to the one before for which PyTorch's velocity is multiplied


class Kind(NamedTuple):
    """PyTorch's version of an optimizer.

    Attributes
    ----------
    class_ : subclass of torch.optim.Optimizer
        The class of the optimizer.
    settings : callable
        Function that returns the settings of a parameter group, given the optimizer of `formulas.optimizers`.
    names : dict of str to str
        PyTorch's name of each array of the optimizer's state.
    """

    class_: Callable[..., torch.optim.Optimizer]
    settings: Callable[[Any], dict[str, Any]]
    names: dict[str, str]


OPTIMIZERS = {
    "sgd": Kind(
        torch.optim.SGD,
        lambda optimizer: {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov},
        {"velocity": "momentum_buffer"},
    ),
    "rmsprop": Kind(
        torch.optim.RMSprop,
        lambda optimizer: {"alpha": optimizer.decay, "eps": optimizer.epsilon},
        {"mean_square": "square_avg"},
    ),
    "adam": Kind(
        torch.optim.Adam,
        lambda optimizer: {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.epsilon},
        {"mean": "exp_avg", "mean_square": "exp_avg_sq"},
    ),
}


def make(optimizer: Optimizer, trained: Tensors, state: OptimizerState, *, capturable: bool) -> torch.optim.Optimizer:
    """Return the optimizer of `torch.optim` that has the given state. `prepare` sets the settings later.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer of `formulas.optimizers`.
    trained : list of dict of str to Tensor
        The trained arrays of each layer.
    state : dict of str to list of dict
        The state of the optimizer. Missing arrays are added to this dict, filled with zeros.
    capturable : bool
        Whether steps are captured in a CUDA graph.
    """
    kind = OPTIMIZERS[optimizer.name]
    for name in optimizer.state_names:
        if name not in state:
            state[name] = [{key: torch.zeros_like(each) for key, each in arrays.items()} for arrays in trained]
    weights = [each for arrays in trained for key, each in arrays.items() if key == "weights"]
    others = [each for arrays in trained for key, each in arrays.items() if key != "weights"]
    made = kind.class_([{"params": weights}, {"params": others}], lr=0.0, foreach=True)
    for group in made.param_groups:
        if "capturable" in group:
            group["capturable"] = capturable
    # Without this attribute, PyTorch would warn of the steps outside a CUDA graph: the warm-up and the end of an epoch.
    made._warned_capturable_if_run_uncaptured = True
    for i, arrays in enumerate(trained):
        for key, tensor in arrays.items():
            # float64, because 1 - beta2 ** step of Adam loses digits in float32.
            step = torch.zeros((), dtype=torch.float64, device=tensor.device if capturable else "cpu")
            named_arrays = {kind.names[name]: state[name][i][key] for name in optimizer.state_names}
            made.state[tensor] = {"step": step, **named_arrays}
    return made


def unit_of(optimizer: Optimizer, before: float, eta: float) -> float:
    """Return PyTorch's learning rate for a pass with the learning rate `eta`, given PyTorch's learning rate `before`.

    PyTorch's velocity is the book's divided by minus its learning rate. The quotient could overflow if a learning rate
    vanishes, as with `Steps(factor=1e-40)`. Then PyTorch keeps its learning rate, and the gradients are multiplied by
    `eta / before` instead.
    """
    vanishes = "velocity" in optimizer.state_names and eta < _LEAST_RATIO * before
    return before if vanishes else eta


def prepare(made: torch.optim.Optimizer, work: Pass, unit: float, factor: float) -> None:
    """Set the settings, learning rate, weight decay and step count of an optimizer for a pass.

    `unit` is PyTorch's learning rate, and `factor` is the factor of the gradients; see `unit_of`.
    """
    optimizer = work.descent.optimizer
    for group in made.param_groups:
        group.update(lr=unit, **OPTIMIZERS[optimizer.name].settings(optimizer))
    made.param_groups[0]["weight_decay"] = 0.0 if work.descent.weighted_mean else factor * work.descent.l2
    for state in made.state.values():
        state["step"].fill_(work.steps)


def is_fixed(optimizer: Optimizer) -> bool:
    """Return whether the settings of an optimizer are the same in every step."""
    return not getattr(optimizer, "epsilon_hat", False)


def before_step(made: torch.optim.Optimizer, optimizer: Optimizer, step: int) -> None:
    """With `epsilon_hat`, which PyTorch lacks, set Adam's epsilon to its value for `step`, counted from 1."""
    if is_fixed(optimizer):
        return
    assert isinstance(optimizer, Adam)
    for group in made.param_groups:
        group["eps"] = optimizer.epsilon / (1 - optimizer.beta2**step) ** 0.5


def change_units(state: OptimizerState, before: float, unit: float) -> None:
    """Keep the book's velocity when PyTorch's learning rate changes from `before` to `unit`."""
    if before != unit:
        for arrays in state.get("velocity", []):
            for velocity in arrays.values():
                velocity.mul_(before / unit)
