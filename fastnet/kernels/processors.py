"""Processors that kernels are compiled for: this machine's processor, or a microarchitecture level of x86-64.

Numba describes a processor by a name and by features, such as "znver3" and "+avx2,-avx512f". Code for one processor
runs on another processor that has all features of the first. The layout of parameters depends on the width of vector
registers. So a process can use code for a level only if the level and the processor have registers of the same width.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Processor(NamedTuple):
    """A processor, as Numba describes it to LLVM.

    Attributes
    ----------
    name : str
        LLVM's name of the processor.
    features : str
        Instruction sets, separated by commas: "+" marks an instruction set that code may use, and "-" an instruction
        set that code must not use.
    """

    name: str
    features: str

    @property
    def register_bytes(self) -> int:
        """Number of bytes of a vector register."""
        features = self._usable
        return 64 if "avx512f" in features else 32 if "avx" in features else 16

    @property
    def _usable(self) -> set[str]:
        return {each[1:] for each in self.features.split(",") if each.startswith("+")}

    def runs(self, other: Processor) -> bool:
        """Return whether code for another processor runs on this processor, with the same layout of parameters.

        Examples
        --------
        >>> v3, v4 = LEVELS.values()
        >>> v4.runs(v4), v3.runs(v4), v4.runs(v3)  # the last is for registers of another width
        (True, False, False)
        """
        return other._usable <= self._usable and other.register_bytes == self.register_bytes


_V3 = (
    "+avx,+avx2,+bmi,+bmi2,+crc32,+cx16,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sahf,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave"
)  # fmt: skip
_V4 = _V3 + ",+avx512bw,+avx512cd,+avx512dq,+avx512f,+avx512vl"

LEVELS = {name: Processor(name, features) for name, features in (("x86-64-v3", _V3), ("x86-64-v4", _V4))}
"""Microarchitecture levels of the x86-64 ABI, by name: v3 has vector registers of 32 bytes, and v4 of 64 bytes."""


def of(codegen: Any) -> Processor:
    """Return the processor that Numba compiles for."""
    _, name, features = codegen.magic_tuple()
    return Processor(name, features)


def level_of(processor: Processor) -> Processor | None:
    """Return the level whose code a processor can use; None if no level fits, or if the processor is that level."""
    found = (each for each in LEVELS.values() if processor.runs(each) and processor != each)
    return next(found, None)
