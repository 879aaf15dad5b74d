import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from fastnet import handwriting
from fastnet.handwriting.images import LARGEST

pytest.importorskip("scipy.ndimage", reason="the extra predict is not installed")
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


def test_16_bits_in_either_order_of_the_bytes(tmp_path):
    grey = np.random.default_rng(0).integers(0, 65536, (40, 40), dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "little.tiff")
    big = Image.frombytes("I;16B", (40, 40), grey.astype(">u2").tobytes())
    big.save(tmp_path / "big.tiff")
    np.testing.assert_array_equal(*(handwriting.read(tmp_path / f"{name}.tiff") for name in ("little", "big")))


@pytest.mark.parametrize("shape", [(9, 9), (900, 900)])
def test_16_bits_stay_from_0_to_1_where_the_image_is_scaled_down(tmp_path, shape):
    pixels = np.zeros(shape, np.uint16)
    pixels[:, ::7] = 65535
    read = handwriting.read(written(tmp_path, Image.fromarray(pixels)))
    assert 0 <= read.min() < read.max() <= 1


def test_16_bits_with_a_transparent_value(tmp_path):
    grey, exif = GREYS.astype(np.uint16) * 257, Image.Exif()
    exif[0x0112] = 6  # a viewer must rotate the image by 90 degrees clockwise
    read = handwriting.read(written(tmp_path, Image.fromarray(grey), transparency=257 * 51, exif=exif))
    expected = np.rot90(np.where(GREYS == 51, 255, GREYS), -1)
    np.testing.assert_allclose(read, np.stack([expected] * 3, axis=2) / 255, atol=1e-6)


def test_one_bit(tmp_path):
    read = handwriting.read(written(tmp_path, Image.fromarray(GREYS > 128)))
    np.testing.assert_array_equal(read, GREYS > 128)


def test_colours(tmp_path):
    pixels = np.zeros((1, 3, 3), np.uint8)
    pixels[0, 0, 0] = pixels[0, 1, 1] = pixels[0, 2, 2] = 255
    np.testing.assert_array_equal(handwriting.read(written(tmp_path, Image.fromarray(pixels))), pixels / 255)
    jpeg = handwriting.read(written(tmp_path, Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "image.jpg"))
    np.testing.assert_allclose(jpeg, np.ones((8, 8, 3)), atol=0.02)


@pytest.mark.parametrize(("ink", "background"), [((0, 0, 0), 1.0), ((200, 30, 30), 1.0), ((255, 255, 255), 0.0)])
def test_a_transparent_picture_gets_a_background_unlike_the_ink(tmp_path, ink, background):
    image = Image.new("RGBA", (9, 9), (*ink, 0))
    image.paste((*ink, 255), (4, 0, 5, 9))
    read = handwriting.read(written(tmp_path, image))
    np.testing.assert_allclose(read[:, 0], background)
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
    exif[0x0112] = 6  # a viewer must rotate the image by 90 degrees clockwise
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
    """Return the start of a PNG whose header claims this width and height."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">II", zlib.crc32(header), 99) + b"IDAT"


@pytest.mark.parametrize("ending", ["bmp", "gif", "webp", "tif", "png", "jpg"])
def test_formats(tmp_path, ending):
    upright = Image.fromarray(np.repeat(np.repeat(GREYS, 16, 0), 16, 1))
    read = handwriting.read(written(tmp_path, upright, f"image.{ending}"))
    read = read if read.ndim == 2 else read.mean(axis=2)
    np.testing.assert_allclose(read[8::16, 8::16], GREYS / 255, atol=0.03)


@pytest.mark.parametrize("ending", ["gif", "webp", "tif"])
def test_a_file_with_two_frames_is_refused(tmp_path, ending):
    frames = [Image.new("L", (9, 9), grey) for grey in (0, 200)]
    path = written(tmp_path, frames[0], f"image.{ending}", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match=r"the file has more than one frame; save the one with the digit as a PNG"):
        handwriting.read(path)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif"])
def test_every_orientation(tmp_path, orientation, ending):
    """The EXIF orientation says which sides of the displayed image are the stored first row and first column."""
    shown = np.repeat(np.repeat(GREYS, 16, 0), 16, 1)
    stored = {1: shown, 2: shown[:, ::-1], 3: shown[::-1, ::-1], 4: shown[::-1], 5: shown.T, 6: np.rot90(shown),
              7: shown[::-1, ::-1].T, 8: np.rot90(shown, -1)}[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    read = handwriting.read(written(tmp_path, Image.fromarray(stored.copy()), f"image.{ending}", exif=exif))
    read = read if read.ndim == 2 else read.mean(axis=2)
    np.testing.assert_allclose(read[8::16, 8::16], GREYS / 255, atol=0.03)


def chunk(kind, data, checksum=None):
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


METADATA = {
    "a wrong checksum of a text": chunk(b"tEXt", b"Comment\0a note", 1),
    "a text that is no zlib": chunk(b"zTXt", b"Comment\0\0garbage"),
    "a text of 80 MB": chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000))),
    "a large colour profile": chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(2_000_000))),
    "a damaged colour profile": chunk(b"iCCP", b"profile\0\0garbage"),
    "a short resolution": chunk(b"pHYs", b"\0"),
    "garbage as EXIF data": chunk(b"eXIf", b"garbage"),
    "EXIF data with a wrong checksum": chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0", 1),
}


@pytest.mark.parametrize("name", METADATA)
def test_damage_in_a_png_s_metadata_does_not_matter(tmp_path, name):
    contents = png()
    expected = tmp_path / "intact.png"
    expected.write_bytes(contents)
    path = tmp_path / "image.png"
    end_of_header = 8 + 25
    path.write_bytes(contents[:end_of_header] + METADATA[name] + contents[end_of_header:])
    np.testing.assert_array_equal(handwriting.read(path), handwriting.read(expected))


def test_a_rational_over_zero_in_exif_data_does_not_matter(tmp_path):
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 2)
    # Two EXIF entries: the orientation, and XResolution. The value of XResolution, at byte 38, is 1/0.
    exif += struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + struct.pack(">HHII", 0x011A, 5, 1, 38)
    exif += struct.pack(">III", 0, 1, 0)
    image = Image.fromarray(np.repeat(np.repeat(GREYS, 16, 0), 16, 1))
    read = handwriting.read(written(tmp_path, image, "image.jpg", exif=exif, quality=95))
    np.testing.assert_allclose(read[8::16, 8::16], np.rot90(GREYS, -1) / 255, atol=0.02)


def test_damage_in_a_jpeg_s_metadata_does_not_matter(tmp_path):
    random = np.random.default_rng(2)
    exif = Image.Exif()
    exif[0x010F], exif[0x011A], exif[0x8769] = "a camera", 72.0, {0x829A: 0.01}
    contents = jpeg(exif=exif, icc_profile=bytes(100), xmp=b"<x/>" * 9, dpi=(72, 72), comment=b"a note")
    places, place = [], 2
    while contents[place + 1] != 0xDB:  # 0xDB: quantization tables, the first segment that affects pixels
        length = int.from_bytes(contents[place + 2 : place + 4], "big")
        places += range(place + 4, place + 2 + length)
        place += 2 + length
    assert len(places) > 200
    path, intact = tmp_path / "image.jpg", tmp_path / "intact.jpg"
    intact.write_bytes(contents)
    expected = handwriting.read(intact)
    for _ in range(300):
        damaged = bytearray(contents)
        for at in random.choice(places, 8):
            damaged[at] = random.integers(0, 256)
        path.write_bytes(damaged)
        read = handwriting.read(path)
        assert any(
            np.array_equal(expected, turned) for turned in (read, read.T, *(np.rot90(read, k) for k in range(4)))
        )


def jpeg(**options):
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)
    Image.fromarray(noise).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 5}])
def test_a_jpeg_without_its_end_is_read_and_one_without_pixels_is_not(tmp_path, options):
    contents = jpeg(**options)
    path, intact = tmp_path / "image.jpg", tmp_path / "intact.jpg"
    intact.write_bytes(contents)
    for missing in (1, 2):
        path.write_bytes(contents[:-missing])
        np.testing.assert_array_equal(handwriting.read(path), handwriting.read(intact))
    for missing in (12, 100, 1000):
        path.write_bytes(contents[:-missing])
        with pytest.raises(ValueError, match=r"image\.jpg: the image is damaged \(.*\); save it again"):
            handwriting.read(path)


PEAK = """
import resource, sys
from fastnet import handwriting
handwriting.images.check()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    print(handwriting.read(sys.argv[1]).shape)
except ValueError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss may have other units on other systems")
@pytest.mark.parametrize(
    ("width", "height", "depth", "most", "answer"),
    [
        (1, 50_000_000, 1, 100, "a side of more than 65,535; scale it down or crop it"),
        (50_000_000, 1, 16, 100, "a side of more than 65,535"),
        (1_000, 60_000, 1, 600, "(640, 11)"),
        (9_000, 9_000, 16, 700, "(640, 640)"),
    ],
)
def test_memory_is_bounded(tmp_path, width, height, depth, most, answer):
    """Reading takes less than `most` MiB of memory, even for an image of one row or one column."""
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    compressor = zlib.compressobj(1)
    row = bytes(1 + -(-width * depth // 8))
    step = max(1, 1_000_000 // len(row))
    data = b"".join(compressor.compress(row * min(step, height - first)) for first in range(0, height, step))
    path = tmp_path / "image.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data + compressor.flush()) + chunk(b"IEND", b"")
    )
    result = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
    shown, megabytes = result.stdout.splitlines()
    assert answer in shown
    assert int(megabytes) < most


def test_a_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(handwriting.images, "_MOST_BYTES", 1 << 20)
    path = tmp_path / "image.png"
    path.write_bytes(png() + bytes(1 << 20))
    with pytest.raises(ValueError, match=r"image\.png: the file is larger than 1 MiB; scale the image down"):
        handwriting.read(path)


def test_pixels_of_other_types_are_refused(tmp_path):
    for pixels, message in (
        (np.ones((9, 9), np.float32), "floating-point"),
        (np.full((9, 9), 1 << 20, np.int32), "32"),
        (np.full((9, 9), -5, np.int32), ".*negative values"),
    ):
        path = written(tmp_path, Image.fromarray(pixels), "image.tif")
        with pytest.raises(ValueError, match=rf"image\.tif: the image has {message}.*; save it with 8 or 16"):
            handwriting.read(path)


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
    [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a\1\0\1\0\0\0\0;", b"II*\0", b"BM", b"RIFF\0\0\0\0WEBP",
     b"%!PS-Adobe-3.0", b"\xff\xd8\xff", png()[:60], png()[:-500], png().replace(b"IDAT", b"IDAX"), claims(5, 5)],
)  # fmt: skip
def test_what_is_no_image_or_damaged_is_refused_with_the_file_s_name(tmp_path, contents):
    path = tmp_path / "image.png"
    path.write_bytes(contents)
    with pytest.raises(
        ValueError, match=r"image\.png: (this is no PNG, JPEG, .* or TIFF image|the image is damaged \()"
    ):
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


@pytest.mark.parametrize(("module", "name"), [("PIL", "Pillow"), ("scipy", "SciPy")])
def test_without_a_library_the_message_says_which_extra_installs_it(monkeypatch, tmp_path, module, name):
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, loaded, None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"needs {name}; pip install 'fastnet-nndl\[predict\]' installs it"):
        handwriting.read(tmp_path / "image.png")
    with pytest.raises(ImportError, match=name):
        handwriting.prepare(np.zeros((5, 5)))
