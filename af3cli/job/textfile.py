"""Bounded reading of text files that may be compressed with gzip, xz or zstd."""

from __future__ import annotations

import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from af3cli.errors import InputError

MAX_TEXT_BYTES = 512 * 2**20
_MAX_DICTIONARY_BYTES = 128 * 2**20
_CHUNK_BYTES = 2**20
_ZSTD_INPUT_BYTES = 256

_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\x00"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_BLANK_OR_COMMENTS = re.compile(r"(?:\s|#[^\n]*+)*+")


def read_text(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """Returns the text of a UTF-8 file, plain or compressed; compression is told by the content.

    Raises `InputError` if the file cannot be read, is no regular file, is damaged, holds more than
    `max_bytes` after decompression, or is not UTF-8.
    """
    return decode_text(read_bytes(path, max_bytes), path)


def decode_text(data: bytes, path: Path) -> str:
    """Returns the text of a file's content; raises `InputError` if it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}: is not UTF-8 text (byte {error.start}, line {line}); "
            "is this the right file, or text in another encoding?"
        ) from None


def beginning(text: str, length: int) -> str:
    """The first letters of a text, without the blank lines and comments (#) before them."""
    start = _BLANK_OR_COMMENTS.match(text).end()
    return text[start : start + length]


def read_bytes(path: Path, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
    """Returns the bytes of a file, decompressed; see `read_text`."""
    data = bytearray()
    try:
        if not path.is_file():
            raise InputError(f"{path}: {'is not a file' if path.exists() else 'does not exist'}")
        with path.open("rb") as file:
            for chunk in _chunks(file):
                data += chunk
                if len(data) > max_bytes:
                    raise InputError(
                        f"{path}: holds more than {max_bytes // 2**20} MiB, the limit for one file"
                    )
    except (gzip.BadGzipFile, zlib.error, EOFError, lzma.LZMAError, zstandard.ZstdError) as error:
        raise InputError(f"{path}: the compressed data is damaged or cut off ({error})") from None
    except ValueError:  # a NUL character in the path
        raise InputError(f"{str(path)!r}: is not a possible file name") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    return bytes(data)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The decompressed content in pieces of bounded size."""
    magic = file.read(6)
    file.seek(0)
    if magic == _XZ_MAGIC:
        return _xz_chunks(file)
    if magic.startswith(_ZSTD_MAGIC):
        return zstd_chunks(file, _MAX_DICTIONARY_BYTES, _ZSTD_INPUT_BYTES)
    stream = gzip.GzipFile(fileobj=file) if magic.startswith(_GZIP_MAGIC) else file
    return iter(lambda: stream.read(_CHUNK_BYTES), b"")


def _xz_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Decompresses one or several xz streams; `lzma.open` would not bound the dictionary."""
    pending = file.read(_CHUNK_BYTES)
    while pending:
        decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=2 * _MAX_DICTIONARY_BYTES)
        while not decompressor.eof:
            if decompressor.needs_input and not (pending := pending or file.read(_CHUNK_BYTES)):
                raise EOFError("it ends before the end of the stream")
            yield decompressor.decompress(pending, max_length=_CHUNK_BYTES)
            pending = b""
        pending = decompressor.unused_data or file.read(_CHUNK_BYTES)


def zstd_chunks(file: BinaryIO, max_window_bytes: int, input_bytes: int) -> Iterator[bytes]:
    """Decompresses one or several zstd frames; its `stream_reader` would not notice a cut.

    Four bytes can stand for 128 KiB: what comes out at once is bounded by `input_bytes`, what is
    taken in at once. Raises `EOFError` if the file is cut off, `ZstdError` if it is damaged.
    """
    pending = file.read(input_bytes)
    while pending:
        frame = zstandard.ZstdDecompressor(max_window_size=max_window_bytes).decompressobj()
        while not frame.eof:
            if not (pending := pending or file.read(input_bytes)):
                raise EOFError("it ends before the end of the frame")
            yield frame.decompress(pending)
            pending = b""
        pending = frame.unused_data or file.read(input_bytes)
