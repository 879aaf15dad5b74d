"""Base class of the engines `reference` and `numpy`: parameters in the book's shapes, and the optimizer's step."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Factors, MiniBatch, Pass, Receiver, Totals
from fastnet.formulas.activations import ACTIVATIONS, LINEAR, Activation
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.optimizers import Optimizer
from fastnet.formulas.regularization import bounded, decayed


class ArrayEngine(contract.Engine):
    """An engine whose parameters are arrays in the book's shapes."""

    samples_at_a_time: int
    """Largest number of samples that are fed forward together; bounds the memory."""

    def set_parameters(self, parameters: Parameters) -> None:
        self._parameters = _copied(parameters, self.architecture.dtype)

    def parameters(self) -> Parameters:
        return _copied(self._parameters, self.architecture.dtype)

    def _copied_optimizer_state(self) -> dict[str, Parameters]:
        return {name: _copied(each, self.architecture.dtype) for name, each in self._optimizer_state.items()}

    def _set_optimizer_state(self, state: dict[str, Parameters]) -> None:
        self._optimizer_state = {name: _copied(each, self.architecture.dtype) for name, each in state.items()}

    @cached_property
    def _optimizer_state(self) -> dict[str, Parameters]:
        return {}

    @cached_property
    def _no_factors(self) -> Factors:
        return [None] * len(self.architecture.layers)

    @cached_property
    def _activations(self) -> list[Activation]:
        """Activation functions of the layers; linear for the last, whose function `architecture.outputs` applies."""
        *hidden, _ = self.architecture.activations
        return [*(ACTIVATIONS[str(name)] for name in hidden), LINEAR]

    def _epoch(self, work: Pass) -> Totals:
        costs, squares = np.zeros(len(work.starts)), np.zeros(len(work.starts))
        for i, mini_batch in enumerate(work.mini_batches()):
            gradient, z = self._backpropagate(mini_batch, keep_statistics=True)
            if work.with_costs:
                costs[i] = self._cost(mini_batch, z)
                squares[i] = self.squares() if work.with_penalty else 0.0
            self._step(gradient, work, work.steps + i + 1, mini_batch.decay)
        return work.totals(costs, squares) if work.with_costs else Totals()

    def _cost(self, mini_batch: MiniBatch, z: np.ndarray) -> float:
        """Return the sum of the samples' costs, weighted by the sample weights, given z of the output layer."""
        losses = self.architecture.outputs.losses(z, self._typed(mini_batch.targets))
        return float(np.sum(losses if mini_batch.sample_weights is None else losses * mini_batch.sample_weights))

    def _step(self, gradient: Parameters, work: Pass, step: int, decay: float) -> None:
        """Update the parameters with the optimizer and regularization."""
        descent = work.descent
        optimizer_state = self._state_of(descent.optimizer)
        for i, (parameters, gradients) in enumerate(zip(self._parameters, gradient, strict=True)):
            for name, g in gradients.items():
                if name == "weights":
                    g = decayed(g, parameters[name], decay * descent.l2, decay * descent.l1)
                state = {each: optimizer_state[each][i][name] for each in descent.optimizer.state_names}
                parameters[name] += descent.optimizer.change(g, state, work.eta, step)
            if descent.max_norm and "weights" in parameters:
                parameters["weights"] = bounded(parameters["weights"], descent.max_norm)

    def _state_of(self, optimizer: Optimizer) -> dict[str, Parameters]:
        """Return the state of an optimizer: zeros before its first step."""
        dtype, shapes = self.architecture.dtype, self.architecture.trained
        for name in optimizer.state_names:
            if name not in self._optimizer_state:
                self._optimizer_state[name] = [{key: np.zeros(each[key], dtype) for key in each} for each in shapes]
        return self._optimizer_state

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        mini_batch = MiniBatch(inputs, targets, None, self._no_factors, len(inputs))
        return self._backpropagate(mini_batch, keep_statistics=False)[0]

    def _cost_and_gradients(self, data: Dataset) -> tuple[float, Parameters]:
        cost = 0.0
        whole: Parameters = [{name: np.zeros(shapes[name]) for name in shapes} for shapes in self.architecture.trained]
        most = contract.samples_at_a_time(self.architecture, self.samples_at_a_time)
        for part in contract.parts(data.rows, most):
            weights = None if self._sample_weights is None else self._sample_weights[part]
            mini_batch = MiniBatch(data.rows[part], data.targets[part], weights, self._no_factors, 1.0)
            gradient, z = self._backpropagate(mini_batch, keep_statistics=False)
            cost += self._cost(mini_batch, z)
            for sums, added in zip(whole, gradient, strict=True):
                for name, array in added.items():
                    sums[name] += array
        return cost, whole

    @abstractmethod
    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        """Return the gradient of the sum of the samples' costs / `mini_batch.divisor`, and z of the output layer.

        The costs are weighted by the sample weights. z has one sample per row. With `keep_statistics`, batch
        normalization updates its running statistics.
        """

    def _feed_forward(
        self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver, desired: Dataset | None = None
    ) -> None:
        rows = inputs.rows if isinstance(inputs, Dataset) else inputs
        most = contract.samples_at_a_time(self.architecture, self.samples_at_a_time)
        for part in contract.parts(rows, most):
            receive(part, self._outputs(self._typed(rows[part])), None)

    @abstractmethod
    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Feed samples forward without training; return z of the output layer. Inputs and z have one sample per row."""

    def _typed(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(self.architecture.dtype, copy=False)


def _copied(parameters: Parameters, dtype: np.dtype) -> Parameters:
    return [{name: np.array(array, dtype) for name, array in layer.items()} for layer in parameters]
