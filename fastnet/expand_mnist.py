"""Expand MNIST or other images: the book's `expand_mnist.py` (chapter 3), and elastic deformations.

`expand` makes five images from each image, as the book's program does. `deform` applies a random rotation, shift and
elastic deformation to each image. Call `deform` before each epoch to train on new images. `save` and `load` write and
read a data set of images.

>>> from fastnet import expand_mnist, mnist_loader, network
>>> training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
>>> net = network.Network([784, 100, 10])
>>> for epoch in range(30):  # doctest: +SKIP
...     net.SGD(expand_mnist.deform(training_data), 1, 10, 1.0, test_data=test_data)
"""

from __future__ import annotations

import math
import os
import re
import zipfile
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeAlias, cast

import numpy as np

from fastnet.datasets.dataset import Dataset, Sample, as_dataset
from fastnet.files import reading
from fastnet.files.reading import DataError, one_line, read_exactly
from fastnet.files.writing import atomic_write
from fastnet.utils import arguments, progress

if TYPE_CHECKING:
    from fastnet.kernels.threads import Share

__all__ = ["DataError", "deform", "expand", "load", "save"]

StrPath: TypeAlias = str | os.PathLike[str]

_GREYS = 256  # number of grey levels
# Number of images that are processed together, so that their temporary arrays fit into the processor's cache. In
# `deform`, these images also share a random generator.
_AT_A_TIME = 64
_MAGIC = b"\x93NUMPY\x01\x00"  # first bytes of a .npy file; two bytes with the length of the header follow
_HEADER = re.compile(
    rb"{'descr': '(\|u1|<i8|<f4|<f8)', 'fortran_order': False, 'shape': \((\d{1,9}), ?(\d{1,9})?\), } *\n"
)


def expand(training_data: Dataset | Iterable[Sample]) -> Dataset:
    """Return each image, followed by copies that are shifted by one pixel down, up, right and left.

    Parameters
    ----------
    training_data : Dataset or iterable of (x, y)
        Samples whose inputs are the pixels of a square image, row by row.

    Returns
    -------
    Dataset
        Five samples for each given sample, in the order of the book's program: the image itself, then the copies
        shifted down, up, right and left. The dtype is that of the given images. Pixels that are shifted in are 0. The
        samples are not shuffled.

    Raises
    ------
    TypeError
        If `training_data` is neither a `Dataset` nor an iterable of (x, y), or its inputs are sparse.
    ValueError
        If the data set is empty, or the images are not square.
    """
    data = as_dataset(training_data)
    side = _side(data)
    images = data.inputs.reshape(-1, side, side)
    expanded = np.zeros((len(data), 5, side, side), images.dtype)
    expanded[:, 0] = images
    expanded[:, 1, 1:] = images[:, :-1]
    expanded[:, 2, :-1] = images[:, 1:]
    expanded[:, 3, :, 1:] = images[:, :, :-1]
    expanded[:, 4, :, :-1] = images[:, :, 1:]
    return Dataset(expanded.reshape(-1, side * side), np.repeat(data.targets, 5, axis=0))


def deform(
    training_data: Dataset | Iterable[Sample],
    *,
    rotation: float = 10.0,
    shift: float = 1.0,
    elastic: float = 34.0,
    smoothness: float = 6.0,
    seed: int | None = None,
) -> Dataset:
    """Return the data set with each image deformed at random.

    Parameters
    ----------
    training_data : Dataset or iterable of (x, y)
        Samples whose inputs are the grey values of a square image, row by row, from 0 (white) to 1 (black).
    rotation : float, optional
        Largest angle of rotation about the image's centre, in degrees, in either direction; at least 0.
    shift : float, optional
        Largest shift in pixels, in each of the four directions; at least 0.
    elastic, smoothness : float, optional
        Strength and smoothness of the elastic deformation, both at least 0. Random noise from -1 to 1 is smoothed with
        a Gaussian filter (standard deviation `smoothness` pixels), so that neighbouring pixels move together. Each
        pixel is then displaced, vertically and horizontally, by `elastic` pixels times the smoothed noise. By default,
        each of these two displacements is 0.9 pixels (root mean square, away from the borders). With `smoothness=4`, as
        in Simard et al. (2003), each is 1.4 pixels.
    seed : int, optional
        Seed of the deformations, from 0 to 2**32 - 1. The same seed gives the same images with any number of threads.
        By default, NumPy's global generator draws the seed, so `np.random.seed` makes the images repeatable.

    Returns
    -------
    Dataset
        Images of type float32 whose values are multiples of 1/256, as in MNIST. Values below 1/512 become 0, so that
        engines can skip them. The targets are those of the given data set, not a copy. If `rotation`, `shift` and
        `elastic` are all 0, the given data set itself is returned.

    Raises
    ------
    TypeError
        If `training_data` is neither a `Dataset` nor an iterable of (x, y), or its inputs are sparse. If another
        argument is not a number.
    ValueError
        If the data set is empty, the images are not square, or an argument or a grey value is out of range.

    Notes
    -----
    All random numbers are drawn from uniform distributions; the noise has 256 levels. Grey values are interpolated
    bilinearly between the four nearest pixels of the given image. Outside the image, grey values and noise are 0.

    A network of 100 hidden neurons was less accurate with a smoothness of 4 than with 5 or 6. Additional random scaling
    of the images did not change the accuracy.

    P. Y. Simard, D. Steinkraus and J. C. Platt, "Best practices for convolutional neural networks applied to visual
    document analysis", ICDAR 2003.
    """
    data = as_dataset(training_data)
    side = _side(data)
    lowest, highest = data.input_extremes()
    if not 0 <= lowest <= highest <= 1:
        raise ValueError(f"training_data has inputs from {lowest:g} to {highest:g}; they must be from 0 to 1")
    limits = _Limits(
        math.radians(arguments.number_from_zero(rotation, "rotation")),
        arguments.number_from_zero(shift, "shift"),
        arguments.number_from_zero(elastic, "elastic"),
    )
    smoothing = _smoothing(side, arguments.number_from_zero(smoothness, "smoothness")).ravel()
    # The book draws random numbers with NumPy's legacy functions, so the seed is drawn with them, too.
    entropy = int(np.random.randint(2**32, dtype=np.int64)) if seed is None else arguments.seed(seed)  # noqa: NPY002
    if not any(limits):
        return data
    return Dataset(_deformed(data.inputs, side, limits, smoothing, entropy), data.targets)


class _Limits(NamedTuple):
    """Largest rotation in radians, largest shift in pixels, and displacement in pixels for a smoothed noise of 1."""

    rotation: float
    shift: float
    elastic: float


def _deformed(images: np.ndarray, side: int, limits: _Limits, smoothing: np.ndarray, entropy: int) -> np.ndarray:
    # Imported here, because importing Numba takes a long time.
    from fastnet.kernels import compiler, deformation, threads

    deformed = np.empty(images.shape, np.float32)
    starts = range(0, len(images), _AT_A_TIME)

    def deform_part(part: slice, workspace: deformation.Workspace) -> None:
        random = np.random.default_rng((entropy, part.start))
        n = len(images[part])
        transforms = _transforms(random, n, limits)
        noise = _noise(random, n if limits.elastic else 0, side)
        deformation.deform(images[part], side, transforms, noise, limits.elastic, smoothing, deformed[part], workspace)

    def work(share: Share) -> None:
        workspace = deformation.workspace_for(side)
        for start in starts[share.thread :: share.threads]:
            deform_part(slice(start, start + _AT_A_TIME), workspace)

    with compiler.on_compilation(progress.compiling):
        # This call with an empty part compiles the kernels once, before the threads start.
        deform_part(slice(0, 0), deformation.workspace_for(side))
    threads.run(work, min(threads.available(), len(starts)))
    return deformed


def _transforms(random: np.random.Generator, n: int, limits: _Limits) -> np.ndarray:
    """Draw rotations and shifts of n images. Return the argument `transforms` of `kernels.deformation.deform`."""
    angles, down, right = random.uniform(-1, 1, (3, n))
    cosines, sines = np.cos(limits.rotation * angles), np.sin(limits.rotation * angles)
    return np.stack([cosines, sines, limits.shift * down, -sines, cosines, limits.shift * right], axis=1)


def _noise(random: np.random.Generator, n: int, side: int) -> np.ndarray:
    """Draw the argument `noise` of `kernels.deformation.deform` for n images: bytes, shape (n, 2, side * side)."""
    return np.frombuffer(random.bytes(n * 2 * side * side), np.uint8).reshape(n, 2, side * side)


def _smoothing(side: int, smoothness: float) -> np.ndarray:
    """Return the matrix S, shape (side, side), for which S @ image @ S is the image smoothed with a Gaussian filter."""
    if smoothness == 0:
        return np.eye(side, dtype=np.float32)
    pixels = np.arange(side)
    # If the standard deviation is at least one pixel, the sum of the Gaussian over all integers equals its integral to
    # eight digits.
    total = smoothness * math.sqrt(2 * math.pi) if smoothness >= 1 else _gaussian(np.arange(-9, 10), smoothness).sum()
    return (_gaussian(pixels[:, np.newaxis] - pixels, smoothness) / total).astype(np.float32)


def _gaussian(distances: np.ndarray, deviation: float) -> np.ndarray:
    with np.errstate(over="ignore"):  # no warning is needed: if the square is infinite, exp(-inf) is 0, as desired
        return np.exp(-0.5 * (distances / deviation) ** 2)


def _side(data: Dataset) -> int:
    pixels = data.inputs.shape[1]
    side = math.isqrt(pixels)
    if side == 0 or side * side != pixels:
        raise ValueError(f"training_data has {pixels} inputs; they must be the pixels of a square image")
    return side


def save(data: Dataset | Iterable[Sample], path: StrPath) -> None:
    """Write images and their labels or target vectors atomically. An existing file is replaced.

    Parameters
    ----------
    data : Dataset or iterable of (x, y)
        Samples whose inputs are multiples of 1/256 from 0 to 255/256, like those of MNIST, also after `expand` or
        `deform`.
    path : path
        Name of the file. The format is NumPy's `.npz`, uncompressed. The file contains the arrays `images` (one byte
        per pixel) and `labels` or `vectors`.

    Raises
    ------
    OSError
        If the file cannot be written.
    TypeError
        If `data` is neither a `Dataset` nor an iterable of (x, y), or its inputs are sparse.
    ValueError
        If the data set is empty, or an input is not a multiple of 1/256 from 0 to 255/256.
    """
    path, data = arguments.path(path, "path"), as_dataset(data)
    arrays: dict[str, Any] = {"images": _as_bytes(data.inputs)}
    if data.targets.ndim == 1:
        arrays["labels"] = data.targets.astype("<i8", copy=False)
    else:
        arrays["vectors"] = data.targets.astype(data.targets.dtype.newbyteorder("<"), copy=False)
    # `np.savez` is not used: if writing fails, it leaves the archive open, and Python later prints an error about the
    # open archive.
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)


def _as_bytes(images: np.ndarray) -> np.ndarray:
    greys = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _AT_A_TIME):  # part by part, because floats need more memory than bytes
        part = slice(start, start + _AT_A_TIME)
        numbers = images[part] * _GREYS
        with np.errstate(invalid="ignore"):  # no warning is needed: numbers that do not fit a byte are refused below
            greys[part] = numbers
        wrong = greys[part] != numbers
        if wrong.any():
            raise ValueError(
                f"data has an input {images[part][wrong][0]}; inputs must be multiples of 1/256 from 0 to 255/256"
            )
    return greys


def load(path: StrPath) -> Dataset:
    """Read a data set of images that `save` wrote.

    Parameters
    ----------
    path : path
        Name of the file.

    Returns
    -------
    Dataset
        Images of type float32, and the saved labels or vectors.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is damaged, or was not written by `save`. `DataError` is a `ValueError`.

    Notes
    -----
    Code in a file is never executed. Memory is allocated only for data that the file really contains.
    """
    path = arguments.path(path, "path")
    with path.open("rb") as file:
        try:
            with reading.archive(file) as archive:
                return _read(archive)
        except EOFError:
            raise DataError(f"{path}: it ends too early; the file is truncated") from None
        except (zipfile.BadZipFile, OSError, RuntimeError, ValueError) as error:
            raise DataError(
                f"{path}: this file does not hold images as `save` writes them ({one_line(error)})"
            ) from None


def _read(archive: zipfile.ZipFile) -> Dataset:
    names = [member.filename for member in archive.infolist()]
    if names not in (["images.npy", "labels.npy"], ["images.npy", "vectors.npy"]):
        raise ValueError("it must have the arrays images and labels, or images and vectors")
    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
        raise ValueError("it must not be compressed")
    images, targets = (_read_array(archive, name) for name in names)
    if images.dtype != np.uint8 or images.ndim != 2:
        raise ValueError(f"its images are {images.dtype} {images.shape}; they must be uint8 (n, pixels)")
    if (targets.dtype.kind, targets.ndim) != (("i", 1) if names[1] == "labels.npy" else ("f", 2)):
        raise ValueError(
            f"its {names[1][:-4]} are {targets.dtype} {targets.shape}; labels must be int64 (n,), vectors float (n, m)"
        )
    if len(images) != len(targets):
        raise ValueError(f"it has {len(images)} images, but {len(targets)} {names[1][:-4]}")
    return as_dataset(Dataset(np.multiply(images, 1 / _GREYS, dtype=np.float32), targets))


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read an array that `save` wrote. NumPy's reader is not used: it allocates as much memory as a header claims."""
    with cast(BinaryIO, archive.open(name)) as stream:
        start = read_exactly(stream, len(_MAGIC) + 2)
        if start[:-2] != _MAGIC:
            raise ValueError(f"{name} is not a .npy array of format version 1.0")
        header = _HEADER.fullmatch(read_exactly(stream, int.from_bytes(start[-2:], "little")))
        if header is None:
            raise ValueError(f"{name} must have dtype uint8, int64, float32 or float64, C order, and 1 or 2 dimensions")
        dtype = np.dtype(header[1].decode("ascii"))
        shape = [int(n) for n in header.groups()[1:] if n is not None]
        contents = read_exactly(stream, math.prod(shape) * dtype.itemsize)
        if stream.read(1):
            raise ValueError(f"{name} holds more bytes than its shape needs")
    return np.frombuffer(contents, dtype).reshape(shape)
