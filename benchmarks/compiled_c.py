"""Compiles the C code of benchmarks with gcc, for the processor for which Numba compiles.

If gcc used narrower vectors than the processor has, the C code would be too slow, and the kernels would look too fast.
So gcc gets the processor's name, and gcc's macros show which vectors gcc uses. If the C code cannot be compiled or run,
the benchmark prints one line, and its exit status is `REFUSED`.
"""

from __future__ import annotations

import contextlib
import ctypes
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numba
from llvmlite.binding import get_host_cpu_features

REFUSED = 3  # exit status of a benchmark whose C code cannot be compiled or run
WIDEST_FIRST = {
    "AVX-512": ("__AVX512F__",),
    "AVX2 and FMA": ("__AVX2__", "__FMA__"),
    "NEON": ("__ARM_NEON",),
    "SSE2": ("__SSE2__",),
}
"""Names of vector instructions, and the macros that gcc defines if gcc uses these instructions."""

_FEATURES = {"__AVX512F__": "avx512f", "__AVX2__": "avx2", "__FMA__": "fma"}  # LLVM's name of a feature, by gcc's macro


class CannotCompileError(Exception):
    """Raised if C code cannot be compiled, or cannot run on this processor. The message has one line."""


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Print the message of a `CannotCompileError` in the `with` block, and exit with status `REFUSED`."""
    try:
        yield
    except CannotCompileError as error:
        print(error, file=sys.stderr)
        raise SystemExit(REFUSED) from None


def library(source: Path, needs: str | None = None, options: Iterable[str] = ()) -> ctypes.CDLL:
    """Compile a C file, and load the library.

    Parameters
    ----------
    source : Path
        The file.
    needs : str, optional
        Name of the vector instructions that the file needs, one of `WIDEST_FIRST`; by default, none.
    options : iterable of str
        Further options for gcc, placed after all other options.

    Raises
    ------
    CannotCompileError
        If gcc is missing, cannot compile the file, does not use the instructions in `needs`, or uses instructions that
        this processor lacks.
    """
    check(source.name, needs)
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder, "library.so")
        flags = ["-O3", flag(), "-ffp-contract=fast", "-shared", "-fPIC"]
        _gcc(*flags, str(source), "-o", str(compiled), *options, what=f"{source.name} for {processor()!r}")
        return ctypes.CDLL(str(compiled))


def check(what: str, needs: str | None = None) -> None:
    """Raise `CannotCompileError` if the C code `what` cannot run here, or needs instructions that gcc does not use."""
    missing = [macro for macro in WIDEST_FIRST.get(needs or "", ()) if macro not in macros()]
    if missing:
        raise CannotCompileError(f"{what} needs {needs}, which gcc does not use for the processor {processor()!r}")
    host = get_host_cpu_features()
    absent = [name for macro, name in _FEATURES.items() if macro in macros() and not host.get(name)]
    if absent:
        raise CannotCompileError(f"gcc compiles for {processor()!r}, but this processor lacks {' and '.join(absent)}")


def processor() -> str:
    """Return gcc's name of the processor that Numba compiles for."""
    name = numba.config.CPU_NAME or "native"
    return "x86-64" if name == "generic" and _is_x86() else name


def flag() -> str:
    """Return gcc's option for the processor that Numba compiles for."""
    return f"-march={processor()}" if _is_x86() else f"-mcpu={processor()}"


def instructions() -> str:
    """Return the name of the widest vector instructions that gcc uses."""
    return next((name for name, needed in WIDEST_FIRST.items() if set(needed) <= macros()), "none that is known")


@cache
def macros() -> frozenset[str]:
    """Return the names of the macros that gcc defines for the processor that Numba compiles for."""
    lines = _gcc(flag(), "-dM", "-E", "-x", "c", "/dev/null", what=f"for the processor {processor()!r}").splitlines()
    return frozenset(words[1] for words in map(str.split, lines) if words[:1] == ["#define"])


def _gcc(*arguments: str, what: str) -> str:
    """Run gcc, and return what it prints."""
    if shutil.which("gcc") is None:
        raise CannotCompileError("gcc is missing, but is needed to compile the C code of this benchmark; install gcc")
    run = subprocess.run(["gcc", *arguments], capture_output=True, text=True)
    if run.returncode:
        errors = [line.partition("error: ")[2] for line in run.stderr.splitlines() if "error: " in line]
        raise CannotCompileError(f"gcc cannot compile {what}: {errors[0] if errors else 'it gives no reason'}")
    return run.stdout


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64")
