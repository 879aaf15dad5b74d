"""Makes the processor treat subnormal numbers as zero.

After many epochs, most errors of a sigmoid network are tiny, and many of their products are subnormal: below 1.2e-38
in float32. Intel's processors are slow with subnormal numbers. After 300 epochs, an epoch of the book's first network
took seven times as long as at the beginning. If subnormal numbers are treated as zero, sums of errors do not change
noticeably.

The processor's control register determines how subnormal numbers are treated. The kernel `epoch` changes the control
register at the beginning, and restores the register at the end, so that other code is not affected. Each thread has a
control register of its own.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic

_FLUSH_OF_X86 = 1 << 15 | 1 << 6  # bits FTZ (results) and DAZ (operands): Intel's manual, volume 1, section 10.2.3
_FLUSH_OF_ARM = 1 << 24  # bit FZ (results and operands): Arm's reference manual, register FPCR
_TRIPLE = cpu_target.target_context.codegen()._llvm_module.triple
_IS_X86, _IS_ARM = _TRIPLE.startswith("x86_64"), _TRIPLE.startswith(("aarch64", "arm64"))

IS_SUPPORTED = _IS_X86 or _IS_ARM
"""Whether this processor's control register is known. If False, `count_as_zero` does nothing."""


@intrinsic
def count_as_zero(typing_context: Any) -> Any:
    """Make this thread treat subnormal numbers as zero; return the previous control register for `put_back`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        before = _control(builder)
        _set_control(builder, builder.or_(before, before.type(_FLUSH_OF_X86 if _IS_X86 else _FLUSH_OF_ARM)))
        return before if before.type == ir.IntType(64) else builder.zext(before, ir.IntType(64))

    return types.int64(), generate


@intrinsic
def put_back(typing_context: Any, before: Any) -> Any:
    """Restore the control register `before`, which `count_as_zero` returned."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _set_control(builder, builder.trunc(arguments[0], ir.IntType(32)) if _IS_X86 else arguments[0])
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _control(builder: Any) -> Any:
    """Return the control register; return 0 on processors other than x86-64 and ARM."""
    if _IS_X86:
        place = cgutils.alloca_once(builder, ir.IntType(32))
        _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), builder.bitcast(place, cgutils.voidptr_t))
        return builder.load(place)
    return _call(builder, "llvm.aarch64.get.fpcr", ir.IntType(64)) if _IS_ARM else ir.IntType(64)(0)


def _set_control(builder: Any, value: Any) -> None:
    if _IS_X86:
        place = cgutils.alloca_once_value(builder, value)
        _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), builder.bitcast(place, cgutils.voidptr_t))
    elif _IS_ARM:
        _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), value)


def _call(builder: Any, name: str, returned: Any, *arguments: Any) -> Any:
    type_ = ir.FunctionType(returned, [each.type for each in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, type_, name), arguments)
