"""Template features: what the network reads of the structures that a job brings as templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from af3cli.chemistry import one_letter
from af3cli.errors import InputError
from af3cli.features.alignment import encode_letters
from af3cli.features.columns import ChainColumns, chain_columns
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.residue_classes import GAP, GLYCINE, UNKNOWN_AMINO_ACID
from af3cli.features.template_structure import ATOM_NAMES, TemplateChain, read_template
from af3cli.features.types import TemplateFeatures
from af3cli.job.limits import MAX_TEMPLATES
from af3cli.job.types import Job, Template
from af3cli.tokens.types import MoleculeType, Tokens

# Chains of fewer tokens are taken without their templates.
MIN_TOKENS = 5

_NITROGEN, _ALPHA, _BETA = (ATOM_NAMES.index(name) for name in ("N", "CA", "CB"))

# Fields of `TemplateFeatures` but the mask, of one template, over the columns of its chain.
_Aligned = dict[str, np.ndarray]


def template_features(
    job: Job, tokens: Tokens, conventions: FeatureConventions = OFFICIAL_FEATURES
) -> TemplateFeatures:
    """Returns the features of a job's templates, the first four of each protein chain.

    Equal chains share the templates of the first of them. Raises `InputError` for a template that
    cannot be read or that does not have the residues its index lists name.
    """
    chains, token_column = chain_columns(job, tokens)
    placed: list[tuple[int, int, _Aligned]] = []
    num_columns = 0
    for chain, templates in zip(chains, _chain_templates(job, tokens, chains), strict=True):
        by_token = conventions.template_columns_quirk and templates is None
        width = chain.num_tokens if by_token else len(chain)
        if not templates and conventions.template_of_gaps:
            templates = [{"residue_type": np.full(width, GAP, np.int32)}]
        placed += [(slot, num_columns, aligned) for slot, aligned in enumerate(templates or ())]
        num_columns += width
    num_templates = max((slot + 1 for slot, _, _ in placed), default=0)
    fields = _empty(num_templates, num_columns, conventions.absent_template_class)
    for slot, start, aligned in placed:
        for name, values in aligned.items():
            fields[name][slot, start : start + len(values)] = values
    return TemplateFeatures(
        mask=np.ones(num_templates, bool),
        **{name: values[:, token_column] for name, values in fields.items()},
    )


def _chain_templates(
    job: Job, tokens: Tokens, chains: Sequence[ChainColumns]
) -> Iterator[list[_Aligned] | None]:
    """Yields the templates of each chain, `None` for one that is taken without them."""
    of_sequence: dict[tuple[str, ...], list[_Aligned]] = {}
    for chain in chains:
        if chain.molecule_type != MoleculeType.PROTEIN or chain.num_tokens < MIN_TOKENS:
            yield None
            continue
        first = chain.first_token[0]
        sequence = tuple(tokens.residue_name[first : first + chain.num_tokens])
        if sequence not in of_sequence:
            of_sequence[sequence] = _read_templates(job, chain)
        yield of_sequence[sequence]


def _empty(num_templates: int, num_columns: int, residue_class: int) -> _Aligned:
    shape = (num_templates, num_columns)
    return {
        "residue_type": np.full(shape, residue_class, np.int32),
        "pseudo_beta": np.zeros((*shape, 3), np.float32),
        "pseudo_beta_mask": np.zeros(shape, bool),
        "backbone": np.zeros((*shape, 3, 3), np.float32),
        "backbone_mask": np.zeros(shape, bool),
    }


def _read_templates(job: Job, chain: ChainColumns) -> list[_Aligned]:
    templates: Sequence[Template] = job.entities[chain.entity_index].templates or ()
    aligned = []
    for index, template in enumerate(templates[:MAX_TEMPLATES]):
        where = f"sequences[{chain.entity_index}].protein.templates[{index}]"
        structure = read_template(template.mmcif, f"{where}.mmcif")
        _check_indices(template.query_indices, len(chain), f"{where}.queryIndices")
        _check_indices(template.template_indices, len(structure.mask), f"{where}.templateIndices")
        aligned.append(_align(template, structure, len(chain)))
    return aligned


def _check_indices(indices: Sequence[int], length: int, where: str) -> None:
    for index in indices:
        if not 0 <= index < length:
            raise InputError(
                f"{where}: {index} is not an index (counted from 0) into {length} residues."
            )


def _align(template: Template, structure: TemplateChain, num_columns: int) -> _Aligned:
    """Returns what stands in each column of the query.

    Residues that are no standard amino acid have all their atoms at N: the official program looks
    atoms up by slot, and slots that a residue does not use point to the first atom.
    """
    query = np.array(template.query_indices, np.int64)
    hit = np.array(template.template_indices, np.int64)
    residue_type = np.full(num_columns, GAP, np.int32)
    positions = np.zeros((num_columns, *structure.positions.shape[1:]), np.float32)
    mask = np.zeros(positions.shape[:2], bool)
    letters = "".join(map(one_letter, structure.residue_names))
    residue_type[query] = encode_letters(letters, MoleculeType.PROTEIN)[hit]
    positions[query] = structure.positions[hit]
    mask[query] = structure.mask[hit]

    is_standard = residue_type < UNKNOWN_AMINO_ACID
    beta = np.where(residue_type == GLYCINE, _ALPHA, np.where(is_standard, _BETA, _NITROGEN))
    backbone = np.where(is_standard[:, None], np.arange(3), _NITROGEN)
    columns = np.arange(num_columns)
    return {
        "residue_type": residue_type,
        "pseudo_beta": positions[columns, beta],
        "pseudo_beta_mask": mask[columns, beta],
        "backbone": positions[columns[:, None], backbone],
        "backbone_mask": mask[columns[:, None], backbone].all(axis=1),
    }
