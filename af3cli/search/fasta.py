"""Reads FASTA databases of any size in blocks of whole records, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from af3cli.errors import InputError
from af3cli.search.catalogue import MoleculeKind

BLOCK_BYTES = 2 * 2**20
MAX_RECORD_BYTES = 512 * 2**20

_GZIP_MAGIC = b"\x1f\x8b"
_NUCLEOTIDES = b"ACGTUNacgtun"
_PROTEIN_ONLY = b"EFILPQefilpq"
# Fewer letters than this may be of one kind by chance.
_MIN_TELLING_LETTERS = 50
_ASCII = bytes(byte if byte < 128 else ord("?") for byte in range(256))


@dataclass(frozen=True, slots=True)
class Block:
    """Whole FASTA records as ASCII, and how many bytes of the file have been read with them."""

    data: bytes
    bytes_read: int


def fasta_blocks(
    path: Path, molecule: MoleculeKind, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Yields the records of a plain or gzip-compressed FASTA file, about `block_bytes` at a time.

    Characters outside ASCII become `?`. Raises `InputError` if the file cannot be read, is empty,
    cut off or no FASTA, or if its first records are of another molecule.
    """
    with _opened(path) as (raw, stream):
        parts: list[bytes] = []  # the beginning of the next block
        is_first = True
        while piece := stream.read(block_bytes):
            if is_first and not parts and not piece.startswith(b">"):
                raise InputError(f"{path}: is not FASTA: its first character is not '>'")
            end = _end_of_records(parts[-1] if parts else b"", piece)
            if end is None:
                parts.append(piece)
                _check_record_length(path, parts)
                continue
            data = _ascii(b"".join((*parts, memoryview(piece)[:end])))
            parts = [piece[end:]]
            if is_first:
                _check_molecule(path, data, molecule)
                is_first = False
            yield Block(data, raw.tell())
        last = _ascii(b"".join(parts))
        if not last:
            raise InputError(f"{path}: is empty; a database has at least one sequence")
        if is_first:
            _check_molecule(path, last, molecule)
        _check_end(path, last)
        yield Block(last, raw.tell())


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """The file itself and its decompressed content; what goes wrong becomes an `InputError`."""
    try:
        with path.open("rb") as raw:
            is_compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            yield raw, gzip.GzipFile(fileobj=raw) if is_compressed else raw
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(
            f"{path}: the compressed data is damaged or cut off ({error}); get the file again"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _end_of_records(before: bytes, piece: bytes) -> int | None:
    """Where in `piece` its last record begins, `None` if none does; `before` precedes it."""
    end = piece.rfind(b"\n>") + 1
    begins_with_record = piece.startswith(b">") and before.endswith(b"\n")
    return end if end or begins_with_record else None


def _ascii(data: bytes) -> bytes:
    return data if data.isascii() else data.translate(_ASCII)


def _check_record_length(path: Path, parts: list[bytes]) -> None:
    if sum(map(len, parts)) > MAX_RECORD_BYTES:
        name = parts[0][1:61].split(b"\n")[0].decode("ascii", "replace").strip()
        raise InputError(
            f"{path}: the record {name!r} is longer than {MAX_RECORD_BYTES // 2**20} MiB; "
            "is this a FASTA file?"
        )


def _check_molecule(path: Path, data: bytes, molecule: MoleculeKind) -> None:
    lines = [line for line in data.split(b"\n") if not line.startswith(b">")]
    letters = b"".join(lines).translate(None, b"\r \t-*")
    if len(letters) < _MIN_TELLING_LETTERS:
        return
    if molecule == "protein" and not letters.translate(None, _NUCLEOTIDES):
        raise InputError(f"{path}: holds nucleotide sequences, but a protein database is wanted")
    if molecule == "rna" and len(letters.translate(None, _PROTEIN_ONLY)) < len(letters):
        raise InputError(f"{path}: holds protein sequences, but an RNA database is wanted")


def _check_end(path: Path, data: bytes) -> None:
    header, _, sequence = data[data.rfind(b"\n>") + 1 :].partition(b"\n")
    if not sequence.strip():
        name = header[1:60].decode("ascii", "replace").strip()
        raise InputError(
            f"{path}: ends after the header {name!r}, without a sequence: the file is cut off; "
            "get it again"
        )
