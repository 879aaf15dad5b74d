"""Kernels compiled at once: Numba compiles one at a time in a process, so one is compiled in another process.

That process leaves its code in the cache, where this one finds it. Where there is no cache, no second processor, or no
interpreter to start, this process compiles all, one after the other.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any, TypeAlias

import numba
from numba.core.compiler_lock import global_compiler_lock

from fastnet.kernels import processes, threads
from fastnet.kernels.cache import KernelCache

Types: TypeAlias = tuple[Any, ...]

_PATIENCE = 60.0  # seconds to wait for the other process; after that, this process compiles what is missing

# What the other process does: it learns which kernel to compile for which types.
_PROGRAM = """
module, name, types = pickle.load(sys.stdin.buffer)
getattr(importlib.import_module(module), name).compile(types)
"""

_addresses: dict[tuple[Any, Types], int] = {}


def address_of(kernel: Any, arguments: tuple[Any, ...], other: Any, others: tuple[Any, ...]) -> int:
    """Compile two kernels for arguments like these, unless they are compiled already, and return an address.

    Parameters
    ----------
    kernel, other : kernel
        As `compiler.kernel` makes them, both at the top of a module.
    arguments, others : tuple
        Arguments of each, as it is called with; only their types matter.

    Returns
    -------
    int
        The address of `kernel`, as C calls it.
    """
    types = tuple(map(numba.typeof, arguments))
    if (kernel, types) not in _addresses:
        _compile_both(kernel, types, other, tuple(map(numba.typeof, others)))
    return _addresses[kernel, types]


@global_compiler_lock  # of several threads, one starts a process, and the others wait
def _compile_both(kernel: Any, types: Types, other: Any, types_of_other: Types) -> None:
    """Compile both kernels, `kernel` elsewhere if that is possible, and keep its address."""
    at_once = not _is_compiled(kernel, types) and not _is_compiled(other, types_of_other)
    with _compiled_elsewhere(kernel, types) if at_once else contextlib.nullcontext():
        other.compile(types_of_other)
    kernel.compile(types)
    compiled = kernel.overloads[types]
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
    if not address:
        raise RuntimeError(f"kernel {kernel.__name__} is compiled, but LLVM has no address of it")
    _addresses[kernel, types] = address


@contextlib.contextmanager
def compiled_elsewhere(kernel: Any, arguments: tuple[Any, ...]) -> Iterator[None]:
    """Have another process compile a kernel during the `with` block, if it can and the kernel is not compiled yet."""
    types = tuple(map(numba.typeof, arguments))
    with global_compiler_lock:
        is_compiled = _is_compiled(kernel, types)
    with contextlib.nullcontext() if is_compiled else _compiled_elsewhere(kernel, types):
        yield


def _is_compiled(kernel: Any, types: Types) -> bool:
    """Return whether a kernel is compiled, here or on the disk."""
    cache = kernel._cache
    return types in kernel.overloads or (
        isinstance(cache, KernelCache) and cache.has(types, kernel.targetctx.codegen())
    )


@contextlib.contextmanager
def _compiled_elsewhere(kernel: Any, types: Types) -> Iterator[None]:
    """Have another process compile a kernel during the `with` block, if it can, and wait for it."""
    cache = kernel._cache
    can = isinstance(cache, KernelCache) and cache.is_writable and threads.available() > 1 and processes.can_start()
    process = _start() if can else None
    if process is None:
        yield
        return
    try:
        processes.tell(process, (kernel.py_func.__module__, kernel.py_func.__name__, types))
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
