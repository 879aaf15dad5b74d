"""The compiled engine: a whole epoch in one kernel (see `fastnet.kernels`).

The same seed gives the same bits on the same machine, whatever the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Arrays, Pass, Receiver
from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost, OwnCost, QuadraticCost
from fastnet.kernels import choice, epoch, layout, threads
from fastnet.kernels.activations import ReLU, Sigmoid, Tanh
from fastnet.kernels.compiler import announced
from fastnet.kernels.costs import CrossEntropy, LogLikelihood, Quadratic
from fastnet.kernels.inputs import Matrix, Rows, inputs_of, rows_of
from fastnet.utils import progress
from fastnet.utils.interruption import heard_afterwards

_ACTIVATIONS = {"sigmoid": Sigmoid(), "tanh": Tanh(), "relu": ReLU()}
_COSTS = {QuadraticCost: Quadratic(), CrossEntropyCost: CrossEntropy(), LogLikelihoodCost: LogLikelihood()}
_GRADIENT = epoch.Descent(-1.0, 1.0, False, 0.0, 0.0, 0.0, 1.0)
_SMALLEST_SHRINKAGE = 0.5  # in one mini-batch; what shrinks more is multiplied at once
_SAMPLES_AT_A_TIME = 2048  # when feeding forward only: bounds the memory that it takes


class Engine(contract.Engine):
    """Parameters and data in panels (see `kernels.layout`), and the kernels."""

    calls_no_function = "engine 'numba' is compiled and cannot call"

    @cached_property
    def _layout(self) -> layout.Layout:
        return layout.layout_of(self.architecture.sizes, self.architecture.dtype)

    @cached_property
    def _formulas(self) -> epoch.Formulas:
        cost = self.architecture.cost
        # One of the user's can only be fed forward for, and that is the same with all costs.
        own = isinstance(cost, OwnCost)
        return epoch.Formulas(_ACTIVATIONS[self.architecture.activation], Quadratic() if own else _COSTS[cost])

    @cached_property
    def _velocity(self) -> layout.Parameters:
        return layout.zeros(self._layout)

    @cached_property
    def _nothing(self) -> np.ndarray:
        return layout.aligned_zeros(0, self.architecture.dtype)

    def _lay_out(self, data: Dataset) -> None:
        dtype = self.architecture.dtype
        # Ctrl-C while code is loaded or compiled may come in what takes LLVM's objects away, and be lost there.
        with heard_afterwards(), announced(progress.compiling):
            self._inputs = self._laid_out(data)
            self._targets = data.derived(("targets", dtype), lambda: layout.padded_rows(data.targets, dtype))
            # Nothing is computed here, only compiled, so that no epoch's time includes it.
            self.epoch(np.empty(0, np.int64), 1, 0.0)

    def _epoch(self, work: Pass) -> None:
        descent, eta = work.descent, work.eta
        shrink = 1 - eta * descent.l2
        with_velocity = bool(descent.momentum or descent.l1 or shrink < _SMALLEST_SHRINKAGE)
        factors = work.factors(self.architecture.dtype)
        rows = self._nothing if factors is None else layout.hidden_rows(self._layout, factors)
        compiled = epoch.Descent(
            eta,
            1.0 if with_velocity else shrink,
            with_velocity,
            descent.momentum,
            eta * descent.l2,
            eta * descent.l1,
            1 - descent.dropout,
        )
        if with_velocity and self._parameters.scale[0] != 1:  # a velocity is that of the weights themselves
            self.set_parameters(*self.parameters())
        sums = self._velocity if with_velocity else self._parameters
        self._descend(self._inputs, self._targets, rows, work.order, work.mini_batch_size, compiled, sums)

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> tuple[Arrays, Arrays]:
        dtype = self.architecture.dtype
        nabla = layout.zeros(self._layout)
        with announced(progress.compiling):
            x, y = inputs_of(inputs, dtype), layout.padded_rows(targets, dtype)
            self._descend(x, y, self._nothing, np.arange(len(inputs)), len(inputs), _GRADIENT, nabla)
        nabla_w, nabla_b = layout.to_book(self._layout, nabla)
        return nabla_b, nabla_w

    def set_parameters(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> None:
        self._parameters = layout.from_book(self._layout, weights, biases)

    def parameters(self) -> tuple[Arrays, Arrays]:
        return layout.to_book(self._layout, self._parameters)

    def squares(self) -> float:
        weights, scale = self._parameters.weights, float(self._parameters.scale[0])  # zero where there are no neurons
        return scale**2 * float(np.vdot(weights, weights))

    def _velocities(self) -> tuple[Arrays, Arrays] | None:
        return layout.to_book(self._layout, self._velocity) if "_velocity" in vars(self) else None

    def _set_velocities(self, weights: Arrays, biases: Arrays) -> None:
        self._velocity = layout.from_book(self._layout, weights, biases)

    def _descend(
        self,
        inputs: Matrix | Rows,
        targets: np.ndarray,
        kept: np.ndarray,
        order: np.ndarray,
        mini_batch_size: int,
        descent: epoch.Descent,
        sums: layout.Parameters,
    ) -> None:
        """Run the kernel over an order, in as many threads as pay."""
        most = min(mini_batch_size, len(order))
        own, parameters, workspace = self._layout, self._parameters, layout.workspace(self._layout, most)

        def descend(share: threads.Share) -> None:
            epoch.epoch(
                inputs, targets, kept, order, mini_batch_size,
                self._formulas, descent, own, parameters, sums, workspace, share, True,
            )  # fmt: skip

        threads.run(descend, self._threads(inputs, most, layout.panels(own)))

    def _threads(self, inputs: Matrix | Rows, samples: int, parts: int) -> int:
        """Return in how many threads to compute so many samples at a time, in so many parts."""
        _, *sizes = self.architecture.sizes
        of_inputs = len(inputs.values) / max(inputs.samples, 1) * sizes[0]
        of_layers_above = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
        return choice.threads(samples * (of_inputs + of_layers_above), parts, threads.available())

    def _feed_forward(self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver) -> None:
        """Feed forward in threads, which divide the samples: each computes alone, and hands over what it has."""
        with announced(progress.compiling):
            x = self._laid_out(inputs) if isinstance(inputs, Dataset) else _lay_out(inputs, self.architecture.dtype)
            n = len(inputs)
            starts = range(0, n, _SAMPLES_AT_A_TIME)
            most = min(n, _SAMPLES_AT_A_TIME)
            own, parameters, n_out, nothing = self._layout, self._parameters, self.architecture.sizes[-1], self._nothing

            def feed_forward(share: threads.Share) -> None:
                workspace, alone = layout.workspace(own, most), threads.Share(0, 1, share.arrivals)
                for start in starts[share.thread :: share.threads]:
                    part = slice(start, min(start + most, n))
                    samples = np.arange(part.start, part.stop)
                    epoch.epoch(
                        x, nothing, nothing, samples, most,
                        self._formulas, _GRADIENT, own, parameters, parameters, workspace, alone, False,
                    )  # fmt: skip
                    z = np.empty((len(samples), n_out), self.architecture.dtype)
                    layout.from_panels(workspace.activations[len(samples) * own.units[-2] :], z)
                    receive(part, z)

            threads.run(feed_forward, self._threads(x, most, max(len(starts), 1)))

    def _laid_out(self, data: Dataset) -> Matrix | Rows:
        dtype = self.architecture.dtype
        return data.derived(("inputs", dtype), lambda: _lay_out(data.rows, dtype))


def _lay_out(inputs: np.ndarray | SparseInputs, dtype: np.dtype) -> Matrix | Rows:
    if isinstance(inputs, SparseInputs):
        return rows_of(*inputs.arrays, inputs.shape[1], dtype)
    return inputs_of(inputs, dtype)
