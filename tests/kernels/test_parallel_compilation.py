import ctypes
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from filelock import FileLock
from kernels import two_kernels
from numba.core.dispatcher import NullCache

from fastnet.kernels import compiler, parallel_compilation, processes, threads
from fastnet.kernels.structures import Reference

SCALED = Reference(two_kernels.Scaled(np.array([3.0]), 1.5))


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """Return two kernels that are not compiled, and set an empty folder as their cache."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(threads, "available", lambda: 2)
    return [compiler.kernel(each.py_func) for each in (two_kernels.doubled, two_kernels.first)]


@pytest.fixture
def started(monkeypatch):
    """Return a list to which each started process is appended."""
    found, start = [], parallel_compilation._start
    monkeypatch.setattr(parallel_compilation, "_start", lambda: found.append(start()) or found[-1])
    return found


def call(doubled, first):
    """Compile and call both kernels; return whether another process compiled `first`."""
    parallel_compilation.compile_all((doubled, (2,)), [(first, (SCALED,))])
    address = parallel_compilation.address_of(first, (SCALED,))
    found = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p)(address)(SCALED.address)
    assert (doubled(2), found) == (4, 4.5)
    assert not sum(doubled.stats.cache_hits.values())
    return sum(first.stats.cache_hits.values()) == 1


def test_one_is_compiled_by_another_process(kernels):
    assert call(*kernels)


def test_what_is_compiled_is_not_compiled_again(kernels, started):
    doubled, first = kernels
    doubled(2)
    for _ in range(2):
        assert not call(doubled, first)
    assert not started


@pytest.mark.parametrize(
    "what", ["no second processor", "no cache", "no interpreter", "no such interpreter", "frozen", "fails", "hangs"]
)
def test_without_another_process_this_one_compiles_both(kernels, monkeypatch, started, what):
    doubled, first = kernels
    if what == "no second processor":
        monkeypatch.setattr(threads, "available", lambda: 1)
    elif what == "no cache":
        first._cache = NullCache()
    elif what == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    elif what == "no interpreter":
        monkeypatch.setattr(sys, "executable", None)
    elif what == "no such interpreter":
        monkeypatch.setattr(sys, "executable", "/no/python")
    else:
        monkeypatch.setattr(parallel_compilation, "_PATIENCE", 0.1)
        monkeypatch.setattr(
            parallel_compilation, "_PROGRAM", "1 / 0" if what == "fails" else "import time; time.sleep(600)"
        )
    assert not call(doubled, first)
    assert all(each is None or each.poll() is not None for each in started)


def test_modules_in_the_current_folder_are_not_imported_in_place_of_others(kernels, monkeypatch, tmp_path):
    (tmp_path / "pickle.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    assert call(*kernels)


def test_the_other_process_ends_where_this_one_is_interrupted(kernels, monkeypatch, started):
    doubled, first = kernels

    def interrupted(signature):
        raise KeyboardInterrupt

    monkeypatch.setattr(doubled, "compile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        parallel_compilation.compile_all((doubled, (2,)), [(first, (SCALED,))])
    assert started[0].poll() is not None
    assert not first.overloads


def test_of_several_threads_one_starts_a_process(kernels, started):
    doubled, first = kernels
    with ThreadPoolExecutor(4) as pool:
        for each in [
            pool.submit(parallel_compilation.compile_all, (doubled, (2,)), [(first, (SCALED,))]) for _ in range(4)
        ]:
            each.result()
    assert len(started) == 1


def test_another_process_compiles_several_one_after_the_other(kernels, started):
    doubled, first = kernels
    width = compiler.kernel(two_kernels.width.py_func)
    parallel_compilation.compile_all((doubled, (2,)), [(first, (SCALED,)), (width, (np.zeros(1),))])
    assert len(started) == 1
    assert [sum(each.stats.cache_hits.values()) for each in (doubled, first, width)] == [0, 1, 1]


# A program that prints a line if it compiles or waits, and then the number of kernels that it loads from the cache.
WAITING = """
import contextlib
module, types = pickle.load(sys.stdin.buffer)
names = "fastnet.kernels.parallel_compilation", "fastnet.kernels.compiler"
parallel_compilation, compiler = map(importlib.import_module, names)
doubled = importlib.import_module(module).doubled
show_waiting = lambda: contextlib.nullcontext(print("waiting", flush=True))
with compiler.on_compilation(show_waiting):
    parallel_compilation.compile_once(doubled, types)
print(sum(doubled.stats.cache_hits.values()))
"""


def test_of_several_programs_one_compiles_and_the_others_wait(kernels):
    doubled, types = kernels[0], (numba.int64,)
    lock = FileLock(doubled._cache.lock_path(types, doubled.targetctx.codegen()))
    lock.acquire()
    other = processes.start(WAITING, stdout=subprocess.PIPE)
    try:
        processes.tell(other, (two_kernels.__name__, types))
        assert other.stdout.readline().strip() == b"waiting"
        doubled.compile(types)
        lock.release()
        assert other.stdout.readline().strip() == b"1"
    finally:
        processes.end(other)


@pytest.mark.parametrize("reason", ["no locks", "held for too long"])
def test_without_the_lock_a_kernel_is_compiled_all_the_same(kernels, monkeypatch, reason):
    doubled, types = kernels[0], (numba.int64,)
    held = FileLock(doubled._cache.lock_path(types, doubled.targetctx.codegen()), is_singleton=False)
    if reason == "no locks":
        monkeypatch.setattr(FileLock, "acquire", lambda *_, **__: (_ for _ in ()).throw(NotImplementedError))
    else:
        held.acquire()
        monkeypatch.setattr(parallel_compilation, "_PATIENCE", 0.1)
    parallel_compilation.compile_once(doubled, types)
    held.release()
    assert sum(doubled.stats.cache_misses.values()) == 1
