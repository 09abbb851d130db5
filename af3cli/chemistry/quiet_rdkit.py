"""Calls of RDKit without its own messages, which are about molecules inside it, not about a job."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_thread = threading.local()


@contextmanager
def quiet_rdkit() -> Iterator[None]:
    """Drops what RDKit says in this thread; messages of other threads come out as they did.

    RDKit's own switches are of the whole process, and embeddings in several threads, which use them
    too, leave them on. Its messages therefore go through Python's logger `rdkit` from here on.
    """
    _use_python_logger()
    before = _is_quiet()
    _thread.is_quiet = True
    try:
        yield
    finally:
        _thread.is_quiet = before


@cache
def _use_python_logger() -> None:
    from rdkit import rdBase

    logging.getLogger("rdkit").addFilter(lambda record: not _is_quiet())
    rdBase.LogToPythonLogger()


def _is_quiet() -> bool:
    return getattr(_thread, "is_quiet", False)
