"""A processor can use code compiled for itself, or for an x86-64 level with registers of the same width."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from kernels import two_kernels
from numba.core.registry import cpu_target

from fastnet.kernels import compiler, processors, vectors
from fastnet.kernels.processors import LEVELS, Processor

V3, V4 = LEVELS["x86-64-v3"].features, LEVELS["x86-64-v4"].features
COMPILE = """
import numba, numpy
from kernels import two_kernels
from fastnet.kernels import vectors
two_kernels.width.compile((numba.typeof(numpy.zeros(1, numpy.float32)),))  # this processor may not be able to run it
print(4 * vectors.register_lanes_of("float32"))
"""


@pytest.mark.parametrize(
    ("processor", "level"),
    [
        (Processor("znver3", V3 + ",+sha,-avx512f"), "x86-64-v3"),
        (Processor("znver4", V4 + ",+avx512bf16,-amx-tile"), "x86-64-v4"),
        (Processor("haswell", "+sse4.2,+avx,+avx2,+fma"), None),
        (Processor("sandybridge", "+avx,+popcnt,-avx2"), None),
        (Processor("knl", V3 + ",+avx512f,+avx512cd,-avx512vl"), None),
        (Processor("haswell", V3.replace("+fma", "-fma")), None),
        (Processor("generic", ""), None),
        (Processor("neoverse-n1", "+neon,+sve"), None),
        (LEVELS["x86-64-v3"], None),
        (LEVELS["x86-64-v4"], None),
    ],
)
def test_the_level_that_a_processor_can_use(processor, level):
    assert processors.level_of(processor) == LEVELS.get(level)


def test_registers():
    own = processors.of(cpu_target.target_context.codegen())
    assert own.register_bytes == 4 * vectors.register_lanes_of("float32")
    assert [each.register_bytes for each in (*LEVELS.values(), Processor("generic", ""))] == [32, 64, 16]


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """Return a function that makes a kernel not yet compiled in this process. The cache folder is initially empty."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    return lambda: compiler.kernel(two_kernels.width.py_func)


def compile_for(level, folder):
    """Compile a kernel for an x86-64 level in a separate process; return the level's register width in bytes."""
    processor = {"NUMBA_CPU_NAME": level, "NUMBA_CPU_FEATURES": LEVELS[level].features}
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ["PYTHONPATH"]])
    variables = os.environ | processor | {"NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": path}
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILE], capture_output=True, text=True, env=variables, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return int(result.stdout)


def test_code_for_a_level_is_used_if_its_registers_are_as_wide(kernel, tmp_path):
    own = processors.level_of(processors.of(cpu_target.target_context.codegen()))
    if own is None:
        pytest.skip("this processor belongs to no x86-64 level")
    other = next(each for each in LEVELS.values() if each != own)
    assert compile_for(other.name, tmp_path) == other.register_bytes
    expected, x = vectors.lanes_of("float32"), np.zeros(1, np.float32)
    first = kernel()
    assert first(x) == expected
    assert not first.stats.cache_hits  # the code for the other level was not loaded

    for file in tmp_path.rglob("*.nb?"):
        file.unlink()
    assert compile_for(own.name, tmp_path) == own.register_bytes
    second = kernel()
    assert second(x) == expected
    assert not second.stats.cache_misses
    files = set(tmp_path.rglob("*.nbc"))

    third = kernel()
    third._cache.takes_levels = False  # processes that compile ahead of time do not use code for levels
    assert third(x) == expected
    assert third.stats.cache_misses
    for file in files:
        file.write_bytes(b"damaged")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.nbi")}
    fourth = kernel()
    assert fourth(x) == expected
    assert not fourth.stats.cache_misses
    # This processor's own code comes first: the damaged code for the level was not loaded.
    assert before == {file: file.read_bytes() for file in tmp_path.rglob("*.nbi")}
