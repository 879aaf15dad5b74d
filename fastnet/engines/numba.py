"""The compiled engine: one kernel computes a whole epoch (see `fastnet.kernels`).

On the same machine, the same seed gives bit-identical results with any number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines import contract
from fastnet.engines.contract import Descent, Pass, Receiver, Totals
from fastnet.formulas.architecture import Parameters
from fastnet.formulas.costs import CustomCost
from fastnet.formulas.optimizers import GradientDescent
from fastnet.kernels import arrays, choice, dense, epoch, images, layout, parallel_compilation, shuffling, threads
from fastnet.kernels.compiler import on_compilation
from fastnet.kernels.inputs import Matrix, Rows, inputs_of, rows_of
from fastnet.kernels.optimizers import BY_NOTHING, BY_NUMBER, BY_WEIGHT, CODES, OptimizerState, Update
from fastnet.kernels.structures import FlatArray, Reference
from fastnet.kernels.workspace import Addresses, Workspace, workspace_of
from fastnet.utils import progress
from fastnet.utils.interruption import deferred_signals

_LARGEST_SHRINKAGE = 0.5  # largest eta * l2 for which weight decay changes the weights' common scale, not each weight
_SAMPLES_AT_A_TIME = 2048  # largest number of samples that are fed forward together
_ACTIVATIONS_AT_A_TIME = 1 << 19  # largest number of activations, in all layers, of samples fed forward together
_GRADIENT = Update(direct=True, error_scale=1.0)
_NOT_WANTED = np.empty(0)
_PLAIN = Descent()


class Engine(contract.Engine):
    """The engine with compiled kernels. `kernels.layout` describes its parameters, and `kernels.inputs` its inputs."""

    calls_no_function = "engine 'numba' is compiled and cannot call"
    _inputs: Matrix | Rows | None = None

    @cached_property
    def _layout(self) -> layout.Layout:
        return layout.layout_of(self.architecture)

    @cached_property
    def _nothing(self) -> np.ndarray:
        return layout.aligned_zeros(0, self.architecture.dtype)

    @cached_property
    def _references(self) -> dict[int, Reference]:
        """References to structures that stay the same from call to call, by the `id` of each structure."""
        return {}

    def _reference(self, structure: tuple[Any, ...]) -> Reference:
        """Return a reference to a structure. The reference is cached for later calls."""
        found = self._references.get(id(structure))
        if found is None:  # the reference keeps the structure alive, so no other structure gets this `id`
            found = self._references[id(structure)] = Reference(structure)
        return found

    @cached_property
    def _of_thread(self) -> threading.local:
        """Thread-local storage for the workspace of each calling thread."""
        return threading.local()

    def _workspace(self, samples: int, threads: int, addresses: Addresses) -> tuple[Workspace, Reference]:
        """Return a workspace, and a reference to it.

        If no layer outputs images, a call with the same arguments as the thread's last call reuses the workspace of
        that call. If a layer outputs images, the workspace is new, because the borders of images have to be zero.
        """
        wanted = samples, threads, addresses
        key, found = getattr(self._of_thread, "workspace", (None, None))
        if found is None or key != wanted:
            workspace = workspace_of(self._layout, samples, threads, addresses)
            found = workspace, Reference(workspace)
            if not addresses.images:
                self._of_thread.workspace = wanted, found
        return found

    @cached_property
    def _sums(self) -> layout.Parameters:
        """Arrays to which gradients are added. The optimizer sets these arrays to zero after each step."""
        return layout.zeros(self._layout)

    @cached_property
    def _optimizer_state(self) -> dict[str, layout.Parameters]:
        """The optimizer's state, by name."""
        return {}

    def _prepare(self, data: Dataset) -> None:
        # Without `deferred_signals`, a destructor of an LLVM object could lose Ctrl-C while code is loaded or compiled.
        waits = "Stopping after the kernels are compiled and stored; press Ctrl-C again to stop immediately"
        with deferred_signals(waits), on_compilation(progress.compiling):
            self._references.clear()  # the references would keep the previous data alive
            self._inputs = self._cached_inputs(data)
            targets = self._flat_targets(data)
            weights = self._nothing if self._sample_weights is None else self._sample_weights
            self._samples = epoch.Samples(
                np.empty(0, np.int64), targets, weights, self._nothing, _NOT_WANTED, _NOT_WANTED
            )
            # Compile before training, so that no epoch's time includes compilation.
            others = shuffling.calls(len(data))
            self._addresses(self._reference(self._inputs), self._reference(self._samples), others)

    def _flat_targets(self, data: Dataset) -> np.ndarray:
        dtype = self.architecture.dtype
        return data.derived(("targets", dtype), lambda: arrays.flat_rows(data.targets, dtype))

    def permutation(self, random: Any, n: int) -> np.ndarray:
        return shuffling.permutation(random, n)

    def _epoch(self, work: Pass) -> Totals:
        losses = np.zeros(len(work.order) if work.with_costs else 0)
        squares = np.zeros(len(work.starts) if work.with_costs and work.with_penalty else 0)
        factors = arrays.hidden_rows(self.architecture, self._layout, work.factors)
        samples, inputs = self._samples._replace(order=work.order, factors=factors), self._inputs
        assert inputs is not None
        samples = samples._replace(losses=losses, squares=squares)
        of_inputs = arrays.input_factors(self.architecture, work.factors)
        if of_inputs is not None:  # the inputs times their dropout factors are stored in the order of the pass
            # All parts of an epoch must have the same class of inputs, because `Matrix` and `Rows` round differently.
            rows = work.data.rows[work.order].astype(self.architecture.dtype, copy=False)
            inputs = self._laid_out(rows * of_inputs, type(inputs))
            samples = self._in_order(samples)
        update = self._update(work.descent, work.eta, work.steps, self._sums_first(work.mini_batch_size))
        sums = self._sums_of(update, work.descent)
        self._descend(inputs, samples, work.mini_batch_size, update, sums, work.descent, self._layout)
        if not (work.with_costs and len(losses)):
            return Totals()
        return work.totals(np.add.reduceat(losses, work.starts), squares if work.with_penalty else np.zeros(1))

    def _in_order(self, samples: epoch.Samples) -> epoch.Samples:
        order, n_out = samples.order, self.architecture.n_out
        targets = samples.targets[: len(samples.targets) // n_out * n_out].reshape(-1, n_out)[order]
        return samples._replace(
            order=np.arange(len(order)),
            targets=arrays.flat_rows(targets, self.architecture.dtype),
            weights=samples.weights[order] if len(samples.weights) else samples.weights,
        )

    def _sums_first(self, mini_batch_size: int) -> bool:
        """Return whether the gradient of a mini-batch has to be summed before the parameters change."""
        if self._samples_at_a_time(mini_batch_size) < mini_batch_size:  # the mini-batch is divided into parts
            return True
        inputs, is_dense = self._inputs, bool(self._layout.kinds[0] == layout.DENSE)
        return is_dense and isinstance(inputs, Rows) and choice.sums_first(min(mini_batch_size, inputs.samples))

    def _update(self, descent: Descent, eta: float, steps: int, sums_first: bool) -> Update:
        """Return the settings of a step as an `Update` for the kernel."""
        optimizer, shrinkage = descent.optimizer, eta * descent.l2
        plain = isinstance(optimizer, GradientDescent) and not optimizer.momentum
        varying = descent.weighted_mean and self._sample_weights is not None and descent.l2
        alone = not (descent.l1 or descent.max_norm or varying or shrinkage > _LARGEST_SHRINKAGE)
        direct = plain and alone and not sums_first
        scale = -eta if isinstance(optimizer, GradientDescent) else 1.0
        return Update(
            direct=direct,
            error_scale=scale,
            shrinkage=shrinkage if direct else 0.0,
            l2=scale * descent.l2,
            l1=scale * descent.l1,
            divisor=BY_WEIGHT if descent.weighted_mean else BY_NUMBER,
            max_norm=descent.max_norm,
            optimizer=CODES[optimizer.name],
            eta=eta,
            steps=steps,
            **{name: type(Update._field_defaults[name])(value) for name, value in optimizer.settings().items()},
        )

    def _sums_of(self, update: Update, descent: Descent) -> layout.Parameters:
        """Return the arrays to which the gradients of mini-batches are added."""
        if update.direct:
            return self._parameters
        if self._parameters.scale[0] != 1:  # optimizers need weights with a scale of 1
            self.set_parameters(self.parameters())
        optimizer = descent.optimizer
        if isinstance(optimizer, GradientDescent) and optimizer.momentum and not optimizer.nesterov:
            return self._state_of("velocity")
        return self._sums

    def _state_of(self, name: str) -> layout.Parameters:
        """Return the arrays of the optimizer's state with this name. The arrays are initially zero."""
        if name not in self._optimizer_state:
            self._optimizer_state[name] = layout.zeros(self._layout)
        return self._optimizer_state[name]

    def _state_arrays(self, descent: Descent) -> OptimizerState:
        first, second, *_ = (*map(self._state_of, descent.optimizer.state_names), self._sums, self._sums)
        return OptimizerState(first.values, second.values)

    def _gradients(self, inputs: np.ndarray, targets: np.ndarray) -> Parameters:
        own, nabla = self._layout, layout.zeros(self._layout)
        # With a momentum of 0, batch normalization does not change its running statistics.
        own = own._replace(constants=own.constants * np.tile([0, 1], len(own.kinds)))
        with on_compilation(progress.compiling):
            x, y = self._undropped(inputs), arrays.flat_rows(targets, self.architecture.dtype)
            samples = epoch.Samples(np.arange(len(inputs)), y, self._nothing, self._nothing, _NOT_WANTED, _NOT_WANTED)
            self._descend(x, samples, len(inputs), _GRADIENT, nabla, _PLAIN, own)
        return arrays.to_arrays(self.architecture, self._layout, nabla)

    def _cost_and_gradients(self, data: Dataset) -> tuple[float, Parameters]:
        nabla, n = layout.zeros(self._layout), len(data)
        assert self._inputs is not None
        samples = self._samples._replace(order=np.arange(n), losses=np.zeros(n))
        update = _GRADIENT._replace(divisor=BY_NOTHING)
        self._descend(self._inputs, samples, n, update, nabla, _PLAIN, self._layout)
        return float(samples.losses.sum()), arrays.to_arrays(self.architecture, self._layout, nabla)

    def _samples_at_a_time(self, mini_batch_size: int) -> int:
        """Return the number of samples in a part of a mini-batch, or the mini-batch size if it should not be divided.

        The number depends on the data set, but not on the samples of a single call. So an epoch gives the same bits in
        one call and in several calls. Batch normalization needs whole mini-batches.
        """
        if (self._layout.kinds == layout.BATCH_NORMALIZATION).any():
            return mini_batch_size
        inputs = self._inputs
        assert inputs is not None
        samples, size = min(mini_batch_size, inputs.samples), self.architecture.dtype.itemsize
        numbers = _inputs_of_sample(inputs) + 3 * int(self._layout.units[-1])
        part = choice.samples_at_a_time(samples, size * numbers, size * int(self._layout.weights[-1]))
        return part if part < samples else mini_batch_size

    def set_parameters(self, parameters: Parameters) -> None:
        self._references.clear()
        vars(self).pop("_sums", None)  # after training that diverged, the sums have NaN
        self._parameters = arrays.from_arrays(self.architecture, self._layout, parameters)
        self._statistics = arrays.statistics_from(self.architecture, self._layout, parameters)

    def parameters(self) -> Parameters:
        found = arrays.to_arrays(self.architecture, self._layout, self._parameters)
        return arrays.add_statistics(self.architecture, self._layout, self._statistics, found)

    def flat_arrays(self) -> Iterable[np.ndarray]:
        return (*self._parameters, *self._statistics)

    def squares(self) -> float:
        # The padding of the weights is zero, so it does not change the sum.
        weights, scale = self._parameters.values[: self._layout.biases], float(self._parameters.scale[0])
        return scale**2 * float(np.vdot(weights, weights))

    def _copied_optimizer_state(self) -> dict[str, Parameters]:
        state = self._optimizer_state
        return {name: arrays.to_arrays(self.architecture, self._layout, each) for name, each in state.items()}

    def _set_optimizer_state(self, state: dict[str, Parameters]) -> None:
        self._optimizer_state = {
            name: arrays.from_arrays(self.architecture, self._layout, each) for name, each in state.items()
        }

    def _descend(
        self,
        inputs: Matrix | Rows,
        samples: epoch.Samples,
        mini_batch_size: int,
        update: Update,
        sums: layout.Parameters,
        descent: Descent,
        own: layout.Layout,
    ) -> None:
        """Run the kernel on the samples in `samples.order`, in the number of threads that `_threads` returns."""
        most = mini_batch_size
        if update.divisor == BY_NOTHING or not update.direct:
            most = self._samples_at_a_time(mini_batch_size)
        most = min(most, len(samples.order))
        number = self._threads(inputs, most, layout.parts(own, most, isinstance(inputs, Matrix)))
        of_layout = self._reference(own) if own is self._layout else Reference(own)
        first, second = self._reference(inputs) if inputs is self._inputs else Reference(inputs), Reference(samples)
        parameters, statistics = self._reference(self._parameters), self._reference(self._statistics)
        summed = Reference(sums) if descent is _PLAIN else self._reference(sums)
        state = Reference(self._state_arrays(descent))
        rest = [of_layout, Reference(update), parameters, summed, state, statistics]
        _, workspace = self._workspace(most, number, self._addresses(first, second))

        def descend(share: threads.Share) -> None:
            epoch.epoch(first, second, mini_batch_size, *rest, workspace, Reference(share), True)

        threads.run(descend, number, together=True)

    @cached_property
    def _known_addresses(self) -> dict[Any, Addresses]:
        """Addresses of kernels, by the type of the inputs."""
        return {}

    def _addresses(
        self, x: Reference, samples: Reference, others: Sequence[parallel_compilation.Call] = ()
    ) -> Addresses:
        """Compile the kernel `epoch`, the kernels that it calls, and `others`; return the called kernels' addresses.

        Only the types of `x` and `samples` matter, not their contents.
        """
        if x.type not in self._known_addresses:
            structures = self._structures_of_feeding
            own, _, parameters, sums, _, statistics = structures
            workspace = Reference(workspace_of(self._layout, 1))
            share = Reference(threads.Share(0, 1, np.zeros(1, np.int64)))
            numbers, rows = FlatArray(self.architecture.dtype), FlatArray(np.dtype(np.int64))
            of_epoch = epoch.epoch, (x, samples, 0, *structures, workspace, share, True)
            of_dense = dense.dense, (0, 0, numbers, rows, 0, 0, 0, 1.0, own, parameters, sums, workspace, share)
            rest = 1.0, 1.0, own, parameters, sums, statistics, workspace, share, True
            of_images = [(images.images, (0, 0, x, samples, 0, 0, 0, 0, *rest))] if self._layout.maps.any() else []
            parallel_compilation.compile_all(of_epoch, [of_dense, *others], of_images)
            addresses = [parallel_compilation.address_of(*each) for each in (of_dense, *of_images)]
            self._known_addresses[x.type] = Addresses(*addresses)
        return self._known_addresses[x.type]

    def _threads(self, inputs: Matrix | Rows, samples: int, parts: int) -> int:
        """Return the number of threads for `samples` samples at a time. The work can be divided into `parts` parts."""
        multiplications = float(self.architecture.multiplications)
        if self._layout.kinds[0] == layout.DENSE:  # a dense layer 0 skips zero inputs
            zeros = self.architecture.n_in - _inputs_of_sample(inputs)
            multiplications -= zeros * self._layout.sizes[1]
        return choice.threads(samples * multiplications, parts, threads.available)

    def _feed_forward(
        self, inputs: np.ndarray | SparseInputs | Dataset, receive: Receiver, desired: Dataset | None = None
    ) -> None:
        """Feed samples forward. Each thread takes a share of the samples, and calls `receive` for this share."""
        with on_compilation(progress.compiling):
            x = self._cached_inputs(inputs) if isinstance(inputs, Dataset) else self._undropped(inputs)
            n = len(inputs)
            most = min(n, _SAMPLES_AT_A_TIME, max(1, _ACTIVATIONS_AT_A_TIME // int(self._layout.units[-1])))
            starts = range(0, n, max(most, 1))
            first, rest = Reference(x), self._structures_of_feeding
            targets = self._nothing
            if desired is not None and not isinstance(self.architecture.cost, CustomCost):
                targets = self._flat_targets(desired)
            nothing = epoch.Samples(
                np.empty(0, np.int64), targets, self._nothing, self._nothing, _NOT_WANTED, _NOT_WANTED
            )
            addresses = self._addresses(first, Reference(nothing))

            def feed_forward(share: threads.Share) -> None:
                alone = Reference(share._replace(thread=0, threads=1))
                workspace, reference = self._workspace(most, 1, addresses)
                for start in starts[share.thread :: share.threads]:
                    part = slice(start, min(start + most, n))
                    order = np.arange(part.start, part.stop)
                    losses = np.empty(len(order)) if len(targets) else _NOT_WANTED
                    samples = nothing._replace(order=order, losses=losses)
                    epoch.epoch(first, Reference(samples), most, *rest, reference, alone, False)
                    z = arrays.outputs_of(self._layout, workspace.activations, len(order))
                    receive(part, z, losses if len(targets) else None)

            threads.run(feed_forward, self._threads(x, most, max(len(starts), 1)))

    @property
    def _structures_of_feeding(self) -> list[Reference]:
        """References to the structures that the kernel reads when it only feeds forward."""
        parameters, statistics = self._reference(self._parameters), self._reference(self._statistics)
        update, state = self._reference(_GRADIENT), self._reference(self._no_optimizer_state)
        return [self._reference(self._layout), update, parameters, parameters, state, statistics]

    @cached_property
    def _no_optimizer_state(self) -> OptimizerState:
        return OptimizerState(self._nothing, self._nothing)

    def _cached_inputs(self, data: Dataset) -> Matrix | Rows:
        own, shape = self._layout, None
        if self._positions is not None:  # the borders of images, and so the layout of the inputs, depend on the network
            numbers = own.maps, own.heights, own.widths, own.lines, own.origins
            shape = (*(int(each[0]) for each in numbers), self._positions[1])
        key = "inputs", self.architecture.dtype, float(own.keeps[0]), shape
        return data.derived(key, lambda: self._undropped(data.rows))

    @cached_property
    def _positions(self) -> tuple[np.ndarray, int] | None:
        return arrays.positions_of_inputs(self.architecture)

    def _undropped(self, inputs: np.ndarray | SparseInputs) -> Matrix | Rows:
        """Return inputs, multiplied by their factor in `keeps`, in the kernel's layout."""
        x, keep = self._laid_out(inputs), self.architecture.dtype.type(self._layout.keeps[0])
        return x if keep == 1 else x._replace(values=x.values * keep)

    def _laid_out(
        self, inputs: np.ndarray | SparseInputs, kind: type[Matrix] | type[Rows] | None = None
    ) -> Matrix | Rows:
        """Return inputs, one sample per row, in the kernel's layout."""
        dtype = self.architecture.dtype
        if isinstance(inputs, SparseInputs):
            starts, columns, values = inputs.arrays
            n_in = inputs.shape[1]
            if self._positions is not None:
                columns, n_in = self._positions[0][columns], self._positions[1]
            return rows_of(starts, columns, values, n_in, dtype)
        if self._positions is not None:
            images = np.zeros((len(inputs), self._positions[1]), dtype)
            images[:, self._positions[0]] = inputs
            inputs = images
        return inputs_of(inputs, dtype, kind)


def _inputs_of_sample(inputs: Matrix | Rows) -> float:
    """Return the mean number of inputs that are stored for a sample."""
    return len(inputs.values) / max(inputs.samples, 1)
