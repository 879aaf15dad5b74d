from pathlib import Path

import platformdirs
import pytest

from fastnet.kernels import cache
from fastnet.utils import folders


@pytest.mark.parametrize("relative", ["~/.cache/fastnet", "fastnet"])
def test_without_a_home_the_current_folder_is_not_taken_for_it(monkeypatch, relative):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *arguments, **keywords: Path(relative))
    assert folders.cache_folder() is None
    monkeypatch.setattr(cache.numba.config, "CACHE_DIR", "")
    assert all(folder.is_absolute() for folder in cache.folders())


def test_the_users_folder_is_the_systems(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folders.cache_folder() == platformdirs.user_cache_path("fastnet", appauthor=False)
