"""Compiles kernels in several processes, because within a process Numba compiles only one function at a time.

The other processes store their code in the cache, and this process loads the code from the cache. Without a writable
cache, a second processor or a Python interpreter, this process compiles all kernels, one after the other. If several
programs need the same kernel at the same time, one program compiles the kernel, and the other programs wait.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numba
from filelock import FileLock, Timeout
from numba.core import event
from numba.core.compiler_lock import global_compiler_lock

from fastnet.kernels import processes, threads
from fastnet.kernels.cache import KernelCache

Types: TypeAlias = tuple[Any, ...]
Call: TypeAlias = tuple[Any, tuple[Any, ...]]  # a kernel and its arguments

_PATIENCE = 60.0  # number of seconds to wait for another process, before this process compiles the missing kernels

# The program of another process. It reads the kernels to compile and their argument types from standard input.
_PROGRAM = """
compile_once = importlib.import_module("fastnet.kernels.parallel_compilation").compile_once
for module, name, types in pickle.load(sys.stdin.buffer):
    compile_once(getattr(importlib.import_module(module), name), types)
"""

_addresses: dict[tuple[Any, Types], int] = {}


@global_compiler_lock  # while one thread runs this function, other threads that compile wait
def compile_all(here: Call, *elsewhere: Sequence[Call]) -> None:
    """Compile kernels for the types of their arguments. A compiled kernel is not compiled again.

    Parameters
    ----------
    here : (kernel, tuple)
        A kernel that this process compiles, and its arguments. Only the types of the arguments matter.
    *elsewhere : sequences of (kernel, tuple)
        More kernels and their arguments. If possible, all sequences are compiled at the same time, each in a process of
        its own. These kernels must be defined at the top level of a module.
    """
    kernel, types = _typed(here)
    others = [list(map(_typed, some)) for some in elsewhere]
    with contextlib.ExitStack() as stack, _compilation_lock(kernel, types):
        if not _is_compiled(kernel, types):
            for some in others:
                stack.enter_context(_compiled_elsewhere([each for each in some if not _is_compiled(*each)]))
        kernel.compile(types)
    for each in itertools.chain(*others):
        compile_once(*each)  # loads the code if another process has compiled the kernel


def compile_once(kernel: Any, types: Types) -> None:
    """Compile a kernel for the given types; if another process is compiling the same kernel, wait and load its code."""
    with _compilation_lock(kernel, types):
        kernel.compile(types)


def address_of(kernel: Any, arguments: tuple[Any, ...]) -> int:
    """Compile a kernel for the types of its arguments, if necessary; return the address of the kernel's C function.

    Parameters
    ----------
    kernel : kernel
        Made by `compiler.called_kernel`.
    arguments : tuple
        Arguments of the kernel. Only the types of the arguments matter.

    Raises
    ------
    RuntimeError
        If LLVM returns no address for the compiled kernel.
    """
    key = kernel, types = _typed((kernel, arguments))
    if key not in _addresses:
        kernel.compile(types)
        compiled = kernel.overloads[types]
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        if not address:
            raise RuntimeError(
                f"kernel {kernel.__name__} is compiled, but LLVM returned no address for it; use engine='numpy'"
            )
        _addresses[key] = address
    return _addresses[key]


def _typed(call: Call) -> tuple[Any, Types]:
    kernel, arguments = call
    return kernel, tuple(map(numba.typeof, arguments))


def _is_compiled(kernel: Any, types: Types) -> bool:
    """Return whether compiled code of a kernel exists, in this process or on disk."""
    cache = kernel._cache
    return types in kernel.overloads or (
        isinstance(cache, KernelCache) and cache.has(types, kernel.targetctx.codegen())
    )


@contextlib.contextmanager
def _compilation_lock(kernel: Any, types: Types) -> Iterator[None]:
    """Hold the lock for compiling a kernel during the `with` block; wait while another process holds the lock.

    No lock is held if the kernel is already compiled, if code cannot be stored, or if the file system has no locks.
    After `_PATIENCE` seconds of waiting, the block begins without the lock. The system releases the lock of a process
    that ends, even if the process is killed.
    """
    cache = kernel._cache
    if _is_compiled(kernel, types) or not (isinstance(cache, KernelCache) and cache.is_writable):
        yield
        return
    lock = FileLock(cache.lock_path(types, kernel.targetctx.codegen()))
    with contextlib.suppress(OSError, NotImplementedError):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            with event.trigger_event("numba:compile", data={"dispatcher": kernel}):  # shows a message to the user
                lock.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _compiled_elsewhere(calls: Sequence[tuple[Any, Types]]) -> Iterator[None]:
    """Compile kernels in another process during the `with` block, if possible; wait for the process afterwards."""
    caches = [kernel._cache for kernel, _ in calls]
    are_kept = all(isinstance(each, KernelCache) and each.is_writable for each in caches)
    can = bool(calls) and are_kept and threads.available() > 1
    process = _start() if can else None
    if process is None:
        yield
        return
    try:
        functions = [(kernel.py_func, types) for kernel, types in calls]
        processes.tell(process, [(each.__module__, each.__name__, types) for each, types in functions])
        yield
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
    finally:
        processes.end(process)  # after Ctrl-C or `_PATIENCE` seconds, the process may still run


def _start() -> subprocess.Popen[bytes] | None:
    """Start a process that runs `_PROGRAM`; return None if no process can be started."""
    with contextlib.suppress(OSError):
        return processes.start(_PROGRAM)
    return None
