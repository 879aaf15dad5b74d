"""Expand MNIST, or images of one's own: the book's `expand_mnist.py` (chapter 3), and elastic deformations.

`expand` makes what the book's program makes: of each image, five. `deform` makes one of each, rotated, shifted and
bent at random, as if it had been written once more: new ones for each epoch. `save` and `load` keep them.

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
from fastnet.files.writing import replaced
from fastnet.utils import arguments, progress

if TYPE_CHECKING:
    from fastnet.kernels.threads import Share

__all__ = ["DataError", "deform", "expand", "load", "save"]

StrPath: TypeAlias = str | os.PathLike[str]

_GREYS = 256  # steps from white to black
_AT_A_TIME = 64  # images that share a generator; what is made for them stays in a processor's cache
_MAGIC = b"\x93NUMPY\x01\x00"  # with which an array begins, and its length in two bytes
_HEADER = re.compile(
    rb"{'descr': '(\|u1|<i8|<f4|<f8)', 'fortran_order': False, 'shape': \((\d{1,9}), ?(\d{1,9})?\), } *\n"
)


def expand(training_data: Dataset | Iterable[Sample]) -> Dataset:
    """Return five times as many samples: each image, and its copies shifted by one pixel in four directions.

    Parameters
    ----------
    training_data : Dataset or iterable of (x, y)
        Square images, row by row.

    Returns
    -------
    Dataset
        Of each sample in turn the image itself, and then shifted down, up, to the right and to the left, as in the
        book's program; of the images' type. What moves out of the image is lost, what comes in is 0. The samples are
        not shuffled: `SGD` does that.

    Raises
    ------
    TypeError
        If it is not a data set, as `Dataset.from_pairs` says.
    ValueError
        If it is empty, or the images are not square.
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
    """Return as many samples, with each image deformed at random.

    Parameters
    ----------
    training_data : Dataset or iterable of (x, y)
        Square images, row by row, of grey values from 0 (white) to 1 (black).
    rotation : float, optional
        By how many degrees an image is rotated about its centre, at most, in either direction.
    shift : float, optional
        By how many pixels it is shifted, at most, in each of the four directions.
    elastic, smoothness : float, optional
        How it is bent: noise from -1 to 1, smoothed by a Gaussian with a standard deviation of `smoothness` pixels so
        that neighbours move together, and multiplied by `elastic`, is by how many pixels each is moved, in both
        directions. That is 0.9 pixels (root mean square, away from the borders); with a smoothness of 4, as Simard
        and others have it, 1.4.
    seed : int, optional
        The same seed gives the same images, however many threads make them. Without it, it comes from NumPy's global
        generator, so that `np.random.seed` makes it repeatable.

    Returns
    -------
    Dataset
        The images are of type float32, and all values multiples of 1/256, as in MNIST: what is less than half of that
        is 0, so that networks can skip it. The targets are those given, not a copy. If nothing is to be deformed, the
        data set itself.

    Raises
    ------
    TypeError
        If it is not a data set, as `Dataset.from_pairs` says, or another argument is not a number.
    ValueError
        If the data set is empty, the images are not square, or a number or a grey value is out of range.

    Notes
    -----
    All numbers are drawn from uniform distributions, the noise as one of 256 steps. Grey values are interpolated
    between the four pixels around the place that a pixel comes from; outside of the image there is neither grey nor
    noise.

    With a smoothness of 4, a network of 100 hidden neurons got fewer digits right here than with 5 or 6. To scale
    images too changed nothing.

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
    # The book's generator is NumPy's old one.
    entropy = int(np.random.randint(2**32, dtype=np.int64)) if seed is None else arguments.seed(seed)  # noqa: NPY002
    if not any(limits):
        return data
    return Dataset(_deformed(data.inputs, side, limits, smoothing, entropy), data.targets)


class _Limits(NamedTuple):
    """How much an image is deformed at most: in radians, pixels, and pixels before smoothing."""

    rotation: float
    shift: float
    elastic: float


def _deformed(images: np.ndarray, side: int, limits: _Limits, smoothing: np.ndarray, entropy: int) -> np.ndarray:
    # Here, because Numba takes long to import.
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

    with compiler.announced(progress.compiling):
        # Nothing is computed here, only compiled: once, and not in each of the threads.
        deform_part(slice(0, 0), deformation.workspace_for(side))
    threads.run(work, min(threads.available(), len(starts)))
    return deformed


def _transforms(random: np.random.Generator, n: int, limits: _Limits) -> np.ndarray:
    """Draw the transforms of n images, in the form that the kernel takes."""
    angles, down, right = random.uniform(-1, 1, (3, n))
    cosines, sines = np.cos(limits.rotation * angles), np.sin(limits.rotation * angles)
    return np.stack([cosines, sines, limits.shift * down, -sines, cosines, limits.shift * right], axis=1)


def _noise(random: np.random.Generator, n: int, side: int) -> np.ndarray:
    """Draw the noise of n images, in the form that the kernel takes."""
    return np.frombuffer(random.bytes(n * 2 * side * side), np.uint8).reshape(n, 2, side * side)


def _smoothing(side: int, smoothness: float) -> np.ndarray:
    """Return a matrix of shape (side, side): by both sides of it, an image is multiplied to smooth it by a Gaussian."""
    if smoothness == 0:
        return np.eye(side, dtype=np.float32)
    pixels = np.arange(side)
    # From a standard deviation of one pixel on, the sum over all pixels is the integral: to nine digits.
    total = smoothness * math.sqrt(2 * math.pi) if smoothness >= 1 else _gaussian(np.arange(-9, 10), smoothness).sum()
    return (_gaussian(pixels[:, np.newaxis] - pixels, smoothness) / total).astype(np.float32)


def _gaussian(distances: np.ndarray, deviation: float) -> np.ndarray:
    with np.errstate(over="ignore"):  # infinitely many deviations away there is nothing
        return np.exp(-0.5 * (distances / deviation) ** 2)


def _side(data: Dataset) -> int:
    pixels = data.inputs.shape[1]
    side = math.isqrt(pixels)
    if side == 0 or side * side != pixels:
        raise ValueError(f"training_data has {pixels} inputs; they must be the pixels of a square image")
    return side


def save(data: Dataset | Iterable[Sample], path: StrPath) -> None:
    """Write images and their labels or vectors, whole or not at all: a file of that name is replaced.

    Parameters
    ----------
    data : Dataset or iterable of (x, y)
        All inputs are multiples of 1/256 from 0 to 255/256, as those of MNIST, and what `expand` and `deform` make
        of them.
    path : path
        The file: NumPy's format `.npz`, not compressed, with the arrays `images`, one byte a pixel, and `labels` or
        `vectors`.

    Raises
    ------
    OSError
        If it cannot be written.
    TypeError
        If it is not a data set, as `Dataset.from_pairs` says.
    ValueError
        If the data set is empty, or has other inputs.
    """
    path, data = arguments.path(path, "path"), as_dataset(data)
    arrays: dict[str, Any] = {"images": _as_bytes(data.inputs)}
    if data.targets.ndim == 1:
        arrays["labels"] = data.targets.astype("<i8", copy=False)
    else:
        arrays["vectors"] = data.targets.astype(data.targets.dtype.newbyteorder("<"), copy=False)
    # NumPy's `savez` leaves an archive open that could not be written, about which Python then complains on the screen.
    with replaced(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, version=(1, 0), allow_pickle=False)


def _as_bytes(images: np.ndarray) -> np.ndarray:
    greys = np.empty(images.shape, np.uint8)
    for start in range(0, len(images), _AT_A_TIME):  # of a few images at a time: numbers take more memory than bytes
        part = slice(start, start + _AT_A_TIME)
        numbers = images[part] * _GREYS
        with np.errstate(invalid="ignore"):  # what is no byte is found below
            greys[part] = numbers
        wrong = greys[part] != numbers
        if wrong.any():
            raise ValueError(
                f"data has an input {images[part][wrong][0]}; they must be multiples of 1/256 from 0 to 255/256"
            )
    return greys


def load(path: StrPath) -> Dataset:
    """Read what `save` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Dataset
        The images are of type float32, the labels or vectors as they were.

    Raises
    ------
    OSError
        If it cannot be opened.
    DataError
        If it is damaged, or not such a file. It is a `ValueError`.

    Notes
    -----
    Nothing in the file is run, and no memory is taken for what it only claims to hold.
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
        raise ValueError(f"its images are of type {images.dtype} and shape {images.shape}")
    if (targets.dtype.kind, targets.ndim) != (("i", 1) if names[1] == "labels.npy" else ("f", 2)):
        raise ValueError(f"its {names[1][:-4]} are of type {targets.dtype} and shape {targets.shape}")
    if len(images) != len(targets):
        raise ValueError(f"it has {len(images)} images, but {len(targets)} {names[1][:-4]}")
    return as_dataset(Dataset(np.multiply(images, 1 / _GREYS, dtype=np.float32), targets))


def _read_array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read an array in the one form in which `save` writes it; NumPy's own reader believes what a header claims."""
    with cast(BinaryIO, archive.open(name)) as stream:
        start = read_exactly(stream, len(_MAGIC) + 2)
        if start[:-2] != _MAGIC:
            raise ValueError(f"{name} is not an array")
        header = _HEADER.fullmatch(read_exactly(stream, int.from_bytes(start[-2:], "little")))
        if header is None:
            raise ValueError(f"{name} is an array of another kind")
        dtype = np.dtype(header[1].decode("ascii"))
        shape = [int(n) for n in header.groups()[1:] if n is not None]
        contents = read_exactly(stream, math.prod(shape) * dtype.itemsize)
        if stream.read(1):
            raise ValueError(f"{name} holds more than its shape says")
    return np.frombuffer(contents, dtype).reshape(shape)
