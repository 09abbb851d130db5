"""Tensors of other families, of their own names and the real shapes at reduced depth."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from af3cli.model.config import ModelConfig, reduced, with_depths
from af3cli.weights.families import OPENFOLD3, PROTENIX_BASE
from af3cli.weights.recognise import family_of, official_arrays

DATA = Path(__file__).parents[1] / "data" / "weights"


# Of the depths of their schema files.
REDUCED_OPENFOLD3 = with_depths(reduced(OPENFOLD3), msa=2)
REDUCED_PROTENIX = with_depths(reduced(PROTENIX_BASE), msa=2, diffusion=4)


def tensors_of(file: str) -> dict[str, np.ndarray]:
    """Returns random tensors of the names and shapes in a schema file."""
    tensors = {}
    for line in (DATA / file).read_text().splitlines():
        name, shape = line.split("\t")[:2]
        random = np.random.default_rng(zlib.crc32(name.encode()))
        axes = [int(length) for length in shape.split(",") if length]
        tensors[name] = random.random(axes, dtype=np.float32) + 0.5
        if name == "version_tensor":
            tensors[name] = np.array([2, 0, 0], np.float32)
    return tensors


def converted(
    tensors: Mapping[str, np.ndarray], config: ModelConfig
) -> tuple[str, dict[str, np.ndarray]]:
    """Returns the family of tensors, and their official arrays if they are to be of `config`."""
    path = Path("tensors.pt")
    family = family_of(path, tensors)
    return family.name, official_arrays(path, tensors, family, config)
