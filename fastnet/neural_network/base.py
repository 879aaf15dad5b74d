"""The base class of `MLPClassifier` and `MLPRegressor`."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnet.datasets.dataset import Dataset, refuse_masked
from fastnet.datasets.sparse import is_sparse
from fastnet.engines import ENGINES
from fastnet.engines.contract import Engine
from fastnet.formulas import initialization
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import BuiltIn
from fastnet.formulas.layers import Convolution, Dense
from fastnet.learning import diagnostics
from fastnet.neural_network import parameters, solvers
from fastnet.neural_network.callbacks import Callbacks, CallbackSupportMixin
from fastnet.neural_network.engine_cache import cached_engines
from fastnet.neural_network.sample_weights import scaled, weighted
from fastnet.neural_network.settings import ACTIVATIONS, Settings
from fastnet.neural_network.solvers import Task
from fastnet.neural_network.stochastic import Continuation, DivergenceError
from fastnet.neural_network.warn import callers, warn
from fastnet.utils import arguments
from fastnet.utils.random_state import restored_on_error

_Method = TypeVar("_Method", bound=Callable[..., Any])

_OUTPUTS = {"softmax": "softmax", "sigmoid": "logistic", "linear": "identity", "exp": "exp"}


def is_stochastic(estimator: Any) -> bool:
    """Return True if the solver uses mini-batches. Other solvers do not allow `partial_fit`.

    Raises
    ------
    AttributeError
        If the solver does not use mini-batches.
    """
    if estimator.solver not in ("sgd", "adam"):
        raise AttributeError(f"partial_fit is for the solvers 'sgd' and 'adam'; solver is {estimator.solver!r}")
    return True


def for_mini_batches(method: _Method) -> _Method:
    """Decorate a method so that only estimators whose solver uses mini-batches have the method."""
    found: _Method = available_if(is_stochastic)(method)
    return found


class BaseMLP(ClassNamePrefixFeaturesOutMixin, TransformerMixin, CallbackSupportMixin, BaseEstimator, ABC):
    """A network as a scikit-learn estimator. A subclass defines the outputs, the cost and the score."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        # `Settings` checks `hidden_layer_sizes` and `image_shape`, with more detailed messages.
        "hidden_layer_sizes": "no_validation",
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "image_shape": "no_validation",
        "engine": [StrOptions(set(ENGINES))],
        "keep_if_interrupted": ["boolean"],
    }

    _continuation: Continuation | None = None
    _since_improvement: int = 0
    _pickles_continuation: bool = False

    # What a subclass defines

    @abstractmethod
    def _cost(self, n_out: int) -> BuiltIn:
        """Return the cost of a network with `n_out` outputs."""

    @abstractmethod
    def _targets(self, y: Any, anew: bool, incremental: bool) -> np.ndarray:
        """Return the desired outputs, one sample per row, given the targets that `validate_data` has returned."""

    @abstractmethod
    def _decoded(self, outputs: np.ndarray) -> np.ndarray:
        """Convert outputs of the network to labels or numbers."""

    @abstractmethod
    def _score_of(self, y: np.ndarray, predicted: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """Return the score of predictions."""

    def _class_weights(self, targets: np.ndarray, incremental: bool) -> np.ndarray | None:
        """Return the weight of each class, given the desired outputs; None if all weights are 1."""
        return None

    def _warnings_of(self, engine: Engine, data: Dataset, chosen: np.ndarray) -> list[Warning]:
        """Return warnings about a trained network's predictions for the training samples, rows `chosen` of `data`."""
        return []

    # Fitting

    def _fit(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any] = (None, None, None),
        incremental: bool = False,
    ) -> Any:
        """Train on all samples once if `incremental` is True, otherwise until the solver stops."""
        self._check_parameters(incremental)
        if validation[0] is None and not (validation[1] is validation[2] is None):
            raise ValueError("y_val or sample_weight_val is given, but X_val is not; give X_val and y_val")
        if validation[0] is not None and (not self.early_stopping or self.solver == "lbfgs"):
            why = "solver is 'lbfgs'" if self.early_stopping else "early_stopping is False"
            raise ValueError(f"X_val is given, but {why}; use early_stopping=True with solver='adam' or 'sgd'")
        random = check_random_state(self.random_state)
        anew = not self.__sklearn_is_fitted__() or not (self.warm_start or incremental)
        before = self._continuation if incremental and not anew else None
        with all_or_nothing(self), restored_on_error(random, unless=DivergenceError):  # another attempt draws anew
            inputs, targets, weights = self._validated(X, y, sample_weight, anew, incremental)
            class_weights = self._class_weights(targets, incremental)
            self.n_outputs_ = targets.shape[1]
            dtype = inputs.dtype if anew else parameters.dtype_of(self)
            settings = Settings.of(self, self._cost(targets.shape[1]), dtype)
            weights, alpha = scaled(weighted(weights, class_weights, targets), settings.alpha, dtype)
            settings = replace(settings, alpha=alpha)
            own = None if validation[0] is None else self._validation_set(*validation, class_weights)
            network = self._initial(settings, targets.shape[1], random) if anew else self._present(settings)
            self._scale = self._warn_of_scale(inputs, anew)
            callbacks = Callbacks(self, X, y, lambda found: self._fitted(network[0], found))
            if not incremental:
                callbacks.begin(self.max_iter)
            task = Task(self, settings, *network, inputs, targets, weights, own, random, callbacks, incremental, before)
            with settings.threads():
                due = solvers.fit_lbfgs(task) if settings.solver == "lbfgs" else solvers.fit_stochastic(task)
        for each in due:
            warn(str(each), type(each))
        return self

    def _check_parameters(self, incremental: bool) -> None:
        """Raise an error if a parameter is invalid; if `incremental`, also if it is incompatible with `partial_fit`."""
        self._validate_params()
        for name, constraints in self._parameter_constraints.items():
            if any(isinstance(each, Interval) and each.type is Real for each in constraints):
                value = getattr(self, name)
                if isinstance(value, Integral):
                    arguments.number_from_zero(abs(value), name)  # an integer may be too large for a float
        if incremental and self.early_stopping:
            raise ValueError(
                "early_stopping is True; partial_fit does not see all samples, and cannot reserve validation samples: "
                "use early_stopping=False"
            )

    def _validated(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        anew: bool,
        incremental: bool,
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:  # fmt: skip
        """Return inputs, desired outputs and sample weights, or raise an error if they are invalid."""
        refuse_masked(X, "X")
        refuse_masked(y, "y")
        refuse_masked(sample_weight, "sample_weight")
        inputs, checked = validate_data(
            self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=(np.float64, np.float32), reset=anew,
            **self._of_targets(),
        )  # fmt: skip
        if is_sparse(inputs):
            inputs = inputs.tocsr()
        weights = (
            None if sample_weight is None else _check_sample_weight(sample_weight, inputs, ensure_non_negative=True)
        )
        targets = self._targets(checked, anew, incremental)
        return inputs, targets, weights

    def _of_targets(self) -> dict[str, Any]:
        """Return the arguments of `validate_data` that concern the targets."""
        return {}

    def _warn_of_scale(self, inputs: Any, anew: bool) -> str:
        """Return a note if inputs are far from unit scale, otherwise an empty string.

        If the network is new, such inputs also cause a warning.
        """
        numbers = inputs.data if is_sparse(inputs) else inputs
        if not numbers.size:
            return ""
        extremes = float(numbers.min()), float(numbers.max())
        scale = diagnostics.scale_of(extremes, numbers)
        if anew:
            diagnostics.warn_of_scale(scale, callers())
        return scale

    def _validation_set(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        class_weights: np.ndarray | None,
    ) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """Check and return the validation samples that were given to `fit`."""
        if y is None:
            raise ValueError("X_val is given, but y_val is not; give both")
        with _naming_arguments("X_val and y_val"):
            inputs, targets, weights = self._validated(X, y, sample_weight, False, True)
            return inputs, targets, scaled(weighted(weights, class_weights, targets))[0]

    def _initial(
        self, settings: Settings, n_out: int, random: np.random.RandomState
    ) -> tuple[Architecture, Parameters]:
        """Return the architecture, and initial arrays drawn as scikit-learn draws them."""
        architecture = settings.architecture(self.n_features_in_, n_out)
        weighted = [layer for layer in architecture.layers[:-1] if isinstance(layer, (Convolution, Dense))]
        # As in scikit-learn, the hidden activation also determines the initial weights of the output layer.
        activations = [*(layer.activation for layer in weighted), settings.activation]
        drawn = initialization.glorot(architecture.weight_shapes, activations, random)
        for name in solvers.RECORDED:
            self.__dict__.pop(name, None)
        self.t_, self._since_improvement, self._continuation = 0, 0, None
        return architecture, architecture.parameters(*drawn)

    def _present(self, settings: Settings) -> tuple[Architecture, Parameters]:
        """Return the architecture and the arrays of the fitted network, whose training is continued."""
        architecture, found = parameters.checked(self, settings)
        hidden = architecture.sizes[1:-1]
        if settings.has_sizes_only and hidden != settings.hidden:
            raise ValueError(f"hidden_layer_sizes is {self.hidden_layer_sizes!r}, but the fitted network has {hidden}")
        return architecture, found

    _stratifies: ClassVar[bool] = False
    """Whether the validation split is stratified in binary classification, as in scikit-learn."""

    def _fitted(self, architecture: Architecture, found: Parameters) -> dict[str, Any]:
        """Return the attributes of an estimator whose network has the arrays `found`."""
        attributes = parameters.attributes(architecture, found)
        return attributes | {
            "n_layers_": len(attributes["coefs_"]) + 1,
            "n_outputs_": architecture.n_out,
            "out_activation_": _OUTPUTS[architecture.outputs.activation],
        }

    def _report(self, line: str) -> None:
        if self.verbose:
            print(line)

    # Predicting

    def _inputs(self, X: Any) -> Any:  # noqa: N803
        """Check the samples with which to predict, and return them as an array or a SciPy sparse matrix."""
        check_is_fitted(self)
        refuse_masked(X, "X")
        return validate_data(self, X, accept_sparse=["csr", "csc"], dtype=(np.float64, np.float32), reset=False)

    def _outputs(self, X: Any) -> np.ndarray:  # noqa: N803
        """Check a user's samples, and return the network's outputs."""
        inputs = self._inputs(X)
        return cached_engines(self).outputs(inputs)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Predict the labels or numbers of samples.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.

        Returns
        -------
        ndarray, shape (n_samples,) or (n_samples, n_outputs)

        Raises
        ------
        TypeError, ValueError
            If the inputs, a parameter or a fitted attribute has a wrong type or value. If the inputs or `coefs_` are so
            large that an output of the network is NaN.
        """
        return self._decoded(self._outputs(X))

    def transform(self, X: Any, layer: int = -1) -> np.ndarray:  # noqa: N803 - scikit-learn's name
        """Return the activations of a hidden layer, as features that the network has learnt.

        Parameters
        ----------
        X : array_like or SciPy sparse matrix or array, shape (n_samples, n_features)
            The inputs.
        layer : int, optional
            Index of the hidden layer in `hidden_layer_sizes`; by default, the last hidden layer.

        Returns
        -------
        ndarray of float32 or float64, shape (n_samples, number of activations)

        Raises
        ------
        TypeError, ValueError
            If the inputs, a parameter or a fitted attribute has a wrong type or value. If `layer` is not the index of a
            hidden layer, or if `layer` is not -1 and `set_output` asks for a table.
        """
        inputs = self._inputs(X)
        if layer != -1 and _get_output_config("transform", self)["dense"] != "default":
            raise ValueError(
                f"layer is {layer}, but set_output asks for a table, whose columns are those of the last hidden layer; "
                "use layer=-1, or set_output(transform='default')"
            )
        return cached_engines(self).hidden_activations(inputs, layer).astype(inputs.dtype, copy=False)

    def to_sklearn(self) -> Any:
        """Return a fitted estimator of scikit-learn with this network.

        Programs such as skl2onnx, which read estimators of scikit-learn, can read the result.

        Raises
        ------
        ValueError
            If scikit-learn's estimator cannot compute the network, because of its layers or its activation function.
        """
        check_is_fitted(self)
        return parameters.to_sklearn(self)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    @property
    def _n_features_out(self) -> int:
        """Number of activations that `transform` returns by default."""
        return parameters.number_of_hidden_activations(self)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if not self._pickles_continuation:
            state.pop("_continuation", None)
        return state


@contextlib.contextmanager
def all_or_nothing(estimator: BaseMLP) -> Iterator[None]:
    """Restore an estimator's attributes if an exception leaves the `with` block."""
    attributes = dict(vars(estimator))
    try:
        yield
    except BaseException:  # including `KeyboardInterrupt`
        estimator.__dict__.clear()
        estimator.__dict__.update(attributes)
        raise


@contextlib.contextmanager
def _naming_arguments(names: str) -> Iterator[None]:
    """Put the names of arguments before the message of an error in the `with` block."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{names}: {error}") from None
