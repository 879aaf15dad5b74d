"""The names of the processors that kernels can be compiled for."""

from __future__ import annotations

import platform
import subprocess

from fastnet.kernels import processes
from fastnet.kernels.processors import LEVELS

NATIVE = "native"
NAMES = (NATIVE, *LEVELS)
"""Names that `environment_of` accepts, besides LLVM's names of processors with this machine's architecture."""

# This program runs in a separate process, because LLVM ends the process if the name of the processor is unknown.
# It prints a first line before it uses the name: without this line, the program has failed for another reason.
_REGISTERS = """
llvm = importlib.import_module("llvmlite.binding")
llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
print("begun", flush=True)
target = llvm.Target.from_default_triple().create_target_machine(cpu=pickle.load(sys.stdin.buffer), features="")
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
    OSError
        If LLVM cannot be asked for the processor.
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
    if name and name.isprintable():
        process = processes.start(_REGISTERS, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            processes.tell(process, name)
            output, errors = (text.decode(errors="replace") for text in process.communicate())
        finally:
            processes.end(process)
        begun, *found = output.splitlines() or [""]
        if not begun:
            *_, reason = ["", *errors.splitlines()]
            raise OSError(f"LLVM cannot be asked for the processor {name}: {reason or 'the process has ended'}")
        if found and "is not a recognized processor" not in errors:
            return found[0]
    raise ValueError(
        f"processor is {name!r}; it must be {', '.join(NAMES)}, or LLVM's name of a processor, such as znver4"
    )
