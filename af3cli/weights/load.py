"""Parameters from a file of any known form, or made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from af3cli.errors import WeightsError
from af3cli.model.config import OFFICIAL
from af3cli.weights.catalogue import CATALOGUE, SYNTHETIC, CatalogueEntry, configs_of
from af3cli.weights.check import Problems, check_arrays
from af3cli.weights.files import files_digest, reading_errors
from af3cli.weights.find import find_weights
from af3cli.weights.infer import nearest_config
from af3cli.weights.model_files import TORCH_SUFFIXES, parameter_files
from af3cli.weights.official_file import (
    inferred,
    is_synthetic,
    noise_embedding_file,
    read_official,
)
from af3cli.weights.provenance import (
    NATIVE_FORMAT,
    Weights,
    describe_depths,
    known_digest,
    with_provenance,
)
from af3cli.weights.recognise import convert_tensors
from af3cli.weights.safetensors_file import read_safetensors
from af3cli.weights.schema import official_schema
from af3cli.weights.synthetic import synthetic_parameters
from af3cli.weights.torch_file import read_torch_file

_TORCH_MAGICS = (b"PK\x03\x04", b"\x80\x02\x8a\x0a")  # zip, and the pickle of a large number


def load_weights(
    name_or_path: str | Path | None = None,
    weights_dir: str | Path | None = None,
    *,
    needed: Callable[[str], bool] = lambda name: True,
) -> Weights:
    """Returns the parameters called `name_or_path`; see `find.find_weights` for where they may be.

    Files may be in the official format, PyTorch checkpoints of a known family, or safetensors:
    a converted file (which is mapped, not read) or a known family's tensors. All arrays are
    checked; of those that are not `needed`, by their official names, the result may hold zeros.

    Raises:
        WeightsError: they are not found, cannot be read, or are not the whole parameters of a
            known model.
    """
    found = find_weights(name_or_path, weights_dir)
    if isinstance(found, CatalogueEntry):
        return _made(found, needed)
    with reading_errors(found):
        weights = _read(parameter_files(found)[0], needed)
    asked = CATALOGUE.get(str(name_or_path))
    if asked and asked.name != weights.name:
        raise WeightsError(
            f"{weights.path} holds {weights.name}, not {asked.name}; rename it, or name the file "
            "itself with --weights"
        )
    return weights


def _read(path: Path, needed: Callable[[str], bool]) -> Weights:
    """Returns the parameters in the file (or split file) at `path`, told by how it begins."""
    with open(path, "rb") as file:
        start = file.read(10)
    if start.startswith(_TORCH_MAGICS) or path.suffix in TORCH_SUFFIXES:
        return _converted(path, read_torch_file(path))
    if path.suffix == ".safetensors" or start[8:9] == b"{":
        arrays, metadata = read_safetensors(path)
        if metadata.get("format") == NATIVE_FORMAT:
            return _native(path, arrays, metadata)
        return _converted(path, arrays)
    return _official(path, needed)


def _official(path: Path, needed: Callable[[str], bool]) -> Weights:
    arrays, config = read_official(path, needed)
    files = parameter_files(path)
    if is_synthetic(arrays):
        return with_provenance("synthetic", path, config, arrays, files_digest(files))
    if config in configs_of("alphafold3"):
        return with_provenance("alphafold3", path, config, arrays, files_digest(files))
    if config in configs_of("intellifold2"):
        digest = files_digest([*files, noise_embedding_file(path)])
        return with_provenance("intellifold2", path, config, arrays, digest)
    raise WeightsError(
        f"{path} has the arrays of an AlphaFold 3 network, but not the widths and depths of a "
        f"model that is known here (pair width {config.pair_width}; {describe_depths(config)})."
    )


def _converted(path: Path, tensors: Mapping[str, np.ndarray]) -> Weights:
    """Returns another family's tensors under the official names."""
    family, config, arrays = convert_tensors(path, tensors)
    return with_provenance(family, path, config, arrays, files_digest([path]))


def _native(path: Path, arrays: dict[str, np.ndarray], metadata: Mapping[str, str]) -> Weights:
    """Returns the arrays of a converted file, with the provenance that it carries."""
    family = metadata.get("family", "")
    configs = configs_of(family)
    if not configs:
        raise WeightsError(f"{path} is of the unknown family {family!r}; convert its source again")
    entry = CATALOGUE.get(metadata.get("name", ""))
    if family == SYNTHETIC.family:
        config = inferred(arrays, OFFICIAL)
    else:
        is_known = entry is not None and entry.family == family
        shapes = {name: array.shape for name, array in arrays.items()}
        nearest = nearest_config(shapes, [entry.config] if is_known else configs)
        config = nearest if is_known else inferred(arrays, nearest)
    schema = official_schema(config)
    problems = Problems(unexpected=[name for name in arrays if name not in schema])
    check_arrays(arrays, schema, problems, may_be_float32=True)
    problems.raise_if_any(path)
    digest = known_digest(metadata.get("source_sha256"))
    return with_provenance(family, path, config, arrays, digest, metadata.get("name"))


def _made(entry: CatalogueEntry, needed: Callable[[str], bool]) -> Weights:
    arrays = synthetic_parameters(entry.config, needed)
    return with_provenance(entry.family, None, entry.config, arrays, known_digest(entry.sha256))
