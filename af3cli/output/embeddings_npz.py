"""Embeddings under the official program's file name and keys (its docs/output.md)."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from af3cli.disk import output_errors
from af3cli.output.embeddings_arrays import UnstorableError, encode
from af3cli.whole_files import written_aside

# key in the file -> array
_KEYS = {"single_embeddings": "single", "pair_embeddings": "pair"}
NPZ_ARRAYS = frozenset(_KEYS.values())
# What reading such a file raises if it is cut, changed, or something else.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, zlib.error)
_DAMAGE += (zipfile.BadZipFile,)
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
    with output_errors(path), written_aside(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **encoded)


def holds_array(
    path: Path, name: str, values: Float[np.ndarray, "..."], *, all_names: Iterable[str]
) -> bool:
    """Returns whether a file has the arrays `all_names` and no others, and these values as `name`.

    A file that cannot be read has not.
    """
    keys = {array: key for key, array in _KEYS.items()}
    try:
        with np.load(path, allow_pickle=False) as file:
            if set(file) != {keys[array] for array in all_names}:
                return False
            return np.array_equal(file[keys[name]], encode(values, "float16", name))
    except (*_DAMAGE, UnstorableError):
        return False
