"""Columns: what alignments and templates have one of, where the network has tokens.

A polymer has a column per residue, even where a modified residue is many tokens; a ligand has one
per atom. But all atoms of a ligand's residue read the first of their columns, as in the official
program: templates that are moved by a modified base can reach them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from af3cli.job.types import Job
from af3cli.tokens.types import MoleculeType, Tokens


@dataclass(frozen=True)
class ChainColumns:
    """The columns of one chain. `first_token` is the token at which each column begins.

    `entity_index` is the place of the chain's entity in the job.
    """

    chain_id: str
    entity_index: int
    molecule_type: MoleculeType
    num_tokens: int
    first_token: Int32[np.ndarray, "column"]

    def __len__(self) -> int:
        return len(self.first_token)


def chain_columns(
    job: Job, tokens: Tokens
) -> tuple[list[ChainColumns], Int32[np.ndarray, "token"]]:
    """Returns the chains in token order, and the column that each token reads, counted over all."""
    is_ligand = tokens.molecule_type == MoleculeType.LIGAND
    begins = is_ligand.copy()
    begins[tokens.residue_start] = True
    column = np.cumsum(begins) - 1
    residue = np.searchsorted(tokens.residue_start, np.arange(len(tokens)), side="right") - 1
    column = np.where(is_ligand, column[tokens.residue_start][residue], column)
    chain_starts = np.flatnonzero(np.diff(tokens.asym_id, prepend=0))
    chain_ends = np.append(chain_starts[1:], len(tokens))
    entity_index = {
        chain_id: index for index, entity in enumerate(job.entities) for chain_id in entity.ids
    }
    chains = [
        ChainColumns(
            chain_id=tokens.chain_id[start],
            entity_index=entity_index[tokens.chain_id[start]],
            molecule_type=MoleculeType(tokens.molecule_type[start]),
            num_tokens=int(end - start),
            first_token=(start + np.flatnonzero(begins[start:end])).astype(np.int32),
        )
        for start, end in zip(chain_starts, chain_ends, strict=True)
    ]
    return chains, column.astype(np.int32)
