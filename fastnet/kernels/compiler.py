"""How the kernels are compiled: the flags, named once, the cache on disk, and a word while it takes place.

Three decorators: `kernel` for a function that Python calls, `part` for a function that kernels call, and `formula` for
one of these that is innermost loops and nothing else.

What Numba needs to be told, and why:

- The GIL is released, so that two threads train two networks at once.
- Division by zero gives infinity, as in NumPy, instead of a branch and an exception at every division.
- Of LLVM's liberties with floating point (`fastmath`) only those that keep infinities and NaN what they are: sums in
  any order and fused multiply-adds, without which no sum becomes a vector operation, and no care for the sign of zero.
- LLVM cannot prove that two arrays don't overlap, and so guards every short inner loop with run-time checks: about a
  tenth of an epoch of 784-30-10. A `formula` promises it: no two of its array arguments share an element. C has the
  keyword `restrict` for this; Numba has the flag `noalias`, but no option for it, so that a compiler of our own sets
  it. The promise covers the reference counts of the arrays too, so a formula makes no views of its arguments.
- Parts are inlined, every one. Otherwise the process that compiles a kernel would run the parts' own copies, and the
  processes that load it from the disk those inside it, and the two round differently.
- Numba decides by a kernel's own file whether the compiled code on the disk is still good, and does not look at the
  files of the kernels that it calls. Here the key of the cache holds the contents of the whole package.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numba
from numba.core import event
from numba.core.caching import FunctionCache
from numba.core.compiler import Compiler

_FLAGS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "contract", "nsz"},
}
_SOURCES = hashlib.sha256(b"".join(p.read_bytes() for p in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()


if numba.config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set, but engine 'numba' cannot run uncompiled; engine='numpy' can")


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function when it is first called with some types, and keep the result on the disk."""
    return _cached(numba.njit(**_FLAGS)(function))


def part(function: Callable[..., Any]) -> Any:
    """Compile a function into the kernels that call it."""
    return _cached(numba.njit(forceinline=True, **_FLAGS)(function))


def formula(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays that don't overlap; it is compiled into the kernels that call it."""
    return _cached(numba.njit(pipeline_class=_NoAliasCompiler, forceinline=True, **_FLAGS)(function))


@contextlib.contextmanager
def announced(announcement: Callable[[], contextlib.AbstractContextManager[object]]) -> Iterator[None]:
    """Enter `announcement()` when something is compiled in the `with` block, and leave it at the block's end.

    Loading compiled code from the disk is not compiling.
    """
    with contextlib.ExitStack() as stack:
        listener = _CompilationListener(lambda: stack.enter_context(announcement()))
        with event.install_listener("numba:compile", listener):
            yield


class _NoAliasCompiler(Compiler):
    def define_pipelines(self) -> Any:
        self.state.flags.noalias = True
        return super().define_pipelines()


class _PackageCache(FunctionCache):
    """Numba's cache on the disk, for kernels that are made of one another."""

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        return (*super()._index_key(sig, codegen), _SOURCES)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged file can fail anywhere in pickle, Numba and LLVM; it is as good as none
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        # A full disk, or one that has become read-only, costs the next process a compilation and this one nothing.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)


def _cached(dispatcher: Any) -> Any:
    # Numba raises this where neither the package's folder nor the user's cache folder can be written: then every
    # process compiles for itself.
    with contextlib.suppress(RuntimeError):
        dispatcher._cache = _PackageCache(dispatcher.py_func)
    return dispatcher


class _CompilationListener(event.Listener):
    def __init__(self, on_first_start: Callable[[], object]) -> None:
        self._on_first_start = on_first_start
        self._started = False
        self._thread = threading.get_ident()

    def on_start(self, event: Any) -> None:
        if not self._started and threading.get_ident() == self._thread:  # Numba tells every listener of every thread
            self._started = True
            self._on_first_start()

    def on_end(self, event: Any) -> None:
        pass
