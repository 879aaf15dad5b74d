import numpy as np
import pytest

from fastnet.plots.images import Mosaic, image_shape


@pytest.mark.parametrize(("n", "columns"), [(1, 1), (2, 2), (6, 3), (18, 6), (24, 6), (30, 6), (100, 10)])
def test_rows_are_as_wide_as_a_screen_and_full(n, columns):
    assert Mosaic(np.zeros((n, 2, 2)), (1, 1)).columns == columns


def test_there_is_room_for_any_number():
    for n in range(1, 120):
        mosaic = Mosaic(np.zeros((n, 3, 5)), (2, 1))
        corners = [mosaic.corner(i) for i in range(n)]
        height, width = mosaic.shape
        rows = -(-n // mosaic.columns)
        assert 0.5 <= mosaic.columns / rows <= 3
        assert len({(top // 5, left // 6) for top, left in corners}) == n
        assert all(2 <= top <= height - 3 and 0 <= left <= width - 5 for top, left in corners)


def test_an_image_is_square_unless_it_is_said():
    assert image_shape(784, None) == (28, 28)
    assert image_shape(12, (3, 4)) == (3, 4)
