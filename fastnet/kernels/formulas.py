"""Formulas for vectors, written in Python and compiled without Numba's front end.

Most of a kernel's compilation time is spent in Numba's front end, which infers the types of each function and lowers
the function to LLVM instructions. For the front end, a formula is a single call. While a kernel is compiled, `formula`
calls the Python function with a `Value` for each argument. Each operation on values emits one LLVM instruction. Loops
and branches of a formula must not depend on values, but may depend on the precision. For example, the precision can
determine the number of terms of a series. `where` selects one of two numbers in each lane of a vector. `choice` selects
one of several formulas by its index.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastnet.kernels.vectors import Vector, broadcast, constant

_FRACTION = {32: 23, 64: 52}  # number of bits of the fraction, by the number of bits of a float
_BIAS = {32: 127, 64: 1023}  # bias of the exponent, by the number of bits of a float
_LOG2_E = 1 / math.log(2)
# The logarithm of 2 in two parts. The first part has few bits, so that its product with a small integer is exact.
_LN_2_HIGH = 0.693145751953125
_LN_2_LOW = 1.4286068203094172e-06
_TERMS_OF_EXP = {32: 7, 64: 13}  # degree of the Taylor polynomial; its error is less than a rounding error
_TERMS_OF_LOG = {32: 5, 64: 11}

Number: TypeAlias = "Value | float"


class Value:
    """A vector in a formula that is being compiled, or a vector of conditions.

    Parameters
    ----------
    context, builder
        Numba's target context and the builder of the function that is compiled.
    vector : Vector
        Type of the vector.
    llvm
        LLVM value of the vector.
    """

    def __init__(self, context: Any, builder: Any, vector: Vector, llvm: Any) -> None:
        self.context, self.builder, self.vector, self.llvm = context, builder, vector, llvm

    @property
    def bits(self) -> int:
        """Number of bits of each number."""
        return int(self.vector.dtype.bitwidth)

    def of(self, llvm: Any) -> Value:
        """Return a `Value` of the same type, given an LLVM value."""
        return Value(self.context, self.builder, self.vector, llvm)

    def like(self, number: Number) -> Value:
        """Return a vector that has a number in every lane; return a `Value` unchanged."""
        return number if isinstance(number, Value) else self.of(constant(self.context, self.vector, number))

    def _arithmetic(self, instruction: str, a: Number, b: Number) -> Value:
        # The flag `contract` allows LLVM to fuse a product and a sum into one instruction.
        emit = getattr(self.builder, instruction)
        return self.of(emit(self.like(a).llvm, self.like(b).llvm, flags=("contract",)))

    def __add__(self, other: Number) -> Value:
        return self._arithmetic("fadd", self, other)

    def __radd__(self, other: Number) -> Value:
        return self._arithmetic("fadd", other, self)

    def __sub__(self, other: Number) -> Value:
        return self._arithmetic("fsub", self, other)

    def __rsub__(self, other: Number) -> Value:
        return self._arithmetic("fsub", other, self)

    def __mul__(self, other: Number) -> Value:
        return self._arithmetic("fmul", self, other)

    def __rmul__(self, other: Number) -> Value:
        return self._arithmetic("fmul", other, self)

    def __truediv__(self, other: Number) -> Value:
        return self._arithmetic("fdiv", self, other)

    def __rtruediv__(self, other: Number) -> Value:
        return self._arithmetic("fdiv", other, self)

    def __neg__(self) -> Value:
        return 0.0 - self

    def __lt__(self, other: Number) -> Value:
        return self.of(self.builder.fcmp_ordered("<", self.llvm, self.like(other).llvm))

    def is_equal(self, other: Number) -> Value:
        """For each lane, return whether the two numbers are equal; NaN is not equal to NaN."""
        return self.of(self.builder.fcmp_ordered("==", self.llvm, self.like(other).llvm))

    def __gt__(self, other: Number) -> Value:
        return self.of(self.builder.fcmp_ordered(">", self.llvm, self.like(other).llvm))


def formula(function: Callable[..., Any]) -> Any:
    """Return a function that computes a formula of vectors in kernels.

    Some arguments of the function may be numbers, but at least one must be a vector.
    """
    return choice([function])


def choice(functions: Sequence[Callable[..., Any]]) -> Any:
    """Return a function that computes one of several formulas in kernels.

    The first argument of the function is the index of the formula, unless `functions` has only one formula. The other
    arguments are those of the formula; at least one must be a vector. All formulas must have the same number of
    arguments, and return the same number of values.
    """
    arity = functions[0].__code__.co_argcount

    def compiled(typing_context: Any, *arguments: Any) -> Any:
        given = arguments[len(arguments) - arity :]
        vector = next(argument for argument in given if isinstance(argument, Vector))

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            inputs = [
                Value(
                    context,
                    builder,
                    vector,
                    value if isinstance(type_, Vector) else broadcast(context, builder, value, type_, vector),
                )
                for value, type_ in zip(values[len(values) - arity :], given, strict=True)
            ]
            found = _chosen(builder, functions, values[0], inputs)
            return found[0] if len(found) == 1 else context.make_tuple(builder, signature.return_type, found)

        count = _number_of_results(functions[0], vector, arity)
        return (vector if count == 1 else types.UniTuple(vector, count))(*arguments), generate

    return intrinsic(_WITH_ARITY[arity + (len(functions) > 1)](compiled))


_WITH_ARITY: dict[int, Callable[[Any], Any]] = {  # not *args, because Numba counts the arguments in the signature
    1: lambda f: lambda typing_context, a: f(typing_context, a),
    2: lambda f: lambda typing_context, a, b: f(typing_context, a, b),
    3: lambda f: lambda typing_context, a, b, c: f(typing_context, a, b, c),
    4: lambda f: lambda typing_context, a, b, c, d: f(typing_context, a, b, c, d),
    5: lambda f: lambda typing_context, a, b, c, d, e: f(typing_context, a, b, c, d, e),
}


def _number_of_results(function: Callable[..., Any], vector: Vector, arity: int) -> int:
    """Emit a formula into a function that is discarded; return the number of values that the formula returns."""
    from numba.core.registry import cpu_target

    context = cpu_target.target_context
    type_ = context.get_value_type(vector)
    module = ir.Module()
    scratch = ir.Function(module, ir.FunctionType(ir.VoidType(), [type_] * arity), "scratch")
    builder = ir.IRBuilder(scratch.append_basic_block())
    result = function(*(Value(context, builder, vector, argument) for argument in scratch.args))
    return len(result) if isinstance(result, tuple) else 1


def _chosen(builder: Any, functions: Sequence[Callable[..., Any]], number: Any, inputs: list[Value]) -> list[Any]:
    """Emit a switch with all formulas; return the results of the formula with the index `number`."""
    if len(functions) == 1:
        return _results(functions[0](*inputs))
    blocks = [builder.append_basic_block(f"formula.{i}") for i in range(len(functions))]
    end = builder.append_basic_block("formula.end")
    switch = builder.switch(number, blocks[0])
    found = []
    for i, (block, function) in enumerate(zip(blocks, functions, strict=True)):
        if i:
            switch.add_case(ir.Constant(number.type, i), block)
        builder.position_at_end(block)
        found.append((_results(function(*inputs)), builder.block))
        builder.branch(end)
    builder.position_at_end(end)
    merged = []
    for results in zip(*(results for results, _ in found), strict=True):
        phi = builder.phi(results[0].type)
        for result, (_, block) in zip(results, found, strict=True):
            phi.add_incoming(result, block)
        merged.append(phi)
    return merged


def _results(result: Any) -> list[Any]:
    return [each.llvm for each in (result if isinstance(result, tuple) else (result,))]


# Functions for formulas


def where(condition: Value, a: Value, b: Number) -> Value:
    """Return the numbers of `a` in the lanes where the condition holds, and the numbers of `b` in all other lanes."""
    return a.of(a.builder.select(condition.llvm, a.llvm, a.like(b).llvm))


def clamp(x: Value, lower: float, upper: float) -> Value:
    """Return x, limited to the range from `lower` to `upper`; NaN stays NaN."""
    x = where(x < lower, x.like(lower), x)
    return where(x > upper, x.like(upper), x)


def absolute(x: Value) -> Value:
    """Return |x|."""
    return where(x < 0, -x, x)


def square_root(x: Value) -> Value:
    """Return the square root of x."""
    type_ = x.llvm.type
    name = f"llvm.sqrt.v{x.vector.lanes}f{x.bits}"
    function = cgutils.get_or_insert_function(x.builder.module, ir.FunctionType(type_, [type_]), name)
    return x.of(x.builder.call(function, [x.llvm]))


def exp(x: Value) -> Value:
    """Return exp(x), computed as 2^n exp(r) with |r| <= ln(2) / 2.

    The result must be finite and not subnormal.
    """
    n = _nearest(x * _LOG2_E)
    r = x - n * _LN_2_HIGH - n * _LN_2_LOW
    terms = _TERMS_OF_EXP[x.bits]
    e = r.like(1 / math.factorial(terms))
    for k in range(terms - 1, -1, -1):
        e = e * r + 1 / math.factorial(k)
    return e * _power_of_two(n)


def log(x: Value) -> Value:
    """Return the natural logarithm of x; the numbers must be positive and not subnormal."""
    exponent, m = _split(x)
    f = (m - 1) / (m + 1)
    square = f * f
    series = x.like(1 / (2 * _TERMS_OF_LOG[x.bits] + 1))
    for k in range(_TERMS_OF_LOG[x.bits] - 1, -1, -1):
        series = square * series + 1 / (2 * k + 1)
    return exponent * _LN_2_HIGH + (exponent * _LN_2_LOW + 2 * f * series)


def log1p(x: Value) -> Value:
    """Return ln(1 + x) with a small relative error, also for small x; the numbers must not be negative."""
    u = 1 + x
    return log(u) + (x - (u - 1)) / u  # the second term corrects the rounding error of u


def in_float64(x: Value) -> Value:
    """Return the same numbers in float64."""
    if x.bits == 64:
        return x
    vector = Vector(types.float64, x.vector.lanes)
    return Value(x.context, x.builder, vector, x.builder.fpext(x.llvm, x.context.get_value_type(vector)))


def in_precision_of(like: Value, x: Value) -> Value:
    """Return the numbers of `x`, which are in float64, in the precision of `like`."""
    return x if like.bits == 64 else like.of(x.builder.fptrunc(x.llvm, like.llvm.type))


def _nearest(x: Value) -> Value:
    """Return the nearest integers; |x| must be below 2^(n - 1), where n is the number of bits of the fraction."""
    shift = x.like(_shift(x)).llvm
    return x.of(x.builder.fsub(x.builder.fadd(x.llvm, shift), shift))


def _power_of_two(n: Value) -> Value:
    """Return 2^n; the integers n must be in the range of the exponent."""
    builder, integers = n.builder, _integers(n)
    bias, fraction = (_constant_integers(n, number) for number in (_BIAS[n.bits], _FRACTION[n.bits]))
    whole = builder.bitcast(builder.fadd(n.llvm, n.like(_shift(n)).llvm), integers)
    return n.of(builder.bitcast(builder.shl(builder.add(whole, bias), fraction), n.llvm.type))


def _split(x: Value) -> tuple[Value, Value]:
    """Return the exponents and the mantissas of positive numbers; a mantissa is from sqrt(1/2) to sqrt(2)."""
    builder, number = x.builder, np.float32 if x.bits == 32 else np.float64
    root = int(np.array(math.sqrt(0.5), number).view(f"i{x.bits // 8}"))
    fraction = _constant_integers(x, _FRACTION[x.bits])
    whole = builder.bitcast(x.llvm, _integers(x))
    exponent = builder.ashr(builder.sub(whole, _constant_integers(x, root)), fraction)
    mantissa = builder.bitcast(builder.sub(whole, builder.shl(exponent, fraction)), x.llvm.type)
    return x.of(builder.sitofp(exponent, x.llvm.type)), x.of(mantissa)


def _shift(x: Value) -> float:
    """Return the constant whose addition rounds a number to an integer, and moves the integer to the last bits."""
    return float(1.5 * 2.0 ** _FRACTION[x.bits])


def _integers(x: Value) -> ir.VectorType:
    return ir.VectorType(ir.IntType(x.bits), x.vector.lanes)


def _constant_integers(x: Value, number: int) -> ir.Constant:
    return ir.Constant(_integers(x), [number] * x.vector.lanes)
