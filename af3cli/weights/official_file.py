"""The official form of parameters, read and checked: AlphaFold 3's own, and IntelliFold's."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from af3cli.errors import WeightsError
from af3cli.model.config import OFFICIAL, ModelConfig
from af3cli.weights.check import Problems, check_arrays
from af3cli.weights.families import INTELLIFOLD2
from af3cli.weights.infer import infer_config
from af3cli.weights.model_files import model_stem
from af3cli.weights.records import TruncatedFileError, open_records
from af3cli.weights.schema import DIFFUSION, IDENTIFIER, official_schema
from af3cli.weights.synthetic import SYNTHETIC_IDENTIFIER

Arrays = dict[str, np.ndarray]

_NOISE_EMBEDDING = (f"{DIFFUSION}/noise_embedding:frequency", f"{DIFFUSION}/noise_embedding:phase")
_MAX_SIDECAR_BYTES = 2**20
# What reading an archive of arrays raises if it is cut, changed, encrypted, or claims too much.
_DAMAGE = (
    *(ValueError, KeyError, OSError, EOFError, RuntimeError, MemoryError),
    *(zlib.error, zipfile.BadZipFile),
)


def is_synthetic(arrays: Mapping[str, np.ndarray]) -> bool:
    """Returns whether arrays say of themselves that they are random numbers."""
    return np.array_equal(arrays.get(IDENTIFIER), SYNTHETIC_IDENTIFIER)


def read_official(
    path: Path, needed: Callable[[str], bool] = lambda name: True
) -> tuple[Arrays, ModelConfig]:
    """Returns the arrays of the official file at `path`, and the configuration they are for.

    `path` is as in `records.open_records`. Widths and depths are the file's own.
    Arrays are named `scope:name`; those that are not `needed`, by their names, have their place in
    the result but no values.

    Raises:
        WeightsError: one error that names all missing, unexpected, misshapen and cut-off arrays.
    """
    known = official_schema(OFFICIAL)
    arrays: Arrays = {}
    problems = Problems()
    with open_records(path, lambda name: name == IDENTIFIER or needed(name)) as reader:
        try:
            for name, array in reader:
                if name in arrays:
                    problems.repeated.append(name)
                elif name in known:
                    arrays[name] = array
                else:
                    problems.unexpected.append(name)
        except TruncatedFileError as error:
            problems.truncated.append(str(error))
    config = inferred(arrays, OFFICIAL)
    if config.pair_width == INTELLIFOLD2.pair_width and not is_synthetic(arrays):
        config = inferred(arrays, INTELLIFOLD2)
        arrays |= _noise_embedding(noise_embedding_file(path))
    check_arrays(arrays, official_schema(config), problems)
    if problems.truncated:
        problems.misshapen.clear()  # what tells a width or depth may be behind the cut
    problems.raise_if_any(path)
    return arrays, config


def inferred(arrays: Mapping[str, np.ndarray], base: ModelConfig) -> ModelConfig:
    """Returns `base` with the widths and depths of `arrays`."""
    return infer_config({name: array.shape for name, array in arrays.items()}, base)


def noise_embedding_file(path: Path) -> Path:
    """Returns the file beside IntelliFold's parameters that has the noise embedding's constants.

    Raises:
        WeightsError: it is not there.
    """
    names = (f"{model_stem(path)}_fourier.npz", "intfold_fourier.npz")
    sidecar = next((path.with_name(name) for name in names if path.with_name(name).exists()), None)
    if sidecar is None:
        raise WeightsError(
            f"{path} is of IntelliFold 2, whose noise embedding is in a second file: "
            f"{names[0]} is missing beside it. Structures would be wrong without it."
        )
    return sidecar


def _noise_embedding(sidecar: Path) -> Arrays:
    """Returns IntelliFold's constants of the noise embedding."""
    try:
        with zipfile.ZipFile(sidecar) as archive:
            if max(member.file_size for member in archive.infolist()) > _MAX_SIDECAR_BYTES:
                raise ValueError("its arrays are too large")
        with np.load(sidecar, allow_pickle=False) as file:
            constants = [np.asarray(file[key], np.float32) for key in ("weight", "bias")]
    except _DAMAGE as error:
        raise WeightsError(f"{sidecar} is not a readable noise embedding: {error}") from None
    return dict(zip(_NOISE_EMBEDDING, constants, strict=True))
