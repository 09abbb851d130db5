"""Residue names of molecular dynamics that are other components in the dictionary."""

from __future__ import annotations

import re
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
    **{name: ("HOH", "O") for name in ("SPC", "T3P", "T4P", "TP3", "OPC")},
    "SOD": ("NA", "SOD"),
    "POT": ("K", "POT"),
    "CLA": ("CL", "CLA"),
    "CAL": ("CA", "CAL"),
    "CES": ("CS", "CES"),
    **{name: (name[0], "O3'") for name in ("ADE", "CYT", "GUA", "URA")},
    "THY": ("DT", "O3'"),
    **{f"D{base}{end}": (f"D{base}", "O3'") for base in "ACGT" for end in "35"},
    **{f"R{base}{end}": (base, "O3'") for base in "ACGU" for end in ("", "3", "5")},
    **{f"{base}{end}": (base, "O3'") for base in "ACGU" for end in "35"},
}
# By name: the component that is meant, and an atom without which it is not the one of this name.
BARE_NAMES = {
    "HIP": ("HIS", "P"),
    "LYN": ("LYS", "NT"),
    "CYM": ("CYS", "CD"),
    "NMA": ("NME", "P"),
    "NHE": ("NH2", "S"),
}
_CHARGED = re.compile("([A-Za-z]{1,2})[0-9]?[+-]")


def simulation_names(block: gemmi.cif.Block, chains: Iterable[Chain]) -> dict[str, str]:
    """The names that chains have from molecular dynamics, by their atoms, and what they mean."""
    used = {residue.code for chain in chains for residue in chain.residues}
    charged = {name: ion[1].upper() for name in used if (ion := _CHARGED.fullmatch(name))}
    if used.isdisjoint(SIMULATION_NAMES | BARE_NAMES):
        return charged
    atoms = set(map(tuple, rows_of(block, "_atom_site.", "label_comp_id", "label_atom_id")))
    seen = {name for name, _ in atoms} & used
    shown = {
        name: meant for name, (meant, atom) in SIMULATION_NAMES.items() if (name, atom) in atoms
    }
    bare = {name: meant for name, (meant, atom) in BARE_NAMES.items() if (name, atom) not in atoms}
    return charged | {name: meant for name, meant in (shown | bare).items() if name in seen}
