"""Residue names of molecular dynamics that are other components in the dictionary."""

from __future__ import annotations

from collections.abc import Iterable

import gemmi

from af3cli.job.structure.tables import Chain, rows_of

# By name: the component that is meant, and an atom that the one of this name has not.
SIMULATION_NAMES = {
    **{name: ("HIS", "CA") for name in ("HID", "HIE", "HSD", "HSP")},
    "HSE": ("HIS", "CB"),
    "CYX": ("CYS", "CA"),
    "ASH": ("ASP", "CA"),
    "GLH": ("GLU", "OE2"),
    "SOL": ("HOH", "OW"),
    "SOD": ("NA", "SOD"),
    "POT": ("K", "POT"),
    "CLA": ("CL", "CLA"),
    "CAL": ("CA", "CAL"),
    "CES": ("CS", "CES"),
}


def simulation_names(block: gemmi.cif.Block, chains: Iterable[Chain]) -> dict[str, str]:
    """The names that chains have from molecular dynamics, by their atoms, and what they mean."""
    used = {residue.code for chain in chains for residue in chain.residues}
    if used.isdisjoint(SIMULATION_NAMES):
        return {}
    atoms = set(map(tuple, rows_of(block, "_atom_site.", "label_comp_id", "label_atom_id")))
    return {
        name: meant
        for name, (meant, atom) in SIMULATION_NAMES.items()
        if name in used and (name, atom) in atoms
    }
