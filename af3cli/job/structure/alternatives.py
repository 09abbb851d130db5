"""Ligands of which a place has one or another."""

from __future__ import annotations

import gemmi

from af3cli.job.structure.tables import Chain, rows_of


def alternative_ligands(block: gemmi.cif.Block, chains: list[Chain]) -> list[Chain]:
    """The single components that are alternatives to one before them.

    They have its author's chain and residue number, and are at other alternative locations.
    """
    places: dict[tuple[str, str], list[Chain]] = {}
    for chain in chains:
        if not chain.is_polymer and len(chain.residues) == 1:
            place = chain.author, chain.residues[0].author_number
            places.setdefault(place, []).append(chain)
    shared = [ligands for ligands in places.values() if len(ligands) > 1]
    if not shared:
        return []
    locations: dict[str, set[str]] = {}
    for label, location in rows_of(block, "_atom_site.", "label_asym_id", "label_alt_id"):
        locations.setdefault(label, set()).add(location)
    found = []
    for ligands in shared:
        first, *others = (locations.get(chain.label, {""}) for chain in ligands)
        found += [
            chain
            for chain, other in zip(ligands[1:], others, strict=True)
            if "" not in first | other and first.isdisjoint(other)
        ]
    return found
