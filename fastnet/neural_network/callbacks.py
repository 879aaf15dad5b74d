"""scikit-learn's callbacks, where the installed version has them: what an estimator tells them in `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnet.formulas.architecture import Parameters

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: there are no callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return the method: there are no callbacks."""
        return method


class Callbacks:
    """The callbacks of an estimator in `fit`, one task an iteration.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Whose callbacks there may be.
    X, y
        The arguments of `fit`.
    fitted : callable
        Returns the attributes that the estimator would have, given its parameters.
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
