"""Components written as mmCIF text: a user's own ones, and those of a `components.cif`."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from jaxtyping import Bool, Float32, Int8, Int32, Shaped

from af3cli.chemistry.component import (
    BOND_ORDERS,
    DESCRIPTION_ITEMS,
    IDEAL_ITEMS,
    MODEL_ITEMS,
    Component,
    Description,
)
from af3cli.errors import InputError

if TYPE_CHECKING:
    import gemmi

_MAX_CHARGE = 100  # in either direction; RDKit keeps a byte


def components_from_text(text: str, source: str) -> dict[str, Component]:
    """Returns the components of a text by code, that is by the name of their data block.

    Raises:
        InputError: The text is not mmCIF, or a component is not usable; names the item.
    """
    import gemmi

    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{source}: not readable as mmCIF: {error}") from error
    return {block.name: component_from_block(block, source) for block in document}


def component_from_block(block: gemmi.cif.Block, source: str) -> Component:
    """Returns the component of a data block; raises `InputError` that names the wrong item."""
    return _BlockReader(block, source).component()


class _BlockReader:
    """Reads the items of one data block."""

    def __init__(self, block: gemmi.cif.Block, source: str) -> None:
        self._block = block
        self._place = f"{source}: component {block.name}"

    def component(self) -> Component:
        atom_name = self._atom_names()
        bond_atoms, bond_order, is_aromatic = self._bonds(atom_name)
        num_atoms = len(atom_name)
        return Component(
            code=self._block.name,
            type=self._text("_chem_comp.type").upper(),
            parent=self._text("_chem_comp.mon_nstd_parent_comp_id"),
            modified=self._date("_chem_comp.pdbx_modified_date"),
            atom_name=atom_name,
            element=self._elements(num_atoms),
            charge=self._charges(num_atoms),
            ideal_position=self._positions(IDEAL_ITEMS, num_atoms),
            model_position=self._positions(MODEL_ITEMS, num_atoms),
            bond_atoms=bond_atoms,
            bond_order=bond_order,
            bond_is_aromatic=is_aromatic,
            description=self._description(),
        )

    def _description(self) -> Description:
        items = DESCRIPTION_ITEMS.items()
        return Description(**{field: self._text(f"_chem_comp.{item}") for field, item in items})

    def _atom_names(self) -> Shaped[np.ndarray, "atom"]:
        item = "_chem_comp_atom.atom_id"
        names = self._texts(item)
        seen: set[str] = set()
        for name in names:
            if not 1 <= len(name) <= 4 or not name.isascii() or not name.isprintable():
                self._fail(item, f"{name!r} is not an atom name of one to four characters")
            if name in seen:
                self._fail(item, f"{name!r} names two atoms")
            seen.add(name)
        return names

    def _elements(self, num_atoms: int) -> Shaped[np.ndarray, "atom"]:
        item = "_chem_comp_atom.type_symbol"
        elements = self._texts(item, num_atoms)
        if num_atoms and not all(elements):
            self._fail(item, "an atom has no element")
        return elements

    def _charges(self, num_atoms: int) -> Float32[np.ndarray, "atom"]:
        item = "_chem_comp_atom.charge"
        charges = self._numbers(item, num_atoms)
        for charge in charges[np.isfinite(charges)]:
            if charge != int(charge) or abs(charge) > _MAX_CHARGE:
                self._fail(item, f"{charge:g} is not a whole number of at most {_MAX_CHARGE}")
        return charges

    def _positions(self, items: tuple[str, ...], num_atoms: int) -> Float32[np.ndarray, "atom 3"]:
        axes = [self._numbers(f"_chem_comp_atom.{item}", num_atoms) for item in items]
        return np.stack(axes, axis=1)

    def _bonds(
        self, atom_name: np.ndarray
    ) -> tuple[Int32[np.ndarray, "bond 2"], Int8[np.ndarray, "bond"], Bool[np.ndarray, "bond"]]:
        row_of = {name: row for row, name in enumerate(atom_name)}
        ends = []
        for item in ("_chem_comp_bond.atom_id_1", "_chem_comp_bond.atom_id_2"):
            names = self._texts(item)
            for name in names:
                if name not in row_of:
                    self._fail(item, f"{name!r} is not one of the component's atoms")
            ends.append([row_of[name] for name in names])
        if len(ends[0]) != len(ends[1]):
            self._fail("_chem_comp_bond.atom_id_2", "has another length than atom_id_1")
        pairs = {frozenset(pair) for pair in zip(*ends, strict=True)}
        if len(pairs) < len(ends[0]) or any(len(pair) == 1 for pair in pairs):
            self._fail("_chem_comp_bond", "a bond is given twice, or joins an atom to itself")
        order = self._texts("_chem_comp_bond.value_order", len(ends[0]))
        aromatic = self._texts("_chem_comp_bond.pdbx_aromatic_flag", len(ends[0]))
        is_known = np.isin(aromatic.astype(str), ["Y", "N"])
        bond_order = np.array([BOND_ORDERS.get(text, 0) for text in order], np.int8)
        return np.array(ends, np.int32).T, np.where(is_known, bond_order, 0), aromatic == "Y"

    def _numbers(self, item: str, length: int) -> Float32[np.ndarray, "row"]:
        """Returns the item's numbers, NaN where they are not given."""
        texts = self._texts(item, length)
        try:
            numbers = np.array([float(text) if text else np.nan for text in texts], np.float32)
        except ValueError as error:
            self._fail(item, f"{str(error).split(': ')[-1]} is not a number")
        if np.isinf(numbers).any():
            self._fail(item, "a number is infinite")
        return numbers

    def _texts(self, item: str, length: int | None = None) -> Shaped[np.ndarray, "row"]:
        """Returns the item's values, "" where not given; of `length` if the item is absent."""
        import gemmi

        values = self._block.find_values(item)
        texts = ["" if gemmi.cif.is_null(text) else gemmi.cif.as_string(text) for text in values]
        if length is not None and not texts:
            texts = [""] * length
        if length is not None and len(texts) != length:
            self._fail(item, f"has {len(texts)} values where {length} are wanted")
        return np.array(texts, object)

    def _text(self, item: str) -> str:
        texts = self._texts(item)
        return texts[0] if len(texts) else ""

    def _date(self, item: str) -> datetime.date | None:
        text = self._text(item)
        try:
            return datetime.date.fromisoformat(text) if text else None
        except ValueError:
            self._fail(item, f"{text!r} is not a date such as 2020-01-31")

    def _fail(self, item: str, what: str) -> NoReturn:
        raise InputError(f"{self._place}: {item}: {what}")
