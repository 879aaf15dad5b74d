"""The folder for cached files."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache_folder() -> Path | None:
    """Return the user's folder for fastnet's cached files, or None if its path depends on an unknown home folder.

    On Linux, the folder is `~/.cache/fastnet`, or `fastnet` in XDG_CACHE_HOME. The folder is not created here.
    """
    folder = platformdirs.user_cache_path("fastnet", appauthor=False)
    # Without a home folder, the path begins with "~" and is relative. Files must not be cached in the current folder.
    return folder if folder.is_absolute() else None
