"""Features that all experiments share, mostly tested with an experiment that computes nothing."""

import io
import sys

import numpy as np
import pytest

from fastnet import book, network
from fastnet.book.digits import mnist, silence
from fastnet.book.experiment import Experiment, Measured, Published
from fastnet.book.page import Entry, page
from fastnet.book.seeds import SeedRange, repeated, seed_ranges
from fastnet.utils import progress


def accuracy(*, seed: int = 0) -> Measured:
    return Measured({"curve": [seed]}, {"accuracy": 90.0 + seed})


accuracy.__module__ = "fastnet.book.chapter3.accuracy"


def experiment_with(value, **others):
    return Experiment(accuracy, "Accuracy <of one>", [Published("accuracy", value, "%", **others)])


@pytest.mark.parametrize(("value", "expected"), [(89.9, False), (90, True), (91.5, True), (92, True), (92.1, False)])
def test_a_value_is_met_within_the_range_of_seeds(value, expected):
    (seed_range,) = seed_ranges(repeated(experiment_with(value), range(3)))
    assert (seed_range.median, seed_range.lowest, seed_range.highest) == (91, 90, 92)
    assert seed_range.is_met is expected
    assert seed_range.cells() == ("accuracy", f"{value:.2f} %", "91.00 % (90.00 % to 92.00 %)")


def test_a_value_is_met_in_spite_of_rounding():
    value = 100 * 0.9943
    assert value != 99.43
    assert SeedRange(Published("accuracy", 99.43, "%"), value, value, value).is_met


def test_a_value_that_depends_on_no_seed_is_met_within_its_tolerance():
    def exact() -> Measured:
        return Measured({}, {"accuracy": 22.2483})

    for tolerance, expected in ((0.005, True), (0.001, False)):
        experiment = Experiment(exact, "Exact", [Published("accuracy", 22.25, "%", tolerance=tolerance)])
        (seed_range,) = seed_ranges(repeated(experiment, range(5)))
        assert seed_range.is_met is expected


def test_the_page_escapes_titles_and_says_what_is_missed_and_why():
    experiment = experiment_with(80, reason_for_difference="Nobody <knows>.")
    text = page([Entry(experiment, "accuracy.png", seed_ranges(repeated(experiment, range(2))), 1.25)])
    assert "<h2>Chapter 3</h2>" in text
    assert "Accuracy &lt;of one&gt;" in text
    assert "differs by 10.50 percentage points. Nobody &lt;knows&gt;." in text
    assert '<img src="accuracy.png"' in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"epoch": 3}, "overfitting has no argument 'epoch'; choose from samples, epochs, seed"), ({"seed": 1.5}, "seed")],
)
def test_a_wrong_setting_is_refused(settings, message):
    with pytest.raises(TypeError, match=message):
        book.overfitting(**settings)


def test_a_seed_that_is_too_large_is_refused_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(book.overfitting, "function", lambda *, seed: pytest.fail("it was computed"))
    with pytest.raises(ValueError, match=r"^seed is 4294967296; it must be below 2\*\*32"):
        book.overfitting(seed=2**32)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    results = [book.overfitting(samples=50, epochs=2, seed=seed) for seed in (1, 1, 2)]
    assert results[0].data == results[1].data
    assert results[0].data != results[2].data


def test_names_are_those_of_the_files_and_can_be_had():
    names = book.names()
    assert len(names) == len(set(names))
    assert set(names) <= set(dir(book))
    assert [each.name for each in book.experiments()] == names
    places = [each.place for each in book.experiments()]
    assert places == sorted(places)
    assert {"chapter 1", "chapter 6", "older experiments"} < set(places)
    with pytest.raises(ValueError, match="chapter is 7; it must be from 1 to 6"):
        book.names(7)
    with pytest.raises(AttributeError, match="no attribute 'chapter'"):
        _ = book.chapter


def test_a_result_prints_the_books_values_beside_ours():
    assert str(experiment_with(91)(seed=2)) == (
        "Accuracy <of one> (chapter 3)\n\n          the book  fastnet\naccuracy   91.00 %  92.00 %"
    )


def test_arrays_may_be_data():
    def array() -> Measured:
        return Measured({"values": np.arange(3)})

    array.__module__ = "fastnet.book.chapter1.array"
    assert repr(Experiment(array, "Array")()) == "Result(experiment=<experiment array, chapter 1>, values={})"


def test_silence_lasts_when_an_epoch_is_long_enough_for_a_bar(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_NOTICEABLE", 0.0)  # seconds until a bar is shown
    training, _, test = mnist()
    with silence():
        network.Network([784, 5, 10], engine="numpy", seed=0).SGD(training[:2000], 2, 10, 3.0, test_data=test[:10])
    assert "Epoch 1" in terminal.getvalue()  # the progress bar is shown
    assert "accuracy" not in terminal.getvalue()  # `silence` suppresses the lines that `SGD` prints
    assert capsys.readouterr().out == ""
