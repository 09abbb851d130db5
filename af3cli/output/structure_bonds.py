"""Components and bonds of a predicted structure, as mmCIF tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from af3cli.chemistry import Component, JobComponents
from af3cli.chemistry.component import DESCRIPTION_ITEMS
from af3cli.job import Job
from af3cli.output.cif_tables import INAPPLICABLE, UNKNOWN, add_table
from af3cli.output.structure_atoms import residue_of_atom
from af3cli.output.structure_chains import Residues
from af3cli.tokens.residue_types import STANDARD_RESIDUES
from af3cli.tokens.types import Atoms, MoleculeType

if TYPE_CHECKING:
    from gemmi import cif

_ORDERS = {0: UNKNOWN, 1: "SING", 2: "DOUB", 3: "TRIP"}
_LINKING_ATOMS = {
    MoleculeType.PROTEIN: ("C", "N"),
    MoleculeType.RNA: ("O3'", "P"),
    MoleculeType.DNA: ("O3'", "P"),
}
_AtomKey = tuple[str, int, str]


def add_component_tables(block: cif.Block, residues: Residues, components: JobComponents) -> None:
    """Adds every component with its heavy atoms and bonds, which a reader may not know."""
    names = sorted(set(residues.name))
    entries = [components.get(name) for name in names]
    described = [entry.description for entry in entries]
    columns = {
        "id": names,
        **{
            item: [getattr(each, field) or UNKNOWN for each in described]
            for field, item in DESCRIPTION_ITEMS.items()
        },
        "mon_nstd_flag": [_nonstandard_flag(entry) for entry in entries],
    }
    if any(entry.smiles for entry in entries):
        columns["pdbx_smiles"] = [entry.smiles or UNKNOWN for entry in entries]
    add_table(block, "chem_comp", columns)
    _add_component_atoms(block, entries)
    _add_component_bonds(block, entries)


def _nonstandard_flag(component: Component) -> str:
    if component.smiles:
        return UNKNOWN
    if component.type == "NON-POLYMER":
        return INAPPLICABLE
    return "n" if component.parent else "y"


def _add_component_atoms(block: cif.Block, components: list[Component]) -> None:
    rows = [
        (entry.code, entry.atom_name[i], entry.element[i].upper(), _whole(entry.charge[i]))
        for entry in components
        for i in entry.heavy
    ]
    items = ("comp_id", "atom_id", "type_symbol", "charge")
    add_table(block, "chem_comp_atom", dict(zip(items, zip(*rows, strict=True), strict=True)))


def _add_component_bonds(block: cif.Block, components: list[Component]) -> None:
    rows = [
        (
            entry.code,
            entry.atom_name[one],
            entry.atom_name[other],
            _ORDERS[int(order)],
            "Y" if aromatic else "N",
        )
        for entry in components
        for (one, other), order, aromatic in zip(
            entry.bond_atoms, entry.bond_order, entry.bond_is_aromatic, strict=True
        )
        if np.isin([one, other], entry.heavy).all()
    ]
    if rows:
        items = ("comp_id", "atom_id_1", "atom_id_2", "value_order", "pdbx_aromatic_flag")
        add_table(block, "chem_comp_bond", dict(zip(items, zip(*rows, strict=True), strict=True)))


def _whole(charge: float) -> str:
    return UNKNOWN if np.isnan(charge) else str(int(charge))


def add_connections(block: cif.Block, job: Job, residues: Residues, atoms: Atoms) -> None:
    """Adds the bonds that the job gives, then those of modified residues to their neighbours.

    As in the official program, a bond of an atom that is not modelled is left out.
    """
    residue = residue_of_atom(residues, atoms)
    pairs = _bonded_atoms(job, residues, residue, atoms)
    if not pairs:
        return
    kinds = [_connection_type(residues, residue, atoms, *pair) for pair in pairs]
    columns = {"id": _numbered(kinds), "conn_type_id": kinds}
    for partner, rows in enumerate(np.array(pairs).T, start=1):
        columns |= _partner_columns(partner, residues, residue[rows], atoms.name[rows])
    columns |= {name: [UNKNOWN] * len(pairs) for name in ("pdbx_role", "pdbx_value_order")}
    add_table(block, "struct_conn", columns)
    names = sorted(set(kinds))
    unknown = [UNKNOWN] * len(names)
    add_table(block, "struct_conn_type", {"id": names, "criteria": unknown, "reference": unknown})


def _bonded_atoms(
    job: Job, residues: Residues, residue: Shaped[np.ndarray, "atom"], atoms: Atoms
) -> list[tuple[int, int]]:
    """Returns the rows of the atoms that are bonded."""
    keys = zip(
        residues.chain_id[residue], residues.number[residue].tolist(), atoms.name, strict=True
    )
    row_of = {key: row for row, key in enumerate(keys)}
    bonds = [[(a.chain_id, a.residue_id, a.atom_name) for a in bond] for bond in job.bonds]
    bonds += _polymer_links(residues)
    return [
        (row_of[one], row_of[other]) for one, other in bonds if one in row_of and other in row_of
    ]


def _numbered(kinds: Sequence[str]) -> list[str]:
    """Returns the names of connections: those of each kind are numbered from 1."""
    numbers = {kind: count(1) for kind in kinds}
    return [f"{kind}{next(numbers[kind])}" for kind in kinds]


def _partner_columns(
    partner: int,
    residues: Residues,
    residue: Shaped[np.ndarray, "bond"],
    atom_name: Shaped[np.ndarray, "bond"],
) -> dict[str, Sequence[object]]:
    """Returns what says where the first or second partners of bonds are, by item."""
    chain, unknown = residues.chain_id[residue], [UNKNOWN] * len(residue)
    return {
        f"ptnr{partner}_label_asym_id": chain,
        f"ptnr{partner}_label_comp_id": residues.name[residue],
        f"ptnr{partner}_label_seq_id": residues.label_number[residue],
        f"ptnr{partner}_label_atom_id": atom_name,
        f"pdbx_ptnr{partner}_label_alt_id": unknown,
        f"pdbx_ptnr{partner}_PDB_ins_code": unknown,
        f"ptnr{partner}_auth_asym_id": chain,
        f"ptnr{partner}_auth_seq_id": residues.number[residue],
        f"ptnr{partner}_symmetry": ["1_555"] * len(residue),
    }


def _polymer_links(residues: Residues) -> list[tuple[_AtomKey, _AtomKey]]:
    """Returns the bonds along polymers that touch a modified residue."""
    standard = np.isin(residues.name, sorted(STANDARD_RESIDUES))
    neighbours = (residues.asym_id[:-1] == residues.asym_id[1:]) & residues.is_polymer[:-1]
    return [
        tuple(
            (residues.chain_id[row], int(residues.number[row]), name)
            for row, name in zip(
                (left, left + 1), _LINKING_ATOMS[residues.molecule_type[left]], strict=True
            )
        )
        for left in np.flatnonzero(neighbours & ~(standard[:-1] & standard[1:]))
    ]


def _connection_type(
    residues: Residues, residue: Shaped[np.ndarray, "atom"], atoms: Atoms, one: int, other: int
) -> str:
    """Returns "disulf" for a bond of two cysteines' sulfurs, else "covale"."""
    sulfurs = [
        atoms.name[row] == "SG" and residues.name[residue[row]] == "CYS" for row in (one, other)
    ]
    return "disulf" if all(sulfurs) else "covale"
