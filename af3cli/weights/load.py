"""Parameters in memory, checked, with what is known of where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from af3cli.errors import WeightsError
from af3cli.model.config import OFFICIAL, ModelConfig
from af3cli.weights.catalogue import (
    ALPHAFOLD3,
    SYNTHETIC,
    SYNTHETIC_REDUCED,
    CatalogueEntry,
)
from af3cli.weights.check import Problems, check_arrays
from af3cli.weights.find import find_weights
from af3cli.weights.infer import infer_config
from af3cli.weights.records import TruncatedFileError, open_records
from af3cli.weights.schema import IDENTIFIER, official_schema
from af3cli.weights.synthetic import SYNTHETIC_IDENTIFIER, synthetic_parameters

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Weights:
    """Model parameters and their provenance.

    `arrays` has the official names `scope:name` (see `schema.official_schema`), read-only.
    `path` is None for parameters that were made and not read.
    """

    name: str
    family: str
    licence: str
    terms_url: str | None
    training_cutoff: str | None
    is_meaningless: bool
    path: Path | None
    config: ModelConfig
    arrays: Arrays = field(repr=False)
    digest: Future[str] = field(repr=False)

    @property
    def sha256(self) -> str:
        """The digest of the file's bytes; waits for it if it is still being computed."""
        return self.digest.result()


def load_weights(
    name_or_path: str | Path | None = None, weights_dir: str | Path | None = None
) -> Weights:
    """Returns the parameters called `name_or_path`; see `find.find_weights` for where they may be.

    Raises:
        WeightsError: they are not found, or are not the whole parameters of a known model.
    """
    found = find_weights(name_or_path, weights_dir)
    if found.path is None:
        return _made(found.entry)
    arrays, digest, config = _read_official(found.path, None)
    return _weights(_recognise(found.path, arrays, config), found.path, config, arrays, digest)


def load_official(path: str | Path, config: ModelConfig | None = None) -> Arrays:
    """Returns the arrays of the official parameter file at `path`, named `scope:name`.

    `path` is as in `records.read_records`. Without `config`, widths and depths are the file's own.

    Raises:
        WeightsError: one error that names all missing, unexpected, misshapen and cut-off arrays.
    """
    return _read_official(Path(path), config)[0]


def _read_official(
    path: Path, config: ModelConfig | None
) -> tuple[Arrays, Future[str], ModelConfig]:
    """Returns the checked arrays, the digest of the file, and the configuration they are for."""
    known = official_schema(config or OFFICIAL)
    arrays: Arrays = {}
    problems = Problems()
    with open_records(path) as reader:
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
        digest = reader.sha256()
    config = config or infer_config({name: array.shape for name, array in arrays.items()})
    check_arrays(arrays, official_schema(config), problems)
    problems.raise_if_any(path)
    return arrays, digest, config


def _recognise(path: Path, arrays: Mapping[str, np.ndarray], config: ModelConfig) -> CatalogueEntry:
    """Returns what the catalogue knows of the model that `arrays` are of."""
    if np.array_equal(arrays[IDENTIFIER], SYNTHETIC_IDENTIFIER):
        return SYNTHETIC_REDUCED if config == SYNTHETIC_REDUCED.config else SYNTHETIC
    if config == ALPHAFOLD3.config:
        return ALPHAFOLD3
    raise WeightsError(
        f"{path} has the arrays of an AlphaFold 3 network, but not the widths and depths of a "
        f"model that is known here (pair width {config.pair_width}, {config.pairformer.num_blocks} "
        "pairformer blocks)."
    )


def _made(entry: CatalogueEntry) -> Weights:
    digest: Future[str] = Future()
    digest.set_result(entry.sha256)
    return _weights(entry, None, entry.config, synthetic_parameters(entry.config), digest)


def _weights(
    entry: CatalogueEntry,
    path: Path | None,
    config: ModelConfig,
    arrays: Arrays,
    digest: Future[str],
) -> Weights:
    return Weights(
        name=entry.name,
        family=entry.family,
        licence=entry.licence,
        terms_url=entry.terms_url,
        training_cutoff=entry.training_cutoff,
        is_meaningless=entry.is_meaningless,
        path=path,
        config=config,
        arrays=arrays,
        digest=digest,
    )
