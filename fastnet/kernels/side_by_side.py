"""Two kernels compiled at once: Numba compiles one at a time in a process, so the second is compiled in another one.

That process leaves its code in the cache, where this one finds it. Where there is no cache, no second processor, or no
interpreter to start, this process compiles both, one after the other.
"""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, TypeAlias

import numba
from numba.core.compiler_lock import global_compiler_lock

from fastnet.kernels import threads
from fastnet.kernels.cache import KernelCache

Types: TypeAlias = tuple[Any, ...]

# What the other process does: it finds modules where this one does, and learns which kernel to compile for which types.
_PROGRAM = """
import importlib, pickle, sys
sys.path[:] = pickle.load(sys.stdin.buffer)
module, name, types = pickle.load(sys.stdin.buffer)
getattr(importlib.import_module(module), name).compile(types)
"""


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
        The address of the first, as C calls it.
    """
    types, of_other = tuple(map(numba.typeof, arguments)), tuple(map(numba.typeof, others))
    if types not in kernel.overloads or of_other not in other.overloads:
        _compile_both(other, of_other, kernel, types)
    compiled = kernel.overloads[types]
    address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
    return address


@global_compiler_lock  # of several threads, one starts a process, and the others wait
def _compile_both(first: Any, types: Types, second: Any, types_of_second: Types) -> None:
    at_once = not _is_compiled(first, types) and not _is_compiled(second, types_of_second)
    with _compiled_elsewhere(second, types_of_second) if at_once else contextlib.nullcontext():
        first.compile(types)
    second.compile(types_of_second)


def _is_compiled(kernel: Any, types: Types) -> bool:
    """Return whether a kernel is compiled, here or on the disk."""
    cache = kernel._cache
    return types in kernel.overloads or (
        isinstance(cache, KernelCache) and cache.has(types, kernel.targetctx.codegen())
    )


@contextlib.contextmanager
def _compiled_elsewhere(kernel: Any, types: Types) -> Iterator[None]:
    """Have another process compile a kernel during the `with` block, if it can, and wait for it."""
    can = isinstance(kernel._cache, KernelCache) and threads.available() > 1 and not getattr(sys, "frozen", False)
    process = _started(kernel.py_func, types) if can and sys.executable else None
    try:
        yield
        if process is not None:
            process.wait()
    finally:
        if process is not None:
            process.kill()  # where this one was interrupted
            process.wait()


def _started(function: Any, types: Types) -> subprocess.Popen[bytes] | None:
    """Start the process; None where the system does not."""
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for this process, which then stops that one
        )
    except OSError:
        return None
    task = function.__module__, function.__name__, types
    with contextlib.suppress(OSError), process.stdin as there:  # type: ignore[union-attr] # it may have ended already
        there.write(pickle.dumps(sys.path) + pickle.dumps(task))
    return process
