"""Unpacks downloaded databases: zstd-compressed files, and an archive of structures."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from af3cli.disk import output_errors
from af3cli.errors import OutputError
from af3cli.job.textfile import zstd_chunks
from af3cli.whole_files import written_aside

_INPUT_BYTES = 2**12
_MAX_WINDOW_BYTES = 2**31
_STRUCTURE_NAME = re.compile(r"(?:\./)?(?:mmcif_files/)?([A-Za-z0-9]{4,20}\.cif)")


def unpack_file(source: Path, target: Path) -> None:
    """Decompresses `source` to `target`, in place only when it is whole. Raises `OutputError`."""
    with (
        output_errors(target),
        written_aside(target) as aside,
        source.open("rb") as compressed,
        aside.open("wb") as file,
    ):
        for content in _decompressed(compressed, source):
            file.write(content)


def unpack_structures(source: Path, target: Path) -> None:
    """Unpacks the mmCIF files of a `.tar.zst` into the folder `target`, in place when it is whole.

    Members that are no such file are passed over. Raises `OutputError`.
    """
    aside = target.with_name(f"{target.name}.unpacking")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with output_errors(target):
            aside.mkdir(parents=True)
            _extract(source, aside)
            aside.rename(target)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise OutputError(f"{source}: the archive is damaged ({error}); remove it") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _extract(source: Path, folder: Path) -> None:
    with source.open("rb") as compressed:
        stream = _Stream(_decompressed(compressed, source))
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = _STRUCTURE_NAME.fullmatch(member.name)
                content = archive.extractfile(member) if name and member.isreg() else None
                if content is not None:
                    with (folder / name[1].lower()).open("wb") as file:
                        shutil.copyfileobj(content, file)
        stream.read_to_end()


class _Stream(io.RawIOBase):
    """Pieces of content as a file that can be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._pending = b""

    def read(self, size: int = -1) -> bytes:
        while len(self._pending) < size and (piece := next(self._pieces, None)) is not None:
            self._pending += piece
        content, self._pending = self._pending[:size], self._pending[size:]
        return content

    def read_to_end(self) -> None:
        """Goes through the rest, so that a file that is cut off is noticed."""
        for _ in self._pieces:
            pass


def _decompressed(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The content of one or several zstd frames, which carry checksums."""
    try:
        yield from zstd_chunks(file, _MAX_WINDOW_BYTES, _INPUT_BYTES)
    except EOFError:
        raise OutputError(f"{path}: is cut off; remove it and get it again") from None
    except zstandard.ZstdError as error:
        raise OutputError(f"{path}: is damaged ({error}); remove it and get it again") from None
