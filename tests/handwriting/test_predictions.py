"""The default network's predictions for unfamiliar digits and for images without a digit."""

import numpy as np
import pytest

from fastnet import Dataset, handwriting, mnist_loader, network2
from fastnet.handwriting import text_display, training
from fastnet.handwriting.training import no_digits

pytest.importorskip("scipy.ndimage", reason="the extra predict is not installed")
Image = pytest.importorskip("PIL.Image", reason="the extra predict is not installed")
drawn = pytest.importorskip("drawn")


def named(net, images):
    """Return a list with the predicted digit of each image; an element is None if the network is not sure."""
    return [handwriting.predict(net, np.asarray(image)).digit for image in images]


def typed():
    pytest.importorskip("matplotlib", reason="matplotlib, whose fonts are used, is not installed")
    fonts = drawn.fonts()
    return [[drawn.typed(digit, fonts[name]) for digit in range(10)] for name in FONTS]


def sets(draw):
    random = np.random.default_rng(123)
    return [[draw(digit, random) for digit in range(10)] for _ in range(2)]


FONTS = ("DejaVuSans", "DejaVuSerif-Italic", "STIXGeneral")
STYLES = {"typed": typed, "written": lambda: sets(drawn.written), "photographed": lambda: sets(drawn.photographed)}


@pytest.mark.parametrize("style", STYLES)
def test_nine_of_ten_drawn_digits_are_named(default_network, style):
    for digits in STYLES[style]():
        right = sum(answer == digit for digit, answer in enumerate(named(default_network, digits)))
        assert right >= 9


def test_mnist_s_own_enlarged_are_recognised_as_well_as_they_are(default_network, mnist):
    images, labels = mnist[2].inputs[:60], mnist[2].targets[:60]
    random = np.random.default_rng(0)
    prepared = [handwriting.prepare(np.asarray(drawn.enlarged(pixels, random))).pixels.ravel() for pixels in images]
    original, again = (default_network.feedforward(x.T).argmax(axis=0) for x in (images, np.array(prepared)))
    assert np.count_nonzero(again == labels) >= np.count_nonzero(original == labels) - 2


SURROUNDED = {"beside or in frames": 17, "on ruled lines": 17, "on a scan with edges": 17, "between specks": 16}


@pytest.mark.parametrize(("kind", "least"), SURROUNDED.items())
def test_digits_with_something_around_them_are_named_or_not_sure(default_network, kind, least):
    """Of 20 digits, at least `least` are predicted correctly, and at most two incorrectly."""
    pictures = pytest.importorskip("handwriting").surrounded(kind, [*range(10)] * 2, np.random.default_rng(1))
    labels, images = zip(*pictures, strict=True)
    answers = named(default_network, images)
    right = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    assert right >= least
    assert len(answers) - right - answers.count(None) <= 2


def test_a_digit_that_a_frame_touches_is_rarely_named_wrongly(default_network):
    pictures = pytest.importorskip("handwriting").surrounded(
        "touched by frames", [*range(10)] * 3, np.random.default_rng(1)
    )
    wrong = sum(digit not in (label, None) for label, image in pictures for digit in named(default_network, [image]))
    assert wrong <= 4


def test_two_digits_are_not_named(default_network):
    random = np.random.default_rng(0)
    pairs = [drawn.two(*random.integers(0, 10, 2), random, gap=gap) for gap in (0.02, 0.05, 0.15) for _ in range(6)]
    assert named(default_network, pairs) == [None] * len(pairs)


def test_pictures_of_no_digit_are_not_named(default_network):
    random = np.random.default_rng(0)
    pictures = [drawn.scene(random) for _ in range(5)] + [drawn.texture(random, falloff=f) for f in (0.8, 1.2, 1.6, 2)]
    pictures += [Image.new("L", (90, 60), grey) for grey in (0, 128, 255)]
    assert named(default_network, pictures) == [None] * len(pictures)


def test_parts_of_photographs_are_hardly_ever_named(default_network):
    datasets = pytest.importorskip("sklearn.datasets")
    random = np.random.default_rng(0)
    parts = []
    for photograph in datasets.load_sample_images().images:
        for _ in range(12):
            side = int(random.integers(60, 400))
            top, left = (int(random.integers(0, length - side)) for length in photograph.shape[:2])
            parts.append(photograph[top : top + side, left : left + side])
    assert sum(digit is not None for digit in named(default_network, parts)) <= 2


def test_its_confidence_is_not_too_high(default_network, mnist):
    """The accuracy on digits whose confidence lies between two bounds is at least the lower bound."""
    _, validation, _ = mnist
    outputs = default_network.feedforward(validation.inputs.T)
    largest, right = outputs.max(axis=0), outputs.argmax(axis=0) == validation.targets
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 0.99)):
        between = (largest >= low) & (largest < high)
        assert right[between].mean() >= low
    assert right[largest >= 0.99].mean() > 0.995


def test_the_same_network_each_time(mnist, monkeypatch):
    """To save time, the networks are trained on 2,000 digits."""
    few = Dataset(mnist[0].inputs[:2000], mnist[0].targets[:2000])
    monkeypatch.setattr(mnist_loader, "load_data_wrapper", lambda: (few, *mnist[1:]))
    nets = [training.train() for _ in range(2)]
    for first, second in zip(*(net.weights + net.biases for net in nets), strict=True):
        np.testing.assert_array_equal(first, second)


def test_training_does_not_change_numpy_s_generator(monkeypatch, default_network):
    random = np.random.RandomState(0)
    np.random.seed(0)
    no_digits(np.zeros((5, 784), np.float32), 12, np.random.default_rng(0))
    assert np.random.rand() == random.rand()


def test_what_is_no_digit_fits_the_box(mnist):
    images = no_digits(mnist[0].inputs[:50], 80, np.random.default_rng(0))
    assert images.shape == (80, 784)
    assert images.min() >= 0
    assert images.max() <= 255 / 256
    assert (images.reshape(-1, 28, 28).any(axis=(1, 2))).mean() > 0.95


class Outputs:
    """A fake network with constant outputs."""

    sizes = (784, 10)

    def __init__(self, *outputs):
        self.outputs = np.zeros((10, 1))
        self.outputs[: len(outputs), 0] = outputs

    def feedforward(self, inputs):
        assert inputs.shape == (784, 1)
        return self.outputs


SEVEN = np.asarray(drawn.written(7, np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("outputs", "line"),
    [
        ([0.1, 0.9], "1 (90.0 %)"),
        ([0.0, 1.0], "1 (99.9 %)"),  # a confidence of 1 is shown as 99.9 %
        ([0.4, 0.35, 0.25], "not sure: it may be 0 (40.0 %) or 1 (35.0 %)"),
        ([0.05, 0.4], "not sure: it may be 1 (40.0 %)"),
        ([0.9, 0.9], "not sure: it may be 1 (50.0 %) or 0 (50.0 %)"),  # two sigmoid neurons may both be near 1
        ([0.9, 0.3], "0 (75.0 %)"),
        ([0.2, 0.1], "not sure: it may be 0 (20.0 %)"),  # all sigmoid neurons may be near 0
    ],
)
def test_the_line(outputs, line):
    prediction = handwriting.predict(Outputs(*outputs), SEVEN)
    assert str(prediction) == line
    assert prediction.digit == (None if line.startswith("not sure") else int(line[0]))
    np.testing.assert_array_equal(prediction.pixels, handwriting.prepare(SEVEN).pixels)


def test_a_reason_in_the_picture_is_stronger_than_the_network():
    prediction = handwriting.predict(Outputs(1.0), np.ones((20, 20)))
    assert (prediction.digit, str(prediction)) == (None, "not sure: nothing stands out in the picture")


def test_a_network_of_another_size_is_refused():
    net = network2.Network([16, 10], seed=0)
    with pytest.raises(
        ValueError, match=r"the network has 16 inputs and 10 outputs; to read digits, it needs 784 and 10"
    ):
        handwriting.predict(net, SEVEN)


def test_the_drawing_is_what_the_network_saw():
    prediction = handwriting.predict(Outputs(0.25, 0.75), SEVEN)
    lines = text_display.show(prediction, colors=False).splitlines()
    assert len(lines) == 14
    means = (prediction.pixels[::2] + prediction.pixels[1::2]) / 2
    for line, row in zip(lines, means, strict=True):
        picture = f"{line:28.28}"
        assert [character == " " for character in picture] == (row < 0.1).tolist()
        assert all(picture[column] == "@" for column in np.nonzero(row >= 0.9)[0])
    assert lines[2].split()[-3:] == ["#####", "25.0", "%"]
    assert lines[3].split()[-3:] == ["###############", "75.0", "%"]
    assert all(ord(character) < 128 for line in lines for character in line)


def test_the_drawing_with_colours_has_a_half_block_for_two_pixels():
    prediction = handwriting.predict(Outputs(0.25, 0.75), SEVEN)
    lines = text_display.show(prediction, colors=True).splitlines()
    assert len(lines) == 14
    for line, (upper, lower) in zip(lines, prediction.pixels.reshape(14, 2, 28), strict=True):
        assert line.count("▀") == 28
        greys = [part.split("m")[0].split(";") for part in line.split("\x1b[")[1:29]]
        np.testing.assert_array_equal([int(grey[2]) - 232 for grey in greys], (upper * 24).astype(int))
        np.testing.assert_array_equal([int(grey[5]) - 232 for grey in greys], (lower * 24).astype(int))


def test_a_picture_of_the_answers(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    from matplotlib.text import Text

    from fastnet.handwriting.plots import figure

    prediction = handwriting.predict(Outputs(0.25, 0.75), SEVEN)
    picture = figure([("seven.png", SEVEN / 255, prediction), ("again.png", SEVEN / 255, prediction)])
    words = [text.get_text() for text in picture.findobj(Text)]
    assert {"seven.png", "again.png", "25 %", "75 %"} <= set(words)
    assert words.count("75 %") == 2


def test_a_title_with_dollars_is_no_formula():
    pytest.importorskip("matplotlib", reason="the extra plot is not installed")
    from fastnet.handwriting.plots import figure

    picture = figure([("a$b^$.png", SEVEN / 255, handwriting.predict(Outputs(1.0), SEVEN))])
    assert not picture.subfigs[0]._suptitle.get_parse_math()
    picture.canvas.draw()


def test_a_prediction_is_shown_as_a_line():
    """`str` and `repr` of a prediction do not show its 784 pixels."""
    pixels = np.zeros((28, 28), np.float32)
    sure = handwriting.Prediction(7, np.eye(10)[7], "", pixels)
    assert (str(sure), repr(sure)) == ("7 (99.9 %)", "<Prediction: 7 (99.9 %)>")
    assert repr(handwriting.Prediction(None, np.full(10, 0.1), "why", pixels)) == "<Prediction: not sure: why>"
