"""Files that appear at once and whole: written aside, brought to the disk, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from af3cli.errors import OutputError

ASIDE_SUFFIX = ".part"
_NAME_SHOWN = 40  # characters; file names have a limit


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields where to write a file, which replaces `path` when all went well.

    Makes the folder if need be. Whatever is raised, `path` is as it was.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path_aside(path)
    try:
        yield aside
        sync(aside)
        aside.replace(path)
    finally:
        with suppress(OSError):  # which would hide what was raised
            aside.unlink()


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turns what the operating system reports of `path` into `OutputError`."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from None


def path_aside(path: Path) -> Path:
    """Returns a hidden path beside `path` that nobody else uses."""
    return path.with_name(f".{path.name[:_NAME_SHOWN]}.{secrets.token_hex(8)}{ASIDE_SUFFIX}")


def sync(path: Path) -> None:
    """Waits until a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
