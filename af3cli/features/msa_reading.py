"""The alignments that a job brings for its chains."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Int8

from af3cli.chemistry import one_letter
from af3cli.errors import InputError
from af3cli.features.alignment import (
    Alignment,
    encode_a3m,
    encode_letters,
    query_alignment,
)
from af3cli.features.columns import ChainColumns
from af3cli.features.residue_classes import GAP
from af3cli.job.limits import MIN_RESIDUES_FOR_ALIGNMENT
from af3cli.job.types import Job
from af3cli.tokens.residue_types import CLASS_LETTERS
from af3cli.tokens.types import MoleculeType, Tokens

_MAX_DIFFERENCES_NAMED = 5


def query_letters(chain: ChainColumns, tokens: Tokens) -> str:
    """Returns a polymer's sequence, with its parent's letter for each modified residue."""
    return "".join(map(one_letter, tokens.residue_name[chain.first_token]))


class AlignmentReader:
    """Finds, parses and checks the alignments of a job's chains, each text once."""

    def __init__(self, job: Job, tokens: Tokens) -> None:
        self._tokens = tokens
        self._entities = job.entities
        self._parsed: dict[tuple[int, str], Alignment] = {}

    def read(self, chain: ChainColumns, kind: Literal["paired", "unpaired"]) -> Alignment:
        """Returns a chain's alignment; if none is given or the chain is short, its query alone.

        Raises `InputError` if the alignment cannot be read or is not one of this chain.
        """
        query = self._query(chain)
        index = chain.entity_index
        text = getattr(self._entities[index], f"{kind}_msa", None)
        if not text or text.isspace() or len(chain) < MIN_RESIDUES_FOR_ALIGNMENT:
            return query_alignment(query)
        if (index, kind) not in self._parsed:
            where = f"sequences[{index}].{chain.molecule_type}.{kind}Msa (chain {chain.chain_id})"
            alignment = encode_a3m(text, chain.molecule_type, where)
            _check_query(
                alignment.rows[0], query, self._tokens.residue_name[chain.first_token], where
            )
            self._parsed[index, kind] = alignment
        return self._parsed[index, kind]

    def _query(self, chain: ChainColumns) -> Int8[np.ndarray, "column"]:
        if chain.molecule_type == MoleculeType.LIGAND:
            return np.full(len(chain), GAP, np.int8)
        return encode_letters(query_letters(chain, self._tokens), chain.molecule_type)


def _check_query(
    first_row: Int8[np.ndarray, "some_column"],
    query: Int8[np.ndarray, "column"],
    residue_names: np.ndarray,
    where: str,
) -> None:
    if len(first_row) != len(query):
        raise InputError(
            f"{where}: the first row must be the chain's own sequence, but it has "
            f"{len(first_row)} columns and the chain {len(query)} residues."
        )
    different = np.flatnonzero(first_row != query)
    if len(different) == 0:
        return
    differences = [
        f"residue {column + 1} is {residue_names[column]} ({CLASS_LETTERS[query[column]]}), "
        f"the row has {CLASS_LETTERS[first_row[column]]}"
        for column in different[:_MAX_DIFFERENCES_NAMED]
    ]
    if len(different) > len(differences):
        differences.append(f"and {len(different) - len(differences)} more")
    raise InputError(
        f"{where}: the first row must be the chain's own sequence, a modified residue having its "
        f"parent's letter: {'; '.join(differences)}."
    )
