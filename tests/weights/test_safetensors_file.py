"""safetensors: against the format's own package where it is there, and hostile files."""

from __future__ import annotations

import json
import struct

import ml_dtypes
import numpy as np
import pytest

from af3cli.errors import WeightsError
from af3cli.weights.safetensors_file import read_safetensors, write_safetensors

ARRAYS = {
    "a": np.arange(6, dtype=np.uint8),
    "b:weights": np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4),
    "c": np.linspace(0, 1, 5).astype(ml_dtypes.bfloat16),
    "d": np.array(2.5, np.float64),
    "e": np.zeros((0, 3), np.float32),
    "f": np.arange(24, dtype=np.float32).reshape(4, 6).T,
}


def file_with(path, header: object, data: bytes = b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def test_written_file_is_read_back_aligned(tmp_path):
    path = tmp_path / "x.safetensors"
    write_safetensors(path, ARRAYS, {"family": "openfold3"})
    arrays, metadata = read_safetensors(path)
    assert metadata == {"family": "openfold3"}
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].flags.aligned and not arrays[name].flags.writeable
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"]


def test_the_format_s_own_package_agrees(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    plain = {name: array for name, array in ARRAYS.items() if name != "c"}
    write_safetensors(tmp_path / "ours", plain, {})
    theirs = package.load_file(tmp_path / "ours")
    package.save_file({k: np.ascontiguousarray(v) for k, v in plain.items()}, tmp_path / "theirs")
    ours, _ = read_safetensors(tmp_path / "theirs")
    for name, array in plain.items():
        np.testing.assert_array_equal(theirs[name], array)
        np.testing.assert_array_equal(ours[name], array)


@pytest.mark.parametrize("offsets", [[(0, 4), (0, 4)], [(0, 4), (8, 12)], [(4, 8), (4, 8)]])
def test_arrays_that_overlap_or_leave_a_gap_are_refused(tmp_path, offsets):
    header = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": place}
        for name, place in zip("ab", offsets, strict=True)
    }
    path = file_with(tmp_path / "x.safetensors", header, bytes(12))
    with pytest.raises(WeightsError, match="overlap, or leave a gap, at byte"):
        read_safetensors(path)


def entry(dtype="F32", shape=(1,), offsets=(0, 4)) -> dict:
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (b"", b""),
        (b"not JSON", b""),
        (b"[1, 2]", b""),
        (b"[" * 100_000, b""),
        ({"a": 3}, b""),
        ({"__metadata__": 3}, b""),
        (entry(), b"123"),
        (entry(), b"12345"),
        (entry(shape=(2,)), b"1234"),
        (entry(shape=(2**40, 2**40)), b"1234"),
        (entry(shape=(10**4000,) * 1000), b"1234"),
        (entry(shape=(1,) * 17), b"1234"),
        (entry(shape=(-1,)), b"1234"),
        (entry(shape=("a",)), b"1234"),
        (entry(offsets=(4, 0)), b"1234"),
        (entry(offsets=(-4, 0)), b"1234"),
        (entry(offsets=(0, 2**60)), b"1234"),
        (entry(offsets=(0, 4, 8)), b"1234"),
        (entry(dtype="F4"), b"1234"),
        (entry(dtype=["F32"]), b"1234"),
    ],
)
def test_damaged_files_are_messages(tmp_path, header, data):
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        read_safetensors(file_with(tmp_path / "x", header, data))


def test_impossible_header_length(tmp_path):
    path = tmp_path / "x"
    for data in (b"", b"1234567", struct.pack("<Q", 2**63) + b"{}", struct.pack("<Q", 3) + b"{}"):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match="not a readable safetensors file"):
            read_safetensors(path)
