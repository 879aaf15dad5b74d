"""The kernels as they are compiled for other processors than this one, of which this one knows all instructions.

Numba compiles for the processor NUMBA_CPU_NAME with the instructions NUMBA_CPU_FEATURES. By default these are all that
this processor has, whatever the name of the other; only of "generic" they are none but the basic ones.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import codegen
from processors import PROCESSORS, is_x86, known

pytestmark = pytest.mark.skipif(not is_x86(), reason="the instructions are those of x86")

PRECISION = {"float64": 1e-10, "float32": 1e-3}
TRAIN = """
import sys
import numpy as np
from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Architecture
from fastnet.kernels.vectors import lanes_of

def trained(name, dtype):
    engine = engine_class(name)(Architecture(sizes, np.dtype(dtype)), weights, biases, data)
    engine.epoch(order, 7, 3.0)
    arrays = [*engine.parameters()[0], *engine.parameters()[1], engine.outputs(inputs)]
    return engine, np.concatenate([array.ravel() for array in arrays])

sizes = (30, 20, 18, 3)
random = np.random.default_rng(0)
weights = [random.standard_normal((n_out, n_in)) / np.sqrt(n_in) for n_in, n_out in zip(sizes, sizes[1:])]
biases = [random.standard_normal((n_out, 1)) for n_out in sizes[1:]]
order = random.permutation(33)
for zeros in (0.0, 0.8):
    inputs = random.standard_normal((33, 30)) * (random.random((33, 30)) >= zeros)
    data = Dataset(inputs, random.random((33, 3)))
    engine, result = trained("numba", sys.argv[1])
    _, expected = trained("reference", "float64")
    print(type(engine._inputs).__name__, np.abs(result - expected).max())
print(lanes_of("float32"), lanes_of("float64"))
"""


def check(dtype, lanes, **environment):
    """Train in a process with that environment, and compare with the reference."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    result = subprocess.run(
        [sys.executable, "-c", TRAIN, dtype],
        capture_output=True,
        text=True,
        env=inherited | environment,
        cwd=Path(__file__).parent,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    dense, sparse, lanes_there = result.stdout.splitlines()
    for line, kind in ((dense, "Matrix"), (sparse, "Rows")):
        assert line.split()[0] == kind
        assert float(line.split()[1]) < PRECISION[dtype]
    assert lanes_there == lanes


@pytest.mark.parametrize("dtype", PRECISION)
def test_this_processor(dtype):
    features = codegen.get_host_cpu_features().split(",")
    check(dtype, "32 16" if "+avx512f" in features else "16 8" if "+avx" in features else "8 4")


@pytest.mark.parametrize("dtype", PRECISION)
def test_a_processor_with_the_basic_instructions_only(dtype, tmp_path):
    check(dtype, "8 4", NUMBA_CACHE_DIR=str(tmp_path), **PROCESSORS["generic"])


@pytest.mark.skipif(not known("avx2"), reason="this processor does not know them all")
@pytest.mark.parametrize("dtype", PRECISION)
def test_a_processor_with_avx2_but_not_avx512(dtype, tmp_path):
    check(dtype, "16 8", NUMBA_CACHE_DIR=str(tmp_path), **PROCESSORS["avx2"])
