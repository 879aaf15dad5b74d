"""What the engines `reference` and `numpy` share: parameters in the book's shapes, and the optimizer's step."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Factors, MiniBatch, Pass, Receiver
from fastnet.formulas.activations import ACTIVATIONS, LINEAR, Activation
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.optimizers import Optimizer
from fastnet.formulas.regularization import bounded, decayed


class ArrayEngine(contract.Engine):
    """An engine whose parameters are arrays in the book's shapes."""

    samples_at_a_time: int
    """Number of samples that are fed forward together: bounds the memory that it takes."""

    def set_parameters(self, parameters: Parameters) -> None:
        self._parameters = _copied(parameters, self.architecture.dtype)

    def parameters(self) -> Parameters:
        return _copied(self._parameters, self.architecture.dtype)

    def _memory_copied(self) -> dict[str, Parameters]:
        return {name: _copied(each, self.architecture.dtype) for name, each in self._memory.items()}

    def _set_memory(self, memory: dict[str, Parameters]) -> None:
        self._memory = {name: _copied(each, self.architecture.dtype) for name, each in memory.items()}

    @cached_property
    def _memory(self) -> dict[str, Parameters]:
        return {}

    @cached_property
    def _no_factors(self) -> Factors:
        return [None] * len(self.architecture.layers)

    @cached_property
    def _activations(self) -> list[Activation]:
        """The functions behind the layers; none behind the last, whose function belongs to the cost."""
        *hidden, _ = self.architecture.activations
        return [*(ACTIVATIONS[str(name)] for name in hidden), LINEAR]

    def _epoch(self, work: Pass) -> float:
        total = 0.0
        for step, mini_batch in enumerate(work.mini_batches(), work.steps + 1):
            gradient, z = self._backpropagate(mini_batch, keep_statistics=True)
            if work.with_costs:
                losses = self.architecture.outputs.losses(z, self._typed(mini_batch.targets))
                weights = 1 if mini_batch.sample_weights is None else mini_batch.sample_weights
                total += float(np.sum(losses * weights))
            self._step(gradient, work, step)
        return total

    def _step(self, gradient: Parameters, work: Pass, step: int) -> None:
        """Change the parameters, as the optimizer and regularization say."""
        descent = work.descent
        memory = self._memory_of(descent.optimizer)
        for i, (parameters, gradients) in enumerate(zip(self._parameters, gradient, strict=True)):
            for name, g in gradients.items():
                if name == "weights":
                    g = decayed(g, parameters[name], descent.l2, descent.l1)
                remembered = {each: memory[each][i][name] for each in descent.optimizer.remembers}
                parameters[name] += descent.optimizer.change(g, remembered, work.eta, step)
            if descent.max_norm and "weights" in parameters:
                parameters["weights"] = bounded(parameters["weights"], descent.max_norm)

    def _memory_of(self, optimizer: Optimizer) -> dict[str, Parameters]:
        """Return what an optimizer remembers: zeros before its first step."""
        dtype, shapes = self.architecture.dtype, self.architecture.trained
        for name in optimizer.remembers:
            if name not in self._memory:
                self._memory[name] = [{key: np.zeros(each[key], dtype) for key in each} for each in shapes]
        return self._memory

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        return self._backpropagate(MiniBatch(inputs, targets, None, self._no_factors), keep_statistics=False)[0]

    @abstractmethod
    def _backpropagate(self, mini_batch: MiniBatch, *, keep_statistics: bool) -> tuple[Parameters, np.ndarray]:
        """Return the gradient of the mean cost over the samples, and the z of the outputs, one sample a row.

        With `keep_statistics`, batch normalization updates its running means.
        """

    def _feed_forward(self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver) -> None:
        rows = inputs.rows if isinstance(inputs, Dataset) else inputs
        most = contract.samples_at_a_time(self.architecture, self.samples_at_a_time)
        for part in contract.parts(rows, most):
            receive(part, self._outputs(self._typed(rows[part])))

    @abstractmethod
    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return the z of the outputs of the trained network; both have one sample a row."""

    def _typed(self, rows: np.ndarray) -> np.ndarray:
        return rows.astype(self.architecture.dtype, copy=False)


def _copied(parameters: Parameters, dtype: np.dtype) -> Parameters:
    return [{name: np.array(array, dtype) for name, array in layer.items()} for layer in parameters]
