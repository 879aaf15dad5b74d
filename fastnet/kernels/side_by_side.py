"""Compiles kernels in several processes at the same time, because Numba compiles one function at a time in a process.

The other processes store their code in the cache, from which this process loads it. Without a cache, a second processor
or an interpreter to start, this process compiles all kernels, one after the other. If several programs need the same
kernel at the same time, one program compiles the kernel, and the other programs wait.
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
Call: TypeAlias = tuple[Any, tuple[Any, ...]]  # a kernel and arguments

_PATIENCE = 60.0  # seconds to wait for the other process; after that, this process compiles what is missing

# The program of another process: it reads from standard input which kernels to compile, and for which types.
_PROGRAM = """
compile_once = importlib.import_module("fastnet.kernels.side_by_side").compile_once
for module, name, types in pickle.load(sys.stdin.buffer):
    compile_once(getattr(importlib.import_module(module), name), types)
"""

_addresses: dict[tuple[Any, Types], int] = {}


@global_compiler_lock  # one thread starts processes, while all other threads wait
def compile_all(here: Call, *elsewhere: Sequence[Call]) -> None:
    """Compile kernels for the types of their arguments. A compiled kernel is not compiled again.

    Parameters
    ----------
    here : (kernel, tuple)
        A kernel, made by `compiler.kernel` at the top level of a module, and its arguments, of which only the types
        matter. This process compiles the kernel.
    *elsewhere : sequences of (kernel, tuple)
        More kernels. For each sequence, another process compiles the kernels at the same time, if possible.
    """
    kernel, types = _typed(here)
    others = [list(map(_typed, some)) for some in elsewhere]
    with contextlib.ExitStack() as stack, _turn(kernel, types):
        if not _is_compiled(kernel, types):
            for some in others:
                stack.enter_context(_compiled_elsewhere([each for each in some if not _is_compiled(*each)]))
        kernel.compile(types)
    for each in itertools.chain(*others):
        compile_once(*each)  # or load what another process has compiled


def compile_once(kernel: Any, types: Types) -> None:
    """Compile a kernel for some types, or load what another process has compiled or is compiling now."""
    with _turn(kernel, types):
        kernel.compile(types)


def address_of(kernel: Any, arguments: tuple[Any, ...]) -> int:
    """Compile a kernel for the types of its arguments, if necessary; return the address of the kernel's C function.

    Parameters
    ----------
    kernel : kernel
        Made by `compiler.called_kernel`.
    arguments : tuple
        Arguments of a call, of which only the types matter.

    Raises
    ------
    RuntimeError
        If LLVM has no address of the compiled kernel.
    """
    key = kernel, types = _typed((kernel, arguments))
    if key not in _addresses:
        kernel.compile(types)
        compiled = kernel.overloads[types]
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        if not address:
            raise RuntimeError(f"kernel {kernel.__name__} is compiled, but LLVM has no address of it")
        _addresses[key] = address
    return _addresses[key]


def _typed(call: Call) -> tuple[Any, Types]:
    kernel, arguments = call
    return kernel, tuple(map(numba.typeof, arguments))


def _is_compiled(kernel: Any, types: Types) -> bool:
    """Return whether a kernel is compiled, in this process or on disk."""
    cache = kernel._cache
    return types in kernel.overloads or (
        isinstance(cache, KernelCache) and cache.has(types, kernel.targetctx.codegen())
    )


@contextlib.contextmanager
def _turn(kernel: Any, types: Types) -> Iterator[None]:
    """Hold the lock for compiling a kernel during the `with` block; wait while another process holds it.

    There is no lock if the kernel is compiled, if code cannot be stored, or if the file system has no locks. The system
    releases the lock of a process that ends, even if the process is killed.
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
            with event.trigger_event("numba:compile", data={"dispatcher": kernel}):  # shows the user a message
                lock.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _compiled_elsewhere(calls: Sequence[tuple[Any, Types]]) -> Iterator[None]:
    """Compile kernels in another process during the `with` block, if possible; then wait for the process."""
    caches = [kernel._cache for kernel, _ in calls]
    are_kept = all(isinstance(each, KernelCache) and each.is_writable for each in caches)
    can = bool(calls) and are_kept and threads.available() > 1 and processes.can_start()
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
        processes.end(process)  # it still runs if this process was interrupted, or waited for too long


def _start() -> subprocess.Popen[bytes] | None:
    """Start the process; return None if the system cannot."""
    with contextlib.suppress(OSError):
        return processes.start(_PROGRAM)
    return None
