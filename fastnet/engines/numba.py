"""Fused kernels, compiled for the machine that they run on: a whole epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from fastnet import progress
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Arrays
from fastnet.kernels import choice, epoch, layout, threads
from fastnet.kernels.compiler import announced
from fastnet.kernels.inputs import Matrix, Rows, inputs_of

_SAMPLES_AT_A_TIME = 1024  # when feeding forward only: bounds the memory that it takes


class Engine(contract.Engine):
    """Parameters and data in panels (see `kernels.layout`), and the kernels."""

    calls_no_cost_derivative = "engine 'numba' is compiled and cannot call"

    @cached_property
    def _layout(self) -> layout.Layout:
        return layout.layout_of(self.architecture.sizes, self.architecture.dtype)

    def _lay_out(self, data: Dataset) -> None:
        dtype = self.architecture.dtype
        with announced(progress.compiling):
            self._inputs = self._laid_out(data)
            self._targets = data.derived(("targets", dtype), lambda: layout.padded_rows(data.targets, dtype))
            # Nothing is computed here, only compiled, so that no epoch's time includes it.
            self.epoch(np.empty(0, np.int64), 1, 0.0)

    def _epoch(self, data: Dataset, order: np.ndarray, mini_batch_size: int, eta: float) -> None:
        self._descend(self._inputs, self._targets, order, mini_batch_size, eta, self._parameters)

    def gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        dtype = self.architecture.dtype
        nabla = layout.zeros(self._layout)
        with announced(progress.compiling):
            x, y = inputs_of(inputs, dtype), layout.padded_rows(targets, dtype)
            self._descend(x, y, np.arange(len(inputs)), len(inputs), -1.0, nabla)
        nabla_w, nabla_b = layout.to_book(self._layout, nabla)
        return nabla_b, nabla_w

    def outputs(self, inputs: np.ndarray | Dataset) -> np.ndarray:
        if not isinstance(inputs, Dataset):
            return super().outputs(inputs)
        with announced(progress.compiling):
            return self._feed_forward(self._laid_out(inputs), len(inputs))

    def _outputs(self, inputs: np.ndarray) -> np.ndarray:
        with announced(progress.compiling):
            return self._feed_forward(inputs_of(inputs, self.architecture.dtype), len(inputs))

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        self._parameters = layout.from_book(self._layout, weights, biases)

    def parameters(self) -> tuple[Arrays, Arrays]:
        return layout.to_book(self._layout, self._parameters)

    def _descend(
        self,
        inputs: Matrix | Rows,
        targets: np.ndarray,
        order: np.ndarray,
        mini_batch_size: int,
        eta: float,
        sums: layout.Parameters,
    ) -> None:
        """Run the kernel over an order, in as many threads as pay."""
        most = min(mini_batch_size, len(order))
        parameters, workspace = self._parameters, layout.workspace(self._layout, most)

        def descend(share: threads.Share) -> None:
            epoch.epoch(
                inputs, targets, order, mini_batch_size, eta, self._layout, parameters, sums, workspace, share, True
            )

        threads.run(descend, self._threads(inputs, most, layout.panels(self._layout)))

    def _threads(self, inputs: Matrix | Rows, samples: int, parts: int) -> int:
        """Return in how many threads to compute so many samples at a time, in so many parts."""
        _, *sizes = self.architecture.sizes
        of_inputs = len(inputs.values) / max(inputs.samples, 1) * sizes[0]
        of_layers_above = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
        return choice.threads(samples * (of_inputs + of_layers_above), parts, threads.available())

    def _feed_forward(self, inputs: Matrix | Rows, n: int) -> np.ndarray:
        """Return the outputs for all n samples; threads divide them, and each computes alone."""
        result = np.empty((n, self.architecture.sizes[-1]), self.architecture.dtype)
        starts = range(0, n, _SAMPLES_AT_A_TIME)
        most = min(n, _SAMPLES_AT_A_TIME)
        own, parameters, targets = self._layout, self._parameters, layout.aligned_zeros(0, self.architecture.dtype)

        def feed_forward(share: threads.Share) -> None:
            workspace, alone = layout.workspace(own, most), threads.Share(0, 1, share.arrivals)
            for start in starts[share.thread :: share.threads]:
                samples = np.arange(start, min(start + most, n))
                epoch.epoch(inputs, targets, samples, most, 0.0, own, parameters, parameters, workspace, alone, False)
                outputs = workspace.activations[len(samples) * own.units[-2] :]
                layout.from_panels(outputs, result[start : start + most])

        threads.run(feed_forward, self._threads(inputs, most, max(len(starts), 1)))
        return result

    def _laid_out(self, data: Dataset) -> Matrix | Rows:
        dtype = self.architecture.dtype
        return data.derived(("inputs", dtype), lambda: inputs_of(data.inputs, dtype))
