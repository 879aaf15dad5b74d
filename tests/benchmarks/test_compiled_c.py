"""The benchmarks' C code gives correct results at every vector width.

If the C code cannot run, the benchmark prints the reason in one line.
"""

import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import compiled_c
import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features
from yardstick import FLOAT32, SIZES, padded

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
N, M, ETA = 64, 10, 3.0  # the last four samples of the order fill no mini-batch and are not used
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "{yardstick}"
static void *taken(size_t bytes) {{
  void *found = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (fread(found, 1, bytes, stdin) != bytes) exit(9);
  return found;
}}
int main(void) {{
  int64_t *sizes = taken(16), n = sizes[0], numbers = sizes[1];
  int64_t *starts = taken(8 * (n + 1)), *order = taken(8 * n);
  float *values = taken(4 * numbers);
  uint16_t *columns = taken(2 * numbers);
  uint8_t *labels = taken(n);
  float *w0 = taken(4 * 784 * 32), *b0 = taken(128), *w1 = taken(4 * 32 * 16), *w1t = taken(4 * 16 * 32);
  float *b1 = taken(64);
  epoch(starts, columns, values, labels, order, n, {m}, {eta}f, w0, b0, w1, w1t, b1);
  fwrite(w0, 4, 784 * 32, stdout), fwrite(b0, 4, 32, stdout), fwrite(w1, 4, 32 * 16, stdout);
  fwrite(b1, 4, 16, stdout), fwrite(w1t, 4, 16 * 32, stdout);
  fputs(vectors(), stdout);
  return 0;
}}
"""


def x86(name, *features):
    host = get_host_cpu_features()
    return "gcc", f"-march={name}", [], all(host.get(each) for each in features) and "sse2" in host


WAYS = {
    "4 numbers, SSE2": x86("x86-64"),
    "8 numbers, AVX2": x86("haswell", "avx2", "fma", "bmi2"),
    "16 numbers, AVX-512": x86("skylake-avx512", "avx512f", "avx512bw", "avx512vl"),
    "4 numbers, NEON": ("aarch64-linux-gnu-gcc", "-mcpu=neoverse-n1", ["qemu-aarch64"], True),
}


@pytest.mark.parametrize("vectors", WAYS)
def test_the_yardstick_is_right_in_every_width(vectors, tmp_path):
    """Emulating AArch64 needs the Debian packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user."""
    compiler, flag, emulator, runs = WAYS[vectors]
    missing = [each for each in (compiler, *emulator) if shutil.which(each) is None]
    if missing or not runs:
        pytest.skip(f"needs {' and '.join(missing)}" if missing else "this processor lacks these vector instructions")
    random = np.random.RandomState(0)
    inputs = random.rand(N, SIZES[0]).astype(FLOAT32) * (random.rand(N, SIZES[0]) < 0.2)
    labels, order = random.randint(0, 10, N).astype(np.uint8), random.permutation(N)
    weights = [random.randn(n_out, n_in) / np.sqrt(n_in) for n_in, n_out in pairwise(SIZES)]
    biases = [random.randn(n, 1) for n in SIZES[1:]]

    architecture = Architecture.dense(SIZES, np.dtype("float64"))
    data = Dataset(inputs, np.eye(10)[labels])
    engine = engine_class("numpy")(architecture, architecture.parameters(weights, biases), data)
    engine.epoch(order[: N // M * M], M, ETA)
    (w0, w1), (b0, b1) = architecture.book_lists(engine.parameters())

    rows, columns = np.nonzero(inputs)
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=N))])
    given = [np.array([N, len(rows)]), starts, order, inputs[rows, columns], columns.astype(np.uint16), labels]
    given += [padded(weights[0].T, 32), padded(biases[0].T, 32), padded(weights[1].T, 16, 32)]
    given += [padded(weights[1], 32, 16), padded(biases[1].T, 16)]
    source, program = tmp_path / "main.c", tmp_path / "program"
    source.write_text(MAIN.format(yardstick=BENCHMARKS / "yardstick.c", m=M, eta=ETA))
    flags = ["-O3", flag, "-ffp-contract=fast", "-Wall", "-Wextra", "-Werror", "-static"]
    subprocess.run([compiler, *flags, source, "-o", program], check=True)
    run = [*emulator, program]
    said = subprocess.run(run, input=b"".join(each.tobytes() for each in given), stdout=subprocess.PIPE, check=True)
    numbers = 784 * 32 + 32 + 32 * 16 + 16 + 16 * 32
    found = np.frombuffer(said.stdout[: 4 * numbers], FLOAT32)
    assert said.stdout[4 * numbers :].decode() == vectors
    *parts, _ = np.split(found, np.cumsum([784 * 32, 32, 32 * 16, 16, 16 * 32]))
    for part, width, expected in zip(parts, (32, 32, 16, 16, 32), (w0.T, b0.T, w1.T, b1.T, w1), strict=True):
        matrix = part.reshape(-1, width)
        expected_matrix = np.zeros(matrix.shape)
        expected_matrix[: expected.shape[0], : expected.shape[1]] = expected
        np.testing.assert_allclose(matrix, expected_matrix, rtol=0, atol=2e-5)


def refused(script, *arguments, **environment):
    """Run a benchmark, check that it refuses to run, and return the line that it prints on stderr."""
    command = [sys.executable, BENCHMARKS / script, *arguments]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=300)
    assert (found.returncode, found.stdout) == (compiled_c.REFUSED, "")
    (line,) = found.stderr.splitlines()
    return line


@pytest.mark.parametrize("script", ["yardstick.py", "convolution.py"])
def test_without_gcc_a_benchmark_says_so(script, tmp_path):
    assert refused(script, PATH=str(tmp_path)).startswith("gcc is missing")


needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@needs_gcc
def test_c_for_other_vectors_than_the_processor_has_is_refused():
    line = refused("convolution.py", NUMBA_CPU_NAME="generic")
    assert line.startswith("the C code of the program 'c' needs AVX2 and FMA, which gcc does not use for the processor")


@needs_gcc
def test_c_that_does_not_compile_is_refused_with_the_compiler_s_reason(tmp_path):
    source = tmp_path / "other.c"
    source.write_text('#error "only for another processor"\n')
    assert "other.c for 'native': #error \"only for another processor\"" in refused("yardstick.py", str(source))


@needs_gcc
def test_a_processor_that_gcc_does_not_know_is_refused(monkeypatch):
    monkeypatch.setattr("numba.config.CPU_NAME", "abacus")
    compiled_c.macros.cache_clear()
    with pytest.raises(compiled_c.CannotCompileError, match="gcc cannot compile for the processor 'abacus': "):
        compiled_c.check("a file")


@needs_gcc
def test_instructions_that_this_processor_lacks_are_refused(monkeypatch):
    monkeypatch.setattr(compiled_c, "macros", lambda: frozenset(["__AVX2__", "__FMA__", "__AVX512F__"]))
    monkeypatch.setattr(compiled_c, "get_host_cpu_features", lambda: {"avx2": True, "fma": True})
    with pytest.raises(compiled_c.CannotCompileError, match="but this processor lacks avx512f"):
        compiled_c.check("a file")
    assert compiled_c.instructions() == "AVX-512"
