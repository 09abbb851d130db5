"""Files of hostile size and form."""

from __future__ import annotations

import gzip
import lzma
import os
import tracemalloc

import pytest
import zstandard

from af3cli.errors import InputError
from af3cli.job.textfile import read_text

COMPRESSORS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("name", COMPRESSORS)
@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_content_is_returned(tmp_path, name, size):
    text = "å" + "ACGU\n" * (size // 5)
    path = tmp_path / "file"
    path.write_bytes(COMPRESSORS[name](text.encode()))
    assert read_text(path) == text


@pytest.mark.parametrize("name", ["gzip", "xz", "zstd"])
def test_joined_streams_are_read_to_the_end(tmp_path, name):
    path = tmp_path / "file"
    path.write_bytes(COMPRESSORS[name](b"one ") + COMPRESSORS[name](b"two"))
    assert read_text(path) == "one two"


@pytest.mark.parametrize("name", COMPRESSORS)
def test_a_small_file_cannot_fill_the_memory(tmp_path, name):
    path = tmp_path / "bomb"
    path.write_bytes(COMPRESSORS[name](bytes(64 * 2**20)))
    tracemalloc.start()
    with pytest.raises(InputError, match="holds more than 4 MiB"):
        read_text(path, max_bytes=4 * 2**20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * 2**20


@pytest.mark.parametrize("name", ["gzip", "xz", "zstd"])
def test_damage_is_noticed(tmp_path, name):
    data = COMPRESSORS[name](os.urandom(5000))
    path = tmp_path / "file"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged or cut off"):
        read_text(path)


def test_an_xz_dictionary_of_a_gigabyte_is_refused(tmp_path):
    path = tmp_path / "file"
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**30}]
    try:
        path.write_bytes(lzma.compress(b"x", filters=filters))
    except (MemoryError, lzma.LZMAError):
        pytest.skip("no memory to make such a file")
    with pytest.raises(InputError, match="damaged or cut off"):
        read_text(path)


def test_what_is_no_file_is_said(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in (
        (tmp_path, "is not a file"),
        (tmp_path / "pipe", "is not a file"),
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "nu\0l", "not a possible file name|does not exist"),
        (tmp_path / ("x" * 5000), "cannot be read|does not exist"),
    ):
        with pytest.raises(InputError, match=message):
            read_text(path)


def test_other_encodings_are_refused_with_the_line(tmp_path):
    path = tmp_path / "latin"
    path.write_bytes("line\nå".encode("latin-1"))
    with pytest.raises(InputError, match=r"not UTF-8 text \(byte 5, line 2\)"):
        read_text(path)
    path.write_bytes("å".encode("utf-8-sig"))
    assert read_text(path) == "å"
