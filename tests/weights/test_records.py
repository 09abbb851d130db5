"""The record format: against the official layout, in all its forms, and against hostile files."""

from __future__ import annotations

import struct
import tracemalloc

import ml_dtypes
import numpy as np
import pytest
import zstandard

from af3cli.errors import WeightsError
from af3cli.weights import write_records
from af3cli.weights.model_files import find_model, parameter_files
from tests.weights.records import read_records

ARRAYS = {
    "__meta__:__identifier__": np.arange(64, dtype=np.uint8),
    "diffuser/a:weights": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "diffuser/b:weights": np.linspace(-2, 2, 10).astype(ml_dtypes.bfloat16),
    "diffuser/c:scalar": np.array(7, np.int32),
    "diffuser/d:empty": np.zeros((0, 3), np.float32),
}


def encoded(name: str, dtype: str, shape: tuple[int, ...], data: bytes, num_bytes=None) -> bytes:
    """Returns one record as the format is described, independently of the writer."""
    scope, leaf = name.split(":")
    lengths = (len(scope), len(leaf), len(dtype), len(shape))
    header = struct.pack("<5i", *lengths, len(data) if num_bytes is None else num_bytes)
    return header + f"{scope}{leaf}{dtype}".encode() + struct.pack(f"<{len(shape)}i", *shape) + data


def whole_file() -> bytes:
    return b"".join(
        encoded(name, str(array.dtype), array.shape, array.tobytes())
        for name, array in ARRAYS.items()
    )


def assert_read(path) -> None:
    read = dict(read_records(path))
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert (read[name].dtype, read[name].shape) == (array.dtype, array.shape)
        assert read[name].tobytes() == array.tobytes()
        assert not read[name].flags.writeable


def test_writer_writes_the_described_bytes(tmp_path):
    write_records(tmp_path / "af3.bin", ARRAYS.items())
    assert (tmp_path / "af3.bin").read_bytes() == whole_file()
    assert [path.name for path in tmp_path.iterdir()] == ["af3.bin"]


def test_writer_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "af3.bin"
    path.write_bytes(b"old")

    def failing():
        yield next(iter(ARRAYS.items()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(path, failing())
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["af3.bin"]


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (["af3.bin"], "af3.bin"),
        (["af3.bin"], "."),
        ([f"af3.{part}.bin" for part in range(12)], "."),
        ([f"af3.{part}.bin" for part in range(12)], "af3.7.bin"),
        ([f"af3.bin.{part:02}" for part in range(1, 4)], "."),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_one_file_folder_and_numbered_parts(tmp_path, names, given, compressed):
    data = zstandard.compress(whole_file()) if compressed else whole_file()
    bounds = np.linspace(0, len(data), len(names) + 1).astype(int)
    if compressed:
        names = [name.replace(".bin", ".bin.zst") for name in names]
        given = given.replace(".bin", ".bin.zst")
    for name, start, stop in zip(names, bounds, bounds[1:], strict=False):
        (tmp_path / name).write_bytes(data[start:stop])
    assert_read(tmp_path / given)


def test_parts_that_are_compressed_one_by_one(tmp_path):
    data = whole_file()
    (tmp_path / "af3.0.bin.zst").write_bytes(zstandard.compress(data[:100]))
    (tmp_path / "af3.1.bin.zst").write_bytes(zstandard.compress(data[100:]))
    assert_read(tmp_path)


def test_missing_part_and_several_models_are_named(tmp_path):
    for part in (0, 1, 3):
        (tmp_path / f"af3.{part}.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match="part 2 of this split file is missing"):
        list(read_records(tmp_path))
    (tmp_path / "af3.2.bin").write_bytes(b"x")
    (tmp_path / "other.0.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"several models.*af3\.0\.bin.*other\.0\.bin"):
        list(read_records(tmp_path))


def test_a_huge_number_in_a_name_is_one_part_and_concerns_no_other_model(tmp_path):
    dated = tmp_path / "af3.20251126123000.bin"
    dated.touch()
    (tmp_path / "other.bin.0").touch()
    with pytest.raises(WeightsError, match=r"af3\.20251126123000\.bin: part 1 .* is missing"):
        parameter_files(dated)
    assert find_model(tmp_path, "other") == tmp_path / "other.bin.0"


def test_two_files_of_one_part_are_named(tmp_path):
    for name in ("af3.0.bin", "af3.00.bin", "af3.1.bin"):
        (tmp_path / name).touch()
    with pytest.raises(WeightsError, match=r"af3\.0\.bin and .*af3\.00\.bin are the same part"):
        parameter_files(tmp_path / "af3.0.bin")


@pytest.mark.parametrize("compressed", [False, True])
def test_every_truncation_is_an_error_or_a_shorter_file(tmp_path, compressed):
    data = whole_file()
    ends = {len(data)}
    for name, array in reversed(list(ARRAYS.items())):
        record = encoded(name, str(array.dtype), array.shape, array.tobytes())
        ends.add(min(ends) - len(record))
    path = tmp_path / "af3.bin"
    for end in range(0, len(data) + 1, 1 if not compressed else 7):
        path.write_bytes(zstandard.compress(data[:end]) if compressed else data[:end])
        if end in ends:
            list(read_records(path))
        else:
            with pytest.raises(WeightsError, match=r"cut short|not a parameter file"):
                list(read_records(path))


def test_truncated_compressed_stream_names_the_last_whole_array(tmp_path):
    noise = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    path = tmp_path / "af3.bin.zst"
    write_records(path, {**ARRAYS, "diffuser/noise:weights": noise}.items())
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(WeightsError, match=r"after diffuser/d:empty in diffuser/noise:weights"):
        list(read_records(path))


BIG = 2**31 - 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04" + bytes(100), "not a parameter file"),
        (b'{"a": 1} this is JSON and not parameters', "not a parameter file"),
        (struct.pack("<5i", BIG, BIG, BIG, BIG, BIG), "not a parameter file"),
        (struct.pack("<5i", 1, 1, -1, 1, 1) + b"abc", "not a parameter file"),
        (encoded("a:b", "float32", (BIG,), b"", BIG), "cannot have"),
        (encoded("a:b", "uint8", (BIG,), b"", BIG), r"2147483647 bytes|expands to more"),
        (encoded("a:b", "uint8", (-1, -4), bytes(4)), "cannot have"),
        (encoded("a:b", "float32", (2**30, 2**30, 16), b"", 0), "cannot have"),
        (encoded("a:b", "object", (1,), bytes(8)), "unknown dtype 'object'"),
        (encoded("a:b", "V8", (1,), bytes(8)), "unknown dtype"),
        (struct.pack("<5i", 1, 1, 5, 0, 1) + b"\xff\xfeuint8" + b"1", "not UTF-8"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_lying_headers_cost_no_memory(tmp_path, data, message, compressed):
    path = tmp_path / "af3.bin"
    path.write_bytes(zstandard.compress(data) if compressed else data)
    tracemalloc.start()
    with pytest.raises(WeightsError, match=message):
        list(read_records(path))
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_small_compressed_file_must_not_fill_the_memory(tmp_path):
    path = tmp_path / "bomb.bin.zst"
    size = 2**30
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    with open(path, "wb") as file:
        file.write(compressor.compress(encoded("a:b", "uint8", (size,), b"", size)))
        for _ in range(size // 2**24):
            file.write(compressor.compress(bytes(2**24)))
        file.write(compressor.flush())
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    with pytest.raises(WeightsError, match="expands to more"):
        list(read_records(path))
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


def test_small_compressed_file_must_not_take_minutes(tmp_path):
    path = tmp_path / "many.bin.zst"
    empty = encoded("a:b", "float32", (0,), b"")
    path.write_bytes(zstandard.compress(10_000 * empty))
    assert sum(1 for _ in read_records(path)) == 10_000
    path.write_bytes(zstandard.compress(10_001 * empty))
    with pytest.raises(WeightsError, match="more than the 10,000 arrays"):
        list(read_records(path))


def test_absent_file_and_empty_folder(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        list(read_records(tmp_path / "absent.bin"))
    with pytest.raises(WeightsError, match="holds no parameters"):
        list(read_records(tmp_path))
