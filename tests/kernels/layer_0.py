"""Compiles and calls the matrix products of layer 0 without the kernel `epoch`."""

from typing import NamedTuple

import numpy as np

from fastnet.kernels import inputs, parallel_compilation, threads
from fastnet.kernels.calls import FEED_FORWARD
from fastnet.kernels.compiler import called_kernel, kernel
from fastnet.kernels.dense import accumulate_inputs, multiply_inputs
from fastnet.kernels.structures import FlatArray, Reference
from fastnet.kernels.workspace import size_of_packed


class Order(NamedTuple):
    mini_batch: np.ndarray
    upcoming: np.ndarray


class Layout(NamedTuple):
    sizes: np.ndarray
    units: np.ndarray


class Parameters(NamedTuple):
    values: np.ndarray


class Workspace(NamedTuple):
    activations: np.ndarray
    delta: np.ndarray
    samples: np.ndarray
    packed: np.ndarray
    dense: int = 0


@kernel
def multiply(x, order, first, last, layout, parameters, workspace, share):
    inputs.multiply(x, order.mini_batch, order.upcoming, first, last, layout, parameters, workspace, share)


@kernel
def accumulate(x, order, first, last, layout, parameters, workspace, sums, share):
    inputs.accumulate(x, order.mini_batch, first, last, layout, parameters, workspace, sums, share)


@called_kernel
def dense(what, layer, x, rows, m, first, last, scale, layout, parameters, sums, workspace, share):
    if what == FEED_FORWARD:
        multiply_inputs(x, rows, first, last, layout, parameters, workspace, share)
    else:
        accumulate_inputs(x, rows, first, last, layout, workspace, sums, share)


class Layer0:
    """Layer 0 of a network, with memory for a mini-batch.

    Parameters
    ----------
    n_in, m : int
        Number of inputs, and number of samples in a mini-batch.
    z, delta : ndarray, shape (panels * m * width,)
        Array that `multiply` writes, and array of the errors that `accumulate` reads.
    """

    def __init__(self, n_in: int, m: int, z: np.ndarray, delta: np.ndarray) -> None:
        # Layer 0 has as many neurons as samples (m). With fewer neurons, `first` and `last` could be ignored.
        self._layout = Reference(Layout(np.array([n_in, m]), np.zeros(2, np.int64)))
        self._share = Reference(threads.Share(0, 1, np.zeros(1, np.int64)))
        scratch = np.zeros(size_of_packed(m), z.dtype)
        workspace, weights = Workspace(z, delta, np.arange(m), scratch), Reference(Parameters(z))
        numbers, rows, space = FlatArray(z.dtype), FlatArray(np.dtype(np.int64)), Reference(workspace)
        arguments = 0, 0, numbers, rows, 0, 0, 0, 1.0, self._layout, weights, weights, space, self._share
        self._workspace = Reference(workspace._replace(dense=parallel_compilation.address_of(dense, arguments)))

    def multiply(self, x, order, w, first, last):
        """Set z to the matrix product x w, for neurons `first` to `last`. Both w and z are stored in panels."""
        rest = self._layout, Reference(Parameters(w)), self._workspace, self._share
        multiply(Reference(x), Reference(order), first, last, *rest)

    def accumulate(self, x, order, w, first, last):
        """Add x^T delta to w for the neurons from `first` to `last`. Both delta and w are stored in panels."""
        sums = Reference(Parameters(w))
        rest = self._layout, sums, self._workspace, sums, self._share
        accumulate(Reference(x), Reference(order), first, last, *rest)
