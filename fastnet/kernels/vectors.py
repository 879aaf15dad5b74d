"""Vectors of numbers, for kernels: the processor's registers, by hand.

Why Numba needs them. A loop such as `for k in range(30): z[k] += x * w[k]` should become two vector instructions, and
between two rounds of the loop around it `z` should stay in registers. Neither happens by itself:

- LLVM may only do it if no two arrays overlap, which it cannot prove of two NumPy arrays. So it guards the loop with
  tests at run time, longer than the loop, and writes `z` to memory after every round.
- Its vectorizer takes liberties with the order of sums, which have to be allowed for the whole kernel, and which it
  takes in one way here and in another there: the same formula would round differently in two kernels.
- Numba adds to every `array[i]` a test for a negative `i`.

So a vector is a type of its own here, which kernels use as they use a number: `z + x * w` is one fused multiply-add
where the processor has it, and a variable that holds a vector is in registers. What a formula says is then what the
processor does, in that order, in every kernel.

A vector is two registers of the processor that Numba compiles for: 32 numbers of float32 with AVX-512, 16 with AVX2,
8 elsewhere, and half as many of float64. Two, because a sum that is carried from round to round has to wait for itself
some four cycles, and two registers are two sums. No kernel knows how many numbers that are: it asks `lanes`.

Narrow vectors are for the maps of images, of which there are few: one register, of 32 bytes at most. With AVX2, 20 maps
are three narrow vectors, of 24 numbers, instead of two vectors of 32.

`load`, `store` and `item` take a flat array and an index, and believe it: nothing is tested. No address has to be
aligned, though vectors that lie across two cache lines are slower.
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

CACHE_LINE = 64  # bytes
_REGISTERS_OF_VECTOR = 2


_codegen = cpu_target.target_context.codegen()
REGISTER_BYTES = processors.of(_codegen).register_bytes
REGISTERS = 32 if REGISTER_BYTES == 64 or _codegen._llvm_module.triple.startswith(("aarch64", "arm64")) else 16
"""Of the processor that Numba compiles for."""

_NARROW = min(REGISTER_BYTES, 32)  # bytes of a narrow vector


class Vector(types.Type):
    """Numba's type of a vector of so many numbers of type `dtype`."""

    def __init__(self, dtype: types.Float, lanes: int) -> None:
        self.dtype, self.lanes = dtype, lanes
        super().__init__(f"Vector({dtype} x {lanes})")


def wide(array: Any) -> Vector:
    """Return the type of vectors of an array's numbers."""
    return Vector(array.dtype, lanes_of(array.dtype.name))


def narrow(array: Any) -> Vector:
    """Return the type of narrow vectors of an array's numbers."""
    return Vector(array.dtype, narrow_lanes_of(array.dtype.name))


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        number = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(number, vector.lanes))


def lanes_of(dtype: npt.DTypeLike) -> int:
    """Return how many numbers of a type are a vector."""
    return _REGISTERS_OF_VECTOR * REGISTER_BYTES // np.dtype(dtype).itemsize


def narrow_lanes_of(dtype: npt.DTypeLike) -> int:
    """Return how many numbers of a type are a narrow vector."""
    return _NARROW // np.dtype(dtype).itemsize


def register_lanes_of(dtype: npt.DTypeLike) -> int:
    """Return how many numbers of a type are in a register."""
    return REGISTER_BYTES // np.dtype(dtype).itemsize


# Memory


def _number_of(number: Callable[[Any], int]) -> Any:
    """Have kernels ask for a number that depends on an array's type."""

    def typed(typing_context: Any, array: Any) -> Any:
        found = number(array)
        return types.intp(array), lambda context, builder, signature, arguments: context.get_constant(types.intp, found)

    return intrinsic(typed)


lanes = _number_of(lambda array: wide(array).lanes)
"""`lanes(array)` is how many numbers of an array's type are a vector."""

narrow_lanes = _number_of(lambda array: narrow(array).lanes)
"""`narrow_lanes(array)` is how many numbers of an array's type are a narrow vector."""

register_lanes = _number_of(lambda array: register_lanes_of(array.dtype.name))
"""`register_lanes(array)` is how many numbers of an array's type are in a register."""

numbers_of_line = _number_of(lambda array: CACHE_LINE * 8 // array.dtype.bitwidth)
"""`numbers_of_line(array)` is how many numbers of an array are in a cache line."""


@intrinsic
def item(typing_context: Any, array: Any, index: Any) -> Any:
    """Return `array[index]`; an integer of any size as an index."""
    result = types.intp if isinstance(array.dtype, types.Integer) else array.dtype

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = context.unpack_value(builder, array.dtype, _address(context, builder, signature, arguments))
        return context.cast(builder, value, array.dtype, result)

    return result(array, types.intp), generate


@intrinsic
def set_item(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """Set `array[index]`."""

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
"""`load(array, i)` and `load_narrow(array, i)` are the vectors that begin at `array[i]`."""


@intrinsic
def load_as(typing_context: Any, vector: Any, array: Any, index: Any) -> Any:
    """Return the numbers that begin at `array[index]`, as many as another vector has."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = builder.gep(data_of(context, builder, array, arguments[1]), [arguments[2]])
        return load_vector(builder, address, context.get_value_type(vector))

    return vector(vector, array, types.intp), generate


def load_vector(builder: Any, address: Any, type_: ir.VectorType) -> Any:
    """Return the vector at the address of a number, as LLVM has both."""
    bytes_ = {ir.FloatType: 4, ir.DoubleType: 8}[type(type_.element)]
    return builder.load(builder.bitcast(address, type_.as_pointer()), align=bytes_)


def store_vector(builder: Any, value: Any, address: Any) -> None:
    """Write a vector to the address of a number, as LLVM has both."""
    bytes_ = {ir.FloatType: 4, ir.DoubleType: 8}[type(value.type.element)]
    builder.store(value, builder.bitcast(address, value.type.as_pointer()), align=bytes_)


@intrinsic
def store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write a vector to where `array[index]` begins."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        store_vector(builder, arguments[2], _address(context, builder, signature, arguments))
        return context.get_dummy_value()

    lanes = value.lanes if isinstance(value, Vector) else 1
    return types.void(array, types.intp, Vector(array.dtype, lanes)), generate


@intrinsic
def store_some(typing_context: Any, array: Any, index: Any, value: Any, count: Any) -> Any:
    """Write the first `count` numbers of a vector to where `array[index]` begins, and leave what is beyond alone."""

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
            with whole:  # without a mask, with which a store takes longer
                store_vector(builder, arguments[2], address)
            with part:
                builder.call(function, [arguments[2], address, aligned, builder.icmp_signed("<", which, bound)])
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp), generate


@intrinsic
def prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of `array[index]` without waiting for it.

    Samples are visited in random order, so that the processor cannot guess which comes next, and waits for each.
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
    """Return where an array begins, as LLVM has it."""
    if isinstance(type_, Numbers):
        return builder.extract_value(array, 0)
    return context.make_array(type_)(context, builder, array).data


# Arithmetic


def _arithmetic(symbol: Callable[[Any, Any], Any], instruction: str) -> None:
    """Let `symbol` take two vectors, or a vector and a number."""

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
        return getattr(builder, instruction)(a, b, flags=("contract",))  # a * b + c may be one instruction

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
"""`zeros(array)` and `narrow_zeros(array)` are vectors of zeros, of an array's type."""


@intrinsic
def total(typing_context: Any, vector: Any) -> Any:
    """Return the sum of a vector's numbers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        type_ = context.get_value_type(vector)
        name = f"llvm.vector.reduce.fadd.v{vector.lanes}f{vector.dtype.bitwidth}"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(type_.element, [type_.element, type_]), name
        )
        # In any order, or else one by one.
        return builder.call(function, [ir.Constant(type_.element, -0.0), arguments[0]], fastmath=("reassoc",))

    return vector.dtype(vector), generate


@intrinsic
def sign(typing_context: Any, vector: Any) -> Any:
    """Return 1 where a vector's number is positive, -1 where it is negative, and 0 elsewhere."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing, one, minus_one = (constant(context, vector, value) for value in (0.0, 1.0, -1.0))
        negative = builder.select(builder.fcmp_ordered("<", arguments[0], nothing), minus_one, nothing)
        return builder.select(builder.fcmp_ordered(">", arguments[0], nothing), one, negative)

    return vector(vector), generate


@intrinsic
def only(typing_context: Any, where: Any, vector: Any) -> Any:
    """Return a vector's numbers, where `where` is not zero, and zeros elsewhere, even if they are not numbers there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing = constant(context, vector, 0.0)
        return builder.select(builder.fcmp_ordered("!=", arguments[0], nothing), arguments[1], nothing)

    return vector(vector, vector), generate


def constant(context: Any, vector: Vector, value: float) -> Any:
    """Return a vector of the same number, as LLVM has it."""
    return ir.Constant(context.get_value_type(vector), [value] * vector.lanes)


def broadcast(context: Any, builder: Any, value: Any, type_: types.Type, vector: Vector) -> Any:
    """Return a number as a vector, as LLVM has it."""
    number = context.cast(builder, value, type_, vector.dtype)
    undefined = ir.Constant(context.get_value_type(vector), ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(cgutils.int32_t, 0))
    lanes_from_the_first = ir.Constant(ir.VectorType(cgutils.int32_t, vector.lanes), [0] * vector.lanes)
    return builder.shuffle_vector(first, undefined, lanes_from_the_first)


def broadcast_integer(builder: Any, value: Any, lanes: int) -> Any:
    """Return an integer as a vector of so many, as LLVM has it."""
    type_ = ir.VectorType(value.type, lanes)
    undefined = ir.Constant(type_, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(cgutils.int32_t, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(cgutils.int32_t, lanes), [0] * lanes))
