"""Template structures: mmCIF text to the positions of the atoms that the network reads."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Int64, Shaped

from af3cli.errors import InputError

if TYPE_CHECKING:
    import gemmi

ATOM_NAMES = ("N", "CA", "C", "CB")

_UNKNOWN = "UNK"
_COORDINATES = ("Cartn_x", "Cartn_y", "Cartn_z")
_ATOM_COLUMNS = (
    "label_atom_id",
    "label_alt_id",
    "label_comp_id",
    "label_asym_id",
    "label_seq_id",
    *_COORDINATES,
    "occupancy",
    "pdbx_PDB_model_num",
)

# A category of an mmCIF file: a list per column, `None` and `False` standing for "?" and ".".
_Category = dict[str, list]


@dataclass(frozen=True)
class TemplateChain:
    """The residues of a chain, seen or not, with the atoms of `ATOM_NAMES` (positions in Å)."""

    residue_names: tuple[str, ...]
    positions: Float32[np.ndarray, "residue 4 3"]
    mask: Bool[np.ndarray, "residue 4"]


def read_template(mmcif: str, where: str) -> TemplateChain:
    """Returns the first model of the one polymer chain in `mmcif`; ligands are passed over.

    All residues of a polymer of the type "other" are unknown, as in the official program. Where an
    atom has several locations, the one of highest occupancy is taken. `where` begins the message
    of the `InputError` that is raised if the text is not mmCIF, has no release date, or does not
    hold one polymer chain with atoms.
    """
    try:
        return _read(mmcif)
    except _TemplateError as error:
        raise InputError(f"{where}: {error}.") from None


class _TemplateError(Exception):
    """What is wrong with a template's text."""


@dataclass(frozen=True)
class _Atoms:
    """The atoms of a chain; `location` is "" for atoms that have only one."""

    name: Shaped[np.ndarray, "atom"]
    location: Shaped[np.ndarray, "atom"]
    residue_name: Shaped[np.ndarray, "atom"]
    sequence_id: Shaped[np.ndarray, "atom"]
    position: Float32[np.ndarray, "atom 3"]
    occupancy: Float32[np.ndarray, "atom"]

    def take(self, rows: Sequence[int]) -> _Atoms:
        return _Atoms(*(column[rows] for column in vars(self).values()))


def _read(mmcif: str) -> TemplateChain:
    import gemmi

    try:
        block = gemmi.cif.read_string(mmcif)[0]
    except (ValueError, RuntimeError, IndexError) as error:
        reason = (str(error).splitlines() or ["no data block"])[0]
        raise _TemplateError(f"this is not readable mmCIF: {reason}") from None
    names = ("pdbx_audit_revision_history", "atom_site", "pdbx_poly_seq_scheme", "entity_poly_seq")
    history, sites, scheme, sequence = (block.get_mmcif_category(f"_{name}.") for name in names)
    _check_release_date(history)
    if missing := [column for column in _ATOM_COLUMNS if not sites.get(column)]:
        raise _TemplateError(f"it has no atoms with an _atom_site.{missing[0]}")
    sites = _first_model(sites)
    chains = _polymer_chains(scheme, sequence, sites)
    if len(chains) != 1:
        raise _TemplateError(f"it must hold one polymer chain, but holds {len(chains)}")
    ((chain_id, residues),) = chains.items()
    atoms = _chain_atoms(sites, chain_id)
    chain = _template_chain(residues, atoms.take(_one_location_each(atoms)))
    if _polymer_type(block, chain_id) == "other":
        return replace(chain, residue_names=(_UNKNOWN,) * len(chain.residue_names))
    return chain


def _polymer_type(block: gemmi.cif.Block, chain_id: str) -> str | None:
    """Returns the `_entity_poly.type` of a chain, `None` if it has none."""

    def values_of(category: str, key: str, value: str) -> dict[str, str]:
        columns = block.get_mmcif_category(f"_{category}.")
        return dict(zip(columns.get(key, ()), columns.get(value, ()), strict=False))

    entities = values_of("struct_asym", "id", "entity_id") or values_of(
        "atom_site", "label_asym_id", "label_entity_id"
    )
    return values_of("entity_poly", "entity_id", "type").get(entities.get(chain_id))


def _check_release_date(history: _Category) -> None:
    """Raises if there is no date: the official program reads no template without one."""
    try:
        datetime.date.fromisoformat(min(filter(None, history["revision_date"])))
    except (KeyError, TypeError, ValueError):
        raise _TemplateError(
            "it has no release date; give one as "
            "_pdbx_audit_revision_history.revision_date, such as 1989-11-17"
        ) from None


def _first_model(sites: _Category) -> _Category:
    models = sites["pdbx_PDB_model_num"]
    rows = [row for row, model in enumerate(models) if model == models[0]]
    return {name: [sites[name][row] for row in rows] for name in _ATOM_COLUMNS}


def _polymer_chains(
    scheme: _Category, sequence: _Category, sites: _Category
) -> dict[str, list[tuple[str, str]]]:
    """Returns the residues (sequence id, name) of each polymer chain, with those not seen.

    They are listed in `_pdbx_poly_seq_scheme`, or else in `_entity_poly_seq`, or else are those
    that have atoms.
    """
    if all(scheme.get(column) for column in ("asym_id", "seq_id", "mon_id")):
        rows = zip(scheme["asym_id"], scheme["seq_id"], scheme["mon_id"], strict=True)
    else:
        seen = (sites[f"label_{column}_id"] for column in ("asym", "seq", "comp"))
        rows = [row for row in zip(*seen, strict=True) if row[1]]
        chain_ids = {chain_id for chain_id, _, _ in rows}
        if len(chain_ids) == 1 and len(set(sequence.get("entity_id", ()))) == 1:
            listed = zip(sequence["num"], sequence["mon_id"], strict=True)
            rows = [(*chain_ids, *residue) for residue in listed]
    chains: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for chain_id, place, name in dict.fromkeys(rows):
        chains[chain_id].append((place, name))
    return chains


def _chain_atoms(sites: _Category, chain_id: str) -> _Atoms:
    """Returns the polymer atoms of a chain in the order of the file."""
    rows = [
        row
        for row, place in enumerate(zip(sites["label_asym_id"], sites["label_seq_id"], strict=True))
        if place[0] == chain_id and place[1]
    ]

    def texts(column: str) -> Shaped[np.ndarray, "atom"]:
        return np.array([sites[column][row] or "" for row in rows], dtype=object)

    def numbers(column: str) -> Float32[np.ndarray, "atom"]:
        try:
            return np.array([float(sites[column][row]) for row in rows], np.float32)
        except (TypeError, ValueError):
            raise _TemplateError(f"_atom_site.{column} holds something else than numbers") from None

    position = np.stack([numbers(column) for column in _COORDINATES], axis=-1)
    if not np.isfinite(position).all():
        raise _TemplateError("it has atoms at infinity")
    return _Atoms(
        name=texts("label_atom_id"),
        location=texts("label_alt_id"),
        residue_name=texts("label_comp_id"),
        sequence_id=texts("label_seq_id"),
        position=position,
        occupancy=numbers("occupancy"),
    )


def _template_chain(residues: list[tuple[str, str]], atoms: _Atoms) -> TemplateChain:
    """Puts atoms in their residues. Of residues that share a place, the one seen is taken."""
    seen = dict(zip(atoms.sequence_id, atoms.residue_name, strict=True))
    residues = [(place, name) for place, name in residues if seen.get(place, name) == name]
    row_of = {place: row for row, (place, _) in enumerate(residues)}
    if lost := [place for place in seen if place not in row_of]:
        raise _TemplateError(f"residue {lost[0]} has atoms but is not listed in the sequence")
    column_of = {name: column for column, name in enumerate(ATOM_NAMES)}
    used = np.flatnonzero([name in column_of for name in atoms.name])
    rows = [row_of[place] for place in atoms.sequence_id[used]]
    columns = [column_of[name] for name in atoms.name[used]]
    positions = np.zeros((len(residues), len(ATOM_NAMES), 3), np.float32)
    mask = np.zeros(positions.shape[:2], bool)
    positions[rows, columns] = atoms.position[used]
    mask[rows, columns] = True
    return TemplateChain(tuple(name for _, name in residues), positions, mask)


def _one_location_each(atoms: _Atoms) -> Int64[np.ndarray, "kept"]:
    """Returns the rows of the atoms that remain when each has one location only."""
    kept: list[int] = []
    for _, group in groupby(range(len(atoms.name)), key=lambda row: atoms.sequence_id[row]):
        rows = list(group)
        if not any(atoms.location[row] for row in rows):
            kept.extend(rows)
        elif all(atoms.location[row] for row in rows):
            kept.extend(_best_conformation(atoms, rows))
        else:
            kept.extend(_best_atoms(atoms, rows))
    return np.array(kept, np.int64)


def _best_atoms(atoms: _Atoms, rows: list[int]) -> list[int]:
    """Chooses atom by atom, by occupancy, then by the location's letter."""
    kept: list[int] = []
    for key, group in groupby(rows, key=lambda row: (atoms.name[row], atoms.location[row] != "")):
        if key[1]:
            kept.append(min(group, key=lambda row: (-atoms.occupancy[row], atoms.location[row])))
        else:
            kept.extend(group)
    return kept


def _best_conformation(atoms: _Atoms, rows: list[int]) -> list[int]:
    """Chooses one residue name and one location for a residue that has several throughout.

    The name of the highest summed mean occupancy wins, and in it the location of the highest mean
    occupancy. Atoms that do not have this location keep their first.
    """
    best_total, best_location, best_rows = -np.inf, atoms.location[rows[0]], rows
    for _, group in groupby(rows, key=lambda row: atoms.residue_name[row]):
        members = list(group)
        occupancies = defaultdict(list)
        for row in members:
            occupancies[atoms.location[row]].append(atoms.occupancy[row])
        means = {location: np.mean(values) for location, values in occupancies.items()}
        total = sum(means.values())
        if total > best_total or (total == best_total and min(means) < best_location):
            best_total, best_rows = total, members
            best_location = min(means, key=lambda location: (-means[location], location))
    kept = []
    for _, group in groupby(best_rows, key=lambda row: atoms.name[row]):
        same = list(group)
        kept.append(next((row for row in same if atoms.location[row] == best_location), same[0]))
    return kept
