"""Calls scikit-learn's callbacks in `fit`, if the installed version of scikit-learn has callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from fastnet.formulas.architecture import Parameters

try:
    from sklearn import callback
except ImportError:  # scikit-learn before 1.9
    callback = None

_Method = TypeVar("_Method", bound=Callable[..., Any])


class _NoSupport:
    """An empty mixin, for a version of scikit-learn that has no callbacks."""


CallbackSupportMixin: Any = _NoSupport if callback is None else callback.CallbackSupportMixin


def with_callbacks(method: _Method) -> _Method:
    """Make a method `fit` call the callbacks, if the installed version of scikit-learn has callbacks."""
    if callback is None:
        return method
    found: _Method = callback.with_callbacks(method)
    return found


class Callbacks:
    """Calls the callbacks of an estimator in `fit`. Each iteration is a separate task.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        The estimator, with or without callbacks.
    X, y
        The arguments of `fit`.
    fitted : callable
        Function that returns the attributes of the fitted estimator, given the arrays of each layer.
    """

    def __init__(self, estimator: Any, X: Any, y: Any, fitted: Callable[[Parameters], dict[str, Any]]) -> None:  # noqa: N803
        self._estimator, self._data, self._fitted = estimator, {"X": X, "y": y}, fitted
        self._context: Any = None

    def begin(self, iterations: int) -> None:
        """Tell the callbacks that `fit` begins, given the largest number of iterations."""
        if not hasattr(self._estimator, "_skl_callbacks"):
            return
        self._context = self._estimator._init_callback_context(max_subtasks=iterations)
        self._context.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def after_iteration(self, parameters: Callable[[], Parameters]) -> bool:
        """Tell the callbacks that an iteration is completed; return whether to stop.

        `parameters` returns the arrays of each layer.
        """
        if self._context is None:
            return False
        task = self._context.subcontext(task_name="iteration")
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        fitted = self._fitted(parameters())
        return bool(
            task.call_on_fit_task_end(estimator=self._estimator, reconstruction_attributes=fitted, **self._data)
        )

    def end(self, parameters: Parameters) -> None:
        """Tell the callbacks that `fit` is completed."""
        if self._context is not None:
            fitted = self._fitted(parameters)
            self._context.call_on_fit_task_end(
                estimator=self._estimator, reconstruction_attributes=fitted, **self._data
            )
