"""Reads the archives of an MSA server, which may hold anything."""

from __future__ import annotations

import io
import tarfile
import zlib

from af3cli.search.server_http import Trouble

_MAX_CONTENT_BYTES = 2**30
_MAX_MEMBERS = 1000
_CHUNK_BYTES = 2**20


class _BoundedReader(io.RawIOBase):
    """Decompresses gzip, and refuses to give more than a limit."""

    def __init__(self, data: bytes) -> None:
        self._pending = data
        self._decompressor = zlib.decompressobj(wbits=31)
        self._left = _MAX_CONTENT_BYTES

    def read(self, size: int = -1) -> bytes:
        if self._decompressor.eof or not self._pending:
            if not self._decompressor.eof:
                raise Trouble("the archive is cut off")
            return b""
        wanted = _CHUNK_BYTES if size < 0 else size
        content = self._decompressor.decompress(self._pending, wanted)
        self._pending = self._decompressor.unconsumed_tail
        self._left -= len(content)
        if self._left < 0:
            raise Trouble(f"the archive holds more than {_MAX_CONTENT_BYTES // 2**20} MiB")
        return content


def read_archive(data: bytes) -> dict[str, str]:
    """Returns the A3M files of a `.tar.gz` by name; nothing is written to disk.

    Only regular files directly at the top are looked at. Raises `Trouble` if the archive is
    damaged, cut off or too large.
    """
    texts: dict[str, str] = {}
    try:
        with tarfile.open(fileobj=_BoundedReader(data), mode="r|") as archive:
            for number, member in enumerate(archive):
                if number >= _MAX_MEMBERS:
                    raise Trouble(f"the archive has more than {_MAX_MEMBERS} files")
                name = member.name.removeprefix("./")
                if member.isreg() and name.endswith(".a3m") and "/" not in name:
                    content = archive.extractfile(member)
                    texts[name] = content.read().decode("utf-8", "replace") if content else ""
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise Trouble(f"the archive is damaged ({error})") from None
    if not texts:
        raise Trouble("the archive has no alignments")
    return texts
