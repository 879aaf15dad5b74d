"""The kernels as they are compiled for other processors than this one, of which this one knows all instructions.

Numba compiles for the processor NUMBA_CPU_NAME with the instructions NUMBA_CPU_FEATURES, which by default are all that
this processor has, whatever the name; but none beyond the basic ones for "generic".
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import llvmlite.binding as llvm
import pytest

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="the instructions are those of x86"
)

TRAIN = """
import sys

import numpy as np

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Architecture
from fastnet.kernels.vectors import lanes_of

sizes = [30, 20, 18, 3]
random = np.random.default_rng(0)
weights = [random.standard_normal((n_out, n_in)) / np.sqrt(n_in) for n_in, n_out in zip(sizes, sizes[1:])]
biases = [random.standard_normal((n_out, 1)) for n_out in sizes[1:]]
order = random.permutation(33)
for zeros in (0.0, 0.8):
    inputs = random.standard_normal((33, 30)) * (random.random((33, 30)) >= zeros)
    data = Dataset(inputs, random.random((33, 3)))
    results = []
    for name, dtype in (("reference", "float64"), ("numba", "float64"), ("numba", "float32")):
        engine = engine_class(name)(Architecture(tuple(sizes), np.dtype(dtype)), weights, biases, data)
        engine.epoch(order, 7, 0.5)
        arrays = sum(engine.parameters(), [])
        results.append(np.concatenate([array.ravel() for array in (*arrays, engine.outputs(inputs))]))
    expected, *others = results
    kind = type(engine._inputs).__name__
    print(kind, *(np.abs(result - expected).max() for result in others))
    assert np.abs(expected - np.concatenate([a.ravel() for a in (*weights, *biases, engine.outputs(inputs))])).max() > 0.1
print(lanes_of("float32"), lanes_of("float64"))
"""


def what_numba_does(folder, **environment):
    """Return the lines that a process prints for which Numba compiles anew."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    result = subprocess.run(
        [sys.executable, "-c", TRAIN],
        capture_output=True,
        text=True,
        env=inherited | environment | {"NUMBA_CACHE_DIR": str(folder)},
        cwd=Path(__file__).parent,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert list(folder.rglob("*.nbc"))  # compiled here, and not taken from elsewhere
    return result.stdout.splitlines()
