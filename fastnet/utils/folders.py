"""Where files are kept that can be made again."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path | None:
    """Return this user's folder for what can be made again; None where the user has no home.

    It is `~/.cache/fastnet` on Linux, or what XDG_CACHE_HOME says. The folder may not exist.
    """
    folder = platformdirs.user_cache_path("fastnet", appauthor=False)
    # Without a home, "~" stays in the path: a folder of that name in the current one is nobody's.
    return folder if folder.is_absolute() else None
