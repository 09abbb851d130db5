"""Which family a set of tensors belongs to, told from their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from af3cli.errors import WeightsError
from af3cli.model.config import ModelConfig, depths, with_depths
from af3cli.weights.catalogue import configs_of
from af3cli.weights.check import Problems
from af3cli.weights.conversion import TensorFamily, Tensors, convert
from af3cli.weights.openfold3 import OPENFOLD3_TENSORS
from af3cli.weights.protenix import PROTENIX_TENSORS
from af3cli.weights.schema import IDENTIFIER, official_schema
from af3cli.wording import printable

_MAX_BLOCKS = 64  # of one stack; tensors that share their numbers could name any depth

# What wrappers of a model (parallel, compiled, of a training run) put before all names.
_PREFIXES = ("module.", "model.", "_orig_mod.")
_MAX_WRAPPERS = 3

_FAMILIES = (OPENFOLD3_TENSORS, PROTENIX_TENSORS)

# (pattern of a tensor's name, whose it is): models that are near, but not these
_NEIGHBOURS = (
    (
        r"diffusion_module\.diffusion_transformer\.blocks\.\d+\.attention_pair_bias\.layer_norm_z\.",
        "a preview of OpenFold3; use of3-ob-2025-06-30-174k.pt",
    ),
    (r"constraint_embedder\.", "Protenix with constraints"),
    (r"structure_module\.score_model\.|pairformer_module\.", "Boltz"),
    (r"backbone_trunk\.", "IntelliFold as PyTorch saves it; use its .bin.zst file"),
    (r"evoformer\.blocks\.", "OpenFold or another AlphaFold 2"),
    (r"(esm|trunk)\.", "ESMFold or another model with a folding trunk"),
)


def convert_tensors(path: Path, tensors: Tensors) -> tuple[str, ModelConfig, dict[str, np.ndarray]]:
    """Returns the family of `tensors`, the configuration they are for, and official arrays.

    The configuration is that of the family's known model whose depths are nearest, with as many
    blocks as there are tensors of; a stack of which there are none keeps its own. Prefixes that
    wrappers put before all names are dropped.

    Raises:
        WeightsError: they are of another model, which is named, or are not a whole set.
    """
    tensors = without_prefixes(tensors)
    family = family_of(path, tensors)
    found = {stack: _num_blocks(start, tensors) for stack, start in family.stacks.items()}
    if (other := family.unsupported(tensors, found)) is not None:
        raise WeightsError(f"{path} is of {other}")
    possible = {stack: depth for stack, depth in found.items() if 0 < depth <= _MAX_BLOCKS}
    config = with_depths(nearest_in_depth(configs_of(family.name), found), **possible)
    return family.name, config, official_arrays(path, tensors, family, config)


def official_arrays(
    path: Path, tensors: Tensors, family: TensorFamily, config: ModelConfig
) -> dict[str, np.ndarray]:
    """Returns what tensors of a family are as the official arrays of `config`.

    Raises:
        WeightsError: they are not a whole set.
    """
    tensors = {name: tensor for name, tensor in tensors.items() if not family.is_extra(name)}
    problems = Problems()
    schema = official_schema(config)
    del schema[IDENTIFIER]
    arrays = convert(tensors, family.rules(), schema, problems)
    problems.raise_if_any(path)
    text = family.name.encode().ljust(64)
    return {IDENTIFIER: np.frombuffer(text, np.uint8), **arrays}


def without_prefixes(tensors: Tensors) -> Tensors:
    """Returns tensors under the names that the model itself gives them."""
    for prefix in _PREFIXES * _MAX_WRAPPERS:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def family_of(path: Path, tensors: Tensors) -> TensorFamily:
    """Returns the family whose names tensors have.

    Raises:
        WeightsError: they are of another model.
    """
    for pattern, owner in _NEIGHBOURS:
        if any(re.match(pattern, name) for name in tensors):
            raise WeightsError(f"{path} is of a model that is not supported: {owner}.")
    for family in _FAMILIES:
        if family.marker in tensors:
            return family
    known = ", ".join(family.name for family in _FAMILIES)
    first = printable(", ".join(list(tensors)[:3]))
    raise WeightsError(f"{path} is of an unknown model (not {known}); its tensors are {first}, …")


def nearest_in_depth(configs: Iterable[ModelConfig], blocks: Mapping[str, int]) -> ModelConfig:
    """Returns the one of `configs` of which fewest stacks have another depth than in `blocks`.

    Of several, the one with the fewest blocks more or less.
    """

    def distance(config: ModelConfig) -> tuple[int, int]:
        steps = [abs(depth - blocks[stack]) for stack, depth in depths(config).items()]
        return np.count_nonzero(steps), sum(steps)

    return min(configs, key=distance)


def _num_blocks(start: str, tensors: Tensors) -> int:
    pattern = re.compile(rf"{re.escape(start)}\.blocks\.(\d+)\.")
    return len({match[1] for name in tensors if (match := pattern.match(name))})
