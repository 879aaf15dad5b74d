"""Fused kernels, compiled for the machine that they run on: a whole epoch without coming back to Python."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnet import progress
from fastnet.datasets.dataset import Dataset
from fastnet.engines import contract
from fastnet.engines.contract import Architecture, Arrays
from fastnet.kernels import epoch, layout, threads
from fastnet.kernels.compiler import announced
from fastnet.kernels.inputs import rows_of, Matrix
import os
MODE = os.environ.get("MODE", "sparse"); THREADS=int(os.environ.get("THREADS","1"))
import threading

class Engine(contract.Engine):
    def __init__(self, architecture, weights, biases, data=None):
        self._layout = layout.layout_of(architecture.sizes, architecture.dtype)
        super().__init__(architecture, weights, biases, data)
        if data is not None:
            with announced(progress.compiling):
                
                if MODE == "sparse":
                    self._inputs = rows_of(data.inputs, architecture.dtype)
                else:
                    self._inputs = Matrix(data.inputs.astype(architecture.dtype,copy=False).reshape(-1), data.inputs.shape[1])
                n, n_out = data.targets.shape
                width = self._layout.units[-1] - self._layout.units[-2]
                t = layout.aligned_zeros(n*width, architecture.dtype)
                t.reshape(n, width)[:, :n_out] = data.targets
                self._targets = t
                self.epoch(np.empty(0, np.int64), 1, 0.0)

    def _epoch(self, data, order, mini_batch_size, eta):
        ws = layout.workspace(self._layout, min(mini_batch_size, len(order)))
        shares = threads.shares(THREADS)
        run = lambda s: epoch.epoch(self._inputs, self._targets, order, mini_batch_size, float(eta), self._layout, self._parameters, self._parameters, ws, s)
        ts = [threading.Thread(target=run, args=(s,)) for s in shares[1:]]
        for t in ts: t.start()
        run(shares[0])
        for t in ts: t.join()

    def gradients(self, inputs, targets):
        raise NotImplementedError
    def outputs(self, inputs):
        raise NotImplementedError

    def set_parameters(self, weights, biases):
        self._parameters = layout.from_book(self._layout, weights, biases)

    def parameters(self):
        return layout.to_book(self._layout, self._parameters)
