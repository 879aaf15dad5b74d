"""Structures of arrays and numbers, which kernels read by reference.

A kernel reads about forty arrays. A Numba array has seven fields. In every call of a part, Numba would unpack and pack
all fields of all arrays and named tuples. Unpacking and packing would be half of the code to compile. So `Reference`
writes the fields of a named tuple to memory, one after the other, and kernels get the address of that memory. A field
that is an array is written as `Numbers`: an address and a length.

In a kernel, `structure.field` reads a field, as in Python. `Numbers` support `len`, indices and slices. An index may be
negative, and is not compared with the length.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Iterator
from functools import cache
from typing import Any, get_type_hints

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, AttributeTemplate, infer_getattr, infer_global, signature
from numba.extending import NativeValue, lower_builtin, lower_getattr_generic, register_model, unbox
from numba.np.numpy_support import from_dtype


class Numbers(types.Type):
    """Numba's type of a flat array of numbers of type `dtype`."""

    def __init__(self, dtype: types.Number) -> None:
        self.dtype = dtype
        super().__init__(f"Numbers({dtype})")


class Structure(types.Type):
    """Numba's type of a reference to a named tuple of type `instance_class`, whose fields have the types `fields`."""

    def __init__(self, instance_class: type[Any], fields: tuple[types.Type, ...]) -> None:
        self.instance_class, self.fields = instance_class, fields
        self.names: tuple[str, ...] = instance_class._fields
        super().__init__(f"{instance_class.__name__}({','.join(_code(each) for each in fields)})")


def _code(field: types.Type) -> str:
    return f"[{field.dtype}]" if isinstance(field, Numbers) else str(field)


class Reference:
    """A reference to a named tuple of flat arrays, integers and floats, for kernels.

    The fields are read once, when the reference is made. Kernels see later changes of the numbers in an array.

    Parameters
    ----------
    structure : tuple
        A named tuple whose arrays are contiguous and have one dimension.

    Raises
    ------
    ValueError
        If an array is not contiguous, or does not have one dimension.
    """

    def __init__(self, structure: tuple[Any, ...]) -> None:
        self._structure = structure  # keeps the arrays alive, because kernels use their addresses
        dtypes = tuple(each.dtype if isinstance(each, np.ndarray) else None for each in structure)
        self._numba_type_, layout = _type_of(type(structure), dtypes)
        self._words = np.frombuffer(layout.pack(*_words(structure)), np.int64)
        self.address = self._words.ctypes.data

    @property
    def type(self) -> Structure:
        """Numba's type of the reference."""
        return self._numba_type_


class FlatArray:
    """A placeholder for a flat array, with which a kernel can be compiled before the array exists."""

    def __init__(self, dtype: np.dtype) -> None:
        self._numba_type_ = Numbers(from_dtype(dtype))


def _words(structure: tuple[Any, ...]) -> Iterator[Any]:
    for each in structure:
        if isinstance(each, np.ndarray):
            if each.ndim != 1 or not each.flags.c_contiguous:
                form = f"shape {each.shape} and strides {each.strides}"
                raise ValueError(f"an array has {form}; kernels need contiguous arrays of one dimension")
            yield each.ctypes.data
            yield len(each)
        else:
            yield each


@cache
def _type_of(kind: type[tuple[Any, ...]], dtypes: tuple[np.dtype | None, ...]) -> tuple[Structure, struct.Struct]:
    """Return the type of a structure with arrays of these dtypes, and the memory layout of its fields."""
    fields: list[types.Type] = []
    codes = ""
    for annotation, dtype in zip(get_type_hints(kind).values(), dtypes, strict=True):
        if dtype is not None:
            field, code = Numbers(from_dtype(dtype)), "Qq"
        elif annotation is float:
            field, code = types.float64, "d"
        else:
            field, code = types.int64, "q"
        fields.append(field)
        codes += code
    return Structure(kind, tuple(fields)), struct.Struct(codes)


# Numba's typing and lowering of structures


@register_model(Numbers)
class _NumbersModel(models.StructModel):
    def __init__(self, manager: Any, numbers: Numbers) -> None:
        super().__init__(manager, numbers, [("data", types.CPointer(numbers.dtype)), ("size", types.intp)])


@register_model(Structure)
class _StructureModel(models.PrimitiveModel):
    def __init__(self, manager: Any, structure: Structure) -> None:
        super().__init__(manager, structure, cgutils.intp_t.as_pointer())


@unbox(Structure)
def _unbox(structure: Any, reference: Any, c: Any) -> NativeValue:
    address = c.pyapi.object_getattr_string(reference, "address")
    value = c.builder.inttoptr(c.pyapi.long_as_longlong(address), cgutils.intp_t.as_pointer())
    c.pyapi.decref(address)
    return NativeValue(value, is_error=c.pyapi.c_api_error())


@infer_getattr
class _Fields(AttributeTemplate):
    key = Structure

    def generic_resolve(self, structure: Structure, name: str) -> types.Type | None:
        return structure.fields[structure.names.index(name)] if name in structure.names else None


@lower_getattr_generic(Structure)
def _field(context: Any, builder: Any, structure: Structure, value: Any, name: str) -> Any:
    index = structure.names.index(name)
    offset = index + sum(isinstance(each, Numbers) for each in structure.fields[:index])
    type_ = context.get_value_type(structure.fields[index])
    address = builder.gep(value, [cgutils.intp_t(offset)])
    field = builder.load(builder.bitcast(address, type_.as_pointer()))
    # No kernel changes a field, so LLVM need not load the field again after other writes.
    field.set_metadata("invariant.load", builder.module.add_metadata([]))
    return field


@infer_global(len)
class _Length(AbstractTemplate):
    def generic(self, arguments: Any, keywords: Any) -> Any:
        return signature(types.intp, *arguments) if isinstance(arguments[0], Numbers) else None


@lower_builtin(len, Numbers)
def _length(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.extract_value(arguments[0], 1)


@infer_global(operator.getitem)
class _Element(AbstractTemplate):
    def generic(self, arguments: Any, keywords: Any) -> Any:
        numbers, index = arguments
        if isinstance(numbers, Numbers) and isinstance(index, types.Integer):
            return signature(numbers.dtype, numbers, types.intp)
        if isinstance(numbers, Numbers) and isinstance(index, types.SliceType):
            return signature(numbers, numbers, index)
        return None


@lower_builtin(operator.getitem, Numbers, types.Integer)
def _element(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    numbers, index = arguments
    from_the_end = builder.icmp_signed("<", index, index.type(0))
    index = builder.select(from_the_end, builder.add(index, builder.extract_value(numbers, 1)), index)
    address = builder.gep(builder.extract_value(numbers, 0), [index])
    return context.unpack_value(builder, signature.return_type, address)


@lower_builtin(operator.getitem, Numbers, types.SliceType)
def _slice(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Return a slice. The bounds must not be negative. A bound that is too large is replaced by the length."""
    numbers, (start, stop) = arguments[0], (builder.extract_value(arguments[1], i) for i in range(2))
    size = builder.extract_value(numbers, 1)
    start, stop = (builder.select(builder.icmp_signed("<", i, size), i, size) for i in (start, stop))
    part = builder.insert_value(numbers, builder.gep(builder.extract_value(numbers, 0), [start]), 0)
    return builder.insert_value(part, builder.sub(stop, start), 1)
