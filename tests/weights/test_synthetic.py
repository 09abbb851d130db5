"""Synthetic parameters against the published digests of the two deterministic sets."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from af3cli.model.config import OFFICIAL, reduced
from af3cli.weights import synthetic_parameters, write_records
from af3cli.weights.catalogue import SYNTHETIC, SYNTHETIC_REDUCED
from af3cli.weights.schema import MSA_STACK
from af3cli.weights.synthetic import synthetic_records
from tests.weights.records import read_records


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_reduced_file_has_the_published_bytes(tmp_path):
    path = tmp_path / "reduced.bin"
    write_records(path, synthetic_records(reduced(OFFICIAL)))
    assert path.stat().st_size == 311_810_428
    assert digest(path) == SYNTHETIC_REDUCED.sha256


@pytest.mark.slow
def test_full_file_has_the_published_bytes(tmp_path):
    path = tmp_path / "full.bin"
    write_records(path, synthetic_records(OFFICIAL))
    assert path.stat().st_size == 1_146_811_260
    assert digest(path) == SYNTHETIC.sha256


def test_a_shorter_stack_has_the_first_layers_of_a_longer_one(tiny_config):
    longer = replace(tiny_config, msa=replace(tiny_config.msa, num_blocks=3))
    name = f"{MSA_STACK}/msa_transition/transition2:weights"
    short, long = (synthetic_parameters(config)[name] for config in (tiny_config, longer))
    assert len(long) == 3
    np.testing.assert_array_equal(short, long[: len(short)])


def test_compressed_file_holds_the_same_arrays(tmp_path, tiny_config):
    arrays = synthetic_parameters(tiny_config)
    for suffix in ("bin", "bin.zst"):
        write_records(tmp_path / f"tiny.{suffix}", arrays.items())
        read = dict(read_records(tmp_path / f"tiny.{suffix}"))
        assert list(read) == list(arrays)
        for name, array in arrays.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)
