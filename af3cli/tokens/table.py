"""The token table as people and files see it, and in words how its rows come about."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Shaped

from af3cli.chemistry import ComponentDictionary
from af3cli.job import ChainSource, Job
from af3cli.job.places import entity_place
from af3cli.tokens.chains import Chain, job_chains
from af3cli.tokens.tokenize import LEFT_OUT, chains_left_out
from af3cli.tokens.types import MoleculeType, Tokens

TABLE_COLUMNS = {
    "chain_id": np.dtype(object),
    "asym_id": np.dtype(np.int32),
    "entity_id": np.dtype(np.int32),
    "sym_id": np.dtype(np.int32),
    "molecule_type": np.dtype(object),
    "residue_id": np.dtype(np.int32),
    "residue_name": np.dtype(object),
    "atom_name": np.dtype(object),
    "is_modified": np.dtype(bool),
    "label_chain_id": np.dtype(object),
    "author_chain_id": np.dtype(object),
    "author_residue_id": np.dtype(object),
}
"""Columns of the table that goes with embeddings; objects are `str`."""
SOURCE_COLUMNS = tuple(TABLE_COLUMNS)[-3:]
"""What the token's chain and residue are called in a structure file; empty for other jobs."""

CHAIN_ORDER = (
    "Chains are ordered by id (A to Z, then AA, BA, CA, ...), as in the official program, "
    "whatever their order in the job."
)
_MAX_LISTED = 4


def token_table(tokens: Tokens, sources: Iterable[ChainSource] = ()) -> Shaped[np.ndarray, "token"]:
    """Returns a structured array with the columns of `TABLE_COLUMNS`.

    `sources` are those of the job, which a job has that was read from a structure file.
    """
    table = np.empty(len(tokens), list(TABLE_COLUMNS.items()))
    for name in TABLE_COLUMNS.keys() - SOURCE_COLUMNS:
        table[name] = getattr(tokens, name)
    table["molecule_type"] = [str(value) for value in tokens.molecule_type]
    for name in SOURCE_COLUMNS:
        table[name] = ""
    for source in sources:
        rows = tokens.chain_id == source.chain_id
        table["label_chain_id"][rows] = source.label_chain_id
        table["author_chain_id"][rows] = source.author_chain_id
        residue_ids = np.array(source.author_residue_ids, object)
        table["author_residue_id"][rows] = residue_ids[tokens.residue_id[rows] - 1]
    return table


def explain_chains(job: Job, tokens: Tokens) -> list[str]:
    """Returns a line for each chain of the job, in the order of their rows."""
    return [_explain(chain, tokens) for chain in job_chains(job)]


def left_out_notes(job: Job, components: ComponentDictionary) -> list[str]:
    """Returns a note for each chain that has no rows, with the place of its entity."""
    left_out = set(chains_left_out(job, components))
    return [
        f"{entity_place(number, entity)}: chain {chain_id} {LEFT_OUT}"
        for number, entity in enumerate(job.entities)
        for chain_id in entity.ids
        if chain_id in left_out
    ]


def _explain(chain: Chain, tokens: Tokens) -> str:
    rows = np.flatnonzero(tokens.chain_id == chain.chain_id)
    title = f"chain {chain.chain_id}, {_kind(chain)}"
    if not len(rows):
        return f"{title}: {LEFT_OUT}"
    place = f"rows {rows[0]} to {rows[-1]}" if len(rows) > 1 else f"row {rows[0]}"
    if chain.molecule_type == MoleculeType.LIGAND:
        return f"{title}: {place}, one for each heavy atom"
    return f"{title}: {place}, one for each residue{_explain_modified(rows, tokens)}"


def _kind(chain: Chain) -> str:
    if chain.molecule_type == MoleculeType.LIGAND:
        return f"ligand {_listed(chain.codes)}"
    return f"{chain.molecule_type} of {len(chain.codes)} residues"


def _explain_modified(rows: Shaped[np.ndarray, "row"], tokens: Tokens) -> str:
    """Returns which residues have a row for each atom, "" if none has."""
    rows = rows[tokens.atom_name[rows] != ""]
    numbers, first = np.unique(tokens.residue_id[rows], return_index=True)
    if not len(numbers):
        return ""
    names = [
        f"{number} ({name})"
        for number, name in zip(numbers, tokens.residue_name[rows[first]], strict=True)
    ]
    return f"; one for each heavy atom of modified residue{'s'[: len(names) > 1]} {_listed(names)}"


def _listed(names: list[str] | tuple[str, ...]) -> str:
    more = len(names) - _MAX_LISTED
    return ", ".join(names[:_MAX_LISTED]) + (f" and {more} more" if more > 0 else "")
