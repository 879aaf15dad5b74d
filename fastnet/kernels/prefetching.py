"""Asking the processor for memory before it is needed.

Samples are visited in random order, so the processor cannot guess which comes next, and waits for each. Numba has no
word for the instruction that tells it; LLVM has.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

CACHE_LINE = 64  # bytes
_READ, _KEEP_IN_ALL_CACHES, _DATA = 0, 3, 1  # the arguments of LLVM's instruction


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Fetch the cache line of `array[index]`, a one-dimensional array, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        int32 = cgutils.int32_t
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, int32, int32, int32]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [address, int32(_READ), int32(_KEEP_IN_ALL_CACHES), int32(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate
