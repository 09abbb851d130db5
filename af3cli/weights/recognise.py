"""Which family a set of tensors belongs to, told from their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from af3cli.errors import WeightsError
from af3cli.model.config import ModelConfig
from af3cli.weights.check import Problems
from af3cli.weights.conversion import Rule, convert
from af3cli.weights.families import OPENFOLD3, PROTENIX_BASE, PROTENIX_TINY
from af3cli.weights.openfold3 import is_openfold3_extra, openfold3_rules
from af3cli.weights.protenix import LANGUAGE_MODEL, is_protenix_extra, protenix_rules
from af3cli.weights.schema import IDENTIFIER, official_schema
from af3cli.wording import printable

_MAX_BLOCKS = 64  # of one stack; tensors that share their numbers could name any depth

Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class TensorFamily:
    """How to tell a family's tensors, and how to convert them.

    `stacks` are the beginnings of block names in the order of `_DEPTH_FIELDS`.
    """

    name: str
    marker: str
    rules: Callable[[], Iterator[Rule]]
    is_extra: Callable[[str], bool]
    stacks: tuple[str, ...]


_FAMILIES = (
    TensorFamily(
        "openfold3",
        "aux_heads.pairformer_embedding.linear_i.weight",
        openfold3_rules,
        is_openfold3_extra,
        (
            "pairformer_stack",
            "msa_module",
            "template_embedder.template_pair_stack",
            "aux_heads.pairformer_embedding.pairformer_stack",
            "diffusion_module.diffusion_transformer",
        ),
    ),
    TensorFamily(
        "protenix",
        "confidence_head.linear_no_bias_s1.weight",
        protenix_rules,
        is_protenix_extra,
        (
            "pairformer_stack",
            "msa_module",
            "template_embedder.pairformer_stack",
            "confidence_head.pairformer_stack",
            "diffusion_module.diffusion_transformer",
        ),
    ),
)

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

    Raises:
        WeightsError: they are of another model, which is named, or are not a whole set.
    """
    family = _family(path, tensors)
    config = _config(path, family, tensors)
    tensors = {name: tensor for name, tensor in tensors.items() if not family.is_extra(name)}
    problems = Problems()
    schema = official_schema(config)
    del schema[IDENTIFIER]
    arrays = convert(tensors, family.rules(), schema, problems)
    problems.raise_if_any(path)
    text = family.name.encode().ljust(64)
    return family.name, config, {IDENTIFIER: np.frombuffer(text, np.uint8), **arrays}


def _family(path: Path, tensors: Tensors) -> TensorFamily:
    for pattern, owner in _NEIGHBOURS:
        if any(re.match(pattern, name) for name in tensors):
            raise WeightsError(f"{path} is of a model that is not supported: {owner}.")
    for family in _FAMILIES:
        if family.marker in tensors:
            return family
    known = ", ".join(family.name for family in _FAMILIES)
    first = printable(", ".join(list(tensors)[:3]))
    raise WeightsError(f"{path} is of an unknown model (not {known}); its tensors are {first}, …")


def _config(path: Path, family: TensorFamily, tensors: Tensors) -> ModelConfig:
    pairformer, msa, template, confidence, diffusion = (
        _num_blocks(path, stack, tensors) for stack in family.stacks
    )
    base = OPENFOLD3
    if family.name == "protenix":
        base = PROTENIX_BASE if template else PROTENIX_TINY
        _refuse_other_protenix(path, tensors, pairformer, template)
    return replace(
        base,
        pairformer=replace(base.pairformer, num_blocks=pairformer),
        msa=replace(base.msa, num_blocks=msa),
        template=replace(base.template, stack=replace(base.template.stack, num_blocks=template)),
        confidence=replace(base.confidence, num_blocks=confidence),
        diffusion=replace(base.diffusion, num_blocks=diffusion),
    )


def _refuse_other_protenix(path: Path, tensors: Tensors, pairformer: int, template: int) -> None:
    positions = tensors.get("relative_position_encoding.linear_no_bias.weight")
    if positions is not None and positions.shape[:1] == (256,):
        raise WeightsError(f"{path} is of Protenix v2 (pair width 256), which is not supported.")
    if LANGUAGE_MODEL in tensors and pairformer != PROTENIX_TINY.pairformer.num_blocks:
        raise WeightsError(
            f"{path} is of Protenix with embeddings of a language model (ESM or ISM), which is not "
            "supported; use protenix_mini_default_v0.5.0.pt."
        )
    if pairformer == 48 and not template:
        raise WeightsError(
            f"{path} is of Protenix base v0.5.0, which is not supported; use v1.0.0."
        )


def _num_blocks(path: Path, stack: str, tensors: Tensors) -> int:
    pattern = re.compile(rf"{re.escape(stack)}\.blocks\.(\d+)\.")
    count = len({match[1] for name in tensors if (match := pattern.match(name))})
    if count > _MAX_BLOCKS:
        raise WeightsError(f"{path} has {count} blocks of {stack}, more than any model known here")
    return count
