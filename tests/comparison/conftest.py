import pytest

from fastnet.comparison import timing


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    """Shorten the timings, because no test depends on the measured time."""
    monkeypatch.setattr(timing, "_REST", 0)
    monkeypatch.setattr(timing, "_SLICE", 0.01)
