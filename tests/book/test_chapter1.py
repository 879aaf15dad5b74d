"""Chapter 1's experiments, on fewer samples and epochs."""

import sys

import numpy as np
import pytest

from fastnet import book, mnist_loader, network
from fastnet.kernels import deformation


def test_nand_is_not_and():
    result = book.nand()
    assert list(result.data["outputs"]) == [int(not (x1 and x2)) for x1 in (0, 1) for x2 in (0, 1)]
    assert all(result.values[each.name] == each.value for each in book.nand.published)


def test_other_weights_make_another_gate():
    assert list(book.nand(w1=2, w2=2, bias=-3).data["outputs"]) == [0, 0, 0, 1]


def test_sigmoid_comes_close_to_a_step_but_at_zero():
    data = book.sigmoid().data
    away = np.abs(data["z"]) > 0.5
    distances = [np.abs(curve - data["step"])[away].max() for curve in data["sigmoid"].values()]
    assert distances == sorted(distances, reverse=True)
    assert distances[-1] < 1e-4
    assert all(curve[~away][np.argmin(np.abs(data["z"][~away]))] == 0.5 for curve in data["sigmoid"].values())


def test_mnist_digits_are_the_first_training_images():
    data = book.mnist_digits(rows=3, columns=4).data
    (images, labels), _, _ = mnist_loader.load_data()
    assert np.array_equal(data["images"][1, 2].ravel(), images[6])
    assert np.array_equal(data["labels"].ravel(), labels[:12])


def test_features_are_quarters_of_the_digit():
    whole, *parts = book.features(digit=3).data.values()
    assert len(parts) == 4
    assert np.array_equal(sum(parts), whole)
    for i, part in enumerate(parts):
        rows, columns = np.nonzero(part)
        assert set(rows // 14) == {i // 2}
        assert set(columns // 14) == {i % 2}


def test_rotated_by_a_right_angle():
    data = book.rotated(angles=(0, 90, -90), digits=(4,)).data
    upright, left, right = data["images"][0]
    assert np.array_equal(upright, book.mnist_digits().data["images"][0, 2])  # the first image of a 4
    np.testing.assert_allclose(left, np.rot90(upright), atol=1e-6)
    np.testing.assert_allclose(right, np.rot90(upright, -1), atol=1e-6)


@pytest.mark.parametrize("angle", [15, -40])
def test_rotated_as_the_library_rotates(angle):
    image, ours = book.rotated(angles=(0, angle), digits=(7,)).data["images"][0]
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    theirs = np.empty((1, 784), np.float32)
    deformation.deform(
        image.astype(np.float32).reshape(1, 784), 28, np.array([[cosine, sine, 0, -sine, cosine, 0]]),
        np.zeros((0, 2, 784), np.uint8), 0.0, np.eye(28, dtype=np.float32).ravel(), theirs,
        deformation.workspace_for(28),
    )  # fmt: skip
    np.testing.assert_allclose(ours.ravel(), theirs[0], atol=1 / 256)  # the kernel rounds greys to multiples of 1/256


def test_valley_goes_straight_down():
    data = book.valley(start=(0.5, -0.8), eta=0.2, steps=10).data
    expected = np.outer(0.6 ** np.arange(11), (0.5, -0.8))
    np.testing.assert_allclose(data["path"], expected, rtol=1e-12)
    np.testing.assert_allclose(data["cost"], np.square(expected).sum(axis=1), rtol=1e-12)
    assert book.valley(eta=1.0).data["cost"][-1] == pytest.approx(book.valley(eta=1.0).data["cost"][0])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # networks with bad learning rates may warn
def test_results_are_the_best_of_three_runs_and_bad_with_bad_learning_rates(capsys):
    values = book.results(samples=1000, epochs=2, seed=2).values
    assert capsys.readouterr().out == ""
    training, _, test = mnist_loader.load_data_wrapper()
    accuracies = []
    for seed in (6, 7, 8):
        net = network.Network([784, 30, 10], seed=seed)
        net.SGD(training[:1000], 2, 10, 3.0, test_data=test)
        accuracies += [correct / 100 for correct in net.history.series("evaluation_accuracy")]
    assert values["best test accuracy, 30 hidden, η = 3"] == pytest.approx(max(accuracies))
    assert max(accuracies) > 40
    assert values["test accuracy after the last epoch, 100 hidden, η = 0.001"] < 30
    assert values["test accuracy after the last epoch, 30 hidden, η = 100"] < 30


def test_results_warn_of_nothing():
    values = book.results(samples=100, epochs=2).values
    assert set(values) >= {each.name for each in book.results.published}


def test_average_darkness_is_that_of_the_book():
    result = book.average_darkness()
    assert result.values["test accuracy"] == 22.25
    assert result.data["averages"].argmin() == 1
    assert result.data["averages"].argmax() == 0


def test_svm_is_that_of_scikit_learn():
    classifiers = pytest.importorskip("sklearn.svm")
    predictions = book.svm(samples=500).data["predictions"]
    (images, labels), _, (of_test, _) = mnist_loader.load_data()
    classifier = classifiers.SVC(gamma="auto").fit(images[:500], labels[:500])
    assert np.array_equal(predictions[:1000], classifier.predict(of_test[:1000]))


def test_svm_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(ImportError, match=r"book\.svm needs scikit-learn; pip install 'fastnet-nndl\[sklearn\]'"):
        book.svm(samples=100)
