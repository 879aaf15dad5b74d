"""Tests that every experiment can be printed and drawn, with the small settings in `SMALL`."""

import inspect

import pytest
from matplotlib.text import Text

from fastnet import book
from fastnet.book.seeds import seed_ranges

SMALL = {
    "samples": 60, "epochs": 2, "images": 60, "trials": 3, "svm_samples": 60, "test_samples": 60, "steps": 3,
    "networks": 2, "repeats": 2, "hidden": (3,), "etas": (0.1,),
}  # fmt: skip
"""Small values of settings, to save time. An experiment gets the values of those settings that are its parameters."""


@pytest.mark.parametrize("name", book.names())
def test_a_small_run_is_printed_and_its_picture_says_what_it_shows(name):
    experiment = getattr(book, name)
    defaults = {each.name: each.default for each in inspect.signature(experiment.function).parameters.values()}
    several = {name for name, default in defaults.items() if isinstance(default, tuple)}
    small = {
        name: SMALL[name] for name in defaults.keys() & SMALL if isinstance(SMALL[name], tuple) == (name in several)
    }
    if experiment.is_random:
        small["seed"] = 2**32 - 1  # the largest seed
    result = experiment(**small)
    assert str(result).startswith(f"{experiment.title} ({experiment.place})")
    assert {each.published.name for each in seed_ranges([result])} <= set(result.values)
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
