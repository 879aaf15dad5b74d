"""The solver "lbfgs": SciPy's L-BFGS-B over the whole data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from fastnet.engines.contract import Engine
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.costs import QuadraticCost


class Result(NamedTuple):
    """The result of SciPy's minimization.

    Attributes
    ----------
    parameters : list of dict of str to ndarray
        The arrays of each layer.
    loss : float
        The loss, as in scikit-learn: squared errors are averaged over the outputs.
    iterations : int
        Number of iterations.
    failure : str
        Reason why the minimization did not converge; empty if it converged, or if the callback or Ctrl-C stopped it.
    interrupted : bool
        Whether Ctrl-C ended the minimization.
    """

    parameters: Parameters
    loss: float
    iterations: int
    failure: str
    interrupted: bool = False


def minimize(
    engine: Engine,
    parameters: Parameters,
    alpha: float,
    total_weight: float,
    options: Any,
    after: Callable[[int, float], bool],
    keep: bool,
) -> Result:
    """Minimize the regularized cost of the engine's data, (sum(s * c) + alpha / 2 * sum(w^2)) / sum(s).

    Here, s are the sample weights, c the costs of the samples, and w the weights of the network.

    Parameters
    ----------
    engine : Engine
        An engine with the training data and the sample weights.
    parameters : list of dict of str to ndarray
        The initial arrays of each layer.
    alpha : float
        Strength of L2 regularization.
    total_weight : float
        Sum of the sample weights.
    options : dict
        SciPy's `maxiter`, `maxfun` and `gtol`.
    after : callable
        Function that is called after each iteration with the iteration's number, counted from 0, and the cost. The
        function returns whether to stop.
    keep : bool
        Whether Ctrl-C ends the minimization with the parameters of the last iteration. Otherwise, Ctrl-C raises
        `KeyboardInterrupt`.
    """
    outputs = engine.architecture.n_out if engine.architecture.cost is QuadraticCost else 1
    last: dict[str, float] = {}
    latest = _flattened(parameters)
    iterations = 0

    def cost_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        engine.set_parameters(_unflattened(flat, parameters))
        cost, gradients = engine.cost_and_gradients()
        squares, flat_gradient = _penalized(flat, gradients, parameters, alpha)
        penalty = alpha / 2 * squares / total_weight
        last["loss"] = cost / total_weight / outputs + penalty
        return cost / total_weight + penalty, flat_gradient / total_weight

    def callback(intermediate_result: Any) -> None:
        nonlocal iterations, latest
        latest = intermediate_result.x.copy()
        iterations += 1
        if after(iterations - 1, float(intermediate_result.fun)):
            raise StopIteration

    try:
        found = optimize.minimize(
            cost_and_gradient, latest, method="L-BFGS-B", jac=True, options=options, callback=callback
        )
    except KeyboardInterrupt:
        if not keep:
            raise
        cost_and_gradient(latest)
        return Result(_unflattened(latest, parameters), last["loss"], iterations, "", interrupted=True)
    cost_and_gradient(found.x)  # SciPy's last evaluation may not have been at `found.x`
    failure = "" if found.status in (0, 99) else str(found.message)  # 99: the callback stopped the minimization
    return Result(_unflattened(found.x, parameters), last["loss"], min(found.nit, options["maxiter"]), failure)


def _flattened(parameters: Parameters) -> np.ndarray:
    return np.concatenate([np.ravel(array) for layer in parameters for array in layer.values()]).astype(np.float64)


def _unflattened(flat: np.ndarray, like: Parameters) -> Parameters:
    """Divide a vector of all parameters into the arrays of each layer."""
    found: Parameters = []
    start = 0
    for layer in like:
        found.append({})
        for name, array in layer.items():
            found[-1][name] = flat[start : start + array.size].reshape(array.shape).astype(array.dtype)
            start += array.size
    return found


def _penalized(flat: np.ndarray, gradients: Parameters, like: Parameters, alpha: float) -> tuple[float, np.ndarray]:
    """Return the sum of the squared weights, and, as a vector, the gradient with L2 regularization."""
    gradient, squares, start = np.empty_like(flat), 0.0, 0
    for layer, own in zip(like, gradients, strict=True):
        for name, array in layer.items():
            part = slice(start, start + array.size)
            gradient[part] = own[name].ravel()
            if name == "weights":
                gradient[part] += alpha * flat[part]
                squares += float(np.dot(flat[part], flat[part]))
            start += array.size
    return squares, gradient
