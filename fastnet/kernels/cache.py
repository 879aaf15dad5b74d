"""Compiled kernels on the disk, found by all that they were compiled from.

Numba looks for a kernel's code by the place and time of the kernel's own file. Then another copy of the package
compiles everything again. A change in a part that the kernel calls goes unnoticed, and so does any change in a zip
file. Here the name of a file is a hash: of the sources that the kernel is compiled from (see `sources`), the versions
and settings of Numba and LLVM, the processor, and the types. So copies of one version share their code, and another
version compiles what has changed.

Numba also numbers the files of a kernel, and has an index of them. Of two processes that compile for different types at
once, both can take the same number; one that is killed between index and code leaves a number that another takes. Then
the index gives code for other types. Here each code has an index of its own: whoever writes it writes the same.

Code is looked for in several folders, and written to the first of them that can be written to. Code for this processor
comes first, then code for a level of x86-64 (see `processors`), which `fastnet compile` makes for containers and
clusters.
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

# Settings of Numba that change code and that Numba leaves out of its own key (its issue 10821). The instructions that
# NUMBA_ENABLE_AVX takes away are in the key, as features of the processor.
_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "USING_SVML",  # Intel's vector functions: their code does not run where that library is missing
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "EXTEND_VARIABLE_LIFETIMES",
    "DEBUG_JIT",
)


def folders() -> list[Path]:
    """Return the folders where code is looked for, the preferred one first.

    NUMBA_CACHE_DIR is in place of all others. Where it cannot be written to, as in a container image, the others are
    behind it: for what is not compiled there.
    """
    chosen = [Path(numba.config.CACHE_DIR, "fastnet")] if numba.config.CACHE_DIR else []
    if chosen and can_be_written(chosen[0]):
        return chosen
    user = cache_folder()
    return [*chosen, *([] if user is None else [user / "kernels"]), Path(__file__).parent / "__pycache__"]


def writable_folder() -> Path | None:
    """Return the folder where code is written to; None if there is none."""
    return next(filter(can_be_written, folders()), None)


@cache
def can_be_written(folder: Path) -> bool:
    """Return whether files can be written to a folder, which is made if it is not there."""
    try:
        _Locator(folder, "").ensure_cache_path()
    except OSError:
        return False
    return True


class _Locator(_CacheLocator):
    """The folder to write to."""

    def __init__(self, folder: Path, stamp: str) -> None:
        self._folder, self._stamp = folder, stamp

    @classmethod
    def from_function(cls, function: Any, file: str) -> _Locator | None:
        stamp = sources.stamp(function)
        if stamp is None:  # nothing says whether code is still good
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
    """Numba's cache on the disk, with the names of files that are explained above."""

    _impl_class = _Implementation

    takes_levels: ClassVar[bool] = True
    """Whether code for a level of x86-64 is good enough, where there is none for this processor."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._folders = folders()

    @property
    def is_writable(self) -> bool:
        """Whether what is compiled can be kept."""
        return can_be_written(Path(self._cache_path))

    def _index_key(self, sig: Any, codegen: Any) -> str:
        return self._key(sig, codegen, processors.of(codegen))

    def _key(self, sig: Any, codegen: Any, processor: processors.Processor) -> str:
        """Return a hash of all that code for some types depends on."""
        types, (triple, *_), code = super()._index_key(sig, codegen)
        # The name of a named tuple's type does not say which field is which.
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
        """Yield where code for some types may be, the best first, and under which keys."""
        processor = processors.of(codegen)
        level = processors.level_of(processor) if self.takes_levels else None
        for each in (processor,) if level is None else (processor, level):
            key = self._key(sig, codegen, each)
            for folder in self._folders:
                yield self._file(folder, key), key

    def has(self, sig: Any, codegen: Any) -> bool:
        """Return whether there are files for some types."""
        # False, too, where the folder cannot be searched.
        return any(os.path.exists(file._index_path) for file, _ in self._files(sig, codegen))

    def lock_path(self, sig: Any, codegen: Any) -> str:
        """Return the file that a process locks while it compiles for some types."""
        return f"{self._file(self._cache_path, self._index_key(sig, codegen))._index_path}.lock"

    def size(self, sig: Any, codegen: Any) -> int:
        """Return the number of bytes of the files for some types; 0 if there are none."""
        for file, _ in self._files(sig, codegen):
            index = Path(file._index_path)
            files = list(index.parent.glob(f"{index.stem}.*"))
            if {".nbi", ".nbc"} <= {each.suffix for each in files}:  # on a full disk, there may be an index alone
                return sum(each.stat().st_size for each in files)
        return 0

    # Numba calls these two while it holds its lock for compiling, so that they meet nobody else's files. Who calls
    # `has` has to hold it, too.

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code for some types; None if there is none, or only damaged files."""
        # Numba's own method first prepares for compiling, which takes longer than all else, and is not needed here.
        for file, key in self._files(sig, target_context.codegen()):
            try:
                data = file.load(key)
                if data is not None:
                    return self._impl.rebuild(target_context, data)
            except Exception:  # a damaged file can fail anywhere in pickle, Numba and LLVM; it is as good as none
                with contextlib.suppress(OSError):
                    file.flush()
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save the code for some types."""
        self._cache_file = self._file(self._cache_path, self._index_key(sig, data.codegen))
        # A full disk, or one that has become read-only, costs the next process a compilation and this one nothing.
        with contextlib.suppress(OSError):
            super().save_overload(sig, data)
