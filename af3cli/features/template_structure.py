"""Template structures: mmCIF text to the positions of the atoms that the network reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from jaxtyping import Bool, Float32, Int64, Shaped

from af3cli.errors import InputError
from af3cli.job.template_chain import TemplateAtom, TemplateError, read_template_text

ATOM_NAMES = ("N", "CA", "C", "CB")

_UNKNOWN = "UNK"


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
    of the `InputError` that is raised if the text cannot be used, see `read_template_text`.
    """
    try:
        text = read_template_text(mmcif)
    except TemplateError as error:
        raise InputError(f"{where}: {error}.") from None
    atoms = _columns(text.atoms)
    chain = _template_chain(text.residues, atoms.take(_one_location_each(atoms)))
    if text.polymer_type == "other":
        return replace(chain, residue_names=(_UNKNOWN,) * len(chain.residue_names))
    return chain


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


def _columns(atoms: Sequence[TemplateAtom]) -> _Atoms:
    return _Atoms(
        name=np.array([atom.name for atom in atoms], object),
        location=np.array([atom.location for atom in atoms], object),
        residue_name=np.array([atom.residue[1] for atom in atoms], object),
        sequence_id=np.array([atom.residue[0] for atom in atoms], object),
        position=np.array([atom.position for atom in atoms], np.float32).reshape(-1, 3),
        occupancy=np.array([atom.occupancy for atom in atoms], np.float32),
    )


def _template_chain(residues: Sequence[tuple[str, str]], atoms: _Atoms) -> TemplateChain:
    """Puts atoms in their residues. Of residues that share a place, the one seen is taken."""
    seen = dict(zip(atoms.sequence_id, atoms.residue_name, strict=True))
    residues = [(place, name) for place, name in residues if seen.get(place, name) == name]
    row_of = {place: row for row, (place, _) in enumerate(residues)}
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
