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
_DISTRIBUTIONS = {"fastnet": "fastnet-nndl"}  # modules whose distributions have another name


def describe() -> dict[str, str]:
    """Return the processor, its widest vector instructions, the core count, the system, versions, and the GPU in use.

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
    """Return the machine's memory in bytes; infinity if the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


@cache  # so that the files of distributions are read once, not at the start of every training
def _versions() -> dict[str, str]:
    versions = {}
    for library in ("fastnet", *_LIBRARIES):
        with contextlib.suppress(PackageNotFoundError):
            versions[library] = version(_DISTRIBUTIONS.get(library, library))
    return versions


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpu() -> str | None:
    """Return the name of PyTorch's CUDA device; None if PyTorch is not imported or has no device."""
    torch: Any = sys.modules.get("torch")
    return str(torch.cuda.get_device_name()) if torch is not None and torch.cuda.is_available() else None


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _vectors() -> str:
    """Return the name of the widest vector instructions of an x86 processor; an empty string if it is not known."""
    flags = _cpuinfo("flags").split()
    return next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "")


@cache
def _cpuinfo(field: str) -> str:
    """Return a field of /proc/cpuinfo on Linux for the first processor; an empty string if there is none."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(field):
                return line.partition(":")[2].strip()
    return ""
