"""The cache of compiled kernels on disk, keyed by a hash of everything that the code depends on.

Numba keys a kernel's code by the path and the modification time of the kernel's own file. So another copy of the
package compiles everything again. Numba does not detect a change in a part that the kernel calls, or any change in a
zip file. Here, a file's name contains a hash. The hash covers the kernel's sources (see `sources`), the versions and
settings of Numba and LLVM, the processor, and the argument types. So copies of one version share their code. A new
version compiles the changed kernels only.

Numba also numbers the files of a kernel, and keeps the numbers in one index. Two processes that compile for different
types at the same time can take the same number. A process that is killed between writing index and code leaves a number
that another process takes. In both cases, the index returns code for other types. Here, the code for each combination
of types has its own index, which is the same whichever process writes it.

Code is searched in several folders, and written to the first writable folder. Code for this processor is preferred.
Code for a level of x86-64 (see `processors`) is next: `fastnet compile` makes it for containers and clusters.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import llvmlite
import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, _CacheLocator

from fastnet.kernels import processors, sources
from fastnet.utils.folders import cache_folder

# Numba settings that change the compiled code, but are missing in the key of Numba's own cache (Numba issue 10821).
# NUMBA_ENABLE_AVX is not needed here: it changes the processor's features, which are in this module's key.
_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "USING_SVML",  # Intel's vector functions: code that calls them does not run without their library
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "EXTEND_VARIABLE_LIFETIMES",
    "DEBUG_JIT",
)


def folders() -> list[Path]:
    """Return the folders that are searched for code, in order of preference.

    NUMBA_CACHE_DIR replaces all other folders. If NUMBA_CACHE_DIR is not writable, as in a container image, the other
    folders follow, for code that NUMBA_CACHE_DIR lacks.
    """
    chosen = [Path(numba.config.CACHE_DIR, "fastnet")] if numba.config.CACHE_DIR else []
    if chosen and can_be_written(chosen[0]):
        return chosen
    user = cache_folder()
    return [*chosen, *([] if user is None else [user / "kernels"]), Path(__file__).parent / "__pycache__"]


def writable_folder() -> Path | None:
    """Return the folder that code is written to; None if no folder is writable."""
    return next(filter(can_be_written, folders()), None)


@cache
def can_be_written(folder: Path) -> bool:
    """Return whether files can be written to a folder; create the folder if it does not exist."""
    try:
        _Locator(folder, "").ensure_cache_path()
    except OSError:
        return False
    return True


class _Locator(_CacheLocator):
    """Tells Numba the folder to write to, and the hash of the sources."""

    def __init__(self, folder: Path, stamp: str) -> None:
        self._folder, self._stamp = folder, stamp

    @classmethod
    def from_function(cls, function: Any, file: str) -> _Locator | None:
        stamp = sources.stamp(function)
        if stamp is None:  # without sources, stale code could not be detected
            return None
        return cls(writable_folder() or folders()[0], stamp)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._stamp

    def get_disambiguator(self) -> str:
        return ""


class _Implementation(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class KernelCache(FunctionCache):
    """Numba's cache on disk, with the file names that the module's docstring explains."""

    _impl_class = _Implementation

    takes_levels: ClassVar[bool] = True
    """Whether code for a level of x86-64 is used if there is no code for this processor."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._folders = folders()

    @property
    def is_writable(self) -> bool:
        """Whether compiled code can be stored."""
        return can_be_written(Path(self._cache_path))

    def _index_key(self, sig: Any, codegen: Any) -> str:
        return self._key(sig, codegen, processors.of(codegen))

    def _key(self, sig: Any, codegen: Any, processor: processors.Processor) -> str:
        """Return a hash of everything that code for some argument types depends on."""
        types, (triple, *_), code = super()._index_key(sig, codegen)
        # The name of a named tuple's type does not contain the names of the fields.
        fields = [getattr(getattr(each, "instance_class", None), "_fields", ()) for each in types]
        settings = [getattr(numba.config, name, None) for name in _SETTINGS]
        versions = numba.__version__, llvmlite.__version__, llvmlite.binding.llvm_version_info
        stamp = self._impl.locator.get_source_stamp()
        whole = types, fields, triple, tuple(processor), code, stamp, settings, versions
        return hashlib.sha256(repr(whole).encode()).hexdigest()[:24]

    def _file(self, folder: str | Path, key: str) -> IndexDataCacheFile:
        stamp = self._impl.locator.get_source_stamp()
        return IndexDataCacheFile(str(folder), f"{self._impl.filename_base}.{key}", stamp)

    def _files(self, sig: Any, codegen: Any) -> Iterator[tuple[IndexDataCacheFile, str]]:
        """Yield the files that may have code for some argument types, in order of preference, with their keys."""
        processor = processors.of(codegen)
        level = processors.level_of(processor) if self.takes_levels else None
        for each in (processor,) if level is None else (processor, level):
            key = self._key(sig, codegen, each)
            for folder in self._folders:
                yield self._file(folder, key), key

    def has(self, sig: Any, codegen: Any) -> bool:
        """Return whether there is an index file for some argument types."""
        # Also False if the folder cannot be searched.
        return any(os.path.exists(file._index_path) for file, _ in self._files(sig, codegen))

    def lock_path(self, sig: Any, codegen: Any) -> str:
        """Return the path of the file that a process locks while it compiles for some argument types."""
        return f"{self._file(self._cache_path, self._index_key(sig, codegen))._index_path}.lock"

    def size(self, sig: Any, codegen: Any) -> int:
        """Return the number of bytes of the files for some argument types; 0 if index or code is missing."""
        for file, _ in self._files(sig, codegen):
            index = Path(file._index_path)
            files = list(index.parent.glob(f"{index.stem}.*"))
            if {".nbi", ".nbc"} <= {each.suffix for each in files}:  # on a full disk, an index may have no code
                return sum(each.stat().st_size for each in files)
        return 0

    # Numba calls these two methods while it holds its compiler lock, so that no other thread changes the files. Callers
    # of `has` have to hold the lock, too.

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for some argument types; None if there is no code, or if all files are damaged."""
        # Numba's own method first prepares for compiling, which takes longer than loading and is not needed here.
        for file, key in self._files(sig, target_context.codegen()):
            try:
                data = file.load(key)
                if data is not None:
                    return self._impl.rebuild(target_context, data)
            except Exception:  # a damaged file can raise anything in pickle, Numba or LLVM; it counts as missing
                with contextlib.suppress(OSError):
                    file.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save the code for some argument types."""
        self._cache_file = self._file(self._cache_path, self._index_key(sig, data.codegen))
        # If the disk is full or has become read-only, this process goes on, and the next process compiles again.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
