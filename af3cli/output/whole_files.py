"""Files and folders that appear at once and whole, and messages when they cannot."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from af3cli.errors import OutputError
from af3cli.whole_files import ASIDE_SUFFIX, path_aside, sync, written_aside

# What puts content into the file at a path.
Writer = Callable[[Path], object]

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}


def write_file(path: Path, write: Writer) -> None:
    """Makes or replaces a file at once, by what `write` does with another path."""
    with written_aside(path) as aside:
        write(aside)


def write_folder(folder: Path, files: Mapping[str, Writer]) -> None:
    """Makes or replaces a folder with files, by their names, at once."""
    aside = path_aside(folder)
    try:
        aside.mkdir()
        for name, write in files.items():
            write(aside / name)
            sync(aside / name)
        if folder.exists():
            remove_folder(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Removes a folder at once: a process that is killed leaves no half of it by its name."""
    aside = path_aside(folder)
    folder.rename(aside)
    shutil.rmtree(aside)


def make_folder(folder: Path) -> None:
    """Makes a folder if it is not there.

    Raises:
        OutputError: that is not possible, or no files can be written in it.
    """
    with messages(folder):
        for place in (folder, *folder.parents):
            if place.exists() and not place.is_dir():
                raise OutputError(f"{folder} cannot be made: {place} is not a folder")
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def remove_unfinished(folder: Path) -> None:
    """Removes what a killed process left half written, or half removed, in a folder."""
    for path in folder.glob(f".*{ASIDE_SUFFIX}"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def writing(content: bytes) -> Writer:
    """Returns what writes these bytes."""
    return lambda path: path.write_bytes(content)


def copying(source: Path) -> Writer:
    """Returns what copies a file."""
    return lambda path: shutil.copyfile(source, path)


def reason(error: OSError) -> str:
    """Returns why something cannot be written."""
    return _FULL.get(error.errno, error.strerror or str(error))


@contextmanager
def messages(path: Path) -> Iterator[None]:
    """Turns what the operating system reports of `path` into `OutputError`."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {reason(error)}. What is finished is kept; run the same "
            "command again to go on."
        ) from error
