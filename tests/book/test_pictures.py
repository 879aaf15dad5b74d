"""Tests that every experiment draws a picture, with the small settings in `SMALL`."""

import inspect

import pytest
from matplotlib.text import Text

from fastnet import book

SMALL = {
    "samples": 60, "epochs": 2, "images": 60, "trials": 3, "svm_samples": 60, "test_samples": 60, "steps": 3,
    "networks": 2, "repeats": 2,
}  # fmt: skip
"""Small values of settings, to save time. An experiment gets the values of those settings that are its parameters."""


@pytest.mark.parametrize("name", book.names())
def test_a_picture_is_drawn_and_says_what_it_shows(name):
    experiment = getattr(book, name)
    known = inspect.signature(experiment.function).parameters
    result = experiment(**{setting: value for setting, value in SMALL.items() if setting in known})
    figure = result.draw()
    assert figure.axes
    assert any(text.get_text().strip() for text in figure.findobj(Text))
    figure.draw_without_rendering()  # only lays out the figure, because rendering pixels would take most of the time


def test_a_picture_is_written(tmp_path):
    """Testing one experiment is enough, because all experiments share the code that writes pictures."""
    book.sigmoid().save(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000


@pytest.mark.parametrize("name", book.names())
def test_each_published_value_has_one_of_ours(name):
    experiment = getattr(book, name)
    assert experiment.title
    assert experiment.title[0].isupper()
    assert not experiment.title.endswith(".")
    assert len({each.name for each in experiment.published}) == len(experiment.published)
    assert all(each.tolerance > 0 for each in experiment.published if not experiment.is_random)
