"""Reads image files into arrays. An invalid file raises an error whose message has one line."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnet.files.reading import DataError, one_line
from fastnet.utils import arguments

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = 640  # largest number of pixels of a side; larger images are scaled down
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
_MOST_BYTES = 128 << 20  # largest number of bytes of a file
_MOST_PIXELS = 100_000_000  # largest number of pixels of an image; a file of a few kilobytes can claim any number
_LONGEST_SIDE = 65_535  # largest number of pixels of a side, as in JPEG, because Pillow needs extra memory for each row
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf")
_END_OF_JPEG = b"\xff\xd9"
_ORIENTATION = 0x0112  # number of the EXIF tag for the orientation
_DAMAGES = (
    ArithmeticError,
    AssertionError,
    EOFError,
    IndexError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def check() -> None:
    """Check that the libraries for reading digits are installed.

    Raises
    ------
    ImportError
        If Pillow or SciPy is not installed.
    """
    for name, module in (("Pillow", "PIL.Image"), ("SciPy", "scipy.ndimage")):
        try:
            import_module(module)
        except ImportError:
            message = f"reading digits in images needs {name}; pip install 'fastnet-nndl[predict]' installs it"
            raise ImportError(message) from None


def read(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an image from a PNG, JPEG, BMP, GIF, WebP or TIFF file, and rotate or mirror it as its EXIF data says.

    Parameters
    ----------
    path : path
        File of a grey, colour or palette image with 1, 8 or 16 bits per channel. GIF, WebP and TIFF files must have one
        frame.

    Returns
    -------
    ndarray of float32, shape (height, width) or (height, width, 3)
        Grey values or RGB values, from 0 (black) to 1 (white). Transparent pixels are white, or black if
        nothing would be visible on white. Each side has at most 640 pixels; a larger image is scaled down.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is no image of these kinds, its pixels are damaged, or the file or the image is too large. A
        `DataError` is a `ValueError`.
    TypeError, ValueError
        If `path` is not a path.
    ImportError
        If Pillow or SciPy is not installed.

    Notes
    -----
    Of the metadata, only the orientation is read. Damaged metadata is ignored.
    """
    check()
    from PIL import Image, UnidentifiedImageError

    path = arguments.path(path, "path")
    with path.open("rb") as file:
        contents = file.read(_MOST_BYTES + 1)
    if len(contents) > _MOST_BYTES:
        raise DataError(f"{path}: the file is larger than {_MOST_BYTES >> 20} MiB; scale the image down")
    try:
        return _decoded(contents)
    except UnidentifiedImageError:
        formats = "PNG, JPEG, BMP, GIF, WebP or TIFF"
        raise DataError(
            f"{path}: this is no {formats} image, or it is damaged; save it in one of these formats"
        ) from None
    except Image.DecompressionBombError:
        raise DataError(
            f"{path}: the image has more than {_MOST_PIXELS // 1_000_000} million pixels, "
            f"or a side of more than {_LONGEST_SIDE:,}; scale it down or crop it"
        ) from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except _DAMAGES as error:
        whole = _without_end(contents)
        if whole is None:
            raise DataError(f"{path}: the image is damaged ({one_line(error)}); save it again") from None
        return whole


def resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a grey image in another size. Values are interpolated linearly, and averaged if the new size is smaller.

    Parameters
    ----------
    image : ndarray of float32, shape (h, w)
        Grey values.
    height, width : int
        The new size, in pixels.

    Returns
    -------
    ndarray of float32, shape (height, width)
    """
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def _decoded(contents: bytes) -> np.ndarray:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns about some images that it reads correctly
        with Image.open(io.BytesIO(_without_metadata(contents)), formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS or max(image.size) > _LONGEST_SIDE:
                raise Image.DecompressionBombError
            if image.format in ("GIF", "WEBP", "TIFF") and getattr(image, "n_frames", 1) > 1:
                raise DataError("the file has more than one frame; save the one with the digit as a PNG file")
            return _as_array(image)


def _without_metadata(contents: bytes) -> bytes:
    """Return a PNG file with only the chunks that determine pixels and orientation; return other files unchanged."""
    if not contents.startswith(_PNG):
        return contents
    place, kept = len(_PNG), [_PNG]
    while place + 12 <= len(contents):
        length, kind = struct.unpack_from(">I4s", contents, place)
        chunk = contents[place : place + 12 + length]
        if kind in _PNG_CHUNKS and (kind != b"eXIf" or zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")):
            kept.append(chunk)
        place += 12 + length
    return b"".join([*kept, contents[place:]])


def _without_end(contents: bytes) -> np.ndarray | None:
    """Return the image of a JPEG file that lacks its end, if no pixel depends on the missing bytes; otherwise None."""
    if not contents.startswith(_END_OF_JPEG[:1] + b"\xd8"):
        return None
    contents = contents.removesuffix(_END_OF_JPEG[:1])
    try:
        first, second = (_decoded(contents + filler + _END_OF_JPEG) for filler in (b"", b"\xaa\x55" * 64))
    except _DAMAGES:
        return None
    return first if np.array_equal(first, second) else None


def _as_array(image: Image) -> np.ndarray:
    image.draft(None, (LARGEST, LARGEST))  # a large JPEG is decoded at a half, a quarter or an eighth of its size
    image.load()
    if image.mode.startswith("I"):  # 16 bits; Pillow's conversion to 8 bits would clip values at 255
        # Pillow cannot find the extremes of big-endian images.
        extremes: Any = (image if image.mode in ("I", "I;16") else image.convert("I")).getextrema()
        low, high = extremes
        if not 0 <= low <= high <= 65535:
            raise DataError("the image has 32 bits per channel, or negative values; save it with 8 or 16 bits")
        if "transparency" not in image.info:
            return np.clip(_upright(image, "F") / 65535, 0, 1)  # scaling down may exceed the bounds a little
        image = _of_8_bits(image)
    if image.mode == "F":
        raise DataError("the image has floating-point pixels; save it with 8 or 16 bits")
    if image.has_transparency_data:
        return _on_background(_upright(image, "RGBA") / 255)
    return _upright(image, "L" if image.mode in ("1", "L") else "RGB") / 255


def _of_8_bits(image: Image) -> Image:
    """Return an image of 16 bits and one transparent value as an image of 8 bits and an opacity for each pixel."""
    from PIL import Image

    pixels = np.asarray(image)
    opacity = 255 * (pixels != image.info["transparency"])
    converted = Image.fromarray(np.stack([pixels // 257, opacity], axis=2).astype(np.uint8))
    converted.info = {name: value for name, value in image.info.items() if name == "exif"}  # has the orientation
    return converted


def _upright(image: Image, mode: str) -> np.ndarray:
    """Return an image as an array: converted to `mode`, scaled down, and rotated or mirrored as its EXIF data says."""
    from PIL.Image import Transpose

    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged metadata raises exceptions of any kind
        orientation = 1
    reduced = image if image.mode == mode else image.convert(mode)
    reduced.thumbnail((LARGEST, LARGEST))
    turns = (
        Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.FLIP_TOP_BOTTOM, Transpose.TRANSPOSE,
        Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90,
    )  # fmt: skip
    turn = dict(enumerate(turns, start=2)).get(orientation)
    return np.asarray(reduced if turn is None else reduced.transpose(turn), np.float32)


def _on_background(image: np.ndarray) -> np.ndarray:
    """Draw an image with transparency on white, or on black if its visible colours are nearly white."""
    colors, opacity = image[:, :, :3], image[:, :, 3:]
    seen = colors[opacity[:, :, 0] > 0.5]
    white = 0.0 if seen.size and seen.min() > 0.75 and opacity.min() < 0.5 else 1.0
    on_background: np.ndarray = colors * opacity + white * (1 - opacity)
    return on_background
