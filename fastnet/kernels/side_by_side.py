"""Kernels compiled at once: Numba compiles one at a time in a process, so others are compiled in other processes.

These leave their code in the cache, where this one finds it. Where there is no cache, no second processor, or no
interpreter to start, this process compiles all, one after the other. Of several programs that start at once and need
the same kernel, one compiles it, and the others wait for it.
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

# What another process does: it learns which kernels to compile, and for which types.
_PROGRAM = """
compile_once = importlib.import_module("fastnet.kernels.side_by_side").compile_once
for module, name, types in pickle.load(sys.stdin.buffer):
    compile_once(getattr(importlib.import_module(module), name), types)
"""

_addresses: dict[tuple[Any, Types], int] = {}


@global_compiler_lock  # of several threads, one starts processes, and the others wait
def compile_all(here: Call, *elsewhere: Sequence[Call]) -> None:
    """Compile kernels for arguments like these. What is compiled already is not compiled again.

    Parameters
    ----------
    here : (kernel, tuple)
        A kernel, as `compiler.kernel` makes it at the top of a module, and arguments; only their types matter. This
        process compiles it.
    *elsewhere : sequences of (kernel, tuple)
        Others. For each sequence, another process compiles its kernels meanwhile, if it can.
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
    """Compile a kernel for arguments like these, unless it is compiled already, and return its address, as C calls it.

    Parameters
    ----------
    kernel : kernel
        As `compiler.called_kernel` makes it.
    arguments : tuple
        As it is called with; only their types matter.
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
    """Return whether a kernel is compiled, here or on the disk."""
    cache = kernel._cache
    return types in kernel.overloads or (
        isinstance(cache, KernelCache) and cache.has(types, kernel.targetctx.codegen())
    )


@contextlib.contextmanager
def _turn(kernel: Any, types: Types) -> Iterator[None]:
    """Hold the lock for compiling a kernel during the `with` block; wait while another process holds it.

    Nobody waits for a kernel that is compiled, or where code cannot be kept, or where the file system has no locks. The
    system takes a lock from a process that has ended, however it ended.
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
            with event.trigger_event("numba:compile", data={"dispatcher": kernel}):  # a word while it takes place
                lock.acquire(timeout=_PATIENCE)
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _compiled_elsewhere(calls: Sequence[tuple[Any, Types]]) -> Iterator[None]:
    """Have another process compile kernels during the `with` block, if it can, and wait for it."""
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
        processes.end(process)  # where this one was interrupted, or has waited for too long


def _start() -> subprocess.Popen[bytes] | None:
    """Start the process; None where the system does not."""
    with contextlib.suppress(OSError):
        return processes.start(_PROGRAM)
    return None
