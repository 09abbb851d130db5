"""A chain of a structure file as a template in the AlphaFold 3 input format."""

from __future__ import annotations

import gemmi

from af3cli.job.structure.tables import Chain, rows_of
from af3cli.job.types import Template

# A template must have a release date; files that state none get this one.
_NO_DATE = "1970-01-01"
_MODEL_TAG = "pdbx_PDB_model_num"
_ATOM_TAGS = (
    "label_atom_id",
    "group_PDB",
    "id",
    "type_symbol",
    "label_alt_id",
    "label_comp_id",
    "label_asym_id",
    "label_entity_id",
    "label_seq_id",
    "pdbx_PDB_ins_code",
    "Cartn_x",
    "Cartn_y",
    "Cartn_z",
    "occupancy",
    "B_iso_or_equiv",
    "auth_seq_id",
    "auth_asym_id",
    _MODEL_TAG,
)


def chain_template(block: gemmi.cif.Block, chain: Chain) -> Template | None:
    """The first model of a polymer chain, each residue that was seen standing for itself.

    Returns `None` for a chain without coordinates.
    """
    seen, columns = _atoms(block, chain)
    if not seen:
        return None
    indices = tuple(sorted(chain.positions[number] - 1 for number in seen))
    return Template(_mmcif(block, chain, columns), indices, indices)


def _atoms(block: gemmi.cif.Block, chain: Chain) -> tuple[set[str], list[list[str]]]:
    """The label numbers that have atoms in the first model, and the atoms' columns."""
    first, *others = _ATOM_TAGS
    asym, number, model = map(_ATOM_TAGS.index, ("label_asym_id", "label_seq_id", _MODEL_TAG))
    rows: list[list[str]] = []
    first_model: str | None = None
    for row in block.find("_atom_site.", [first, *(f"?{tag}" for tag in others)]):
        values = [row[i] if row.has(i) else "?" for i in range(len(_ATOM_TAGS))]
        first_model = first_model or values[model]
        is_ours = gemmi.cif.as_string(values[asym]) == chain.label
        if is_ours and values[model] == first_model and values[number] in chain.positions:
            values[model] = "1"
            rows.append(values)
    return {row[number] for row in rows}, [list(column) for column in zip(*rows, strict=True)]


def _mmcif(block: gemmi.cif.Block, chain: Chain, columns: list[list[str]]) -> str:
    """A file of this one chain."""
    dates = rows_of(block, "_pdbx_audit_revision_history.", "revision_date")
    document = gemmi.cif.Document()
    single = document.add_new_block(block.name or "template")
    quote = gemmi.cif.quote
    single.set_pair("_entry.id", quote(single.name))
    single.set_pair(
        "_pdbx_audit_revision_history.revision_date",
        min((date for (date,) in dates if date), default=_NO_DATE),
    )
    single.set_pairs("_entity.", {"id": chain.entity_id, "type": "polymer"})
    single.set_pairs("_entity_poly.", {"entity_id": chain.entity_id, "type": chain.polymer_type})
    single.set_pairs("_struct_asym.", {"id": chain.label, "entity_id": chain.entity_id})
    sequence = single.init_loop("_entity_poly_seq.", ["entity_id", "num", "mon_id"])
    for number, position in chain.positions.items():
        sequence.add_row([quote(chain.entity_id), number, chain.residues[position - 1].code])
    single.init_loop("_atom_site.", list(_ATOM_TAGS)).set_all_values(columns)
    return document.as_string()
