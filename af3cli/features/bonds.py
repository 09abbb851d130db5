"""Bond features: which tokens are joined by bonds that their residues do not imply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from jaxtyping import Bool, Int32

from af3cli.chemistry import Component, JobComponents
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.reference import residue_components
from af3cli.features.types import BondFeatures
from af3cli.job import AtomAddress, Job
from af3cli.tokens.links import job_links
from af3cli.tokens.residue_types import CENTRES, STANDARD_RESIDUES
from af3cli.tokens.types import Atoms, MoleculeType, Tokens

_Pair = tuple[AtomAddress, AtomAddress]

_LINKS = {
    ("PEPTIDE LINKING", "L-PEPTIDE LINKING", "D-PEPTIDE LINKING"): ("C", "N"),
    ("RNA LINKING", "DNA LINKING"): ("O3'", "P"),
}
"""The atoms by which components of these types are joined along a chain."""


def bond_features(
    job: Job,
    tokens: Tokens,
    atoms: Atoms,
    components: JobComponents,
    conventions: FeatureConventions = OFFICIAL_FEATURES,
) -> BondFeatures:
    """Returns the bonded pairs of tokens at natural size, in the official order.

    First come the job's bonds between polymers and ligands, then those between ligands, then the
    bonds inside residues that are not standard ones, as their components list them, then those
    that `conventions` add. Bonds of atoms that are not in the table are left out.
    """
    links = job_links(job, components)
    residues = residue_components(tokens, components)
    between, others = links.polymer_ligand, links.ligand_ligand
    if conventions.bonds_at_their_atoms:
        inside = _bonds_inside_residues(tokens, residues, tokens.atom_name != "")
        others = chain(others, inside)
        token_of = _tokens_by_atom(tokens, atoms, np.arange(len(atoms)))
    else:
        inside = _bonds_inside_residues(
            tokens, residues, ~np.isin(tokens.residue_name, list(STANDARD_RESIDUES))
        )
        between = _at_centres(between, tokens)
        others = _without_hydrogen(chain(others, inside))
        token_of = _tokens_by_atom(tokens, atoms, tokens.representative_atom)
    pairs = chain(between, others)
    if conventions.distant_polymer_bonds:
        pairs = chain(pairs, _bonds_of_distant_residues(job, tokens))
    if conventions.bonds_along_chains:
        pairs = chain(pairs, _bonds_along_chains(tokens, residues))
    bonded = [
        (token_of[first], token_of[second])
        for first, second in pairs
        if first in token_of and second in token_of
    ]
    rows = np.array(bonded, np.int32).reshape(-1, 2)
    if not conventions.whole_residue_bonds:
        rows = rows[(tokens.atom_name[rows] != "").all(axis=1)]
    return BondFeatures(mask=np.ones(len(rows), bool), tokens=rows)


def _tokens_by_atom(
    tokens: Tokens, atoms: Atoms, rows: Int32[np.ndarray, "row"]
) -> dict[AtomAddress, int]:
    """Returns the token of each atom that is in `rows`."""
    token = atoms.token[rows]
    keys = zip(
        tokens.chain_id[token], tokens.residue_id[token].tolist(), atoms.name[rows], strict=True
    )
    return {AtomAddress(*key): index for key, index in zip(keys, token.tolist(), strict=True)}


def _at_centres(pairs: Iterable[_Pair], tokens: Tokens) -> Iterator[_Pair]:
    """Moves bonds of polymers to the centres of their residues, as the official program does."""
    kind_of = dict(zip(tokens.chain_id, tokens.molecule_type, strict=True))

    def centre(atom: AtomAddress) -> AtomAddress:
        name = CENTRES.get(kind_of[atom.chain_id], atom.atom_name)
        return AtomAddress(atom.chain_id, atom.residue_id, name)

    return ((centre(first), centre(second)) for first, second in pairs)


def _bonds_inside_residues(
    tokens: Tokens, residues: Sequence[Component], wanted: Bool[np.ndarray, "token"]
) -> Iterator[_Pair]:
    for token, component in zip(tokens.residue_start, residues, strict=True):
        if wanted[token]:
            place = tokens.chain_id[token], int(tokens.residue_id[token])
            for first, second in component.atom_name[component.bond_atoms]:
                yield AtomAddress(*place, first), AtomAddress(*place, second)


def _bonds_of_distant_residues(job: Job, tokens: Tokens) -> Iterator[_Pair]:
    """Yields the job's bonds between polymers, but not those of neighbours in one chain."""
    polymers = set(tokens.chain_id[tokens.molecule_type != MoleculeType.LIGAND])
    for first, second in job.bonds:
        is_far = abs(first.residue_id - second.residue_id) > 1
        chain_ids = {first.chain_id, second.chain_id}
        if chain_ids <= polymers and (is_far or len(chain_ids) == 2):
            yield first, second


def _bonds_along_chains(tokens: Tokens, residues: Sequence[Component]) -> Iterator[_Pair]:
    """Yields the bonds between residues that follow each other in a polymer."""
    for ends, (before, after) in zip(
        pairwise(tokens.residue_start), pairwise(residues), strict=True
    ):
        chain_ids = tokens.chain_id[list(ends)]
        is_polymer = tokens.molecule_type[ends[0]] != MoleculeType.LIGAND
        if is_polymer and chain_ids[0] == chain_ids[1]:
            numbers = tokens.residue_id[list(ends)].tolist()
            for types, names in _LINKS.items():
                if before.type in types and after.type in types:
                    left, right = map(AtomAddress, chain_ids, numbers, names)
                    yield left, right


def _without_hydrogen(pairs: Iterable[_Pair]) -> Iterator[_Pair]:
    """Leaves out atoms called H..., as the official program does; mercury is one of them."""
    return (pair for pair in pairs if not any(atom.atom_name.startswith("H") for atom in pair))
