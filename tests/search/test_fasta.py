"""Databases are read whole, whatever the block, and bad ones are refused with a message."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from af3cli.errors import InputError
from af3cli.search.catalogue import search_options
from af3cli.search.fasta import fasta_blocks
from af3cli.search.hmmer import sequence_query
from af3cli.search.records import FileRange, as_file
from af3cli.search.scan import scan
from tests.search import synthetic

QUERY = synthetic.protein_queries()[8]


def _scan(path: Path, **options: object) -> list:
    query = sequence_query(QUERY, "protein", search_options("uniref90", len(QUERY)))
    return scan(path, [query], num_threads=2, **options)[0]


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("block_bytes", [100, 4096, 10**7])
def test_blocks_hold_every_record_once(
    tmp_path: Path, compress: bool, line_end: bytes, block_bytes: int
) -> None:
    path = tmp_path / "db.fasta"
    synthetic.write_protein_database(path, [QUERY, QUERY], 60)
    data = path.read_bytes().replace(b"\n", line_end)
    path.write_bytes(gzip.compress(data) if compress else data)
    with fasta_blocks(path, "protein", block_bytes) as blocks:
        found = [(_content(block.records), block.bytes_read) for block in blocks]
    contents, bytes_read = zip(*found, strict=True)
    assert b"".join(contents) == data
    assert all(content.startswith(b">") for content in contents)
    assert bytes_read[-1] == path.stat().st_size
    longest = max(map(len, data.split(line_end + b">"))) + len(line_end) + 1
    assert max(map(len, contents)) <= block_bytes + longest


def _content(records: FileRange | bytes) -> bytes:
    """What one gets who opens the file that HMMER opens."""
    with as_file(records) as name:
        return Path(name).read_bytes()


def test_rows_do_not_depend_on_the_block(tmp_path: Path) -> None:
    path = tmp_path / "db.fasta"
    synthetic.write_protein_database(path, [QUERY, QUERY], 200)
    assert _scan(path, block_bytes=700) == _scan(path) != []


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("block_bytes", [50, None])
def test_blank_lines_before_the_first_record(
    tmp_path: Path, line_end: bytes, block_bytes: int | None
) -> None:
    path = tmp_path / "db.fasta"
    data = GOOD.replace(b"\n", line_end)
    for content in (data, 2 * line_end + b" " + line_end + data):
        for written in (content, gzip.compress(content)):
            path.write_bytes(written)
            assert [row.aligned for row in _scan(path, block_bytes=block_bytes)] == [QUERY]


def test_windows_line_ends_and_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "db.fasta"
    text = f">x protéine\r\n{QUERY}\r\n>y\r\n{QUERY[::-1]}\r\n"
    for encoding, description in (("utf-8", "protéine"), ("latin-1", "prot?ine")):
        path.write_bytes(text.encode(encoding))
        (row,) = _scan(path)
        assert row.aligned == QUERY and row.header.startswith("x/1-")
        assert row.description == f"[subseq from] {description}"


def test_line_ends_of_old_macintoshes(tmp_path: Path) -> None:
    path = tmp_path / "db.fasta"
    path.write_bytes(f">x\r{QUERY[:50]}\r{QUERY[50:]}\r>y\r{QUERY}\r".encode())
    assert [(row.name, row.aligned) for row in _scan(path)] == [
        (f"{name}/1-{len(QUERY)}", QUERY) for name in "xy"
    ]


def _fail(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        _scan(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


GOOD = f">a\n{QUERY}\n".encode()


def test_bad_databases(tmp_path: Path) -> None:
    path = tmp_path / "db.fasta"
    assert "is empty" in _fail(path, b"")
    assert "not FASTA" in _fail(path, b"LOCUS something\n")
    assert "cut off" in _fail(path, GOOD + b">b the last one")
    assert "cut off" in _fail(path, GOOD + b">b\n")
    assert "damaged or cut off" in _fail(path, gzip.compress(GOOD * 1000)[:-20])
    assert "nucleotide" in _fail(path, b">a\n" + b"ACGTN" * 20 + b"\n")
    assert "the record after" in _fail(path, GOOD + b">b\n!!!!\n" + GOOD)
    assert "the record after 'a'" in _fail(path, GOOD + b">b\nAC\xe9D\n" + GOOD)
    long = GOOD + b">long one\n" + b"ACDEFGHIKL" * 10_001 + b"\n" + GOOD
    assert "the record 'long' has 100,010 residues" in _fail(path, long)
    assert "nucleotide" in _fail(path, b">a\r" + b"ACGTN" * 20 + b"\r")
    assert "cut off" in _fail(path, GOOD.replace(b"\n", b"\r") + b">b\r")


def test_protein_where_rna_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "db.fasta"
    path.write_bytes(GOOD)
    with pytest.raises(InputError, match="holds protein sequences"):
        scan(path, [sequence_query("ACGU" * 10, "rna", search_options("rfam", 40))])


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        _scan(tmp_path / "nowhere")


def test_bomb_is_not_unpacked_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b">a\n")
        for _ in range(64):
            file.write(bytes(10**6))
    with pytest.raises(InputError):
        _scan(path)
