"""Image files: PNG and JPEG of any kind become an array; what is damaged, foreign or too large is refused in a line."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np

from fastnet.files.reading import DataError, one_line
from fastnet.handwriting.preparing import LARGEST
from fastnet.utils import arguments

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = ("PNG", "JPEG")
_MOST_PIXELS = 100_000_000  # a file of a few kilobytes can claim any number of them
_MOST_PIXELS_A_BYTE = 8 * 1032  # of a bit each: PNG's compression makes 1032 bytes of one at most, and JPEG's fewer
_DAMAGES = (ArithmeticError, EOFError, IndexError, OSError, SyntaxError, ValueError, struct.error, zlib.error)


def check() -> None:
    """Find out, before anything is done, whether images can be read.

    Raises
    ------
    ImportError
        If Pillow is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise ImportError("reading an image needs Pillow; pip install 'fastnet[predict]' installs it") from None


def read(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an image from a PNG or JPEG file, turned as its EXIF data says.

    Parameters
    ----------
    path : path
        The file: grey, coloured, with a palette, with 1, 8 or 16 bits.

    Returns
    -------
    ndarray of float32, shape (height, width) or (height, width, 3)
        From 0 (black) to 1 (white), grey or red, green and blue. What is transparent is white; or black, where nothing
        could be seen on white. A side has at most 640 pixels: a larger image is reduced.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If it is no such image, is damaged, or has more than 100 million pixels. It is a `ValueError`.
    ImportError
        If Pillow is not installed.
    """
    check()
    from PIL import Image, UnidentifiedImageError

    path = arguments.path(path, "path")
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Pillow doubts and reads all the same
        try:
            with Image.open(file, formats=_FORMATS) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise Image.DecompressionBombError
                if image.width * image.height > _MOST_PIXELS_A_BYTE * os.fstat(file.fileno()).st_size:
                    raise ValueError("it claims to have more pixels than it can hold")
                return _as_array(image)
        except UnidentifiedImageError:
            raise DataError(f"{path}: this is neither a PNG nor a JPEG image, or a damaged one") from None
        except Image.DecompressionBombError:
            raise DataError(f"{path}: the image has more than {_MOST_PIXELS // 1_000_000} million pixels") from None
        except _DAMAGES as error:
            raise DataError(f"{path}: the image is damaged ({one_line(error)})") from None


def _as_array(image: Image) -> np.ndarray:
    from PIL import ImageOps

    image.draft(None, (LARGEST, LARGEST))  # a large JPEG is decoded at a half, a quarter or an eighth
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # 16 bits; Pillow would cut them off at 255, not divide them
        return np.asarray(_reduced(upright.convert("F")), np.float32) / 65535
    if upright.has_transparency_data:
        return _on_ground(np.asarray(_reduced(upright.convert("RGBA")), np.float32) / 255)
    mode = "L" if upright.mode in ("1", "L") else "RGB"
    return np.asarray(_reduced(upright.convert(mode)), np.float32) / 255


def _reduced(image: Image) -> Image:
    image.thumbnail((LARGEST, LARGEST))
    return image


def _on_ground(image: np.ndarray) -> np.ndarray:
    """Lay an image with transparency on white, or on black where its colours are those of white paper."""
    colors, opacity = image[:, :, :3], image[:, :, 3:]
    seen = colors[opacity[:, :, 0] > 0.5]
    white = 0.0 if seen.size and seen.min() > 0.75 and opacity.min() < 0.5 else 1.0
    on_ground: np.ndarray = colors * opacity + white * (1 - opacity)
    return on_ground
