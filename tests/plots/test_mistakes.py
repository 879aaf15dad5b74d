import re

import numpy as np
import pytest

from fastnet import Dataset, network, network2, plots


@pytest.fixture
def data(random):
    return Dataset(random.random((40, 16)), random.integers(0, 3, 40))


@pytest.fixture
def net():
    return network2.Network([16, 5, 3], engine="numpy", dtype="float64", seed=0)


def expected(net, data):
    """Return the misclassified samples as (label, answer, output, x), the most confident first."""
    found = []
    for x, y in data:
        outputs = net.feedforward(x).ravel().tolist()
        answer = outputs.index(max(outputs))
        if answer != int(y):
            found.append((int(y), answer, max(outputs), x))
    return sorted(found, key=lambda mistake: -mistake[2])


def above(axes):
    return [text.get_text() for text in axes.texts]


def test_the_most_confident_mistakes_are_shown_first(net, data, words):
    wrong = expected(net, data)
    assert len(wrong) > 10
    figure = plots.mistakes(net, data, most=6)
    axes = figure.axes[0]
    assert above(axes) == [f"{label} as {answer} ({output * 100:.0f} %)" for label, answer, output, _ in wrong[:6]]
    assert f"The 6 most confident of {len(wrong)} mistakes in 40 images" in words(figure)
    label, answer = wrong[0][:2]
    assert f"{label} as {answer}: an image of {label}, classified as {answer}; in brackets the output for " \
           f"{answer}" in words(figure)  # fmt: skip


def test_each_image_stands_under_its_words(net, data):
    axes = plots.mistakes(net, data, most=6).axes[0]
    canvas = axes.images[0].get_array()
    assert not np.ma.getmaskarray(axes.images[0].get_array()).all()
    for text, (*_, x) in zip(axes.texts, expected(net, data), strict=False):
        middle, edge = text.get_position()
        top = round(edge + 0.5)
        left = round(middle - 1.5)
        np.testing.assert_array_equal(canvas[top : top + 4, left : left + 4], x.reshape(4, 4))
    assert np.isfinite(canvas).sum() == 6 * 16


def test_columns_and_tuples_are_data_too(net, data):
    axes = [plots.mistakes(net, each).axes[0] for each in (data, data.with_vectors(3), list(data), iter(data))]
    assert len({tuple(above(each)) for each in axes}) == 1


def test_all_mistakes_one_and_none(net, data, words):
    wrong = [(x, label) for label, _, _, x in expected(net, data)]
    right = [(x, int(net.feedforward(x).argmax())) for x, _ in data]
    assert "All 3 mistakes in 43 images" in words(plots.mistakes(net, wrong[:3] + right))
    assert "The only mistake in 41 images" in words(plots.mistakes(net, right + wrong[:1]))
    figure = plots.mistakes(net, right)
    assert words(figure) == ["No mistake in 40 images"]
    assert not figure.axes[0].images


@pytest.fixture
def samples(random):
    return random.random((60, 4)), random.integers(3, 6, 60)


@pytest.fixture
def logistic():
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is not installed")
    return linear_model.LogisticRegression()


@pytest.mark.parametrize("kind", [int, float, str, object])
@pytest.mark.parametrize("targets", ["labels", "vectors"])
def test_a_classifier_of_scikit_learn(samples, logistic, words, kind, targets):
    inputs, labels = samples
    logistic.fit(inputs, labels.astype(str).astype(object) if kind is object else labels.astype(kind))
    wrong = [
        (probabilities.max(), f"{label} as {answer} ({probabilities.max() * 100:.0f} %)")
        for label, answer, probabilities in zip(
            labels, logistic.predict(inputs).astype(int), logistic.predict_proba(inputs), strict=True
        )
        if label != answer
    ]
    figure = plots.mistakes(logistic, Dataset(inputs, labels if targets == "labels" else np.eye(3)[labels - 3]))
    assert above(figure.axes[0]) == [text for _, text in sorted(wrong, reverse=True)][:18]
    assert f"The 18 most confident of {len(wrong)} mistakes in 60 images" in words(figure)


@pytest.mark.parametrize(
    ("names", "targets", "message"),
    [
        ([7, 8, 9], [3, 4, 5], r"^data: no label is a class of net: the labels are such as 3, the classes \[7 8 9\]"),
        (["cat", "dog", "owl"], [3, 4, 5], "^net has classes such as 'cat'; they must be integers, as labels are"),
        ([3, 4, 5], np.eye(4)[:3], "^data: y has 4 components"),
    ],
)
def test_labels_that_are_no_classes_of_a_classifier_are_refused(logistic, names, targets, message):
    inputs = np.eye(4)[:3]
    with pytest.raises(ValueError, match=message):
        plots.mistakes(logistic.fit(inputs, names), Dataset(inputs, targets))


def test_classes_that_are_not_whole_numbers_are_refused(logistic):
    inputs = np.eye(4)[:3]
    classifier = logistic.fit(inputs, [0, 1, 2])
    classifier.classes_ = np.array([0.0, 1.0, 1.5])
    with pytest.raises(ValueError, match="they must be integers, as labels are"):
        plots.mistakes(classifier, Dataset(inputs, [0, 1, 2]))


def test_chapter_1s_network_and_another_shape(data, axes):
    net = network.Network([16, 3], engine="numpy", seed=0)
    assert plots.mistakes(net, data, shape=(2, 8), most=1, axes=axes) is axes
    assert axes.images[0].get_array().shape == (2 + 1, 8)


@pytest.mark.parametrize("most", [1, 2, 5, 18])
def test_all_words_are_inside_of_the_picture(net, data, most, inside):
    assert inside(plots.mistakes(net, data, most=most))


def test_words_do_not_touch_each_other(random):
    data = Dataset(random.random((200, 784)), random.integers(0, 10, 200))
    net = network2.Network([784, 10], network2.LogLikelihoodCost, engine="numpy", seed=0)
    net.weights = [w * 100 for w in net.weights]
    figure = plots.mistakes(net, data)
    figure.draw_without_rendering()
    texts = figure.axes[0].texts
    assert re.fullmatch(r"\d as \d \(100 %\)", texts[0].get_text())  # the longest possible text
    boxes = [text.get_window_extent().expanded(1.1, 1) for text in texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"most": 0}, ValueError, "most is 0; it must be at least 1"),
        ({"most": 1.5}, TypeError, "most is 1.5"),
        ({"shape": (3, 5)}, ValueError, r"shape is \(3, 5\), that is 15 pixels; the images have 16"),
        ({"data": [(np.zeros((12, 1)), 0)]}, ValueError, "12 pixels are no square image; shape must be"),
        ({"data": [(np.zeros((25, 1)), 0)]}, ValueError, "data: x has 25 components, but the network has 16 inputs"),
        ({"data": [(np.zeros((16, 1)), 7)]}, ValueError, "data: there is a label 7"),
        ({"data": []}, ValueError, "the data set is empty"),
    ],
)
def test_what_is_refused(net, data, keywords, error, message):
    with pytest.raises(error, match=message):
        plots.mistakes(**{"net": net, "data": data, **keywords})


def test_a_single_output_distinguishes_two_classes():
    net = network2.Network([4, 1], engine="numpy", seed=0)
    net.weights, net.biases = [np.array([[1.0, 0.0, 0.0, 0.0]])], [np.zeros((1, 1))]
    data = Dataset([[2.0, 0, 0, 0], [-1.0, 0, 0, 0], [-2.0, 0, 0, 0]], [0, 0, 1])
    figure = plots.mistakes(net, data)
    words = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert sorted(words) == ["0 as 1 (88 %)", "1 as 0 (88 %)"]
