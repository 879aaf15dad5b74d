import numpy as np
import pytest

from fastnet import network2, plots


def test_each_neuron_is_an_image_in_the_same_colours(random):
    matrix = random.standard_normal((6, 20))
    figure = plots.weights(matrix, shape=(4, 5))
    image = figure.axes[0].images[0]
    canvas = image.get_array()
    found = []
    for top in range(canvas.shape[0] - 3):
        for left in range(canvas.shape[1] - 4):
            block = canvas[top : top + 4, left : left + 5]
            if not np.ma.getmaskarray(block).any() and np.isfinite(block).all():
                found.append(block.ravel())
    np.testing.assert_array_equal(found, matrix)  # the images are in row-major order
    low, high = image.get_clim()
    assert low == -high
    assert image.cmap(image.norm(0.0))[:3] == pytest.approx((1, 1, 1), abs=0.04)
    assert np.quantile(np.abs(matrix), 0.99) <= high <= np.abs(matrix).max()


def test_one_weight_that_is_far_away_does_not_make_the_others_pale(random):
    matrix = random.standard_normal((30, 784))
    matrix[3, 5] = 1000
    assert plots.weights(matrix).axes[0].images[0].get_clim()[1] < 10


def test_the_title_says_how_many(words):
    assert "The weights of 30 neurons" in words(
        plots.weights(network2.Network([16, 30, 10], engine="numpy", seed=0).weights[0])
    )
    assert "The weights of 1 neuron" in words(plots.weights(np.ones((1, 4))))
    assert "The weights of the first 100 of 120 neurons" in words(plots.weights(np.ones((120, 4))))
    assert "The weights of the first 7 of 120 neurons" in words(plots.weights(np.ones((120, 4)), most=7))


def test_weights_of_zero_are_drawn():
    assert plots.weights(np.zeros((2, 4))).axes[0].images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize("n", [1, 2, 7, 30, 100])
def test_all_words_are_inside_of_the_picture(n, random, inside):
    assert inside(plots.weights(random.standard_normal((n, 49))))


def test_it_goes_into_given_axes(axes):
    assert plots.weights(np.ones((2, 9)), axes=axes) is axes
    assert axes.get_title("left") == "The weights of 2 neurons"


@pytest.mark.parametrize(
    ("matrix", "keywords", "error", "message"),
    [
        (np.ones((3, 15)), {}, ValueError, r"15 pixels are no square image; shape must be \(height, width\)"),
        (np.ones((3, 15)), {"shape": (4, 4)}, ValueError, r"shape is \(4, 4\), that is 16 pixels"),
        (np.ones((3, 15)), {"shape": (-3, -5)}, ValueError, "shape is -3; it must be at least 1"),
        (np.ones((3, 16)), {"most": 0}, ValueError, "most is 0"),
        (np.ones((3, 2, 4, 4)), {"shape": (4, 4)}, ValueError, r"filters already have the shape \(4, 4\)"),
        (np.ones((3, 0, 4, 4)), {}, ValueError, "there is nothing to draw"),
        (np.ones(16), {}, ValueError, r"weights have shape \(16,\)"),
        (np.ones((0, 16)), {}, ValueError, "there is nothing to draw"),
        (np.full((1, 4), np.nan), {}, ValueError, "infinite or NaN"),
        ([["a"] * 4], {}, TypeError, "weights are of type"),
    ],
)
def test_what_is_refused(matrix, keywords, error, message):
    with pytest.raises(error, match=message):
        plots.weights(matrix, **keywords)


@pytest.mark.parametrize(("n", "maps"), [(6, 1), (7, 3), (5, 20), (1, 9)])
def test_the_maps_of_a_filter_are_in_a_column_or_a_row(n, maps, random, inside):
    filters = random.standard_normal((n, maps, 4, 3))
    figure = plots.weights(filters)
    canvas = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    found = {}
    for top in range(canvas.shape[0] - 3):
        for left in range(canvas.shape[1] - 2):
            block = canvas[top : top + 4, left : left + 3]
            if np.isfinite(block).all():
                found[top, left] = block
    assert len(found) == n * maps
    places = [
        next(place for place, block in found.items() if (block == map_).all()) for each in filters for map_ in each
    ]
    for i in range(n):
        tops, lefts = zip(*places[i * maps : (i + 1) * maps], strict=True)
        down, right = ({5}, {0}) if maps <= n else ({0}, {4})
        assert maps == 1 or (set(np.diff(tops)), set(np.diff(lefts))) == (down, right)
    assert inside(figure)
    assert figure.get_size_inches()[1] < 9


def test_the_title_says_what_filters_are(words):
    assert "The weights of 20 filters" in words(plots.weights(np.ones((20, 1, 5, 5))))
    assert "The weights of 1 filter" in words(plots.weights(np.ones((1, 1, 5, 5))))
    figure = plots.weights(np.ones((20, 3, 5, 5)), most=4)
    assert "The weights of the first 4 of 20 filters, a column of 3 maps each" in words(figure)
    assert "The weights of 1 filter, a row of 3 maps" in words(plots.weights(np.ones((1, 3, 5, 5))))
