"""Fused kernels, compiled for the machine that they run on: a whole epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fastnet import progress
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Architecture, Arrays
from fastnet.kernels import choice, epoch, layout, threads
from fastnet.kernels.compiler import announced
from fastnet.kernels.inputs import Matrix, Rows, inputs_of

_SAMPLES_AT_A_TIME = 1024  # when feeding forward only: bounds the memory that it takes


class Engine(contract.Engine):
    """Parameters and data in panels (see `kernels.layout`), and the kernels.

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
        self._layout = layout.layout_of(architecture.sizes, architecture.dtype)
        super().__init__(architecture, weights, biases, data)
        dtype = architecture.dtype
        if data is not None:
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
        workspace = self._workspace(most)

        def descend(share: threads.Share) -> None:
            self._run(inputs, targets, order, mini_batch_size, eta, sums, workspace, share)

        threads.run(descend, self._threads(inputs, most, layout.panels(self._layout)))

    def _run(
        self,
        inputs: Matrix | Rows,
        targets: np.ndarray,
        order: np.ndarray,
        mini_batch_size: int,
        eta: float,
        sums: layout.Parameters,
        workspace: layout.Workspace,
        share: threads.Share,
        training: bool = True,
    ) -> None:
        """Call the kernel: see there."""
        parameters = self._parameters
        epoch.epoch(
            inputs, targets, order, mini_batch_size, eta, self._layout, parameters, sums, workspace, share, training
        )

    def _threads(self, inputs: Matrix | Rows, samples: int, parts: int) -> int:
        """Return in how many threads to compute so many samples at a time, in so many parts."""
        _, *sizes = self.architecture.sizes
        of_inputs = len(inputs.values) / max(inputs.samples, 1) * sizes[0]
        of_layers_above = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
        return choice.threads(samples * (of_inputs + of_layers_above), parts, threads.available())

    def _workspace(self, samples: int) -> layout.Workspace:
        return layout.workspace(self._layout, samples)

    def _feed_forward(self, inputs: Matrix | Rows, n: int) -> np.ndarray:
        """Return the outputs for the first n samples."""
        result = np.empty((n, self.architecture.sizes[-1]), self.architecture.dtype)
        starts = range(0, max(n, 1), _SAMPLES_AT_A_TIME)
        most = min(n, _SAMPLES_AT_A_TIME)
        no_targets = layout.aligned_zeros(0, self.architecture.dtype)

        def feed_forward(share: threads.Share) -> None:
            workspace = self._workspace(most)
            for start in starts[share.thread :: share.threads]:
                samples = np.arange(start, min(start + most, n))
                alone = threads.Share(0, 1, share.arrivals)
                self._run(inputs, no_targets, samples, most, 0.0, self._parameters, workspace, alone, training=False)
                outputs = workspace.activations[len(samples) * self._layout.units[-2] :]
                layout.from_panels(outputs, result[start : start + most])

        threads.run(feed_forward, self._threads(inputs, most, len(starts)))
        return result

    def _laid_out(self, data: Dataset) -> Matrix | Rows:
        dtype = self.architecture.dtype
        return data.derived(("inputs", dtype), lambda: inputs_of(data.inputs, dtype))
