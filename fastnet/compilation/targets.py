"""The names of the processors that kernels can be compiled for."""

from __future__ import annotations

import platform
import subprocess
import sys

from fastnet.kernels.processors import LEVELS

NATIVE = "native"
NAMES = (NATIVE, *LEVELS)
"""Names that `environment_of` accepts, besides LLVM's names of processors with this machine's architecture."""

# This program runs in a separate process, because LLVM ends the process if the name of the processor is unknown.
_REGISTERS = """
import sys
import llvmlite.binding as llvm
llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
target = llvm.Target.from_default_triple().create_target_machine(cpu=sys.argv[1], features="")
code = target.emit_assembly(llvm.parse_assembly('''
define <16 x float> @twice(<16 x float> %x) {
    %sum = fadd <16 x float> %x, %x
    ret <16 x float> %sum
}
'''))
print("+avx512f" if "%zmm" in code else "+avx" if "%ymm" in code else "")
"""


def environment_of(name: str) -> dict[str, str]:
    """Return the environment variables that tell Numba which processor to compile for.

    Parameters
    ----------
    name : str
        One of `NAMES`, or LLVM's name of a processor, such as "znver4".

    Returns
    -------
    dict
        Value of each variable, by name; empty for "native".

    Raises
    ------
    ValueError
        If the name is unknown, or if the processor and this machine have different architectures.
    """
    if name == NATIVE:
        return {}
    if name not in LEVELS:
        return _variables(name, _features_of(name))
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise ValueError(
            f"processor is {name!r}, but this machine is {platform.machine()}; use {NATIVE!r} for this machine"
        )
    return _variables(*LEVELS[name])


def _variables(name: str, features: str) -> dict[str, str]:
    return {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": features}


def _features_of(name: str) -> str:
    """Return the feature that tells Numba how wide the vector registers of the processor `name` are.

    The feature is '+avx512f' for 512 bits, '+avx' for 256 bits, and '' for fewer. The processor's name implies all
    other features.
    """
    command = [sys.executable, "-c", _REGISTERS, name]
    result = subprocess.run(command, capture_output=True, text=True, check=False) if name.isprintable() else None
    if not name or result is None or result.returncode or "is not a recognized processor" in result.stderr:
        raise ValueError(
            f"processor is {name!r}; it must be {', '.join(NAMES)}, or LLVM's name of a processor, such as znver4"
        )
    return result.stdout.strip()
