import sys

import numpy as np
import pytest

from fastnet.plots.figures import new_figure


def pytest_collection_modifyitems(items):
    """Without matplotlib, skip all tests of plots except those with the fixture `without_matplotlib`."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        for item in items:
            if "tests/plots" in item.path.as_posix() and "without_matplotlib" not in item.fixturenames:
                item.add_marker(pytest.mark.skip(reason="the extra plot is not installed"))


@pytest.fixture(autouse=True)
def _nothing_global():
    """Check that no plot changes a setting of matplotlib."""
    matplotlib = sys.modules.get("matplotlib")
    before = None if matplotlib is None else dict(matplotlib.rcParams)
    yield
    if before is not None:
        assert dict(sys.modules["matplotlib"].rcParams) == before


@pytest.fixture
def without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "fastnet.plots.notebook", raising=False)


@pytest.fixture
def axes():
    """Return axes that a user might pass, in a figure that also has other axes."""
    return new_figure(8, 4).subplots(1, 2)[1]


@pytest.fixture
def words():
    """Return a function that draws a figure or axes, and returns their texts."""

    def written(picture):
        import matplotlib.text

        figure = picture if hasattr(picture, "savefig") else picture.figure
        figure.draw_without_rendering()
        return [text.get_text() for text in picture.findobj(matplotlib.text.Text) if text.get_text()]

    return written


@pytest.fixture
def inside():
    """Return a function that returns whether everything drawn in a figure is inside the figure."""

    def check(figure):
        figure.draw_without_rendering()
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        return drawn.x0 > -0.01 and drawn.y0 > -0.01 and drawn.x1 < width + 0.01 and drawn.y1 < height + 0.01

    return check


@pytest.fixture
def random():
    return np.random.default_rng(0)
