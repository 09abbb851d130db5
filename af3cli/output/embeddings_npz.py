"""Embeddings under the official program's file name and keys (its docs/output.md)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from af3cli.errors import OutputError
from af3cli.output.embeddings_arrays import encode

# key in the file -> array
_KEYS = {"single_embeddings": "single", "pair_embeddings": "pair"}


def write_npz(
    folder: str | Path, job_name: str, seed: int, arrays: Mapping[str, Float32[np.ndarray, "..."]]
) -> Path:
    """Writes `<job>_seed-<seed>_embeddings.npz` into `folder` and returns its path.

    The arrays are float16, as the official program's. `job_name` is safe in a file name.

    Raises:
      UnstorableError: a value is too large for float16, or not finite.
      OutputError: the file cannot be written.
    """
    path = Path(folder) / f"{job_name}_seed-{seed}_embeddings.npz"
    encoded = {
        key: encode(arrays[name], "float16", f"{path.name}: {name}")
        for key, name in _KEYS.items()
        if name in arrays
    }
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(aside, "wb") as file:
            np.savez_compressed(file, **encoded)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)
    return path
