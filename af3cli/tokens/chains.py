"""The chains of a job in the official order, residue by residue."""

from __future__ import annotations

from dataclasses import dataclass

from af3cli.job import Dna, Entity, Job, Ligand, Protein, Rna, chain_order
from af3cli.job.names import smiles_code
from af3cli.tokens.residue_types import sequence_components
from af3cli.tokens.types import MoleculeType

_MOLECULE_TYPES = {
    Protein: MoleculeType.PROTEIN,
    Rna: MoleculeType.RNA,
    Dna: MoleculeType.DNA,
    Ligand: MoleculeType.LIGAND,
}


@dataclass(frozen=True)
class Chain:
    """One chain. `codes` are its components; `modified` holds 1-based residue numbers."""

    chain_id: str
    molecule_type: MoleculeType
    codes: tuple[str, ...]
    modified: frozenset[int] = frozenset()


def job_chains(job: Job) -> list[Chain]:
    """Returns the job's chains ordered by id: A to Z, then AA, BA, CA and so on."""
    chains = [_chain(entity, chain_id) for entity in job.entities for chain_id in entity.ids]
    return sorted(chains, key=lambda chain: chain_order(chain.chain_id))


def _chain(entity: Entity, chain_id: str) -> Chain:
    molecule_type = _MOLECULE_TYPES[type(entity)]
    if isinstance(entity, Ligand):
        codes = entity.ccd_codes if entity.smiles is None else (smiles_code(chain_id),)
        return Chain(chain_id, molecule_type, tuple(codes))
    codes = sequence_components(entity.sequence, molecule_type)
    for modification in entity.modifications:
        codes[modification.position - 1] = modification.ccd_code
    modified = frozenset(modification.position for modification in entity.modifications)
    return Chain(chain_id, molecule_type, tuple(codes), modified)


def atom_source(code: str) -> str:
    """Returns the component whose atoms the residue has: an unknown amino acid has glycine's."""
    return "GLY" if code == "UNK" else code
