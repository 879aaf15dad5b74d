"""The folder for cached files."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path | None:
    """Return the user's cache folder of fastnet, or None if the user has no home folder.

    On Linux, the folder is `~/.cache/fastnet`, or `fastnet` in XDG_CACHE_HOME. The folder may not exist.
    """
    folder = platformdirs.user_cache_path("fastnet", appauthor=False)
    # Without a home folder, the path is relative and begins with "~". The current folder must not be used as a cache.
    return folder if folder.is_absolute() else None
