"""`Component`: one entry of the chemical component dictionary, held as one array per column."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32, Shaped

# items of `_chem_comp_atom` and values of `_chem_comp_bond.value_order` in the dictionary's files
IDEAL_ITEMS = tuple(f"pdbx_model_Cartn_{axis}_ideal" for axis in "xyz")
MODEL_ITEMS = tuple(f"model_Cartn_{axis}" for axis in "xyz")
BOND_ORDERS = {"SING": 1, "DOUB": 2, "TRIP": 3}
# items of `_chem_comp`, by the fields of `Description`
DESCRIPTION_ITEMS = {
    "type": "type",
    "name": "name",
    "synonyms": "pdbx_synonyms",
    "formula": "formula",
    "weight": "formula_weight",
}


@dataclass(frozen=True)
class Description:
    """What an entry says of its component to people, as it is written there.

    Texts are "" where they are not given. `weight` is in daltons.
    """

    type: str = ""
    name: str = ""
    synonyms: str = ""
    formula: str = ""
    weight: str = ""


@dataclass(frozen=True, eq=False)
class Component:
    """A molecule or residue; atoms and bonds in the order of the entry. Equal only to itself.

    `type` is upper case. `parent` is "" and `modified` is `None` where they are not given.
    `atom_name` and `element` are `str` objects; elements are upper case in the dictionary, symbols
    ("Cl") from SMILES, and in a user's component as they are written there. `charge` and the
    positions (Å) are NaN where they are not given. `bond_order` is 1, 2 or 3, and 0 where the order
    or the aromaticity is not given. `smiles` is set if the component was made from that string.
    """

    code: str
    type: str
    parent: str
    modified: datetime.date | None
    atom_name: Shaped[np.ndarray, "atom"]
    element: Shaped[np.ndarray, "atom"]
    charge: Float32[np.ndarray, "atom"]
    ideal_position: Float32[np.ndarray, "atom 3"]
    model_position: Float32[np.ndarray, "atom 3"]
    bond_atoms: Int32[np.ndarray, "bond 2"]
    bond_order: Int8[np.ndarray, "bond"]
    bond_is_aromatic: Bool[np.ndarray, "bond"]
    description: Description
    smiles: str | None = None

    @cached_property
    def heavy(self) -> Int32[np.ndarray, "heavy"]:
        """Rows of the atoms that are not hydrogen or deuterium."""
        return np.flatnonzero((self.element != "H") & (self.element != "D")).astype(np.int32)

    @cached_property
    def atom_row(self) -> dict[str, int]:
        """The row of each atom name."""
        return {name: row for row, name in enumerate(self.atom_name)}
