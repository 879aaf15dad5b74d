"""The cache of compiled kernels on disk, keyed by a hash of everything that the code depends on.

Numba's own cache keys a kernel's code by the path and the modification time of the kernel's own file. So every copy of
the package compiles all kernels again. Numba does not detect a change in a part that the kernel calls, or a change in a
zip file that contains the package. Here, the name of each cache file contains a hash. The hash covers the kernel's
sources (see `sources`), the versions and settings of Numba and LLVM, the processor, and the argument types. So copies
of one version share their code, and a new version compiles only the changed kernels.

Numba's own cache also numbers the code files of a kernel, and keeps the numbers in one index file. Two processes that
compile for different types at the same time can choose the same number. If a process is killed after writing the index
and before writing the code, the number may belong to an older code file. In both cases, the index may point to wrong
code. Here, each combination of types has an index file of its own, whose content does not depend on the process that
writes it.

Several folders are searched for code. New code is written to the first writable folder. Code for this processor is
preferred to code for a level of x86-64 (see `processors`), which `fastnet compile` makes for containers and clusters.
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
# NUMBA_ENABLE_AVX is not needed here, because it changes the processor's features, which this module's key contains.
_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "USING_SVML",  # Intel's vector functions; code that calls these functions does not run without Intel's library
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "EXTEND_VARIABLE_LIFETIMES",
    "DEBUG_JIT",
)


def folders() -> list[Path]:
    """Return the folders that are searched for code, in order of preference.

    If NUMBA_CACHE_DIR is set and writable, no other folder is searched. If NUMBA_CACHE_DIR is not writable, as in a
    container image, the other folders are searched after it.
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
    """Create a folder if it does not exist; return whether files can be written to the folder."""
    try:
        _Locator(folder, "").ensure_cache_path()
    except OSError:
        return False
    return True


class _Locator(_CacheLocator):
    """Tells Numba the folder to write to, and the hash of the sources."""

    def __init__(self, folder: Path, source_hash: str) -> None:
        self._folder, self._source_hash = folder, source_hash

    @classmethod
    def from_function(cls, function: Any, file: str) -> _Locator | None:
        source_hash = sources.source_hash(function)
        if source_hash is None:  # without sources, stale code could not be detected
            return None
        return cls(writable_folder() or folders()[0], source_hash)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._source_hash

    def get_disambiguator(self) -> str:
        return ""


class _Implementation(CompileResultCacheImpl):
    _locator_classes = (_Locator,)


class KernelCache(FunctionCache):
    """Numba's cache on disk, but with a hash in each file name, and an index file for each combination of types."""

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
        """Return a hash of everything that the code for the given argument types depends on."""
        types, (triple, *_), code = super()._index_key(sig, codegen)
        # The name of a named tuple's type does not contain the names of the fields, so these names are added.
        fields = [getattr(getattr(each, "instance_class", None), "_fields", ()) for each in types]
        settings = [getattr(numba.config, name, None) for name in _SETTINGS]
        versions = numba.__version__, llvmlite.__version__, llvmlite.binding.llvm_version_info
        source_hash = self._impl.locator.get_source_stamp()
        whole = types, fields, triple, tuple(processor), code, source_hash, settings, versions
        return hashlib.sha256(repr(whole).encode()).hexdigest()[:24]

    def _file(self, folder: str | Path, key: str) -> IndexDataCacheFile:
        source_hash = self._impl.locator.get_source_stamp()
        return IndexDataCacheFile(str(folder), f"{self._impl.filename_base}.{key}", source_hash)

    def _files(self, sig: Any, codegen: Any) -> Iterator[tuple[IndexDataCacheFile, str]]:
        """Yield the files that may contain code for the argument types, and their keys, in order of preference."""
        processor = processors.of(codegen)
        level = processors.level_of(processor) if self.takes_levels else None
        for each in (processor,) if level is None else (processor, level):
            key = self._key(sig, codegen, each)
            for folder in self._folders:
                yield self._file(folder, key), key

    def has(self, sig: Any, codegen: Any) -> bool:
        """Return whether an index file exists for the given argument types."""
        # `os.path.exists` also returns False if the folder cannot be searched.
        return any(os.path.exists(file._index_path) for file, _ in self._files(sig, codegen))

    def lock_path(self, sig: Any, codegen: Any) -> str:
        """Return the path of the file that a process locks while it compiles for the given argument types."""
        return f"{self._file(self._cache_path, self._index_key(sig, codegen))._index_path}.lock"

    def size(self, sig: Any, codegen: Any) -> int:
        """Return the total size in bytes of the files for the given argument types; 0 if index or code is missing."""
        for file, _ in self._files(sig, codegen):
            index = Path(file._index_path)
            files = list(index.parent.glob(f"{index.stem}.*"))
            if {".nbi", ".nbc"} <= {each.suffix for each in files}:  # on a full disk, the code may be missing
                return sum(each.stat().st_size for each in files)
        return 0

    # Numba holds its compiler lock while it calls `load_overload` and `save_overload`, so no other thread changes the
    # files. Callers of `has` must hold Numba's compiler lock.

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for the given argument types; None if there is no code, or if all files are damaged."""
        # Numba's own method first prepares a compilation, which takes longer than loading and is not needed here.
        for file, key in self._files(sig, target_context.codegen()):
            try:
                data = file.load(key)
                if data is not None:
                    return self._impl.rebuild(target_context, data)
            except Exception:  # a damaged file counts as missing; pickle, Numba or LLVM may raise any exception
                with contextlib.suppress(OSError):
                    file.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save the code for the given argument types."""
        self._cache_file = self._file(self._cache_path, self._index_key(sig, data.codegen))
        # If the disk is full or has become read-only, this process continues, and the next process compiles again.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
