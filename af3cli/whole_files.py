"""Files and folders that appear at once and whole: made aside, brought to the disk, renamed."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from af3cli.disk import output_errors
from af3cli.errors import OutputError

# What puts content into the file at a path.
Writer = Callable[[Path], object]

_ASIDE_SUFFIX = ".part"
_NAME_SHOWN = 40  # characters; file names have a limit


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields where to write a file, which replaces `path` when all went well.

    Makes the folder if need be. Whatever is raised, `path` is as it was.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _path_aside(path)
    try:
        yield aside
        _sync(aside)
        aside.replace(path)
    finally:
        with suppress(OSError):  # which would hide what was raised
            aside.unlink()


def write_file(path: Path, write: Writer) -> None:
    """Makes or replaces a file at once, by what `write` does with another path."""
    with written_aside(path) as aside:
        write(aside)


def write_folder(folder: Path, files: Mapping[str, Writer]) -> None:
    """Makes or replaces a folder with files, by their names, at once."""
    aside = _path_aside(folder)
    try:
        aside.mkdir()
        for name, write in files.items():
            write(aside / name)
            _sync(aside / name)
        if folder.exists():
            remove_folder(folder)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def writing(content: bytes) -> Writer:
    """Returns what writes these bytes."""
    return lambda path: path.write_bytes(content)


def copying(source: Path) -> Writer:
    """Returns what copies a file."""
    return lambda path: shutil.copyfile(source, path)


def make_folder(folder: Path) -> None:
    """Makes a folder if it is not there.

    Raises:
        OutputError: that is not possible, or no files can be written in it.
    """
    with output_errors(folder):
        for place in (folder, *folder.parents):
            if place.exists() and not place.is_dir():
                raise OutputError(f"{folder} cannot be made: {place} is not a folder")
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def remove_folder(folder: Path) -> None:
    """Removes a folder at once: a process that is killed leaves no half of it by its name."""
    aside = _path_aside(folder)
    folder.rename(aside)
    shutil.rmtree(aside)


def remove_unfinished(folder: Path) -> None:
    """Removes what a killed process left half written, or half removed, in a folder."""
    for path in folder.glob(f".*{_ASIDE_SUFFIX}"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _path_aside(path: Path) -> Path:
    """Returns a hidden path beside `path` that nobody else uses."""
    return path.with_name(f".{path.name[:_NAME_SHOWN]}.{secrets.token_hex(8)}{_ASIDE_SUFFIX}")


def _sync(path: Path) -> None:
    """Waits until a file is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
