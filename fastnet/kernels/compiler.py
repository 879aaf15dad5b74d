"""How kernels are compiled: decorators, Numba's flags and passes, and a callback on compilation.

`kernel` decorates a function that Python calls, and `called_kernel` a function that kernels call by its address. `part`
decorates a function that is compiled into the kernels that call it. `variant` decorates an alternative of a part: if
the first argument has one of the given types, the alternative is compiled instead.

Numba's settings, and their reasons:

- The GIL is released, so that two threads can train two networks at the same time.
- Division by zero gives infinity, as in NumPy. Otherwise, every division would have a branch and an exception.
- `fastmath` is off, because `vectors` sets LLVM's floating-point flags for individual instructions.
- Parts are inlined, so that vectors are not passed in memory. Therefore Numba generates no machine code for a part, and
  LLVM optimizes the code only after inlining. Without separate optimization of parts, compiling a kernel takes half
  the time.
- Most of the compilation time is spent in Numba's front end. Passes for features that kernels do not use, such as
  closures, are left out. The types of repeated operations, such as the sum of two integers, are cached.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import numba
from numba.core import event, typed_passes, types, untyped_passes
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.dispatcher import Dispatcher
from numba.extending import overload

from fastnet.kernels.cache import KernelCache

_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


class _TypingContext:
    """Numba's typing context, with a cache of signatures, because kernels call few functions with few types."""

    _signatures: ClassVar[dict[tuple[Any, Any], Any]] = {}

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, function: Any, arguments: Any, keywords: Any) -> Any:
        if isinstance(function, types.Dispatcher):  # for each literal type, a dispatcher would compile the part again
            arguments = tuple(types.unliteral(each) for each in arguments)
        if keywords or isinstance(function, types.Dispatcher):
            return self._context.resolve_function_type(function, arguments, keywords)
        key = function, arguments
        if key not in self._signatures:
            self._signatures[key] = self._context.resolve_function_type(function, arguments, keywords)
        return self._signatures[key]


class _Library(JITCodeLibrary):
    """Numba's code library of a function, but without optimization, because the whole kernel is optimized later."""

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout


class _KernelLibrary(_Library):
    """Numba's code library of a kernel, but with a single optimization run.

    Numba would first prune reference counts in a separate run, but kernels have no reference counts. Optimization level
    3 takes a third longer than level 2, and does not make loops of explicit vectors faster.
    """

    _linking_libraries: list[Any]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.enable_object_caching()

    def finalize(self) -> None:
        self._linking_libraries = _all_linked(self._linking_libraries)
        super().finalize()

    def _optimize_final_module(self) -> None:
        manager, builder = self._codegen._module_pass_manager(opt=2)
        manager.run(self._final_module, builder)


def _all_linked(libraries: list[Any]) -> list[Any]:
    """Return the given libraries and all libraries that they need, directly or indirectly, without duplicates."""
    found: dict[Any, None] = {}
    left = list(libraries)
    while left:
        library = left.pop()
        if library not in found:
            found[library] = None
            left += library._linking_libraries
    return list(found)


class _KernelCompiler(CompilerBase):
    """Numba's compiler, with `_TypingContext`, `_KernelLibrary` and the passes that kernels need."""

    _library: ClassVar[type[JITCodeLibrary]] = _KernelLibrary
    _PASSES = (
        untyped_passes.TranslateByteCode,
        untyped_passes.FixupArgs,
        untyped_passes.IRProcessing,
        untyped_passes.GenericRewrites,
        untyped_passes.ReconstructSSA,
        typed_passes.NopythonTypeInference,
        typed_passes.PreLowerStripPhis,
        typed_passes.IRLegalization,
        typed_passes.AnnotateTypes,
        typed_passes.NativeLowering,
        typed_passes.NoPythonBackend,
    )

    def __init__(self, typing: Any, target: Any, library: Any, *others: Any) -> None:
        super().__init__(_TypingContext(typing), target, self._library(target.codegen(), "kernel"), *others)

    def define_pipelines(self) -> list[PassManager]:
        manager = PassManager("kernel")
        for each in self._PASSES:
            manager.add_pass(each, each.__name__)
        manager.finalize()
        return [manager]


class _PartLibrary(_Library):
    """Numba's code library of a part. The part is linked into kernels, and has no machine code of its own.

    If a part calls other parts, the called parts are linked only into the kernel. If the called parts were also
    linked into the calling part, their code would be copied repeatedly.
    """

    def finalize(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> Any:
        return _NoMachineCode


class _NoMachineCode:
    @staticmethod
    def set_env(name: str, environment: Any) -> None:
        """Do nothing, because Numba would write the address of a function's environment to code that does not exist."""


class _PartCompiler(_KernelCompiler):
    """The compiler of parts: `_KernelCompiler` with `_PartLibrary`."""

    _library = _PartLibrary


_PART_FLAGS = {
    "forceinline": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "pipeline_class": _PartCompiler,
    **_FLAGS,
}

if numba.config.DISABLE_JIT:
    raise ImportError(
        "NUMBA_DISABLE_JIT is set, but engine 'numba' has to compile; unset the variable, or use engine='numpy'"
    )

# A forked process has no copy of the other threads of its parent. If one of those threads held the compiler lock, the
# forked process could never acquire the lock. So the lock is acquired before a fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=global_compiler_lock.acquire,
        after_in_parent=global_compiler_lock.release,
        after_in_child=global_compiler_lock.release,
    )


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function at the first call with each combination of argument types, and cache the code on disk."""
    return _cached(numba.njit(pipeline_class=_KernelCompiler, **_FLAGS)(function))


def called_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call, by its address (see `calls`), and cache the code on disk."""
    return _cached(numba.njit(pipeline_class=_KernelCompiler, no_cpython_wrapper=True, **_FLAGS)(function))


def is_kernel(thing: Any) -> bool:
    """Return whether an object was made by `kernel` or `called_kernel`."""
    return isinstance(thing, Dispatcher) and thing._compiler.pipeline_class is _KernelCompiler


def part(function: Callable[..., Any]) -> Any:
    """Compile a function into the kernels that call it."""
    return numba.njit(**_PART_FLAGS)(function)


def subroutine(function: Callable[..., Any]) -> Any:
    """Compile a large part that need not be inlined, because it is called rarely and has at most one vector argument.

    If large parts were inlined, LLVM would duplicate the code of whole layers to move constant branches out of loops.
    """
    return numba.njit(**{**_PART_FLAGS, "forceinline": False})(function)


def variant(general: Callable[..., Any], *kinds: type) -> Callable[[Callable[..., Any]], Any]:
    """Compile an alternative of `general`, for calls whose first argument is a named tuple of a type in `kinds`."""

    def register(function: Callable[..., Any]) -> Any:
        def choose(first: Any, *others: Any) -> Any:
            return function if getattr(first, "instance_class", None) in kinds else None

        overload(general, jit_options=_PART_FLAGS, strict=False)(choose)
        return part(function)

    return register


@contextlib.contextmanager
def on_compilation(callback: Callable[[], contextlib.AbstractContextManager[object]]) -> Iterator[None]:
    """Call a function at the first compilation by this thread in the `with` block.

    The context manager `callback()` is entered when the compilation begins, and left at the end of the block.
    Loading compiled code from the disk does not count as a compilation.
    """
    with contextlib.ExitStack() as stack:
        listener = _CompilationListener(lambda: stack.enter_context(callback()))
        with event.install_listener("numba:compile", listener):
            yield


def _cached(dispatcher: Any) -> Any:
    # Numba raises a RuntimeError if code cannot be cached. In that case, every process compiles the kernel.
    with contextlib.suppress(RuntimeError):
        dispatcher._cache = KernelCache(dispatcher.py_func)
    return dispatcher


class _CompilationListener(event.Listener):
    def __init__(self, on_first_start: Callable[[], object]) -> None:
        self._on_first_start = on_first_start
        self._started = False
        self._thread = threading.get_ident()

    def on_start(self, event: Any) -> None:
        # Numba also notifies the listener of compilations in other threads.
        if not self._started and threading.get_ident() == self._thread:
            self._started = True
            self._on_first_start()

    def on_end(self, event: Any) -> None:
        pass
