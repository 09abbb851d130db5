"""The chemical component dictionary that the `biotite` package ships, as BinaryCIF.

Only the package's data file is read: importing biotite would cost ten times the memory.
"""

from __future__ import annotations

import datetime
import importlib.util
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int8, Int32

from af3cli.binarycif import BinaryCif, Column
from af3cli.chemistry.component import (
    BOND_ORDERS,
    DESCRIPTION_ITEMS,
    IDEAL_ITEMS,
    MODEL_ITEMS,
    Component,
    Description,
)
from af3cli.errors import InputError

_COLUMNS = {
    "_chem_comp": (
        "id",
        "mon_nstd_parent_comp_id",
        "pdbx_modified_date",
        *DESCRIPTION_ITEMS.values(),
    ),
    "_chem_comp_atom": (
        "comp_id",
        "atom_id",
        "type_symbol",
        "charge",
        *IDEAL_ITEMS,
        *MODEL_ITEMS,
    ),
    "_chem_comp_bond": ("comp_id", "atom_id_1", "atom_id_2", "value_order", "pdbx_aromatic_flag"),
}


def bundled_path() -> Path:
    """Returns the dictionary file inside the installed biotite package.

    Raises:
        InputError: biotite, or the file, is not installed.
    """
    package = importlib.util.find_spec("biotite")
    for folder in package.submodule_search_locations if package else ():
        path = Path(folder, "structure", "info", "components.bcif")
        if path.is_file():
            return path
    raise InputError(
        "no chemical component dictionary: the package biotite, which ships one, is not "
        "installed (pip install biotite). Or give one with --ccd components.cif"
    )


class BinaryDictionary:
    """Components of a BinaryCIF file. Opening it takes 0.1 s, the first component 0.2 s more."""

    def __init__(self, path: Path) -> None:
        """Opens the file; raises `InputError` if it is not such a file."""
        self.path = path
        self._file = BinaryCif(path, _COLUMNS)

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each code in the table of components."""
        codes = self._file.column("_chem_comp", "id").texts(slice(None))
        return {code: row for row, code in enumerate(codes)}

    @cached_property
    def newest_date(self) -> str:
        """The newest date (ISO) on which a component was modified."""
        return max(self._file.column("_chem_comp", "pdbx_modified_date").texts(slice(None)))

    def read_type(self, code: str) -> str:
        """Returns a component's type in upper case, without reading its atoms."""
        return self._text("type", self.rows[code]).upper()

    def read(self, code: str) -> Component:
        """Returns the component; `code` must be one of `rows`."""
        row = self.rows[code]
        date = self._text("pdbx_modified_date", row)
        atoms = self._atom_rows.get(code, slice(0, 0))
        atom_name = self._atoms("atom_id").texts(atoms)
        bond_atoms, bond_order, is_aromatic = self._read_bonds(code, atom_name)
        return Component(
            code=code,
            type=self._text("type", row).upper(),
            parent=self._text("mon_nstd_parent_comp_id", row),
            modified=datetime.date.fromisoformat(date) if date else None,
            atom_name=atom_name,
            element=self._atoms("type_symbol").texts(atoms),
            charge=self._atoms("charge").numbers(atoms),
            ideal_position=self._positions(IDEAL_ITEMS, atoms),
            model_position=self._positions(MODEL_ITEMS, atoms),
            bond_atoms=bond_atoms,
            bond_order=bond_order,
            bond_is_aromatic=is_aromatic,
            description=self._describe(row),
        )

    def _describe(self, row: int) -> Description:
        texts = {
            field: self._file.column("_chem_comp", item).written(row)
            for field, item in DESCRIPTION_ITEMS.items()
            if self._file.has_column("_chem_comp", item)
        }
        return Description(**texts)

    def _read_bonds(
        self, code: str, atom_name: np.ndarray
    ) -> tuple[Int32[np.ndarray, "bond 2"], Int8[np.ndarray, "bond"], np.ndarray]:
        rows = self._bond_rows.get(code, slice(0, 0))
        row_of = {name: row for row, name in enumerate(atom_name)}
        ends = [
            [row_of[name] for name in self._bonds(column).texts(rows)]
            for column in ("atom_id_1", "atom_id_2")
        ]
        order = [BOND_ORDERS.get(order, 0) for order in self._bonds("value_order").texts(rows)]
        return (
            np.array(ends, np.int32).T,
            np.array(order, np.int8),
            self._bonds("pdbx_aromatic_flag").texts(rows) == "Y",
        )

    def _positions(self, items: tuple[str, ...], rows: slice) -> Float32[np.ndarray, "atom 3"]:
        return np.stack([self._atoms(item).numbers(rows) for item in items], axis=1)

    def _text(self, column: str, row: int) -> str:
        return self._file.column("_chem_comp", column).texts(slice(row, row + 1))[0]

    def _atoms(self, column: str) -> Column:
        return self._file.column("_chem_comp_atom", column)

    def _bonds(self, column: str) -> Column:
        return self._file.column("_chem_comp_bond", column)

    @cached_property
    def _atom_rows(self) -> dict[str, slice]:
        return _rows_of_each(self._atoms("comp_id"))

    @cached_property
    def _bond_rows(self) -> dict[str, slice]:
        return _rows_of_each(self._bonds("comp_id"))


def _rows_of_each(codes: Column) -> dict[str, slice]:
    """Returns the rows of each code; those of one code follow each other."""
    runs, starts = codes.runs
    stops = np.append(starts[1:], len(codes))
    return {
        code: slice(start, stop)
        for code, start, stop in zip(
            codes.strings[runs], starts.tolist(), stops.tolist(), strict=True
        )
    }
