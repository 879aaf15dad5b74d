"""The IDX format, in which MNIST is distributed: a header of sizes, then the numbers, big-endian."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from fastnet.files.reading import opened, read_exactly

_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_MOST_BYTES = 1 << 30  # largest number of bytes of an array; a larger array is refused (EMNIST's largest has 547 MB)
_MOST_DIMENSIONS = 8


def read(path: Path, sha256: str | None = None) -> np.ndarray:
    """Read an IDX file, gzipped or not.

    Parameters
    ----------
    path : Path
        The file.
    sha256 : str, optional
        Expected SHA-256 checksum of the file as stored on the disk, gzipped or not.

    Returns
    -------
    ndarray
        Read-only array of the shape and type in the file's header, at most 1 GiB.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is not an IDX file, has a checksum other than `sha256`, or is damaged, truncated or too long. If
        the header claims more than 1 GiB, no dimensions, or more than 8 dimensions.
    """
    with opened(path, sha256) as stream:
        zeros, code, dimensions = np.frombuffer(read_exactly(stream, 4), ">u2,u1,u1")[0].item()
        if zeros != 0 or code not in _TYPES:
            raise ValueError("this is not an IDX file")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise ValueError(f"its header claims {dimensions} dimensions; 1 to {_MOST_DIMENSIONS} are allowed")
        shape = np.frombuffer(read_exactly(stream, 4 * dimensions), ">u4").tolist()
        dtype = np.dtype(_TYPES[code])
        size = math.prod(shape) * dtype.itemsize
        if size > _MOST_BYTES:
            sizes = " x ".join(map(str, shape))
            raise ValueError(f"it claims to hold {sizes} numbers, more than the limit of {_MOST_BYTES >> 20} MiB")
        contents = read_exactly(stream, size)
        if stream.read(1):
            raise ValueError(f"it goes on after the {size} bytes that its header claims")
        array: np.ndarray = np.frombuffer(contents, dtype).reshape(shape)
    array.flags.writeable = False
    return array
