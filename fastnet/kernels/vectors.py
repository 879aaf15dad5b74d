"""SIMD vectors, as a type that kernels use explicitly.

A loop such as `for k in range(30): z[k] += x * w[k]` should become a few vector instructions. Between two iterations
of an outer loop, `z` should stay in registers. Numba and LLVM do not compile the loop in this way:

- LLVM may use vectors, and keep `z` in registers, only if the arrays do not overlap. LLVM cannot prove that NumPy
  arrays do not overlap. So LLVM adds overlap tests, which take longer than the loop, and writes `z` to memory in every
  iteration.
- LLVM's vectorizer changes the order of additions. A change of the order can be allowed only for a whole kernel, and
  the order would differ from kernel to kernel. So the same formula would be rounded differently in two kernels.
- Numba adds a test for a negative `i` to every `array[i]`.

So this module defines a vector type, which kernels use like a number. `z + x * w` is one fused multiply-add if the
processor has that instruction. A variable that holds a vector is in registers. The order of operations in a formula is
the same in every kernel.

A vector is two registers of the processor that Numba compiles for. In float32, a vector has 32 lanes with AVX-512, 16
with AVX or AVX2, and 8 on all other processors. In float64, a vector has half as many lanes. In a loop, an addition to
a sum waits about four cycles for the previous addition to the sum. Two registers are two independent sums, which do not
wait for each other. Kernels get the number of lanes from `lanes`.

A narrow vector is one register of at most 32 bytes, for images with few maps. With AVX2, 20 maps take three narrow
vectors (24 numbers) instead of two vectors (32 numbers).

`load`, `store` and `item` take a flat array and an index, and do not check bounds. Addresses need not be aligned, but
loads and stores that cross a cache line take longer.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from fastnet.kernels import processors
from fastnet.kernels.structures import Numbers

CACHE_LINE = 64  # number of bytes in a cache line
_REGISTERS_OF_VECTOR = 2


_codegen = cpu_target.target_context.codegen()
REGISTER_BYTES = processors.of(_codegen).register_bytes
REGISTERS = 32 if REGISTER_BYTES == 64 or _codegen._llvm_module.triple.startswith(("aarch64", "arm64")) else 16
"""Number of vector registers of the processor that Numba compiles for."""

_NARROW = min(REGISTER_BYTES, 32)  # number of bytes in a narrow vector


class Vector(types.Type):
    """Numba's type of a vector of `lanes` numbers of type `dtype`."""

    def __init__(self, dtype: types.Float, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(f"Vector({dtype} x {lanes})")


def wide(array: Any) -> Vector:
    """Return the type of vectors with the dtype of an array."""
    return Vector(array.dtype, lanes_of(array.dtype.name))


def narrow(array: Any) -> Vector:
    """Return the type of narrow vectors with the dtype of an array."""
    return Vector(array.dtype, narrow_lanes_of(array.dtype.name))


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        number = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(number, vector.lanes))


def lanes_of(dtype: npt.DTypeLike) -> int:
    """Return the number of lanes of a vector of a dtype."""
    return _REGISTERS_OF_VECTOR * REGISTER_BYTES // np.dtype(dtype).itemsize


def narrow_lanes_of(dtype: npt.DTypeLike) -> int:
    """Return the number of lanes of a narrow vector of a dtype."""
    return _NARROW // np.dtype(dtype).itemsize


def register_lanes_of(dtype: npt.DTypeLike) -> int:
    """Return how many numbers of a dtype fit into a register."""
    return REGISTER_BYTES // np.dtype(dtype).itemsize


# Memory


def _number_of(number: Callable[[Any], int]) -> Any:
    """Return a function that kernels call with an array, and that returns a constant for the array's type."""

    def typed(typing_context: Any, array: Any) -> Any:
        found = number(array)
        return types.intp(array), lambda context, builder, signature, arguments: context.get_constant(types.intp, found)

    return intrinsic(typed)


lanes = _number_of(lambda array: wide(array).lanes)
"""`lanes(array)` is the number of lanes of a vector of the array's dtype."""

narrow_lanes = _number_of(lambda array: narrow(array).lanes)
"""`narrow_lanes(array)` is the number of lanes of a narrow vector of the array's dtype."""

register_lanes = _number_of(lambda array: register_lanes_of(array.dtype.name))
"""`register_lanes(array)` is the number of lanes of a register, for the array's dtype."""

numbers_of_line = _number_of(lambda array: CACHE_LINE * 8 // array.dtype.bitwidth)
"""`numbers_of_line(array)` is the number of elements of the array that fit into a cache line."""


@intrinsic
def item(typing_context: Any, array: Any, index: Any) -> Any:
    """Return `array[index]`; integers of any size are returned as `intp`."""
    result = types.intp if isinstance(array.dtype, types.Integer) else array.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = context.unpack_value(builder, array.dtype, _address(context, builder, signature, arguments))
        return context.cast(builder, value, array.dtype, result)

    return result(array, types.intp), generate


@intrinsic
def set_item(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """Set `array[index]` to `value`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        context.pack_value(builder, array.dtype, arguments[2], _address(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), generate


def _loading(vector_of: Callable[[Any], Vector]) -> Any:
    def typed(typing_context: Any, array: Any, index: Any) -> Any:
        vector = vector_of(array)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address = _address(context, builder, signature, arguments)
            return load_vector(builder, address, context.get_value_type(vector))

        return vector(array, types.intp), generate

    return intrinsic(typed)


load, load_narrow = _loading(wide), _loading(narrow)
"""`load(array, i)` is the vector that begins at `array[i]`, and `load_narrow(array, i)` the narrow vector."""


@intrinsic
def load_as(typing_context: Any, vector: Any, array: Any, index: Any) -> Any:
    """Return the vector that begins at `array[index]` and has the type of the argument `vector`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.gep(data_of(context, builder, array, arguments[1]), [arguments[2]])
        return load_vector(builder, address, context.get_value_type(vector))

    return vector(vector, array, types.intp), generate


def load_vector(builder: Any, address: Any, type_: ir.VectorType) -> Any:
    """Emit a load of a vector, given the address of its first number; return the loaded value."""
    bytes_ = {ir.FloatType: 4, ir.DoubleType: 8}[type(type_.element)]
    return builder.load(builder.bitcast(address, type_.as_pointer()), align=bytes_)


def store_vector(builder: Any, value: Any, address: Any) -> None:
    """Emit a store of a vector, given the address for its first number."""
    bytes_ = {ir.FloatType: 4, ir.DoubleType: 8}[type(value.type.element)]
    builder.store(value, builder.bitcast(address, value.type.as_pointer()), align=bytes_)


@intrinsic
def store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector to `array`, beginning at `index`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        store_vector(builder, arguments[2], _address(context, builder, signature, arguments))
        return context.get_dummy_value()

    lanes = value.lanes if isinstance(value, Vector) else 1
    return types.void(array, types.intp, Vector(array.dtype, lanes)), generate


@intrinsic
def store_some(typing_context: Any, array: Any, index: Any, value: Any, count: Any) -> Any:
    """Write the first `count` numbers of a vector to `array`, beginning at `index`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        type_, number = context.get_value_type(value), cgutils.int32_t
        mask = ir.VectorType(ir.IntType(1), value.lanes)
        pointer = type_.as_pointer()
        address = builder.bitcast(_address(context, builder, signature, arguments), pointer)
        which = ir.Constant(ir.VectorType(cgutils.intp_t, value.lanes), list(range(value.lanes)))
        bound = broadcast_integer(builder, arguments[3], value.lanes)
        name = f"llvm.masked.store.v{value.lanes}f{value.dtype.bitwidth}.p0"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [type_, pointer, number, mask]), name
        )
        aligned = number(value.dtype.bitwidth // 8)
        all_of_them = builder.icmp_signed(">=", arguments[3], cgutils.intp_t(value.lanes))
        with builder.if_else(all_of_them) as (whole, part):
            with whole:  # without a mask, because a masked store is slower
                store_vector(builder, arguments[2], address)
            with part:
                builder.call(function, [arguments[2], address, aligned, builder.icmp_signed("<", which, bound)])
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Load the cache line of `array[index]` into the caches, without waiting.

    The processor cannot predict the next sample, because the order of samples is random. Without prefetching, the
    processor would wait for the sample.
    """
    read, keep_in_all_caches, data = 0, 3, 1

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.bitcast(_address(context, builder, signature, arguments), cgutils.voidptr_t)
        number = cgutils.int32_t
        parameters = [cgutils.voidptr_t, number, number, number]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), parameters), "llvm.prefetch.p0"
        )
        builder.call(function, [address, number(read), number(keep_in_all_caches), number(data)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def _address(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.gep(data_of(context, builder, signature.args[0], arguments[0]), [arguments[1]])


def data_of(context: Any, builder: Any, type_: types.Type, array: Any) -> Any:
    """Return the address of the first element of an array, as an LLVM value."""
    if isinstance(type_, Numbers):
        return builder.extract_value(array, 0)
    return context.make_array(type_)(context, builder, array).data


# Arithmetic


def _arithmetic(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    """Define the operator `symbol` for two vectors, and for a vector and a number."""

    @infer_global(symbol)
    class Template(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            vectors = {argument for argument in arguments if isinstance(argument, Vector)}
            others = [argument for argument in arguments if not isinstance(argument, (Vector, types.Number))]
            return signature(vectors.pop(), *arguments) if len(vectors) == 1 and not others else None

    def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        a, b = (
            value if isinstance(type_, Vector) else broadcast(context, builder, value, type_, signature.return_type)
            for value, type_ in zip(arguments, signature.args, strict=True)
        )
        return getattr(builder, instruction)(a, b, flags=("contract",))  # a * b + c may be fused

    for types_ in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(symbol, *types_)(lower)


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")
_arithmetic(operator.truediv, "fdiv")


def _zeros(vector_of: Callable[[Any], Vector]) -> Any:
    def typed(typing_context: Any, array: Any) -> Any:
        vector = vector_of(array)
        return vector(array), lambda context, builder, signature, arguments: constant(context, vector, 0.0)

    return intrinsic(typed)


zeros, narrow_zeros = _zeros(wide), _zeros(narrow)
"""`zeros(array)` is a vector of zeros in the array's dtype, and `narrow_zeros(array)` a narrow vector of zeros."""


@intrinsic
def total(typing_context: Any, vector: Any) -> Any:
    """Return the sum of a vector's numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        type_ = context.get_value_type(vector)
        name = f"llvm.vector.reduce.fadd.v{vector.lanes}f{vector.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(type_.element, [type_.element, type_]), name
        )
        # Without `reassoc`, LLVM would add the numbers one by one.
        return builder.call(function, [ir.Constant(type_.element, -0.0), arguments[0]], fastmath=("reassoc",))

    return vector.dtype(vector), generate


@intrinsic
def sign(typing_context: Any, vector: Any) -> Any:
    """Return 1 in the lanes where a vector is positive, -1 where the vector is negative, and 0 in all other lanes."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing, one, minus_one = (constant(context, vector, value) for value in (0.0, 1.0, -1.0))
        negative = builder.select(builder.fcmp_ordered("<", arguments[0], nothing), minus_one, nothing)
        return builder.select(builder.fcmp_ordered(">", arguments[0], nothing), one, negative)

    return vector(vector), generate


@intrinsic
def only(typing_context: Any, where: Any, vector: Any) -> Any:
    """For each lane, return 0 if `where` is zero, otherwise the number of `vector`.

    In lanes where `where` is zero, a NaN of `vector` also becomes 0.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing = constant(context, vector, 0.0)
        return builder.select(builder.fcmp_ordered("!=", arguments[0], nothing), arguments[1], nothing)

    return vector(vector, vector), generate


def constant(context: Any, vector: Vector, value: float) -> Any:
    """Return an LLVM constant: a vector whose numbers are all `value`."""
    return ir.Constant(context.get_value_type(vector), [value] * vector.lanes)


def broadcast(context: Any, builder: Any, value: Any, type_: types.Type, vector: Vector) -> Any:
    """Return an LLVM value: a vector whose numbers are all `value`, converted to the vector's dtype."""
    number = context.cast(builder, value, type_, vector.dtype)
    undefined = ir.Constant(context.get_value_type(vector), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(cgutils.int32_t, 0))
    lanes_from_the_first = ir.Constant(ir.VectorType(cgutils.int32_t, vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(first, undefined, lanes_from_the_first)


def broadcast_integer(builder: Any, value: Any, lanes: int) -> Any:
    """Return an LLVM value: a vector of `lanes` integers that are all `value`."""
    type_ = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(type_, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(cgutils.int32_t, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(cgutils.int32_t, lanes), [0] * lanes))
