"""Archives that an MSA server sends: read in bounded time and memory, whatever is in them."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
import zlib

import pytest

from af3cli.search.server_archive import read_archive
from af3cli.search.server_http import Trouble
from tests.search.server import archive


def test_archives_cannot_escape_or_explode(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind in (("../a.a3m", b"0"), ("/b.a3m", b"0"), ("c.a3m", tarfile.SYMTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        member = tarfile.TarInfo("good.a3m")
        member.size = 3
        tar.addfile(member, io.BytesIO(b">x\n"))
    assert read_archive(buffer.getvalue()) == {"good.a3m": ">x\n"}
    many = archive({f"{i}.a3m": "" for i in range(1001)})
    with pytest.raises(Trouble, match="more than 1000"):
        read_archive(many)
    monkeypatch.setattr("af3cli.search.server_archive._MAX_CONTENT_BYTES", 2**20)
    with pytest.raises(Trouble, match="holds more than"):
        read_archive(archive({"big.a3m": "A" * 2**21}))


def _sparse_archive(content_bytes: int) -> bytes:
    """An archive of one file that is said to be so long, of which next to nothing is there."""
    member = tarfile.TarInfo("uniref.a3m")
    member.type, member.size = tarfile.GNUTYPE_SPARSE, 512
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    for place, number in ((386, content_bytes - 512), (398, 512), (483, content_bytes)):
        header[place : place + 12] = b"\x80" + number.to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return gzip.compress(header + bytes(3 * 512))


def test_sparse_files_are_refused() -> None:
    with pytest.raises(Trouble, match="unusable kind"):
        read_archive(_sparse_archive(2**20))


def test_headers_with_nonsense_about_sparse_files() -> None:
    member = tarfile.TarInfo("uniref.a3m")
    member.pax_headers = {"GNU.sparse.map": "x"}
    data = gzip.compress(member.tobuf(tarfile.PAX_FORMAT) + bytes(1024))
    assert read_archive(data) == {"uniref.a3m": ""}


def test_archives_are_read_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The decompressor copies what it has not used yet: it must never be given much."""
    given: list[int] = []
    real = zlib.decompressobj

    class Decompressor:
        def __init__(self, **options: int) -> None:
            self._real = real(**options)

        def decompress(self, data: bytes, max_length: int) -> bytes:
            given.append(len(data))
            return self._real.decompress(data, max_length)

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    monkeypatch.setattr(zlib, "decompressobj", Decompressor)
    text = random.Random(1).randbytes(2**20).hex()
    assert read_archive(archive({"uniref.a3m": text})) == {"uniref.a3m": text}
    assert max(given) <= 2**16
