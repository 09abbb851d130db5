"""Embeddings under the official program's file name and keys (its docs/output.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from af3cli.errors import OutputError
from af3cli.output.embeddings_arrays import encode
from af3cli.whole_files import written_aside

# key in the file -> array
_KEYS = {"single_embeddings": "single", "pair_embeddings": "pair"}
NPZ_ARRAYS = frozenset(_KEYS.values())
_ALWAYS_FLOAT16 = "An npz file is always float16, as the official program's."


def npz_name(job_name: str, seed: int) -> str:
    """Returns the official name of the file; `job_name` is safe in a file name."""
    return f"{job_name}_seed-{seed}_embeddings.npz"


def write_npz(path: Path, arrays: Mapping[str, Float[np.ndarray, "..."]]) -> None:
    """Writes those of `arrays` that the official program writes, as it does in float16.

    Raises:
      UnstorableError: a value is too large for float16, or not finite.
      OutputError: the file cannot be written.
    """
    encoded = {
        key: encode(arrays[name], "float16", f"{path.name}: {name}", _ALWAYS_FLOAT16)
        for key, name in _KEYS.items()
        if name in arrays
    }
    try:
        with written_aside(path) as aside, aside.open("wb") as file:
            np.savez_compressed(file, **encoded)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
