"""Description of the machine and its software, for measurements."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = ("numpy", "numba", "torch")
_DISTRIBUTIONS = {"fastnet": "fastnet-nndl"}  # names of distributions that differ from the names of their modules


def describe() -> dict[str, str]:
    """Return a description of the machine and its software.

    The description has the processor, the processor's widest vector instructions, the number of cores, the operating
    system, the versions of Python and the libraries, and PyTorch's GPU, if any.

    Examples
    --------
    >>> sorted(describe())[:3]
    ['cores', 'fastnet', 'numba']
    """
    description = {
        "processor": _processor(),
        "vectors": _vectors(),
        "cores": str(_cores()),
        "system": platform.system(),
        "python": platform.python_version(),
    }
    description |= _versions()
    gpu = _gpu()
    return description if gpu is None else {**description, "gpu": gpu}


def sentence() -> str:
    """Return the machine's description in one line.

    Examples
    --------
    >>> "Python 3" in sentence()
    True
    """
    about = describe()
    names = {"numpy": "NumPy", "numba": "Numba", "torch": "PyTorch"}
    libraries = [f"{names[library]} {about[library]}" for library in _LIBRARIES if library in about]
    cores = f"{about['cores']} core{'s' if about['cores'] != '1' else ''}"
    cores += f", {about['gpu']}" if "gpu" in about else ""
    processor = about["processor"] + (f" with {about['vectors']}" if about["vectors"] else "")
    return f"{processor}, {cores}, {about['system']}; Python {about['python']}, {', '.join(libraries)}"


def memory() -> float:
    """Return the size of the machine's memory in bytes; infinity if the system does not report the size."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


@cache  # so that the metadata of distributions is read only once, not at the start of every training
def _versions() -> dict[str, str]:
    versions = {}
    for library in ("fastnet", *_LIBRARIES):
        with contextlib.suppress(PackageNotFoundError):
            versions[library] = version(_DISTRIBUTIONS.get(library, library))
    return versions


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpu() -> str | None:
    """Return the name of PyTorch's CUDA device; None if PyTorch is not imported or finds no device."""
    torch: Any = sys.modules.get("torch")
    return str(torch.cuda.get_device_name()) if torch is not None and torch.cuda.is_available() else None


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _vectors() -> str:
    """Return "AVX-512" or "AVX2", the widest vector instructions of the processor; "" if neither is known to exist."""
    flags = _cpuinfo("flags").split()
    return next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")


@cache
def _cpuinfo(field: str) -> str:
    """Return a field of the first processor in Linux's /proc/cpuinfo; "" if the file or the field does not exist."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(field):
                return line.partition(":")[2].strip()
    return ""
