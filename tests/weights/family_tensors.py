"""Tensors of other families, of their own names and the real shapes at reduced depth."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "data" / "weights"


def tensors_of(file: str) -> dict[str, np.ndarray]:
    """Returns random tensors of the names and shapes in a schema file."""
    tensors = {}
    for line in (DATA / file).read_text().splitlines():
        name, shape = line.split("\t")[:2]
        random = np.random.default_rng(zlib.crc32(name.encode()))
        axes = [int(length) for length in shape.split(",") if length]
        tensors[name] = random.random(axes, dtype=np.float32) + 0.5
    return tensors
