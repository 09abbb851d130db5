"""One writer for each output file."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from af3cli.disk import output_errors
from af3cli.errors import InUseError


def lock_file(path: Path) -> Path:
    """Returns the hidden file by which `path` is locked."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Holds the right to write `path`; the lock is the hidden file `.<name>.lock` beside it.

    Makes the folder if need be. The lock goes with the process, however that ends.

    Raises:
        InUseError: another process holds it; the text says which.
        OutputError: the folder is not writable.
    """
    lock_path = lock_file(path)
    try:
        holder = lock_path.read_text()
    except OSError:
        holder = ""
    lock = FileLock(lock_path)
    with output_errors(path):
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise InUseError(
                f"{path} is being written by {holder or 'another process'}. Wait until it is done, "
                "or let this run write elsewhere."
            ) from None
    try:
        lock_path.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        lock.release()
