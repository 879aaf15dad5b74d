"""Tests kernels compiled for other processors, whose instructions this processor can also execute.

Numba compiles for the processor NUMBA_CPU_NAME with the instructions NUMBA_CPU_FEATURES. If NUMBA_CPU_FEATURES is not
set, Numba uses all instructions of this processor, or only the basic ones if NUMBA_CPU_NAME is "generic".
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite.binding import get_host_cpu_features
from numba.core import codegen
from processors import PROCESSORS, WIDER, is_x86, known

pytestmark = pytest.mark.skipif(not is_x86(), reason="the test compiles for x86 processors")

PRECISION = {"float64": 1e-10, "float32": 1e-3}
# Each dtype is tested with one kind of inputs only, because compiling takes seconds.
INPUTS = {"float64": ("Matrix", "0.0"), "float32": ("Rows", "0.8")}
EACH = pytest.mark.parametrize(("network", "dtype"), [("dense", "float64"), ("images", "float32")])
TRAIN = """
import sys
import numpy as np
from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.formulas.optimizers import Adam
from fastnet.kernels.vectors import lanes_of

def trained(name, dtype):
    architecture = Architecture(shape, layers, dtype=np.dtype(dtype))
    random = np.random.default_rng(0)
    shapes = [own["weights"] for own in architecture.trained if "weights" in own]
    weights = [random.standard_normal(each) / np.sqrt(np.prod(each[1:])) for each in shapes]
    biases = [random.standard_normal((each[0], 1)) for each in shapes]
    engine = engine_class(name)(architecture, architecture.parameters(weights, biases), data)
    engine.epoch(order, 7, 0.02, Descent(Adam(epsilon=0.01), l2=0.1, max_norm=1.5))
    arrays = [array for layer in engine.parameters() for array in layer.values()] + [engine.outputs(inputs)]
    return engine, np.concatenate([array.ravel() for array in arrays])

shape, layers = {
    "dense": (
        (30,), (Dropout(0.1), Dense(20, "linear"), BatchNormalization("tanh"), Dropout(0.3), Dense(18), Dense(3))
    ),
    "images": (
        (1, 9, 8),
        (
            Dropout(0.1), Convolution(18, 3, "relu"), MaxPooling(), Convolution(5, 2, "linear", "same"),
            BatchNormalization("tanh"), Convolution(3, 2, "gelu"), MaxPooling(2), Dense(3),
        ),
    ),
}[sys.argv[3]]
random, n_in = np.random.default_rng(0), int(np.prod(shape))
order = random.permutation(33)
inputs = random.standard_normal((33, n_in)) * (random.random((33, n_in)) >= float(sys.argv[2]))
data = Dataset(inputs, random.random((33, 3)))
engine, result = trained("numba", sys.argv[1])
_, expected = trained("reference", "float64")
print(type(engine._inputs).__name__, np.abs(result - expected).max())
print(lanes_of("float32"), lanes_of("float64"))
"""


def check(network, dtype, lanes, **environment):
    """Train in a process with the environment variables `environment`; compare with the engine `reference`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_CPU_")}
    kind, zeros = INPUTS[dtype]
    result = subprocess.run(
        [sys.executable, "-c", TRAIN, dtype, zeros, network],
        capture_output=True,
        text=True,
        env=inherited | environment,
        cwd=Path(__file__).parent,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    difference, lanes_there = result.stdout.splitlines()
    assert difference.split()[0] == kind
    assert float(difference.split()[1]) < PRECISION[dtype]
    assert lanes_there == lanes


def test_this_processor():
    """One precision is enough, because all other tests use the kernels compiled for this processor."""
    features = codegen.get_host_cpu_features().split(",")
    check("dense", "float32", "32 16" if "+avx512f" in features else "16 8" if "+avx" in features else "8 4")


@EACH
def test_a_processor_with_the_basic_instructions_only(network, dtype):
    check(network, dtype, "8 4", **PROCESSORS["generic"])


@pytest.mark.skipif(
    not (known("avx2") and get_host_cpu_features().get(WIDER["avx2"])),
    reason="this processor lacks AVX2, or has no vectors wider than those of AVX2",
)
@EACH
def test_a_processor_with_avx2_but_not_avx512(network, dtype):
    check(network, dtype, "16 8", **PROCESSORS["avx2"])
