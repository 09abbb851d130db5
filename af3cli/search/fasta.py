"""Reads FASTA databases of any size in blocks of whole records, in bounded memory."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from af3cli.disk import reason
from af3cli.errors import InputError
from af3cli.search.catalogue import MoleculeKind
from af3cli.search.records import MAX_SPLICED_BYTES, FileRange

# For RNA larger ones, as HMMER prepares a long query for every block anew.
BLOCK_BYTES: dict[MoleculeKind, int] = {"protein": MAX_SPLICED_BYTES, "rna": 4 * 2**20}
MAX_RECORD_BYTES = 512 * 2**20

_GZIP_MAGIC = b"\x1f\x8b"
_NUCLEOTIDES = b"ACGTUNacgtun"
_PROTEIN_ONLY = b"EFILPQefilpq"
# Fewer letters than this may be of one kind by chance.
_MIN_TELLING_LETTERS = 50
_TELLING_BYTES = 2**16
# The end of a record is looked for in so many bytes at a time, and that of a long one in so many.
_WINDOW_BYTES = 2**13
_LONG_WINDOW_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Block:
    """Whole FASTA records, and how many bytes of the file have been read with them."""

    records: FileRange | bytes
    bytes_read: int


@contextmanager
def fasta_blocks(
    path: Path, molecule: MoleculeKind, block_bytes: int | None = None
) -> Iterator[Iterator[Block]]:
    """Opens a plain or gzip-compressed FASTA file and gives its records in blocks.

    A block is about `block_bytes` long (see `BLOCK_BYTES`), and longer for a longer record. Blank
    lines before the first record are left out. Of a plain file only the places between records are
    read here: its blocks say where they are, to be read as long as the file is open. Raises
    `InputError` if the file cannot be read, is empty, cut off or no FASTA, or if its first records
    are of another molecule.
    """
    with reading_errors(path):
        file = path.open("rb")
    with file:
        yield _blocks(path, file, molecule, block_bytes or BLOCK_BYTES[molecule])


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """Makes an `InputError` of what goes wrong while the file is read."""
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(
            f"{path}: the compressed data is damaged or cut off ({error}); get the file again"
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from None


def _blocks(
    path: Path, file: BinaryIO, molecule: MoleculeKind, block_bytes: int
) -> Iterator[Block]:
    with reading_errors(path):
        if os.pread(file.fileno(), len(_GZIP_MAGIC), 0) == _GZIP_MAGIC:
            yield from _compressed_blocks(path, file, molecule, block_bytes)
        else:
            yield from _plain_blocks(path, file.fileno(), molecule, block_bytes)


def _plain_blocks(
    path: Path, descriptor: int, molecule: MoleculeKind, block_bytes: int
) -> Iterator[Block]:
    beginning = os.pread(descriptor, _TELLING_BYTES, 0)
    first_record = beginning.lstrip()
    _check_beginning(path, first_record, molecule)
    next_record = _line_end(beginning) + b">"
    size = os.fstat(descriptor).st_size
    start = len(beginning) - len(first_record)
    while start < size:
        end = _end_of_block(path, descriptor, next_record, start, start + block_bytes, size)
        records = FileRange(descriptor, start, end - start)
        if end == size:
            _check_end(path, records.read())
        yield Block(records, end)
        start = end


def _end_of_block(
    path: Path, descriptor: int, next_record: bytes, start: int, wanted: int, size: int
) -> int:
    """Where a record begins, `wanted` or the next place before it, or after it if there is none.

    `next_record` is how records begin, after the end of a line.
    """
    if wanted >= size:
        return size
    stop = wanted
    while stop > start:
        begin = max(start, stop - _WINDOW_BYTES)
        found = os.pread(descriptor, stop + 1 - begin, begin).rfind(next_record)
        if found >= 0:
            return begin + found + 1
        stop = begin
    for begin in range(wanted, size, _LONG_WINDOW_BYTES):
        found = os.pread(descriptor, _LONG_WINDOW_BYTES + 1, begin).find(next_record)
        if found >= 0:
            return begin + found + 1
        if begin - start > MAX_RECORD_BYTES:
            raise _too_long(path, os.pread(descriptor, _WINDOW_BYTES, start))
    return size


def _compressed_blocks(
    path: Path, file: BinaryIO, molecule: MoleculeKind, block_bytes: int
) -> Iterator[Block]:
    stream = gzip.GzipFile(fileobj=file)
    piece = stream.read(block_bytes).lstrip()
    _check_beginning(path, piece[:_TELLING_BYTES], molecule)
    line_end = _line_end(piece[:_TELLING_BYTES])
    parts: list[bytes] = []  # the beginning of the next block
    while piece:
        end = piece.rfind(line_end + b">") + 1
        begins_with_record = piece.startswith(b">") and parts[-1:] and parts[-1].endswith(line_end)
        if end or begins_with_record:
            yield Block(b"".join((*parts, memoryview(piece)[:end])), file.tell())
            parts = [piece[end:]]
        else:
            parts.append(piece)
            if sum(map(len, parts)) > MAX_RECORD_BYTES:
                raise _too_long(path, parts[0])
        piece = stream.read(block_bytes)
    last = b"".join(parts)
    _check_end(path, last)
    yield Block(last, file.tell())


def _line_end(data: bytes) -> bytes:
    r"""What lines end with: `\r` only where there is no `\n`, as on old Macintoshes."""
    return b"\r" if b"\r" in data and b"\n" not in data else b"\n"


def _too_long(path: Path, record: bytes) -> InputError:
    name = record[1:61].replace(b"\r", b"\n").split(b"\n")[0].decode("ascii", "replace").strip()
    return InputError(
        f"{path}: the record {name!r} is longer than {MAX_RECORD_BYTES // 2**20} MiB; "
        "is this a FASTA file?"
    )


def _check_beginning(path: Path, data: bytes, molecule: MoleculeKind) -> None:
    if not data:
        raise InputError(f"{path}: is empty; a database has at least one sequence")
    if not data.startswith(b">"):
        raise InputError(f"{path}: is not FASTA: its first character is not '>'")
    lines = [line for line in data.splitlines() if not line.startswith(b">")]
    letters = b"".join(lines).translate(None, b" \t-*")
    if len(letters) < _MIN_TELLING_LETTERS:
        return
    if molecule == "protein" and not letters.translate(None, _NUCLEOTIDES):
        raise InputError(f"{path}: holds nucleotide sequences, but a protein database is wanted")
    if molecule == "rna" and len(letters.translate(None, _PROTEIN_ONLY)) < len(letters):
        raise InputError(f"{path}: holds protein sequences, but an RNA database is wanted")


def _check_end(path: Path, data: bytes) -> None:
    line_end = _line_end(data)
    header, _, sequence = data[data.rfind(line_end + b">") + 1 :].partition(line_end)
    if not sequence.strip():
        name = header[1:60].decode("ascii", "replace").strip()
        raise InputError(
            f"{path}: ends after the header {name!r}, without a sequence: the file is cut off; "
            "get it again"
        )
