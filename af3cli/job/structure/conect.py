"""Bonds that a PDB file states by CONECT alone."""

from __future__ import annotations

import gemmi

# In Angstrom: longer than any bond between residues. Atoms may be numbered anew, and CONECT not.
_MAX_BOND = 2.2


def add_conect_links(structure: gemmi.Structure) -> None:
    """Adds links for CONECT records between two residues of which one at least is of a ligand.

    Left out are those with a metal, or a water, or with atoms too far from each other. Residues
    must have their types.
    """
    if not structure.conect_map:
        return
    model = structure[0]
    places = {cra.atom.serial: cra for cra in model.all()}
    stated = {_ends(link.partner1, link.partner2) for link in structure.connections}
    for serial, others in structure.conect_map.items():
        for other in others:
            pair = [places[number] for number in (serial, other) if number in places]
            if len(pair) < 2 or not _is_bond_of_ligand(*pair):
                continue
            partners = [_address(cra) for cra in pair]
            if _ends(*partners) in stated or not all(_is_found(model, cra) for cra in pair):
                continue
            stated.add(_ends(*partners))
            link = gemmi.Connection()
            link.name = f"conect{len(stated)}"
            link.type = gemmi.ConnectionType.Covale
            link.asu = gemmi.Asu.Same
            link.partner1, link.partner2 = partners
            structure.connections.append(link)


def _is_found(model: gemmi.Model, cra: gemmi.CRA) -> bool:
    """Whether the address of an atom is no other's too, as where chains have no names."""
    found = model.find_cra(_address(cra)).atom
    return found is not None and found.serial == cra.atom.serial


def _is_bond_of_ligand(first: gemmi.CRA, second: gemmi.CRA) -> bool:
    types = {first.residue.entity_type, second.residue.entity_type}
    return (
        first.residue != second.residue
        and gemmi.EntityType.NonPolymer in types
        and gemmi.EntityType.Water not in types
        and not first.atom.element.is_metal
        and not second.atom.element.is_metal
        and first.atom.pos.dist(second.atom.pos) < _MAX_BOND
    )


def _address(cra: gemmi.CRA) -> gemmi.AtomAddress:
    return gemmi.AtomAddress(
        cra.chain.name, cra.residue.seqid, cra.residue.name, cra.atom.name, cra.atom.altloc
    )


def _ends(*partners: gemmi.AtomAddress) -> frozenset[str]:
    return frozenset(f"{end.chain_name}/{end.res_id}/{end.atom_name}" for end in partners)
