"""Ctrl-C waits for what must not be left half done."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def uninterrupted(action: Callable[[], object]) -> None:
    """Calls `action`; a Ctrl-C that comes meanwhile takes effect when it is done.

    Signals interrupt only the main thread, so `action` runs in another one.
    """
    with ThreadPoolExecutor(1) as pool:  # leaving the block waits for the action
        pool.submit(action).result()
