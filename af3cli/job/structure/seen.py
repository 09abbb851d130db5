"""Which atoms a structure file has of its components."""

from __future__ import annotations

import gemmi

from af3cli.job.structure.tables import rows_of
from af3cli.job.types import SeenComponent

_TAGS = (
    *("label_comp_id", "label_asym_id", "label_seq_id", "auth_seq_id", "pdbx_PDB_ins_code"),
    *("label_alt_id", "label_atom_id", "type_symbol", "pdbx_PDB_model_num"),
)
_NOT_HEAVY = ("", "H", "D")


def seen_components(block: gemmi.cif.Block) -> tuple[SeenComponent, ...]:
    """The heavy atoms of each component in the first model, where the file has most of them.

    Of alternative locations in a residue the first counts.
    """
    residues: dict[tuple[str, ...], dict[str, str]] = {}
    locations: dict[tuple[str, ...], str] = {}
    first_model: str | None = None
    for *residue, location, name, element, model in rows_of(block, "_atom_site.", *_TAGS):
        first_model = model if first_model is None else first_model
        if model != first_model or element.upper() in _NOT_HEAVY:
            continue
        place = tuple(residue)
        if not location or locations.setdefault(place, location) == location:
            residues.setdefault(place, {})[name] = element.upper()
    most: dict[str, dict[str, str]] = {}
    for (code, *_), atoms in residues.items():
        if len(atoms) > len(most.get(code, ())):
            most[code] = atoms
    return tuple(SeenComponent(code, tuple(atoms.items())) for code, atoms in most.items())
