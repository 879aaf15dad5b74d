"""Reads the book's `mnist.pkl.gz` with an unpickler that cannot run code.

A pickle is a program for a small stack machine, the unpickler. The unpickler in this module accepts only the
instructions that tuples of NumPy arrays need, and only the names with which NumPy's pickles make an array. Each name
refers to a replacement in this module. The replacements check the size of an array before they make the array. No
function of NumPy, or of another package, can be called.

The unpickler is derived from `pickle._Unpickler`, which is written in Python. `pickle.Unpickler` is written in C, and
cannot be restricted to a set of instructions. A file of a few bytes can make `pickle.Unpickler` allocate gigabytes.
"""

from __future__ import annotations

import math
import pickle
import re
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Literal

import numpy as np

from fastnet.files.reading import opened, read_exactly

Pairs = tuple[tuple[np.ndarray, np.ndarray], ...]

# Largest number of bytes that are read from a file or made from its contents. MNIST has 220 MB in float32, 440 MB in
# float64.
_MOST_BYTES = 1 << 30
_MOST_INSTRUCTIONS = 10_000  # largest number of instructions of a pickle; six arrays need fewer than 300
_MOST_DIMENSIONS = 8  # largest number of dimensions of an array
_MOST_ARGUMENTS = 8  # largest number of arguments of a call
_LONGEST_NAME = 80  # largest number of characters of a name that is accepted or quoted


def read_pairs(path: Path) -> Pairs:
    """Read a pickled tuple of pairs of arrays, gzipped or not, as Python 2 or 3 wrote it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    tuple of (ndarray, ndarray)
        Read-only arrays, with the shapes and types in the file.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is damaged, holds anything but pairs of arrays of numbers, or holds more than 1 GiB.
    """
    with opened(path) as stream:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # a pickle that causes a warning is refused
                pairs = _ArrayUnpickler(_BoundedStream(stream)).load()
        except (pickle.UnpicklingError, ArithmeticError, AttributeError, LookupError, TypeError, Warning):
            # Python's own message is not used, because it may quote the file at any length.
            raise ValueError("this is not a pickle of NumPy arrays") from None
        if stream.read(1):  # gzip compares its checksum only when the end is read
            raise ValueError("it goes on after the end of the pickle")
        if not (isinstance(pairs, tuple) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs)):
            raise ValueError("this pickle does not hold pairs of arrays")
        return tuple((_as_array(first), _as_array(second)) for first, second in pairs)


class _BoundedStream:
    """The stream that the unpickler reads, up to `_MOST_BYTES`. Memory is allocated only for bytes in the file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = _MOST_BYTES

    def read(self, count: int) -> Any:  # returns bytes or bytearray, but Python's class is annotated with bytes only
        self.count_bytes(count)
        return read_exactly(self._stream, count)

    def readline(self) -> bytes:
        line = self._stream.readline(self._left + 1)
        self.count_bytes(len(line))
        return line

    def count_bytes(self, count: int) -> None:
        """Count bytes that are read, or are made by `codecs.encode`. Raise a `ValueError` above the limit."""
        self._left -= count
        if self._left < 0:
            raise ValueError(f"this pickle claims to hold more than the limit of {_MOST_BYTES >> 20} MiB")


class _Dtype:
    """Stands in for `numpy.dtype`."""

    def __init__(self, code: str | bytes, *_flags: object) -> None:
        if not re.fullmatch(r"[fiu][1248]|b1", _text(code)):
            raise ValueError(f"this pickle holds an array of type {_text(code)!r}; only numbers are read")
        self.dtype = np.dtype(_text(code))

    def set_state(self, state: Any) -> None:
        _version, of_bytes, subtype, names, fields = state[:5]
        order: Any = _text(of_bytes)
        if (subtype, names, fields) != (None, None, None) or order not in ("<", ">", "|", "="):
            raise ValueError("this pickle holds an array of a composite type; only numbers are read")
        self.dtype = self.dtype.newbyteorder(order)


class _Array:
    """Stands in for `numpy.ndarray`."""

    def __init__(self) -> None:
        self.array: np.ndarray | None = None

    def set_state(self, state: Any) -> None:
        _version, shape, dtype, fortran_order, contents = state
        self.array = _array(contents, dtype, shape, "F" if fortran_order else "C")


def _reconstruct(_subtype: object, _shape: object, _typecode: object) -> _Array:
    """Stand in for NumPy's `_reconstruct`. The arguments are ignored: the array's state has its shape and type."""
    return _Array()


def _from_buffer(contents: Any, dtype: Any, shape: Any, order: Any) -> _Array:
    """Stand in for NumPy's `_frombuffer`, which protocol 5 uses."""
    result = _Array()
    result.array = _array(contents, dtype, shape, "F" if _text(order) == "F" else "C")
    return result


def _encode(text: str, encoding: str | bytes) -> bytes:
    """Stand in for `codecs.encode`. A pickle that Python 3 wrote for Python 2 calls `codecs.encode` to make bytes."""
    if _text(encoding) != "latin1":
        raise ValueError(f"this pickle encodes bytes as {_text(encoding)!r}; only latin1 is read")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Stand in for `bytes`. Python 3's pickles for Python 2 call `bytes` for the contents of an empty array."""
    return b""


def _array(contents: Any, dtype: Any, shape: Any, order: Literal["C", "F"]) -> np.ndarray:
    if not (isinstance(dtype, _Dtype) and isinstance(contents, (bytes, bytearray)) and isinstance(shape, tuple)):
        raise ValueError("this pickle holds an array that is not of plain numbers")
    if not (len(shape) <= _MOST_DIMENSIONS and all(isinstance(n, int) and 0 <= n <= _MOST_BYTES for n in shape)):
        raise ValueError(
            f"this pickle claims an array of an invalid shape; at most {_MOST_DIMENSIONS} dimensions are read"
        )
    if math.prod(shape) * dtype.dtype.itemsize != len(contents):
        raise ValueError(f"this pickle claims an array of shape {shape} in {len(contents)} bytes")
    array: np.ndarray = np.frombuffer(contents, dtype.dtype).reshape(shape, order=order)
    array.flags.writeable = False
    return array


def _as_array(value: object) -> np.ndarray:
    if not (isinstance(value, _Array) and value.array is not None):
        raise ValueError("this pickle does not hold pairs of arrays")
    return value.array


def _text(value: Any) -> str:
    """Return a short string as `str`. The unpickler returns a string of Python 2 as bytes."""
    if not (isinstance(value, (str, bytes)) and len(value) <= _LONGEST_NAME):
        raise ValueError("this pickle holds something other than a name where a name should stand")
    return value.decode("latin1") if isinstance(value, bytes) else value


_REPLACEMENTS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
}

# The instructions with which pickles of protocols 0 to 5 make arrays, tuples, numbers and strings.
_INSTRUCTIONS = (
    pickle.PROTO + pickle.FRAME + pickle.STOP
    + pickle.MARK + pickle.TUPLE + pickle.EMPTY_TUPLE + pickle.TUPLE1 + pickle.TUPLE2 + pickle.TUPLE3
    + pickle.PUT + pickle.BINPUT + pickle.LONG_BINPUT + pickle.MEMOIZE
    + pickle.GET + pickle.BINGET + pickle.LONG_BINGET
    + pickle.NONE + pickle.NEWTRUE + pickle.NEWFALSE
    + pickle.INT + pickle.BININT + pickle.BININT1 + pickle.BININT2 + pickle.LONG + pickle.LONG1
    + pickle.STRING + pickle.BINSTRING + pickle.SHORT_BINSTRING
    + pickle.UNICODE + pickle.BINUNICODE + pickle.SHORT_BINUNICODE
    + pickle.BINBYTES + pickle.SHORT_BINBYTES + pickle.BINBYTES8 + pickle.BYTEARRAY8
    + pickle.GLOBAL + pickle.STACK_GLOBAL + pickle.REDUCE + pickle.BUILD
)  # fmt: skip


class _ArrayUnpickler(pickle._Unpickler):
    """An unpickler that can make only arrays of numbers, tuples, and simple values such as numbers and strings."""

    # Python's class sets these three attributes when it begins to load.
    stack: list[Any]
    read: Callable[[int], bytes | bytearray]
    append: Callable[[Any], None]

    def __init__(self, stream: _BoundedStream) -> None:
        super().__init__(stream, encoding="bytes")  # bytes, because Python 2's strings hold the arrays' numbers
        self._stream = stream
        # Python's class has one table for all unpicklers; this table counts the instructions of one pickle.
        self.dispatch = _Instructions()  # type: ignore[assignment, misc]

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        try:
            return _REPLACEMENTS[module, name]
        except KeyError:
            asked = f"{module}.{name}"[:_LONGEST_NAME]
            raise ValueError(f"this pickle asks for {asked!r}; only NumPy arrays are read") from None

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        function = self.stack[-1]
        if not any(function is stand_in for stand_in in _REPLACEMENTS.values()):
            raise ValueError("this pickle calls something that is not a function")
        if not (isinstance(arguments, tuple) and len(arguments) <= _MOST_ARGUMENTS):
            raise ValueError(f"a function call in this pickle must have a tuple of at most {_MOST_ARGUMENTS} arguments")
        self.stack[-1] = function(*arguments)
        if isinstance(self.stack[-1], bytes):
            self._stream.count_bytes(len(self.stack[-1]))

    def load_build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], (_Array, _Dtype)):
            raise ValueError("this pickle sets the state of something that is not an array")
        self.stack[-1].set_state(state)

    def load_bytearray8(self) -> None:
        (count,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(count))  # Python's own method allocates `count` bytes before it reads them


class _Instructions:
    """The unpickler's dispatch table, which allows only `_INSTRUCTIONS`, at most `_MOST_INSTRUCTIONS` in a pickle."""

    _METHODS: ClassVar[dict[int, Callable[[Any], None]]] = {
        **{code: pickle._Unpickler.dispatch[code] for code in _INSTRUCTIONS},
        pickle.REDUCE[0]: _ArrayUnpickler.load_reduce,
        pickle.BUILD[0]: _ArrayUnpickler.load_build,
        pickle.BYTEARRAY8[0]: _ArrayUnpickler.load_bytearray8,
    }

    def __init__(self) -> None:
        self._left = _MOST_INSTRUCTIONS

    def __getitem__(self, code: int) -> Callable[[_ArrayUnpickler], None]:
        self._left -= 1
        if self._left < 0:
            raise ValueError(f"this pickle has more than the limit of {_MOST_INSTRUCTIONS} instructions")
        try:
            return self._METHODS[code]
        except KeyError:
            raise ValueError(f"this pickle holds more than NumPy arrays (instruction {chr(code)!r})") from None
