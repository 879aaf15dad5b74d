import numpy as np
import pytest

from fastnet.plots.figures import new_figure
from fastnet.plots.images import Mosaic, drawn_images, image_shape


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (6, 3), (18, 6), (24, 6), (30, 6), (100, 10)])
def test_rows_are_as_wide_as_a_screen_and_full(n, columns):
    assert Mosaic(np.zeros((n, 2, 2)), (1, 1)).columns == columns


def test_there_is_room_for_any_number():
    for n in range(1, 120):
        mosaic = Mosaic(np.zeros((n, 3, 5)), (2, 1))
        corners = [mosaic.corner(i) for i in range(n)]
        height, width = mosaic.shape
        rows = -(-n // mosaic.columns)
        assert 0.5 <= 5 * mosaic.columns / (3 * rows) <= 3.5
        assert len({(top // 5, left // 6) for top, left in corners}) == n
        assert all(2 <= top <= height - 3 and 0 <= left <= width - 5 for top, left in corners)


def test_an_image_is_square_unless_it_is_said():
    assert image_shape(784, None) == (28, 28)
    assert image_shape(12, (3, 4)) == (3, 4)


def test_colours_are_red_green_and_blue():
    rows = np.arange(24.0).reshape(2, 12) / 23
    images = drawn_images(rows, (3, 2, 2))
    assert images.shape == (2, 2, 2, 3)
    assert images[1, 0, 1].tolist() == [rows[1, 1], rows[1, 5], rows[1, 9]]
    scaled = drawn_images(rows * 4 - 2, (3, 2, 2))
    np.testing.assert_allclose(scaled, images, atol=1e-12)
    canvas = Mosaic(images, (1, 1)).draw(new_figure(2, 2).add_subplot()).get_array()
    assert canvas.shape == (3, 5, 3)
    assert (canvas[0] == 1).all()


@pytest.mark.parametrize("shape", [(2, 2, 3), (3, 2, 3), (1, 3, 4), (12,)])
def test_what_are_no_colours(shape):
    message = r"shape is .*, but an image has 12 numbers; .* or \(3, height, width\) for RGB images, with this product"
    with pytest.raises(ValueError, match=message):
        drawn_images(np.zeros((2, 12)), shape)
