"""Threads and processes that train and compile concurrently.

`benchmarks/concurrency.py` trains in more threads and processes than these tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnet
from fastnet import Dataset, network

TRAIN = """
import numpy as np
from fastnet import Dataset, network

def trained(seed, hidden=3, samples=20, mini_batch_size=5):
    random = np.random.default_rng(seed)
    net = network.Network([5, hidden, 2], seed=seed)
    data = Dataset(random.random((samples, 5)), np.eye(2)[random.integers(0, 2, samples)])
    for start in range(0, samples, mini_batch_size):
        net.update_mini_batch(data[start : start + mini_batch_size], 0.5)
    return b"".join(array.tobytes() for array in net.weights + net.biases).hex()
"""
# This program uses a kernel that compiles in less than a second.
LAY_OUT = """
import numpy as np
from fastnet.kernels.inputs import inputs_of

def laid_out(seed):
    return ",".join(map(str, inputs_of(np.eye(9 + seed), np.dtype("float32")).columns))
"""
IN_THREADS = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

meeting = Barrier(8)
def work(seed):
    meeting.wait()
    return {}
with ThreadPoolExecutor(8) as pool:
    print(*pool.map(work, range(8)))
"""
IN_PROCESSES = f"""{TRAIN}
import multiprocessing, sys

if __name__ == "__main__":
    print(trained(0, 1000, 2000, 1000))  # large enough for several threads
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(*pool.starmap_async(trained, [(1, 1000, 2000, 1000), (2,), (3,)]).get(timeout=60))
"""


def run(program, *arguments, python_path=None, **environment):
    """Run a program in a separate process, and return the words that it prints."""
    environment = os.environ | environment | ({} if python_path is None else {"PYTHONPATH": str(python_path)})
    command = [sys.executable, program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.fixture
def script(tmp_path):
    """A function that writes a program to a file, so that the program's child processes can import it."""

    def write(program, name="program.py"):
        (tmp_path / name).write_text(program)
        return str(tmp_path / name)

    return write


@pytest.fixture(scope="module")
def alone():
    """The function `trained` of `TRAIN`, to train one network after another in this process."""
    names = {}
    exec(TRAIN, names)
    return names["trained"]


def nothing_can_be_written(tmp_path):
    """Return an environment in which no user, not even root, can create a cache folder."""
    package = tmp_path / "fastnet"
    shutil.copytree(Path(fastnet.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "data"))
    for file in (tmp_path / "file", package / "kernels" / "__pycache__"):
        file.write_text("not a folder")
    nowhere = str(tmp_path / "file" / "nowhere")
    return {"NUMBA_CACHE_DIR": nowhere, "HOME": nowhere, "XDG_CACHE_HOME": nowhere, "python_path": tmp_path}


def test_eight_threads_of_a_process_that_has_to_compile(script, alone, tmp_path):
    program = script(TRAIN + IN_THREADS.format("trained(seed, 3 + seed)"))
    found = run(program, NUMBA_CACHE_DIR=str(tmp_path), HOME=str(tmp_path / "nobody"))
    assert found == [alone(seed, 3 + seed) for seed in range(8)]
    assert list(tmp_path.rglob("*.nbc"))


def test_eight_threads_that_compile_where_nothing_can_be_written(script, tmp_path):
    program = script(LAY_OUT + IN_THREADS.format("laid_out(seed)"))
    found = run(program, **nothing_can_be_written(tmp_path))
    assert found == [",".join(map(str, range(9 + seed))) for seed in range(8)]
    assert not list(tmp_path.rglob("*.nbc"))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_one_that_has_trained_with_threads(method, script, alone):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("this system has no fork")
    large = (1000, 2000, 1000)
    expected = [alone(0, *large), alone(1, *large), alone(2), alone(3)]
    assert run(script(IN_PROCESSES), method) == expected


# A program with a small kernel. In the tests, a process is killed or forked while it compiles or saves this kernel.
TWICE = """
import os, signal, subprocess, sys, threading
from fastnet.kernels.compiler import kernel

@kernel
def twice(x):
    return x + x
"""
TWICE_IN_PROCESSES = f"""{TWICE}
from numba.core.caching import IndexDataCacheFile

def save_index(file, overloads):
    subprocess.run([sys.executable, __file__, "2"], check=True)  # the new process saves index and code
    save(file, overloads)
    os._exit(0)  # as if killed before the code is saved

if sys.argv[1:] == ["killed"]:
    save, IndexDataCacheFile._save_index = IndexDataCacheFile._save_index, save_index
    twice(1.5)
else:
    print(twice(int(sys.argv[1]) if sys.argv[1].isdigit() else float(sys.argv[1])))
"""
FORKED_WHILE_COMPILING = f"""{TWICE}
from numba.core import event

class Slow(event.Listener):
    def on_start(self, started):
        compiling.set()
        threading.Event().wait(0.5)

    def on_end(self, ended):
        pass

compiling = threading.Event()
with event.install_listener("numba:compile", Slow()):
    thread = threading.Thread(target=twice, args=(1.5,))
    thread.start()
    compiling.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends the child process after a deadlock
        print(twice(2), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
"""


def test_a_process_that_is_killed_while_another_saves_leaves_no_code_for_other_types(script, tmp_path):
    program, cache = script(TWICE_IN_PROCESSES), {"NUMBA_CACHE_DIR": str(tmp_path)}
    run(program, "killed", **cache)
    assert [run(program, x, **cache) for x in ("1.5", "2", "1.5")] == [["3.0"], ["4"], ["3.0"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_is_forked_while_another_thread_compiles(script, tmp_path):
    assert run(script(FORKED_WHILE_COMPILING), NUMBA_CACHE_DIR=str(tmp_path)) == ["4"]


def test_data_that_threads_share_are_laid_out_right(alone):
    """The first thread that needs the data converts them to the kernels' layout. All threads use the result."""
    from concurrent.futures import ThreadPoolExecutor

    random = np.random.default_rng(0)
    for _ in range(20):
        data = Dataset(random.random((50, 5)), np.eye(2)[random.integers(0, 2, 50)])

        def train(seed, data=data):
            net = network.Network([5, 3, 2], seed=seed)
            net.update_mini_batch(data, 0.5)
            return net.weights[0].tobytes(), net.evaluate(data)

        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(train, [0, 1] * 4))
        assert together == [train(0), train(1)] * 4
