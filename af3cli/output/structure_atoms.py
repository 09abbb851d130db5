"""Atoms of a predicted structure and how far to trust them, as mmCIF tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Float64, Shaped

from af3cli.output.cif_tables import INAPPLICABLE, UNKNOWN, add_table
from af3cli.output.structure_chains import Residues
from af3cli.tokens.residue_types import STANDARD_RESIDUES, UNKNOWN_COMPONENTS
from af3cli.tokens.types import Atoms

if TYPE_CHECKING:
    from gemmi import cif

# Residues of polymers that the official program writes as ATOM; unknown ones are HETATM.
_ATOM_RESIDUES = sorted(STANDARD_RESIDUES.difference(UNKNOWN_COMPONENTS))


def _is_standard(residues: Residues) -> Bool[np.ndarray, "residue"]:
    """Says which residues are standard ones of a polymer."""
    return residues.is_polymer & np.isin(residues.name, _ATOM_RESIDUES)


def residue_of_atom(residues: Residues, atoms: Atoms) -> Shaped[np.ndarray, "atom"]:
    """Returns the row in `residues` of each atom."""
    return np.searchsorted(residues.token, atoms.token, side="right") - 1


def add_atom_tables(
    block: cif.Block,
    atoms: Atoms,
    residues: Residues,
    coordinates: Float32[np.ndarray, "atom 3"],
    plddt: Float32[np.ndarray, "atom"],
) -> None:
    """Adds the atoms, with coordinates in Å, and their pLDDT (0..100) as B factors and metrics.

    Columns, order and decimals are those of the official program. What is not a number is "?".
    """
    row = residue_of_atom(residues, atoms)
    b_factors = _fixed(plddt, 2)
    _add_quality(block, residues, row, b_factors)
    elements = atoms.element.astype(str)
    add_table(block, "atom_type", {"symbol": np.unique(elements)})
    group = np.where(_is_standard(residues), "ATOM", "HETATM")
    chain, number = residues.chain_id[row], residues.number[row]
    x, y, z = (_fixed(axis, 3) for axis in coordinates.T)
    num_atoms = len(atoms)
    add_table(
        block,
        "atom_site",
        {
            "group_PDB": group[row],
            "id": range(1, num_atoms + 1),
            "type_symbol": elements,
            "label_atom_id": atoms.name,
            "label_alt_id": [INAPPLICABLE] * num_atoms,
            "label_comp_id": residues.name[row],
            "label_asym_id": chain,
            "label_entity_id": residues.asym_id[row],
            "label_seq_id": residues.label_number[row],
            "pdbx_PDB_ins_code": [UNKNOWN] * num_atoms,
            "Cartn_x": x,
            "Cartn_y": y,
            "Cartn_z": z,
            "occupancy": ["1.00"] * num_atoms,
            "B_iso_or_equiv": b_factors,
            "auth_seq_id": number,
            "auth_asym_id": chain,
            "pdbx_PDB_model_num": ["1"] * num_atoms,
        },
    )


def _add_quality(
    block: cif.Block,
    residues: Residues,
    residue: Shaped[np.ndarray, "atom"],
    b_factors: list[str],
) -> None:
    """Adds the mean pLDDT of all atoms and of each residue, whose row each atom has."""
    values = np.array([np.nan if text == UNKNOWN else float(text) for text in b_factors])
    metrics = {
        "id": ["1", "2"],
        "mode": ["global", "local"],
        "name": ["pLDDT", "pLDDT"],
        "software_group_id": ["1", "1"],
        "type": ["pLDDT", "pLDDT"],
    }
    overall = {
        "ordinal_id": ["1"],
        "model_id": ["1"],
        "metric_id": ["1"],
        "metric_value": _fixed(values.mean(keepdims=True), 2),
    }
    add_table(block, "ma_qa_metric", metrics)
    add_table(block, "ma_qa_metric_global", overall)
    add_table(block, "ma_qa_metric_local", _local_quality(residues, residue, values))


def _local_quality(
    residues: Residues,
    residue: Shaped[np.ndarray, "atom"],
    values: Float64[np.ndarray, "atom"],
) -> dict[str, Sequence[object]]:
    """Returns the columns of each residue's mean.

    Residues that an mmCIF file cannot tell apart (of one name, in one ligand) share a row.
    """
    rows: dict[tuple[str, str, str], int] = {}
    keys = zip(residues.chain_id, residues.label_number, residues.name, strict=True)
    row = np.array([rows.setdefault(key, len(rows)) for key in keys])[residue]
    starts = np.searchsorted(np.sort(row), range(1, len(rows)))
    groups = np.split(values[np.argsort(row, kind="stable")], starts)
    chain_ids, numbers, names = zip(*rows, strict=True)
    return {
        "ordinal_id": range(1, len(rows) + 1),
        "model_id": ["1"] * len(rows),
        "label_asym_id": chain_ids,
        "label_seq_id": numbers,
        "label_comp_id": names,
        "metric_id": ["2"] * len(rows),
        "metric_value": _fixed(np.array([group.mean() for group in groups]), 2),
    }


def _fixed(values: Shaped[np.ndarray, "value"], decimals: int) -> list[str]:
    """Returns numbers as text with so many decimals, "?" for those that are not finite."""
    finite = np.isfinite(values)
    texts = [f"{value:.{decimals}f}" for value in values.tolist()]
    return texts if finite.all() else np.where(finite, texts, UNKNOWN).tolist()
