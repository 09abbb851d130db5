"""Alignment features: the rows of all chains side by side, and profiles.

First come rows of species that several chains share, paired, then each chain's own
(supplementary information of Abramson et al. 2024, section 2.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int8

from af3cli.features.alignment import Alignment, query_alignment
from af3cli.features.columns import ChainColumns, chain_columns
from af3cli.features.conventions import MAX_ROWS, OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.msa_pairing import MAX_PAIRED_ROWS, pair_rows, species_of
from af3cli.features.msa_reading import AlignmentReader, query_letters
from af3cli.features.residue_classes import (
    GAP,
    UNKNOWN_AMINO_ACID,
    UNKNOWN_NUCLEOTIDE,
    UNKNOWN_RNA,
)
from af3cli.features.types import MsaFeatures
from af3cli.job.types import Job
from af3cli.tokens.types import MoleculeType, Tokens

_MAX_DELETIONS = np.iinfo(np.int8).max
_LETTERS_PER_BLOCK = 1 << 22


def msa_features(
    job: Job, tokens: Tokens, conventions: FeatureConventions = OFFICIAL_FEATURES
) -> MsaFeatures:
    """Returns the alignment features of a job.

    An alignment of `None` counts as none. Raises `InputError` for one that cannot be read or
    whose first row is not the chain's sequence.
    """
    chains, token_column = chain_columns(job, tokens)
    reader = AlignmentReader(job, tokens)
    unpaired = [_unpaired(reader, chain, conventions) for chain in chains]
    num_classes = conventions.num_residue_types
    profile = np.concatenate([_profile(alignment.rows, num_classes) for alignment in unpaired])
    deletion_mean = np.concatenate([alignment.deletions.mean(axis=0) for alignment in unpaired])
    if _num_distinct_proteins(chains, tokens) > 1:
        paired = _pair([reader.read(chain, "paired") for chain in chains])
        first = 1 if conventions.query_after_paired_rows else 0
        unpaired = [
            _without(own, other.rows[first:]) for own, other in zip(unpaired, paired, strict=True)
        ]
    else:
        paired = [query_alignment(alignment.rows[0]) for alignment in unpaired]
    rows, deletions = _stack(paired, unpaired)
    if conventions.query_fills_rows:
        _fill_rows(rows, chains)
    features = MsaFeatures(
        row_mask=np.ones(len(rows), bool),
        rows=rows[:, token_column],
        deletions=deletions[:, token_column],
        profile=profile[token_column],
        deletion_mean=deletion_mean[token_column].astype(np.float32),
    )
    return _by_molecule(features, tokens, conventions)


def _unpaired(
    reader: AlignmentReader, chain: ChainColumns, conventions: FeatureConventions
) -> Alignment:
    """Returns the alignment that makes a chain's profile and its own rows."""
    alignment = reader.read(chain, "unpaired")
    if conventions.paired_rows_in_unpaired:
        alignment = reader.read(chain, "paired").followed_by(alignment)
    if conventions.unique_rows:
        _, first = np.unique(alignment.rows, axis=0, return_index=True)
        alignment = alignment.take(np.sort(first))
    return alignment


def _fill_rows(rows: Int8[np.ndarray, "row column"], chains: Sequence[ChainColumns]) -> None:
    """Puts the query where a chain that is no protein has gaps only."""
    end = 0
    for chain in chains:
        columns = slice(end, end + len(chain))
        end = columns.stop
        if chain.molecule_type != MoleculeType.PROTEIN:
            rows[(rows[:, columns] == GAP).all(axis=1), columns] = rows[0, columns]


def _by_molecule(msa: MsaFeatures, tokens: Tokens, conventions: FeatureConventions) -> MsaFeatures:
    """Returns features as the conventions have them for tokens of DNA, RNA and ligands."""
    rows, profile = msa.rows, msa.profile
    is_dna, is_rna, is_ligand = (
        tokens.molecule_type == kind
        for kind in (MoleculeType.DNA, MoleculeType.RNA, MoleculeType.LIGAND)
    )
    if conventions.num_residue_types > UNKNOWN_RNA:
        rows[(rows == UNKNOWN_NUCLEOTIDE) & is_rna] = UNKNOWN_RNA
        profile[is_rna, UNKNOWN_RNA] = profile[is_rna, UNKNOWN_NUCLEOTIDE]
        profile[is_rna, UNKNOWN_NUCLEOTIDE] = 0
    if not conventions.rows_of_dna_and_ligands:
        rows[:, is_dna | is_ligand] = GAP
        profile[is_dna | is_ligand] = 0
    if conventions.unknown_ligand_columns:
        rows[:, is_ligand] = UNKNOWN_AMINO_ACID
        profile[is_ligand] = np.arange(conventions.num_residue_types) == UNKNOWN_AMINO_ACID
    return replace(msa, rows=rows, profile=profile)


def _num_distinct_proteins(chains: Sequence[ChainColumns], tokens: Tokens) -> int:
    proteins = [chain for chain in chains if chain.molecule_type == MoleculeType.PROTEIN]
    return len({query_letters(chain, tokens) for chain in proteins})


def _profile(
    rows: Int8[np.ndarray, "row column"], num_classes: int
) -> Float32[np.ndarray, "column class"]:
    """Returns how often each class stands in each column, as a fraction of the rows.

    Fractions are summed one row at a time, as the official program does, so that rounding agrees.
    """
    depth, width = rows.shape
    first_of_column = np.arange(width) * num_classes
    counts = np.zeros(width * num_classes, np.int64)
    for block in np.array_split(rows, rows.size // _LETTERS_PER_BLOCK + 1):
        counts += np.bincount((block + first_of_column).ravel(), minlength=len(counts))
    fraction_of_count = np.cumsum(np.append(0.0, np.full(depth, 1.0 / depth)))
    return fraction_of_count[counts].reshape(width, num_classes).astype(np.float32)


def _pair(alignments: Sequence[Alignment]) -> list[Alignment]:
    """Returns the alignments of equal depth in which rows of one species stand side by side."""
    rows = pair_rows([species_of(alignment.headers) for alignment in alignments])
    return [alignment.take(rows[:, chain]) for chain, alignment in enumerate(alignments)]


def _without(alignment: Alignment, others: Int8[np.ndarray, "other column"]) -> Alignment:
    """Returns the rows of `alignment` that are not among `others`, whatever their insertions."""
    taken = {row.tobytes() for row in others}
    return alignment.take(np.flatnonzero([row.tobytes() not in taken for row in alignment.rows]))


def _stack(
    paired: Sequence[Alignment], unpaired: Sequence[Alignment]
) -> tuple[Int8[np.ndarray, "row column"], Int8[np.ndarray, "row column"]]:
    """Returns rows and deletions of all chains, the paired rows first.

    Paired rows that are all gap are left out; chains with fewer unpaired rows than others are
    filled up with gaps.
    """
    paired_rows = np.concatenate([alignment.rows for alignment in paired], axis=1)
    is_kept = (paired_rows != GAP).any(axis=1)
    paired_rows = paired_rows[is_kept][:MAX_PAIRED_ROWS]
    num_paired = len(paired_rows)
    depth = min(max(len(alignment.rows) for alignment in unpaired), MAX_ROWS - num_paired)
    rows = np.full((num_paired + depth, paired_rows.shape[1]), GAP, np.int8)
    deletions = np.zeros(rows.shape, np.int8)
    rows[:num_paired] = paired_rows
    column = 0
    for pairs, own in zip(paired, unpaired, strict=True):
        columns = slice(column, column + own.rows.shape[1])
        end = num_paired + min(depth, len(own.rows))
        rows[num_paired:end, columns] = own.rows[:depth]
        counts = np.concatenate([pairs.deletions[is_kept][:num_paired], own.deletions[:depth]])
        deletions[:end, columns] = np.minimum(counts, _MAX_DELETIONS)
        column = columns.stop
    return rows, deletions
