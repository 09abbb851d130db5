"""Where a user's downloads, compiled programs and search results are kept."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def user_cache(name: str) -> Path | None:
    """Returns the folder `name` in the user's cache; None for a user without a home folder."""
    try:
        return platformdirs.user_cache_path("af3cli") / name
    except RuntimeError:
        return None
