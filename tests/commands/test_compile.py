"""`fastnet compile` as a user types it. After this command, networks compile nothing."""

import ast
import platform
import subprocess
import sys

import numba
import pytest
from commands.in_process import run

from fastnet.compilation import kernels
from fastnet.compilation.kernels import Specialization
from fastnet.kernels import cache

x86 = pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="needs an x86-64 processor")

# This program trains and uses networks of every kind. The last line that it prints contains the number of Numba's
# compilation events, and all used kernels with the types of their arguments.
EVERYTHING = """
from numba.core import event
compilations = event.RecordingListener()
event.register("numba:compile", compilations)

import numpy as np
from scipy.sparse import csr_array
from fastnet import Dataset, expand_mnist, network, network2
from fastnet.compilation.kernels import kernels
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling
from fastnet.formulas.optimizers import Adam
from fastnet.neural_network import MLPClassifier

random = np.random.default_rng(0)
layers = [
    [6, Dropout(0.1), Dense(5), BatchNormalization(), 3],
    [(1, 3, 2), Convolution(2, 2, "relu", "same"), MaxPooling(2), Dropout(0.5), 3],
]
for dtype in ("float32", "float64"):
    for zeros in (0.0, 0.9):
        inputs = (random.random((30, 6)) * (random.random((30, 6)) >= zeros)).astype(dtype)
        labels = random.integers(0, 3, 30)
        for given in (inputs, csr_array(inputs)):
            data = Dataset(given, labels)
            for each in layers:
                net = network2.Network(each, cost=network2.LogLikelihoodCost, dtype=dtype, seed=0)
                net.SGD(data, 1, 5, 0.1, 1.0, data, True, True, True, True, optimizer=Adam(), report=lambda _: None)
                net.backprop(inputs[:1].T, np.eye(3)[:, :1])
                net.feedforward(inputs.T)
        data = Dataset(inputs, labels)
        network.Network([6, 3], dtype=dtype, seed=0).SGD(data, 1, 5, 0.5, test_data=data)
        MLPClassifier((4,), max_iter=2).fit(inputs, labels, sample_weight=np.ones(30)).predict_proba(inputs)
    wide = csr_array(([1.0], ([0], [70_000])), shape=(4, 70_001), dtype=dtype)
    for each in ([70_001, 2], [(1, 1, 70_001), Convolution(1, 1), 2]):
        network2.Network(each, dtype=dtype, seed=0).SGD(Dataset(wide, [0, 1, 1, 0]), 1, 2, 0.1, report=lambda _: None)
        network2.Network(each, dtype=dtype, seed=0).feedforward(wide.toarray().T)
    expand_mnist.deform(Dataset(random.random((3, 4)).astype(dtype), [0, 1, 0]), seed=0)
many = Dataset(random.random((20_000, 2)), random.integers(0, 2, 20_000))
network.Network([2, 2], seed=0).SGD(many, 1, 100, 0.1)

used = [(m.__name__, n, str(types)) for m, n in kernels() for types in getattr(m, n).overloads]
print((len(compilations.buffer), used))
"""


def test_after_it_networks_of_every_kind_compile_nothing():
    """The compiled code is written to the cache folder of all tests, because most tests need this code."""
    compiled = run("compile")
    assert (compiled.returncode, compiled.stderr) == (0, "")
    command = [sys.executable, "-W", "ignore", "-c", EVERYTHING]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    compilations, used = ast.literal_eval(result.stdout.splitlines()[-1])
    assert compilations == 0
    # Another test may have compiled a kernel that `fastnet compile` omits. This kernel would not be compiled again, so
    # the used kernels are also compared with the list.
    listed = {(each.module, each.name, str(each.types)) for each in kernels.specializations()}
    assert set(used) <= listed
    assert listed <= set(used)  # if this fails, `EVERYTHING` lacks a kind of network


@pytest.fixture
def two(monkeypatch, tmp_path):
    """Replace the list of kernels by a small kernel for two types, and the user's home by a folder not yet created."""
    found = [Specialization("kernels.two_kernels", "doubled", (each,)) for each in (numba.int64, numba.float64)]
    monkeypatch.setattr(kernels, "specializations", lambda: found)
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    return found


def test_it_says_what_was_compiled_for_what_and_where(two, tmp_path):
    for compiled, before in ((2, 0), (0, 2)):
        result = run("compile", "--jobs", "1")
        assert (result.returncode, result.stderr) == (0, "")
        first, second, third = result.stdout.splitlines()
        assert first.startswith(f"Compiled {compiled} of 2 kernels for ")
        assert first.endswith(f" seconds; {before} were compiled before.")
        assert second.startswith("The compiled code takes 0.0 MB in ")
        assert second.endswith(str(cache.folders()[0]))
        assert third == "The code is used by every process; no setting is needed."
    assert len(list((tmp_path / "home").rglob("*.nbc"))) == 2


@x86
@pytest.mark.parametrize(
    ("processor", "users", "variables"),
    [
        ("x86-64-v3", "every process on a processor with AVX2 and without AVX-512", ""),
        ("x86-64-v4", "every process on a processor with AVX-512", ""),
        ("nehalem", "every process", " NUMBA_CPU_FEATURES='' NUMBA_CPU_NAME=nehalem"),
    ],
)
def test_it_says_how_code_for_other_processors_is_used(two, tmp_path, processor, users, variables):
    result = run("compile", "--processor", processor, "--folder", "a folder", "--jobs", "1", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    first, second, third = result.stdout.splitlines()
    assert first.startswith(f"Compiled 2 of 2 kernels for {processor} in ")
    assert second == f"The compiled code takes 0.0 MB in {tmp_path}/a folder/fastnet"
    assert (
        third
        == f"The code is used by {users} with NUMBA_CACHE_DIR='{tmp_path}/a folder'{variables} in its environment."
    )
    assert len(list((tmp_path / "a folder" / "fastnet").glob("*.nbc"))) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folder", "file"], "'file' is a file"),
        (["--folder", "file/below"], "/file is not a folder that can be written to; name another folder"),
        (["--folder", "a", "--folder", "b"], "--folder is given 2 times"),
        (["--processor", "z80"], "--processor is 'z80'; it must be native, x86-64-v3, x86-64-v4, or LLVM's name"),
        (["now"], "unexpected extra argument (now)"),
    ],
)
def test_a_mistake_is_one_line(two, tmp_path, arguments, message):
    (tmp_path / "file").touch()
    result = run("compile", *arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_process_that_fails_is_one_line(two, tmp_path):
    two.append(Specialization("kernels.two_kernels", "tripled", (numba.int64,)))
    result = run("compile", "--folder", str(tmp_path / "new"), "--jobs", "1")
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith("fastnet: the process that compiled tripled ended with status 1: AttributeError: ")
