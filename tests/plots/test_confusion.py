import numpy as np
import pytest

from fastnet import plots


def cells(axes):
    """Return the numbers in the cells, by row and column."""
    import matplotlib.text

    inside = [text for text in axes.texts if not isinstance(text, matplotlib.text.Annotation)]
    return {(row, column): int(text.get_text()) for text in inside for column, row in [text.get_position()]}


def test_numbers_and_colours_are_counts(random):
    labels, answers = random.integers(0, 4, 300), random.integers(0, 4, 300)
    labels[:100] = answers[:100]
    axes = plots.confusion_matrix(labels, answers).axes[0]
    counts = {}
    for pair in zip(labels.tolist(), answers.tolist(), strict=True):
        counts[pair] = counts.get(pair, 0) + 1
    assert cells(axes) == counts
    shares = axes.images[0].get_array()
    for (row, column), count in counts.items():
        if row == column:
            assert shares.mask[row, column]
        else:
            assert shares[row, column] == count / np.sum(labels == row)
    assert axes.images[0].get_clim() == (0, shares.max())


def test_it_says_what_goes_wrong_most_and_how_much_of_each_is_right(words):
    labels = ["seven"] * 4 + ["two"] * 6
    answers = ["seven", "two", "two", "one", "two", "two", "two", "two", "two", "seven"]
    figure = plots.confusion_matrix(labels, answers)
    written = words(figure)
    assert "4 of 10 wrong; most often seven as two, twice" in written
    assert [text for text in written if text.endswith("%")] == ["25.0 %", "83.3 %"]  # no sample has the label "one"
    names = [[tick.get_text() for tick in ticks] for ticks in
             (figure.axes[0].get_xticklabels(), figure.axes[0].get_yticklabels())]  # fmt: skip
    assert names == [["one", "seven", "two"]] * 2


def test_nothing_is_wrong(words):
    figure = plots.confusion_matrix([1, 2], [1, 2])
    assert "All of 2 right" in words(figure)
    assert np.ma.getmaskarray(figure.axes[0].images[0].get_array()).all()


def test_dark_cells_have_light_numbers():
    axes = plots.confusion_matrix([0] * 10 + [1] * 10, [1] * 9 + [0] + [1] * 9 + [0]).axes[0]
    colors = {text.get_position(): text.get_color() for text in axes.texts}
    assert (colors[1, 0], colors[0, 1]) == ("white", "black")


def test_of_many_classes_the_numbers_are_left_out(random):
    assert not cells(plots.confusion_matrix(random.permutation(31), np.arange(31)).axes[0])
    assert cells(plots.confusion_matrix(random.permutation(30), np.arange(30)).axes[0])


@pytest.mark.parametrize("classes", [2, 10, 30])
def test_all_words_are_inside_of_the_picture(classes, random, inside):
    names = np.array([f"class number {i}" for i in range(classes)])
    labels = random.integers(0, classes, 500)
    for each in (np.arange(classes), names):
        assert inside(plots.confusion_matrix(each[labels], each[(labels + (labels % 3 == 0)) % classes]))


def test_it_goes_into_given_axes(axes):
    assert plots.confusion_matrix([0, 1], [1, 1], axes=axes) is axes
    assert cells(axes) == {(0, 0): 0, (0, 1): 1, (1, 1): 1}


@pytest.mark.parametrize(
    ("labels", "answers", "message"),
    [
        ([], [], r"labels have shape \(0,\)"),
        ([0, 1], [[0, 1]], r"predictions have shape \(1, 2\); it must be \(n,\)"),
        ([0, 1], [0, 1, 1], "differ in length: 2 and 3"),
    ],
)
def test_what_is_refused(labels, answers, message):
    with pytest.raises(ValueError, match=message):
        plots.confusion_matrix(labels, answers)
