"""Bond features: which tokens are joined by bonds that their residues do not imply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from af3cli.chemistry import ComponentDictionary
from af3cli.features.conventions import OFFICIAL_FEATURES, FeatureConventions
from af3cli.features.reference import residue_components
from af3cli.features.types import BondFeatures
from af3cli.job import AtomAddress, Job
from af3cli.tokens.links import job_links
from af3cli.tokens.residue_types import CENTRES, STANDARD_RESIDUES
from af3cli.tokens.types import Atoms, Tokens

_Pair = tuple[AtomAddress, AtomAddress]


def bond_features(
    job: Job,
    tokens: Tokens,
    atoms: Atoms,
    components: ComponentDictionary,
    conventions: FeatureConventions = OFFICIAL_FEATURES,
) -> BondFeatures:
    """Returns the bonded pairs of tokens at natural size, in the official order.

    First come the job's bonds between polymers and ligands, then those between ligands, then the
    bonds inside residues that are not standard ones, as their components list them. Bonds of atoms
    that are not representative of a token are left out.
    """
    links = job_links(job, components)
    kind_of = dict(zip(tokens.chain_id, tokens.molecule_type, strict=True))
    names = atoms.name[tokens.representative_atom]
    keys = zip(tokens.chain_id, tokens.residue_id.tolist(), names, strict=True)
    token_of = {AtomAddress(*key): token for token, key in enumerate(keys)}

    def centre(atom: AtomAddress) -> AtomAddress:
        name = CENTRES.get(kind_of[atom.chain_id], atom.atom_name)
        return AtomAddress(atom.chain_id, atom.residue_id, name)

    between = ((centre(first), centre(second)) for first, second in links.polymer_ligand)
    inside = _bonds_inside_residues(job, tokens, components)
    pairs = chain(between, _without_hydrogen(chain(links.ligand_ligand, inside)))
    bonded = [
        (token_of[first], token_of[second])
        for first, second in pairs
        if first in token_of and second in token_of
    ]
    rows = np.array(bonded, np.int32).reshape(-1, 2)
    if not conventions.whole_residue_bonds:
        rows = rows[(tokens.atom_name[rows] != "").all(axis=1)]
    return BondFeatures(mask=np.ones(len(rows), bool), tokens=rows)


def _bonds_inside_residues(
    job: Job, tokens: Tokens, components: ComponentDictionary
) -> Iterator[_Pair]:
    residues = residue_components(job, tokens, components)
    for token, component in zip(tokens.residue_start, residues, strict=True):
        if component.code not in STANDARD_RESIDUES:
            place = tokens.chain_id[token], int(tokens.residue_id[token])
            for first, second in component.atom_name[component.bond_atoms]:
                yield AtomAddress(*place, first), AtomAddress(*place, second)


def _without_hydrogen(pairs: Iterable[_Pair]) -> Iterator[_Pair]:
    """Leaves out atoms called H..., as the official program does; mercury is one of them."""
    return (pair for pair in pairs if not any(atom.atom_name.startswith("H") for atom in pair))
