"""Checks a user's own chemical components."""

from __future__ import annotations

from af3cli.job.problems import Problems, first_line

# what the official program insists on in each component (docs/input.md, "Mandatory fields")
MANDATORY_ITEMS = (
    *(
        f"_chem_comp.{item}"
        for item in (
            "id",
            "name",
            "type",
            "formula",
            "mon_nstd_parent_comp_id",
            "pdbx_synonyms",
            "formula_weight",
        )
    ),
    *(
        f"_chem_comp_atom.{item}"
        for item in (
            "comp_id",
            "atom_id",
            "type_symbol",
            "charge",
            "pdbx_model_Cartn_x_ideal",
            "pdbx_model_Cartn_y_ideal",
            "pdbx_model_Cartn_z_ideal",
        )
    ),
    *(
        f"_chem_comp_bond.{item}"
        for item in ("atom_id_1", "atom_id_2", "value_order", "pdbx_aromatic_flag")
    ),
)


def check_user_components(user_ccd: str, place: str, problems: Problems) -> None:
    """Reports text that is not mmCIF and components without a mandatory item."""
    import gemmi

    try:
        document = gemmi.cif.read_string(user_ccd)
    except (ValueError, RuntimeError) as error:
        problems.add(place, f"is not readable mmCIF: {first_line(error)}")
        return
    if len(document) == 0:
        problems.add(place, 'has no component; each starts with a line "data_" and its code')
    for block in document:
        missing = [item for item in MANDATORY_ITEMS if not block.find_values(item)]
        if missing:
            problems.add(f"{place}[{block.name}]", f"lacks {', '.join(missing)}")
        elif (code := gemmi.cif.as_string(block.find_value("_chem_comp.id"))) != block.name:
            problems.add(
                f"{place}[{block.name}]",
                f"_chem_comp.id is {code!r}, but the block is named {block.name!r}",
            )
