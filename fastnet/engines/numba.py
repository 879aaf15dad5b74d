"""Fused kernels, compiled for the machine that they run on: a whole epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnet import progress
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Architecture, Arrays
from fastnet.kernels import epoch, layout
from fastnet.kernels.compiler import announced
from fastnet.kernels.rows import rows_of


class Engine(contract.Engine):
    """Inputs without their zeros, weights transposed and padded, and the kernels.

    Raises
    ------
    ValueError
        If the architecture has a cost derivative of the user's, which compiled code cannot call.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Sequence[np.ndarray],
        biases: Sequence[np.ndarray],
        data: Dataset | None = None,
    ) -> None:
        if architecture.cost_derivative is not None:
            raise ValueError(
                "engine 'numba' is compiled and cannot call a cost_derivative of your own; "
                "engine='numpy' and engine='reference' can"
            )
        self._layout = layout.layout_of(architecture.sizes)
        super().__init__(architecture, weights, biases, data)
        if data is not None:
            with announced(progress.compiling):
                self._rows = rows_of(data.inputs, architecture.dtype)
                self._targets = data.targets.astype(architecture.dtype)
                # Nothing is computed here, only compiled, so that no epoch's time includes it.
                self.epoch(np.empty(0, np.int64), 1, 0.0)
                epoch.outputs(self._rows, self._layout, self._parameters, self._targets[:0])

    def _epoch(self, data: Dataset, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        epoch.epoch(self._rows, self._targets, order, mini_batch_size, eta, self._layout, self._parameters)

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        dtype = self.architecture.dtype
        nabla = layout.zeros(self._layout, dtype)
        with announced(progress.compiling):
            rows = rows_of(np.ascontiguousarray(inputs), dtype)
            epoch.gradients(rows, targets.astype(dtype), self._layout, self._parameters, nabla)
        nabla_w, nabla_b = layout.to_book(self._layout, nabla)
        return nabla_b, nabla_w

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        result = np.empty((len(inputs), self.architecture.sizes[-1]), self.architecture.dtype)
        with announced(progress.compiling):
            rows = rows_of(np.ascontiguousarray(inputs), self.architecture.dtype)
            epoch.outputs(rows, self._layout, self._parameters, result)
        return result

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        self._parameters = layout.from_book(self._layout, self.architecture.dtype, weights, biases)

    def parameters(self) -> tuple[Arrays, Arrays]:
        return layout.to_book(self._layout, self._parameters)
