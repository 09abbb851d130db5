"""What has been searched before, by what was searched for, where and how."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import zstandard

from af3cli.disk import output_errors
from af3cli.errors import InputError
from af3cli.job.textfile import read_text
from af3cli.search.hits import Row
from af3cli.user_cache import user_cache
from af3cli.whole_files import written_aside

# Those of version 1, which have no checksum, are not used.
_FORMAT = 2
_MAX_BYTES = 2**30


def default_folder() -> Path:
    """Returns the folder of the user's cache for results of searches.

    Raises:
        InputError: the user has no home folder, hence no cache.
    """
    folder = user_cache("search")
    if folder is None:
        raise InputError(
            "there is no home folder to keep results of searches in; name a folder with "
            "--cache-dir, or set HOME or XDG_CACHE_HOME"
        )
    return folder


def digest(*parts: object) -> str:
    """Returns a SHA-256 of values that JSON can hold."""
    return hashlib.sha256(json.dumps([_FORMAT, *parts], sort_keys=True).encode()).hexdigest()


class Cache:
    """A folder of results, each file written aside and renamed, so that none is ever half there.

    A file that is damaged counts as not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check_writable(self) -> None:
        """Raises `OutputError` if nothing can be kept, which is better known before a search."""
        path = self._folder / "writable"
        _write_bytes(path, b"\n")
        path.unlink(missing_ok=True)

    def rows(self, key: str) -> list[Row] | None:
        """Returns the alignment rows that were kept under `key`."""
        content = self._read(key)
        try:
            return None if content is None else [Row(*values) for values in content]
        except TypeError:
            return None

    def keep_rows(self, key: str, rows: Sequence[Row]) -> None:
        self._write(key, [astuple(row) for row in rows])

    def texts(self, key: str) -> dict[str, str] | None:
        """Returns the texts by name that were kept under `key`."""
        content = self._read(key)
        return content if isinstance(content, dict) else None

    def keep_texts(self, key: str, texts: dict[str, str]) -> None:
        self._write(key, texts)

    def forget(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json.zst"

    def _read(self, key: str) -> object:
        path = self._path(key)
        if not path.exists():
            return None
        try:
            return json.loads(read_text(path, _MAX_BYTES))
        except (InputError, ValueError):
            return None

    def _write(self, key: str, content: object) -> None:
        data = zstandard.ZstdCompressor(write_checksum=True).compress(json.dumps(content).encode())
        _write_bytes(self._path(key), data)


def _write_bytes(path: Path, data: bytes) -> None:
    with output_errors(path), written_aside(path) as aside:
        aside.write_bytes(data)
