"""Reads the archives of an MSA server, which may hold anything."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator

from af3cli.search.server_http import BadAnswer

_MAX_CONTENT_BYTES = 2**29
_MAX_MEMBERS = 1000
_PIECE_BYTES = 2**16
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


def read_archive(data: bytes) -> dict[str, str]:
    """Returns the A3M files of a `.tar.gz` by name; nothing is written to disk.

    Only regular files directly at the top are looked at. Raises `BadAnswer` if the archive is
    damaged, cut off or too large.
    """
    try:
        texts = dict(_alignments(_Content(data)))
    except (tarfile.TarError, zlib.error) as error:
        raise BadAnswer(f"the archive is damaged ({error})") from None
    if not texts:
        raise BadAnswer("the archive has no alignments")
    return texts


class _Content:
    """The content of a gzip file, decompressed as far as it is read."""

    def __init__(self, data: bytes) -> None:
        self._pieces = _decompressed(data)
        self._pending = b""

    def read(self, size: int) -> bytearray:
        """Returns the next `size` bytes, or those that are left."""
        content = bytearray()
        while len(content) < size and (piece := self._pending or next(self._pieces, b"")):
            missing = size - len(content)
            content += piece[:missing]
            self._pending = piece[missing:]
        return content

    def read_to_end(self) -> None:
        """Goes through the rest, so that damage anywhere is noticed."""
        for _ in self._pieces:
            pass


def _decompressed(data: bytes) -> Iterator[bytes]:
    decompressor = zlib.decompressobj(wbits=31)
    left = _MAX_CONTENT_BYTES
    for start in range(0, len(data), _PIECE_BYTES):
        compressed = data[start : start + _PIECE_BYTES]
        while compressed and not decompressor.eof:
            content = decompressor.decompress(compressed, _PIECE_BYTES)
            compressed = decompressor.unconsumed_tail
            left -= len(content)
            if left < 0:
                raise BadAnswer(f"the archive holds more than {_MAX_CONTENT_BYTES // 2**20} MiB")
            if content:
                yield content
    if not decompressor.eof:
        raise BadAnswer("the archive is cut off")


def _alignments(content: _Content) -> Iterator[tuple[str, str]]:
    """Names and texts of the A3M files.

    Headers are taken one by one, as `tarfile` would also follow those that make a huge file out of
    nothing.
    """
    for _ in range(_MAX_MEMBERS + 1):
        header = content.read(tarfile.BLOCKSIZE)
        if not any(header):
            content.read_to_end()
            return
        member = tarfile.TarInfo.frombuf(bytes(header), "utf-8", "replace")
        if member.type == tarfile.GNUTYPE_SPARSE or member.size < 0:
            raise BadAnswer("the archive has a file of an unusable kind")
        text = content.read(member.size)
        if len(text) < member.size:
            raise BadAnswer("the archive is cut off")
        content.read(-member.size % tarfile.BLOCKSIZE)
        name = member.name.removeprefix("./")
        if member.type in _REGULAR and name.endswith(".a3m") and "/" not in name:
            yield name, text.decode("utf-8", "replace")
    raise BadAnswer(f"the archive has more than {_MAX_MEMBERS} files")
