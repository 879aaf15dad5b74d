import ctypes
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from kernels import two_kernels
from numba import types
from numba.core.dispatcher import NullCache

from fastnet.kernels import compiler, side_by_side, threads


@pytest.fixture
def kernels(monkeypatch, tmp_path):
    """Return two kernels of which nothing is compiled, and a place to keep their code."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))  # where the other process keeps it
    monkeypatch.setattr(threads, "available", lambda: 2)
    return [compiler.kernel(each.py_func) for each in (two_kernels.doubled, two_kernels.squared)]


def call(doubled, squared):
    """Compile both, the second elsewhere if that is possible, and call it by its address."""
    address = side_by_side.address_of(squared, (3.0,), doubled, (2,))
    found = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(address)(3.0)
    assert (doubled(2), found) == (4, 9.0)
    return sum(squared.stats.cache_hits.values())


def test_the_second_is_compiled_by_another_process(kernels):
    assert call(*kernels) == 1
    assert sum(kernels[0].stats.cache_hits.values()) == 0


def test_what_is_compiled_is_not_compiled_again(kernels, monkeypatch):
    doubled, squared = kernels
    doubled(2)
    monkeypatch.setattr(side_by_side, "_started", None)  # one of the two is left, for this process
    assert call(doubled, squared) == 0
    assert call(doubled, squared) == 0


@pytest.mark.parametrize("what", ["no second processor", "no cache", "no interpreter", "one that fails", "frozen"])
def test_without_another_process_this_one_compiles_both(kernels, monkeypatch, what):
    doubled, squared = kernels
    if what == "no second processor":
        monkeypatch.setattr(threads, "available", lambda: 1)
    elif what == "no cache":
        squared._cache = NullCache()
    elif what == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        monkeypatch.setattr(sys, "executable", None if what == "no interpreter" else "/no/python")
    assert call(doubled, squared) == 0


def test_the_other_process_ends_where_this_one_is_interrupted(kernels, monkeypatch):
    doubled, squared = kernels
    started = []
    start = side_by_side._started
    monkeypatch.setattr(side_by_side, "_started", lambda *task: started.append(start(*task)) or started[-1])

    def interrupted(signature):
        raise KeyboardInterrupt

    monkeypatch.setattr(doubled, "compile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        side_by_side.address_of(squared, (3.0,), doubled, (2,))
    assert started[0].poll() is not None
    assert (types.float64,) not in squared.overloads


def test_of_several_threads_one_starts_a_process(kernels, monkeypatch):
    started, start = [], side_by_side._started
    monkeypatch.setattr(side_by_side, "_started", lambda *task: started.append(start(*task)) or started[-1])
    with ThreadPoolExecutor(4) as pool:
        arguments = kernels[1], (3.0,), kernels[0], (2,)
        addresses = [pool.submit(side_by_side.address_of, *arguments) for _ in range(4)]
        assert len({each.result() for each in addresses}) == 1
    assert len(started) == 1
