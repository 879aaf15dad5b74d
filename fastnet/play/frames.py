"""Messages to the page: a header in JSON, followed by the bytes of arrays."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_TYPES = {"float32": "f4", "uint8": "u1", "int8": "i1"}
_ALIGNMENT = 4  # number of bytes; browsers read float32 only at multiples of 4 bytes


def frame(kind: str, members: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> bytes:
    """Return a message as bytes.

    Parameters
    ----------
    kind : str
        Type of the message: the member `type` of the header.
    members : mapping
        Other members of the header. Infinity and NaN become null, because JSON does not have these numbers.
    arrays : mapping of str to ndarray of float32, uint8 or int8
        Arrays by name. The member `arrays` of the header lists the names, shapes and types of the arrays.

    Returns
    -------
    bytes
        The length of the header in 4 bytes (little endian), then the header, then the arrays. Spaces after the header
        and zeros after each array let each part begin at a multiple of 4 bytes.
    """
    arrays = arrays or {}
    described = [{"name": name, "shape": a.shape, "type": _TYPES[a.dtype.name]} for name, a in arrays.items()]
    content = _finite({"type": kind, **members, "arrays": described})
    header = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    parts = [_padded(header, b" ")]
    length = len(parts[0]).to_bytes(4, "little")
    parts += [_padded(np.ascontiguousarray(a, a.dtype.newbyteorder("<")).tobytes(), b"\0") for a in arrays.values()]
    return b"".join([length, *parts])


def _finite(value: Any) -> Any:
    """Return a value with None in place of numbers that are not finite."""
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _padded(content: bytes, by: bytes) -> bytes:
    return content + by * (-len(content) % _ALIGNMENT)
