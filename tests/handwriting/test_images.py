import io
import struct
import sys
import zlib

import numpy as np
import pytest

from fastnet import handwriting
from fastnet.handwriting.preparing import LARGEST

Image = pytest.importorskip("PIL.Image", reason="the extra predict is not installed")

GREYS = np.array([[0, 51, 102], [153, 204, 255]], np.uint8)


def written(tmp_path, image, name="image.png", **options):
    path = tmp_path / name
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["L", "P"])
def test_grey_values_are_parts_of_white(tmp_path, mode):
    read = handwriting.read(written(tmp_path, Image.fromarray(GREYS).convert(mode)))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read if read.ndim == 2 else read.mean(axis=2), GREYS / 255, atol=1e-6)


def test_16_bits_are_divided_and_not_cut_off(tmp_path):
    image = Image.fromarray(GREYS.astype(np.uint16) * 257)
    np.testing.assert_allclose(handwriting.read(written(tmp_path, image)), GREYS / 255, atol=1e-4)


def test_one_bit(tmp_path):
    read = handwriting.read(written(tmp_path, Image.fromarray(GREYS > 128)))
    np.testing.assert_array_equal(read, GREYS > 128)


def test_colours(tmp_path):
    pixels = np.zeros((1, 3, 3), np.uint8)
    pixels[0, 0, 0] = pixels[0, 1, 1] = pixels[0, 2, 2] = 255
    np.testing.assert_array_equal(handwriting.read(written(tmp_path, Image.fromarray(pixels))), pixels / 255)
    jpeg = handwriting.read(written(tmp_path, Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "image.jpg"))
    np.testing.assert_allclose(jpeg, np.ones((8, 8, 3)), atol=0.02)


@pytest.mark.parametrize(("ink", "ground"), [((0, 0, 0), 1.0), ((200, 30, 30), 1.0), ((255, 255, 255), 0.0)])
def test_what_is_transparent_is_ground_on_which_the_ink_is_seen(tmp_path, ink, ground):
    image = Image.new("RGBA", (9, 9), (*ink, 0))
    image.paste((*ink, 255), (4, 0, 5, 9))
    read = handwriting.read(written(tmp_path, image))
    np.testing.assert_allclose(read[:, 0], ground)
    np.testing.assert_allclose(read[:, 4], np.broadcast_to(np.array(ink) / 255, (9, 3)), atol=1e-6)


def test_a_palette_with_a_transparent_colour(tmp_path):
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.putdata([0, 1, 0])
    read = handwriting.read(written(tmp_path, image, transparency=0))
    np.testing.assert_allclose(read[0, :, 0], [1, 10 / 255, 1], atol=1e-6)


def test_it_is_turned_as_its_exif_data_says(tmp_path):
    upright = Image.fromarray(np.repeat(np.repeat(GREYS, 16, 0), 16, 1))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    path = written(tmp_path, upright, "photo.jpg", exif=exif, quality=95)
    np.testing.assert_allclose(handwriting.read(path)[8::16, 8::16], np.rot90(GREYS, -1) / 255, atol=0.02)


@pytest.mark.parametrize("name", ["large.png", "large.jpg"])
def test_a_large_image_is_reduced(tmp_path, name):
    pixels = np.full((1000, 3000), 255, np.uint8)
    pixels[:, 1500:] = 0
    read = handwriting.read(written(tmp_path, Image.fromarray(pixels), name))
    assert max(read.shape) == LARGEST
    assert read.shape[0] == pytest.approx(LARGEST / 3, abs=1)
    assert (read[:, : LARGEST // 2 - 4] > 0.97).all()
    assert (read[:, LARGEST // 2 + 4 :] < 0.03).all()


def claims(width, height):
    """Return the beginning of a PNG that says it is so large."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">II", zlib.crc32(header), 99) + b"IDAT"


@pytest.mark.parametrize("side", [10_001, 13_000, 30_000])
def test_an_image_that_claims_too_many_pixels_is_refused(tmp_path, side):
    path = tmp_path / "bomb.png"
    path.write_bytes(claims(side, side) + b"\0" * 100)
    with pytest.raises(ValueError, match=r"bomb\.png: the image has more than 100 million"):
        handwriting.read(path)


def png():
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "contents",
    [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a\1\0\1\0\0\0\0;", b"%!PS-Adobe-3.0", b"\xff\xd8\xff", png()[:60],
     png()[:-500], png().replace(b"IDAT", b"IDAX"), claims(5, 5)],
)  # fmt: skip
def test_what_is_no_image_or_damaged_is_refused_with_the_file_s_name(tmp_path, contents):
    path = tmp_path / "image.png"
    path.write_bytes(contents)
    with pytest.raises(ValueError, match=r"image\.png: (this is neither a PNG nor a JPEG|the image is damaged \()"):
        handwriting.read(path)


def test_damage_anywhere_is_an_image_or_an_error_of_ours(tmp_path):
    random = np.random.default_rng(1)
    contents = png()
    path = tmp_path / "image.png"
    for _ in range(200):
        damaged = bytearray(contents)
        for place in random.integers(0, len(damaged), 3):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged)
        try:
            message = f"{path}: read" if max(handwriting.read(path).shape) <= LARGEST else "it is too large"
        except ValueError as error:
            message = str(error)
        assert message.startswith(f"{path}: ")


def test_a_file_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError):
        handwriting.read(tmp_path / "nothing.png")
    with pytest.raises(OSError, match=str(tmp_path)):
        handwriting.read(tmp_path)


def test_without_pillow_the_message_says_which_extra_installs_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnet\[predict\]' installs it"):
        handwriting.read(tmp_path / "image.png")
