"""Tests of prepared images: the digit's box and centre of mass, and the removal of marks around the digit."""

import functools

import numpy as np
import pytest

from fastnet import handwriting
from fastnet.handwriting.components import components
from fastnet.handwriting.images import LARGEST, resized
from fastnet.handwriting.preprocessing import line_width, prepare_drawing, thicken

pytest.importorskip("scipy.ndimage", reason="the extra predict is not installed")
Image = pytest.importorskip("PIL.Image", reason="the extra predict is not installed")
drawn = pytest.importorskip("drawn")
ImageDraw = pytest.importorskip("PIL.ImageDraw")


def picture(image):
    return np.asarray(image)


def written(digit, seed=0, **options):
    return picture(drawn.written(digit, np.random.default_rng(seed), **options))


@functools.cache
def prepared(digit, seed):
    """Return an image with nothing around its digit, and the prepared image. Both images are cached for other tests."""
    image = written(digit, seed)
    return image, handwriting.prepare(image)


def difference(first, second):
    """Return the least sum(abs(a - b)) / sum(a + b) of prepared images a and b, over shifts of b by up to 1 pixel."""
    assert (first.reason, second.reason) == ("", "")
    shifted = [np.roll(second.pixels, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return min(np.abs(first.pixels - pixels).sum() for pixels in shifted) / (first.pixels.sum() + second.pixels.sum())


@pytest.mark.parametrize("digit", range(10))
def test_the_box_and_the_centre_are_those_of_mnist(digit):
    prepared = handwriting.prepare(written(digit, seed=digit))
    pixels = prepared.pixels
    assert prepared.reason == ""
    assert pixels.dtype == np.float32
    assert pixels.shape == (28, 28)
    assert pixels.min() == 0
    assert pixels.max() == 255 / 256
    rows, columns = np.nonzero(pixels.any(axis=1))[0], np.nonzero(pixels.any(axis=0))[0]
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 == 20
    centre = [(pixels * index).sum() / pixels.sum() for index in np.indices((28, 28))]
    assert np.abs(np.array(centre) - 14).max() <= 0.51


def test_the_centre_is_where_mnist_has_it(mnist):
    images = mnist[0].inputs[:1000].reshape(-1, 28, 28)
    centres = np.array([[(pixels * index).sum() / pixels.sum() for index in np.indices((28, 28))] for pixels in images])
    assert np.abs(centres - 14).max() < 0.51


def test_the_shape_is_kept():
    image = np.ones((300, 300))
    image[50:250, 100:160] = 0  # a solid rectangle of 200 x 60 pixels
    prepared = handwriting.prepare(image)
    inside = np.argwhere(prepared.pixels > 0.5)
    height, width = inside.max(axis=0) - inside.min(axis=0) + 1
    assert height == 20
    assert width == pytest.approx(6, abs=2)  # `prepare` makes thick lines thinner


def test_mnist_s_own_images_come_back(mnist):
    random = np.random.default_rng(0)
    images = mnist[2].inputs[:40]
    shares = []
    for pixels in images:
        prepared = handwriting.prepare(picture(drawn.enlarged(pixels, random)))
        original = handwriting.Prepared(pixels.reshape(28, 28))
        shares.append(difference(prepared, original))
    assert np.median(shares) < 0.15


VARIANTS = {
    "elsewhere": lambda image: np.pad(image, ((120, 0), (0, 70)), constant_values=255),
    "larger": lambda image: picture(Image.fromarray(image).resize((520, 520))),
    "smaller": lambda image: picture(Image.fromarray(image).resize((90, 90), Image.Resampling.BOX)),
    "larger than is looked at": lambda image: picture(Image.fromarray(image).resize((2 * LARGEST, 2 * LARGEST))),
    "light on dark": lambda image: 255 - image,
    "low contrast": lambda image: (150 + image // 5).astype(np.uint8),
    "bool": lambda image: image > 128,
    "16 bits": lambda image: image.astype(np.uint16) * 257,
    "numbers": lambda image: image / 255,
    "colours": lambda image: np.stack([image] * 3, axis=2),
    "yellow on white": lambda image: np.stack([np.full_like(image, 255), np.full_like(image, 255), image], axis=2),
    "red on green": lambda image: np.stack([255 - image, image // 2, np.zeros_like(image)], axis=2),
    "lit from a side": lambda image: (image * np.linspace(1, 0.3, image.shape[1])).astype(np.uint8),
    "noise": lambda image: np.clip(
        image * 0.6 + 50 + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255
    ).astype(np.uint8),
    "cropped": lambda image: image[np.ix_((image < 128).any(axis=1), (image < 128).any(axis=0))],
}


@pytest.mark.parametrize("name", VARIANTS)
def test_the_same_digit_is_prepared_alike(name):
    digits = [prepared(digit, seed=1) for digit in (2, 4, 8)]
    differences = [difference(plain, handwriting.prepare(VARIANTS[name](image))) for image, plain in digits]
    assert np.median(differences) < 0.03
    assert max(differences) < 0.2  # due to rounding, a side of the box may differ by one pixel


def with_frame(image, margin, width):
    framed = image.copy()
    ImageDraw.Draw(sheet := Image.fromarray(framed)).rectangle(
        [margin, margin, image.shape[1] - 1 - margin, image.shape[0] - 1 - margin], outline=0, width=width
    )
    return picture(sheet)


def on_a_table(image):
    table = Image.new("L", (500, 400), 60)
    table.paste(Image.fromarray(image), (130, 80))
    return picture(table.rotate(4, fillcolor=60))


def with_dirt(image):
    dirty = np.pad(image, 60, constant_values=255)
    for top, left in np.random.default_rng(0).integers(0, 60, (20, 2)):
        dirty[top : top + 3, 4 * left : 4 * left + 3] = 0
    dirty[310:319, 310:319] = 0  # a speck as large as a full stop
    return dirty


def on_squared_paper(image):
    paper = np.full((*image.shape, 3), 245.0)
    paper[::24] = paper[:, ::24] = paper[1::24] = paper[:, 1::24] = [170, 190, 225]
    return (paper * (image / 255)[:, :, np.newaxis]).astype(np.uint8)


AROUND = {
    "a frame": lambda image: with_frame(image, 8, 4),
    "a border": lambda image: with_frame(image, 0, 6),
    "a table": on_a_table,
    "dirt": with_dirt,
    "squared paper": on_squared_paper,
}


@pytest.mark.parametrize("name", AROUND)
def test_what_is_around_a_digit_is_left_out(name):
    for digit in (2, 6, 8):
        image, plain = prepared(digit, seed=3)
        assert difference(plain, handwriting.prepare(AROUND[name](image))) < 0.2, digit


def test_a_speck_inside_of_a_digit_is_dirt():
    image = written(0, seed=3)
    inside = np.argwhere(image < 128).mean(axis=0).astype(int)
    dirty = image.copy()
    dirty[inside[0] - 2 : inside[0] + 3, inside[1] - 2 : inside[1] + 3] = 0
    np.testing.assert_allclose(handwriting.prepare(dirty).pixels, handwriting.prepare(image).pixels, atol=0.01)


def test_a_digit_in_pieces_is_one():
    image = np.full((200, 200), 255, np.uint8)
    draw = ImageDraw.Draw(sheet := Image.fromarray(image))
    draw.line([(70, 40), (130, 40)], fill=0, width=10)  # the top stroke of a 5, which does not touch the rest
    draw.line([(72, 56), (70, 95)], fill=0, width=10)
    draw.arc([55, 85, 125, 165], -110, 130, fill=0, width=10)
    prepared = handwriting.prepare(picture(sheet))
    assert prepared.reason == ""
    inside = np.argwhere(prepared.pixels > 0.5)
    assert inside[:, 0].max() - inside[:, 0].min() == pytest.approx(19, abs=1)
    assert (prepared.pixels[inside[:, 0].min()] > 0.3).sum() > 6  # the top stroke is kept


def test_thin_lines_become_as_thick_as_mnist_s_and_thick_ones_as_thin(mnist):
    widths = [line_width(resized(x.reshape(28, 28), 168, 168)) / 6 for x in mnist[0].inputs[:100]]
    for pen in (0.008, 0.03, 0.09):
        width = line_width(resized(handwriting.prepare(written(3, pen=pen)).pixels, 168, 168)) / 6
        assert np.quantile(widths, 0.1) < width < np.quantile(widths, 0.9)


def with_lines(image, *lines, fill=60, width=3, degrees=0.0):
    """Return the picture with lines drawn over it. A line is a tuple (x0, y0, x1, y1)."""
    layer = Image.new("L", image.shape[::-1], 255)
    for line in lines:
        ImageDraw.Draw(layer).line(line, fill=fill, width=width)
    return np.minimum(image, picture(layer.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255)))


def box_of(image, margin):
    rows, columns = (np.nonzero((image < 128).any(axis=axis))[0] for axis in (1, 0))
    return columns[0] - margin, rows[0] - margin, columns[-1] + margin, rows[-1] + margin


def sides(image, margin, which, beyond=0):
    """Return the sides `which` of a box around a digit, as lines.

    The lines extend `beyond` pixels past the box's corners.
    """
    left, top, right, bottom = (int(value) for value in box_of(image, margin))
    lines = {
        "l": (left, top - beyond, left, bottom + beyond),
        "t": (left - beyond, top, right + beyond, top),
        "r": (right, top - beyond, right, bottom + beyond),
        "b": (left - beyond, bottom, right + beyond, bottom),
    }
    return [lines[side] for side in which]


def test_long_lines_beside_a_digit_are_left_out():
    image = np.pad(written(6, seed=6), 90, constant_values=255)
    lines = with_lines(image, *sides(image, 10, "lr", 60), width=2)
    assert lines[:3].min() == lines[-3:].min() == 255
    assert difference(handwriting.prepare(image), handwriting.prepare(lines)) < 0.2


def corner(image, margin):
    """Return two lines: one left of the digit's lower half, and one below the digit."""
    left, top, right, bottom = (int(value) for value in box_of(image, margin))
    return (left, (top + bottom) // 2, left, bottom), (left, bottom, right, bottom)


LINES = {
    "a frame": lambda image, digit: with_lines(image, *sides(digit, 14, "ltrb"), width=1),
    "a skew frame": lambda image, digit: with_lines(image, *sides(digit, 20, "ltrb"), degrees=2),
    "left and below": lambda image, digit: with_lines(image, *sides(digit, 12, "lb"), width=4),
    "left and below, beyond": lambda image, digit: with_lines(image, *sides(digit, 12, "lb", 30), width=4),
    "three sides": lambda image, digit: with_lines(image, *sides(digit, 15, "ltr"), width=2),
    "a grid": lambda image, digit: with_lines(image, *sides(digit, 16, "ltrb", 300), width=2),
    "a skew grid": lambda image, digit: with_lines(image, *sides(digit, 16, "ltrb", 300), degrees=-1.5),
    "an underline": lambda image, digit: with_lines(image, *sides(digit, 12, "b", 25), width=5),
    "an underline from border to border": lambda image, digit: with_lines(image, *sides(digit, 12, "b", 300)),
    "an upper line": lambda image, digit: with_lines(image, *sides(digit, 12, "t", 60), width=2),
    "a line from one border": lambda image, digit: with_lines(
        image, (0, box_of(digit, 9)[3], 210, box_of(digit, 9)[3])
    ),
    "a short corner": lambda image, digit: with_lines(image, *corner(digit, 12), width=2),
    "ruled lines": lambda image, digit: with_lines(
        image, *((0, y, 239, y) for y in range(11, 240, 38)), fill=20, width=1
    ),
    "half-dark ruled lines": lambda image, digit: with_lines(
        image, *((0, y, 239, y) for y in range(11, 240, 38)), fill=130, width=2
    ),
    "a scanner's edges": lambda image, digit: with_lines(image, (0, 0, 0, 239), (0, 239, 239, 236), width=6),
    "a dark band": lambda image, digit: with_lines(image, (236, 0, 236, 239), width=9),
}


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("digit", [0, 2, 3, 6, 7, 8])
def test_lines_around_a_digit_are_left_out(name, digit):
    image, plain = prepared(digit, seed=digit)
    assert difference(plain, handwriting.prepare(LINES[name](image, image))) < 0.2


@pytest.mark.parametrize("name", LINES)
def test_lines_around_nothing_are_no_digit(name):
    digit = written(0, seed=0)
    lines = LINES[name](np.full_like(digit, 247), digit)
    prepared = handwriting.prepare(lines)
    assert prepared.reason
    dirty = lines.copy()
    dirty[118:124, 117:123] = 0  # a speck
    assert handwriting.prepare(dirty).reason


def test_a_frame_that_touches_a_digit_is_reported():
    image = written(7, seed=7)
    prepared = handwriting.prepare(with_lines(image, *sides(image, 0, "ltrb")))
    assert prepared.reason == "the drawing is a frame, or touches a frame"


@pytest.mark.parametrize(
    ("bar", "body", "rows"),
    [
        ([(72, 50), (132, 50)], [(72, 62), (70, 95), (120, 120), (70, 165)], slice(4, 8)),  # the top stroke of a 5
        ([(60, 148), (130, 148)], [(70, 50), (120, 60), (62, 140)], slice(20, 24)),  # the bottom stroke of a 2
    ],
)
def test_a_broken_digit_keeps_its_horizontal_lines(bar, body, rows):
    image = Image.new("L", (200, 200), 255)
    draw = ImageDraw.Draw(image)
    draw.line(bar, fill=0, width=8)
    draw.line(body, fill=0, width=8, joint="curve")
    prepared = handwriting.prepare(picture(image))
    assert prepared.reason == ""
    assert (prepared.pixels[rows] > 0.3).sum(axis=1).max() >= 10


@pytest.mark.parametrize("side", [1, 2, 4, 8, 12])
def test_specks_on_an_empty_page_are_no_digit(side):
    random = np.random.default_rng(side)
    for count in (1, 3):
        page = np.full((240, 240), 247, np.uint8)
        for top, left in random.integers(0, 225, (count, 2)):
            page[top : top + side, left : left + max(1, side * 2 // 3)] = 20
        assert handwriting.prepare(page).reason.startswith(
            (
                "nothing stands out in the picture",
                "nothing large enough",
                "there seem to be",
                "the drawing goes on beyond",
            )
        )


def test_a_long_thin_thing_has_pixels():
    """The prepared image shows a skew line even if the line is thinner than one pixel."""
    for side in (240, 640, 1200):
        page = Image.new("L", (side, side), 255)
        ImageDraw.Draw(page).line((side // 20, side // 2, side - side // 20, side // 2), fill=0)
        skew = page.rotate(2, Image.Resampling.BICUBIC, fillcolor=255)
        assert handwriting.prepare(picture(skew)).pixels.any()


def scribble():
    image = Image.new("L", (200, 200), 255)
    points = np.random.default_rng(0).uniform(30, 170, (60, 2))
    ImageDraw.Draw(image).line([tuple(point) for point in points], fill=0, width=3)
    return picture(image)


NO_DIGIT = {
    "nothing stands out": [
        np.full((50, 80), 255, np.uint8), np.zeros((50, 80), np.uint8), np.zeros((1, 1), np.uint8),
        np.random.default_rng(0).normal(200, 8, (200, 200)).clip(0, 255).astype(np.uint8),
        np.tile(np.linspace(0.3, 1, 200), (150, 1)),
    ],
    "two things": [picture(drawn.two(*pair, np.random.default_rng(1))) for pair in [(4, 2), (1, 1), (3, 8), (7, 0)]],
    "several things": [
        np.hstack([picture(drawn.two(*pair, np.random.default_rng(1)).resize((160, 160))) for pair in [(2, 0), (2, 6)]])
    ],
    "goes on beyond the border": [
        np.pad(np.zeros((100, 60)), ((50, 50), (0, 90)), constant_values=1.0),
        1 - np.pad(np.hypot(*np.mgrid[-50:0, -50:50]) < 45, ((60, 0), (60, 60))).astype(float),
    ],
    "too wide": [np.pad(np.zeros((10, 120)), 40, constant_values=1.0)],
    "not drawn with lines": [1 - np.pad(np.hypot(*np.mgrid[-50:50, -50:50]) < 45, 30).astype(float)],
    "too many lines": [scribble()],
    "like a photograph": [
        np.pad(np.pad(np.zeros((40, 40)), ((0, 0), (0, 40)), constant_values=1.0), 40, constant_values=0.5)
    ],
}  # fmt: skip


def test_a_drawing_without_lines_keeps_its_width():
    disc = (np.hypot(*np.mgrid[-50:50, -50:50]) < 12).astype(np.float32)
    prepared = prepare_drawing(disc)
    assert "not drawn with lines" in prepared.reason
    assert prepared.pixels.sum() == pytest.approx(np.pi * 10**2, rel=0.05)  # the disc fills the box of 20 x 20 pixels


@pytest.mark.parametrize("reason", NO_DIGIT)
def test_why_it_is_no_digit(reason):
    for image in NO_DIGIT[reason]:
        prepared = handwriting.prepare(image)
        assert reason in prepared.reason
        assert prepared.pixels.any() == (reason != "nothing stands out")


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros(5), ValueError, r"image has shape \(5,\); it must be \(height, width\)"),
        (np.zeros((5, 5, 4)), ValueError, r"image has shape \(5, 5, 4\)"),
        (np.zeros((0, 5)), ValueError, r"image has shape \(0, 5\)"),
        (np.zeros((5, 5), np.int64), TypeError, "image is of type int64; it must be uint8"),
        (np.full((5, 5), 255.0), ValueError, "image has values from 255.0 to 255.0; they must be from 0 to 1"),
        (np.full((5, 5), np.nan), ValueError, "image has values from nan to nan"),
        ([["a"]], TypeError, "image is of type"),
    ],
)
def test_what_is_no_image_is_refused(image, error, message):
    with pytest.raises(error, match=message):
        handwriting.prepare(image)


def test_any_small_image_is_prepared_or_has_a_reason():
    random = np.random.default_rng(0)
    for _ in range(50):
        image = random.random(random.integers(1, 12, 2)) < random.random()
        prepared = handwriting.prepare(image)
        assert np.isfinite(prepared.pixels).all()
        assert prepared.pixels.any() or prepared.reason


def test_the_box_the_area_and_the_contacts_of_a_component():
    mask = np.zeros((60, 100), bool)
    mask[10:15, 20:22] = True
    mask[15:18, 22:30] = True  # touches the first rectangle at a corner only
    mask[40:, 95:] = True
    labels, (first, second) = components(mask)
    assert (first.top, first.bottom, first.left, first.right, first.area) == (10, 18, 20, 30, 34)
    assert (first.size, first.contacts.tolist()) == (10, [0, 0, 0, 0])
    assert (second.area, second.contacts.tolist()) == (100, [0, 5, 0, 20])
    assert [(labels == label).sum() for label in (0, 1, 2)] == [6000 - 134, 34, 100]


def test_a_winding_line_is_one_component():
    turn = np.zeros((80, 80), bool)
    turn[::2] = True
    turn[1::4, -1] = turn[3::4, 0] = True
    assert len(components(turn)[1]) == 1


def test_resizing_interpolates_and_averages():
    np.testing.assert_allclose(resized(np.array([[0, 4]], np.float32), 1, 4), [[0, 1, 3, 4]])
    image = np.random.default_rng(0).random((60, 40)).astype(np.float32)
    small = resized(image, 15, 10)
    assert small.shape == (15, 10)
    # Each new pixel is a weighted mean of old pixels (triangle filter, two new pixels wide).
    weights = np.array([1, 3, 5, 7, 7, 5, 3, 1]) / 32
    assert small[7, 5] == pytest.approx(weights @ image[26:34, 18:26] @ weights, abs=1e-5)


def test_lines_become_thicker_and_thinner():
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 0.5
    distances = np.hypot(*np.mgrid[-4:5, -4:5])
    for radius in (0.0, 1.0, 1.5, 3.0):
        np.testing.assert_array_equal(thicken(image, radius), 0.5 * (distances <= radius))
    bar = np.zeros((9, 9), np.float32)
    bar[2:7] = 1
    assert thicken(bar, -1.0)[:, 4].tolist() == [0, 0, 0, 1, 1, 1, 0, 0, 0]


def test_the_width_of_a_line():
    for width in (4, 9):
        image = np.zeros((200, 40), np.float32)
        image[10:190, 10 : 10 + width] = 1
        assert line_width(image) == pytest.approx(width, rel=0.1)
