"""Chains, entities, sequences and residues of a predicted structure, as mmCIF tables.

As in the official program's files, every chain is an entity of its own, numbered in chain order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Int32, Shaped

from af3cli.job import Job
from af3cli.output.cif_tables import INAPPLICABLE, add_table
from af3cli.tokens.types import MoleculeType, Tokens

if TYPE_CHECKING:
    from gemmi import cif

POLYMER_TYPES = {
    MoleculeType.PROTEIN: "polypeptide(L)",
    MoleculeType.RNA: "polyribonucleotide",
    MoleculeType.DNA: "polydeoxyribonucleotide",
}


@dataclass(frozen=True)
class Residues:
    """One row per residue, in token order; `token` is the first row of each in `Tokens`.

    `number` is 1-based as in the job, `name` a CCD code.
    """

    token: Int32[np.ndarray, "residue"]
    asym_id: Int32[np.ndarray, "residue"]
    chain_id: Shaped[np.ndarray, "residue"]
    number: Int32[np.ndarray, "residue"]
    name: Shaped[np.ndarray, "residue"]
    molecule_type: Shaped[np.ndarray, "residue"]
    is_polymer: Bool[np.ndarray, "residue"]

    def __len__(self) -> int:
        return len(self.token)

    @property
    def label_number(self) -> Shaped[np.ndarray, "residue"]:
        """The `label_seq_id` of each residue, which only polymers have, as text."""
        return np.where(self.is_polymer, self.number.astype(str), INAPPLICABLE)


def residues_of(tokens: Tokens) -> Residues:
    """Returns the residues that the tokens belong to."""
    first = tokens.residue_start
    return Residues(
        token=first,
        asym_id=tokens.asym_id[first],
        chain_id=tokens.chain_id[first],
        number=tokens.residue_id[first],
        name=tokens.residue_name[first],
        molecule_type=tokens.molecule_type[first],
        is_polymer=tokens.molecule_type[first] != MoleculeType.LIGAND,
    )


def add_chain_tables(block: cif.Block, job: Job, residues: Residues) -> None:
    """Adds the tables of entities, their sequences, and the chains that are instances of them."""
    asym_ids, first, counts = np.unique(residues.asym_id, return_index=True, return_counts=True)
    chain_ids, kinds = residues.chain_id[first], residues.molecule_type[first]
    descriptions = {i: entity.description for entity in job.entities for i in entity.ids}
    add_table(
        block,
        "entity",
        {
            "id": asym_ids,
            "type": [_entity_type(*item) for item in zip(kinds, counts, strict=True)],
            "pdbx_description": [descriptions.get(i) or INAPPLICABLE for i in chain_ids],
        },
    )
    polymer = residues.is_polymer[first]
    add_table(
        block,
        "entity_poly",
        {
            "entity_id": asym_ids[polymer],
            "type": [POLYMER_TYPES[kind] for kind in kinds[polymer]],
            "pdbx_strand_id": chain_ids[polymer],
        },
    )
    add_table(block, "struct_asym", {"id": chain_ids, "entity_id": asym_ids})
    add_table(
        block,
        "ma_target_entity",
        {
            "entity_id": asym_ids,
            "data_id": ["1"] * len(asym_ids),
            "origin": [INAPPLICABLE] * len(asym_ids),
        },
    )
    add_table(
        block,
        "ma_target_entity_instance",
        {
            "asym_id": chain_ids,
            "entity_id": asym_ids,
            "details": [INAPPLICABLE] * len(asym_ids),
        },
    )
    _add_residue_tables(block, residues, np.repeat(counts > 1, counts))


def _entity_type(kind: MoleculeType, num_residues: int) -> str:
    if kind in POLYMER_TYPES:
        return "polymer"
    return "branched" if num_residues > 1 else "non-polymer"


def _add_residue_tables(
    block: cif.Block, residues: Residues, in_many: Bool[np.ndarray, "residue"]
) -> None:
    """Adds the sequences, and how each kind of residue is numbered."""
    polymer = residues.is_polymer
    branched, single = ~polymer & in_many, ~polymer & ~in_many

    def columns(rows: np.ndarray, **items: np.ndarray | str) -> dict[str, object]:
        """Returns the items restricted to some residues; texts are repeated."""
        return {
            item: [value] * int(rows.sum()) if isinstance(value, str) else value[rows]
            for item, value in items.items()
        }

    entity, chain, number, name = (
        residues.asym_id,
        residues.chain_id,
        residues.number,
        residues.name,
    )
    sequence = columns(polymer, entity_id=entity, num=number, mon_id=name, hetero="n")
    add_table(block, "entity_poly_seq", sequence)
    branch_list = columns(branched, entity_id=entity, num=number, comp_id=name, hetero="n")
    add_table(block, "pdbx_entity_branch_list", branch_list)
    shared = {
        "asym_id": chain,
        "entity_id": entity,
        "mon_id": name,
        "pdb_seq_num": number,
        "auth_seq_num": number,
        "pdb_ins_code": INAPPLICABLE,
    }
    add_table(
        block,
        "pdbx_poly_seq_scheme",
        columns(polymer, **shared, seq_id=number, pdb_strand_id=chain, hetero="n"),
    )
    add_table(
        block,
        "pdbx_branch_scheme",
        columns(branched, **shared, num=number, pdb_asym_id=chain, auth_asym_id=chain, hetero="n"),
    )
    add_table(
        block,
        "pdbx_nonpoly_scheme",
        columns(single, **shared, ndb_seq_num=number, pdb_strand_id=chain),
    )
