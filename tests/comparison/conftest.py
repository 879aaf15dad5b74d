import pytest

from fastnet.comparison import timing


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    """What is tested is not how long something takes."""
    monkeypatch.setattr(timing, "_REST", 0)
    monkeypatch.setattr(timing, "_SLICE", 0.01)
