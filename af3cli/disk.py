"""Disks: what is free on one, and messages when files on it cannot be read or written."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from af3cli.errors import Af3cliError, OutputError

# Advice when the results of a run cannot be written.
CAN_GO_ON = "What is finished is kept; run the same command again to go on."

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def free_bytes(path: Path) -> int:
    """Returns how many bytes a file or folder at `path`, which need not be there, may take."""
    place = path.resolve()
    while not place.is_dir():
        place = place.parent
    return shutil.disk_usage(place).free


def reason(error: OSError) -> str:
    """Returns why something cannot be read or written."""
    return _FULL.get(error.errno, error.strerror or str(error))


@contextmanager
def output_errors(path: Path, advice: str = "") -> Iterator[None]:
    """Turns what the operating system reports while `path` is written into `OutputError`."""
    try:
        yield
    except OSError as error:
        problem = f"{path} cannot be written: {reason(error)}"
        raise OutputError(f"{problem}. {advice}" if advice else problem) from error


@contextmanager
def reading_errors(kind: type[Af3cliError], path: Path | None = None) -> Iterator[None]:
    """Turns what the operating system reports of a file, or else of `path`, into a `kind`."""
    try:
        yield
    except OSError as error:
        raise kind(f"{error.filename or path} cannot be read: {reason(error)}") from error
