"""Compiled kernels on the disk, found by all that they were compiled from.

Numba looks for a kernel's code by the place and time of the kernel's own file. Then another copy of the package
compiles everything again. A change in a part that the kernel calls goes unnoticed, and so does any change in a zip
file. Here the name of a file is a hash: of the package's sources that are compiled, the kernel's own module, the
versions and settings of Numba and LLVM, the processor, and the types. So copies of one version share their code.

Numba also numbers the files of a kernel, and has an index of them. Of two processes that compile for different types at
once, both can take the same number; one that is killed between index and code leaves a number that another takes. Then
the index gives code for other types. Here each code has an index of its own: whoever writes it writes the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

from fastnet.utils.folders import cache_folder

_PACKAGES = "fastnet.kernels", "fastnet.formulas"  # whose functions and constants are compiled


@cache
def _sources() -> str | None:
    """Return a hash of the sources that are compiled; None where they cannot be read."""
    found = hashlib.sha256()
    if getattr(sys, "frozen", False):  # one executable file, without sources
        file = Path(sys.executable).stat()
        return f"{file.st_mtime_ns} {file.st_size}"
    for package in _PACKAGES:
        modules = [each for each in resources.files(package).iterdir() if each.name.endswith(".py")]
        if not modules:
            return None
        for module in sorted(modules, key=lambda each: each.name):
            found.update(module.read_bytes())
    return found.hexdigest()


def _folders() -> Iterator[Path]:
    """Yield the folders where code may be kept, the preferred one first."""
    if numba.config.CACHE_DIR:
        yield Path(numba.config.CACHE_DIR, "fastnet")
        return
    user = cache_folder()
    if user is not None:
        yield user / "kernels"
    yield Path(__file__).parent / "__pycache__"


class _Locator(_CacheLocator):
    """The first of the folders that can be written to."""

    def __init__(self, folder: Path, stamp: str) -> None:
        self._folder, self._stamp = folder, stamp

    @classmethod
    def from_function(cls, function: Any, file: str) -> _Locator | None:
        sources = _sources()
        try:
            own = "" if getattr(sys, "frozen", False) else inspect.getsource(inspect.getmodule(function) or function)
        except (OSError, TypeError):  # typed in, or without its source: nothing says whether the code is still good
            return None
        if sources is None:
            return None
        for folder in _folders():
            locator = cls(folder, hashlib.sha256((sources + own).encode()).hexdigest())
            with contextlib.suppress(OSError):
                locator.ensure_cache_path()
                return locator
        return None

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return ""


class _Implementation(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class KernelCache(FunctionCache):
    """Numba's cache on the disk, with the names of files that are explained above."""

    _impl_class = _Implementation

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        settings = numba.config.OPT, numba.config.LOOP_VECTORIZE, numba.config.SLP_VECTORIZE
        versions = numba.__version__, llvmlite.__version__
        return (*super()._index_key(sig, codegen), self._impl.locator.get_source_stamp(), versions, repr(settings))

    def _use_files_of(self, sig: Any, codegen: Any) -> None:
        name = hashlib.sha256(repr(self._index_key(sig, codegen)).encode()).hexdigest()[:24]
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = IndexDataCacheFile(self._cache_path, f"{self._impl.filename_base}.{name}", stamp)

    def has(self, sig: Any, codegen: Any) -> bool:
        """Return whether there are files for some types."""
        self._use_files_of(sig, codegen)
        return os.path.exists(self._cache_file._index_path)  # False, too, where the folder cannot be searched

    # Numba calls these two while it holds its lock for compiling, so that they meet nobody else's files. Who calls
    # `has` has to hold it, too.

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for some types; None where there is none, or a damaged one."""
        self._use_files_of(sig, target_context.codegen())
        try:
            # Numba's own method first prepares for compiling, which takes longer than all else, and is not needed here.
            return self._load_overload(sig, target_context)
        except Exception:  # a damaged file can fail anywhere in pickle, Numba and LLVM; it is as good as none
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save the code for some types."""
        self._use_files_of(sig, data.codegen)
        # A full disk, or one that has become read-only, costs the next process a compilation and this one nothing.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
