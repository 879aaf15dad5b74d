"""Compilation in several processes, with a kernel that compiles quickly."""

import os
import sys

import numba
import pytest
from numba.core.registry import cpu_target

from fastnet.compilation import workers
from fastnet.compilation.kernels import Specialization
from fastnet.compilation.workers import CompilationError, compile_all
from fastnet.kernels import cache, processes, processors
from fastnet.kernels.processors import Processor

TYPES = numba.int64, numba.float64, numba.float32
DOUBLED = [Specialization("kernels.two_kernels", "doubled", (each,)) for each in TYPES]


@pytest.fixture
def started(monkeypatch):
    """A list to which every started process is appended."""
    found, start = [], processes.start
    monkeypatch.setattr(processes, "start", lambda *of, **more: found.append(start(*of, **more)) or found[-1])
    return found


def test_what_is_compiled_is_not_compiled_again(tmp_path, started):
    ticks = []
    variables = {"NUMBA_CACHE_DIR": str(tmp_path / "new")}
    first = compile_all(DOUBLED[1:], variables, 2, lambda: ticks.append(True))
    files = list((tmp_path / "new").rglob("*.nb?"))
    assert first.folder == tmp_path / "new" / "fastnet"
    assert (first.compiled, len(files), len(ticks), len(started)) == (2, 4, 2, 2)
    assert first.size == sum(file.stat().st_size for file in files)
    second = compile_all(DOUBLED, variables, 9)
    assert (second.compiled, len(started)) == (1, 5)
    assert second.size > first.size
    assert all(process.poll() is not None for process in started)


def test_code_for_this_processor_is_compiled_beside_that_for_its_level(tmp_path):
    own = processors.of(cpu_target.target_context.codegen())
    level = processors.level_of(own) or Processor("generic", "")
    other = {"NUMBA_CPU_NAME": level.name, "NUMBA_CPU_FEATURES": level.features}
    for environment, processor in ((other, level), ({}, own)):
        report = compile_all(DOUBLED[:1], {"NUMBA_CACHE_DIR": str(tmp_path)} | environment, 1)
        assert (report.processor, report.compiled) == (processor, 1)


def test_where_one_process_fails_the_others_end(tmp_path, started):
    bad = Specialization("kernels.two_kernels", "tripled", (numba.int64,))
    with pytest.raises(CompilationError, match=r"tripled ended with status 1: AttributeError: .* 'tripled'"):
        compile_all([bad, *DOUBLED], {"NUMBA_CACHE_DIR": str(tmp_path)}, 2)
    assert len(started) == 2
    assert all(process.poll() is not None for process in started)


def test_a_process_that_is_killed(tmp_path, started, monkeypatch):
    tell = processes.tell
    monkeypatch.setattr(processes, "tell", lambda process, task: process.kill() or tell(process, task))
    with pytest.raises(CompilationError, match="ended with status -9: if memory is short, use --jobs 1"):
        compile_all(DOUBLED, {"NUMBA_CACHE_DIR": str(tmp_path)}, 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_code_that_cannot_be_kept(tmp_path, monkeypatch):
    full = "from numba.core.caching import IndexDataCacheFile as File\n"
    full += "File.save = lambda *arguments: open('/dev/full', 'w').write('x' * 9999)\n"
    monkeypatch.setattr(workers, "_PROGRAM", full + workers._PROGRAM)
    with pytest.raises(CompilationError, match=r"code could not be written to .*; check that the disk is not full"):
        compile_all(DOUBLED[:1], {"NUMBA_CACHE_DIR": str(tmp_path)}, 1)


def test_ctrl_c_ends_the_processes(tmp_path, started):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compile_all(DOUBLED, {"NUMBA_CACHE_DIR": str(tmp_path)}, 2, interrupt)
    assert all(process.poll() is not None for process in started)


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"no file can be written to .*/file/fastnet; give another folder with --"):
        compile_all(DOUBLED, {"NUMBA_CACHE_DIR": str(tmp_path / "file")})
    monkeypatch.setattr(cache, "can_be_written", lambda folder: False)
    with pytest.raises(OSError, match=r"no file can be written to .*__pycache__; give another folder"):
        compile_all(DOUBLED, {})


def test_a_program_without_an_interpreter(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(OSError, match="there is no Python interpreter to start"):
        compile_all(DOUBLED, {"NUMBA_CACHE_DIR": str(tmp_path)})


def test_a_process_keeps_to_a_kernel_and_a_precision():
    kinds = [Specialization("module", name, (each,)) for name in "ab" for each in (numba.float32, numba.float64)]
    tasks = workers._Tasks([task for task in kinds for _ in range(2)])
    first, second = tasks.next(None), tasks.next(None)
    assert first != second
    assert (tasks.next(first), tasks.next(second)) == (first, second)
    third = tasks.next(first)
    assert third not in (first, second)
    assert tasks.next(third) == third
    assert [tasks.next(third) is None for _ in range(3)] == [False, False, True]
