"""Reads the text of a template: the one polymer chain in it, and whether it can be used."""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from af3cli.job.problems import first_line

if TYPE_CHECKING:
    import gemmi

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

_FARTHEST = 1e30  # Å; positions are kept in single precision

# A category of an mmCIF file: a list per column, `None` and `False` standing for "?" and ".".
_Category = dict[str, list]
# Number and component of a residue.
_Residue = tuple[str, str]


class TemplateError(Exception):
    """Why the text of a template cannot be used."""


class TemplateAtom(NamedTuple):
    """An atom, its position in Å; `location` is empty if it has only one."""

    name: str
    location: str
    residue: _Residue
    position: tuple[float, float, float]
    occupancy: float


@dataclass(frozen=True, slots=True)
class TemplateText:
    """What a template's file says of its polymer chain.

    `residues` are those listed, seen or not; several may share a number. `atoms` are those of the
    first model, in the order of the file, each of a residue that is listed. `polymer_type` is
    `None` where the file does not state it.
    """

    residues: tuple[_Residue, ...]
    atoms: tuple[TemplateAtom, ...]
    polymer_type: str | None

    def __len__(self) -> int:
        """The number of residues, where those that share a number are one if they were seen."""
        seen = {atom.residue[0] for atom in self.atoms}
        return len(seen) + sum(number not in seen for number, _ in self.residues)


def read_template_text(mmcif: str) -> TemplateText:
    """Returns the one polymer chain in `mmcif`; ligands are passed over.

    Raises:
        TemplateError: the text is not mmCIF, has no release date, or does not hold one polymer
            chain with atoms that are whole.
    """
    import gemmi

    try:
        block = gemmi.cif.read_string(mmcif)[0]
    except (ValueError, RuntimeError, IndexError) as error:
        raise TemplateError(f"is not readable mmCIF: {first_line(error)}") from None
    names = ("pdbx_audit_revision_history", "atom_site", "pdbx_poly_seq_scheme", "entity_poly_seq")
    history, sites, scheme, sequence = (block.get_mmcif_category(f"_{name}.") for name in names)
    _check_release_date(history)
    if missing := [column for column in _ATOM_COLUMNS if not sites.get(column)]:
        raise TemplateError(f"has no atoms with an _atom_site.{missing[0]}")
    sites = _first_model(sites)
    chains = _polymer_chains(scheme, sequence, sites)
    if len(chains) != 1:
        found = f"{len(chains)} ({', '.join(sorted(map(str, chains)))})" if chains else "none"
        raise TemplateError(f"must hold one polymer chain, has {found}")
    ((chain_id, residues),) = chains.items()
    atoms = _listed_only(_chain_atoms(sites, chain_id), residues)
    return TemplateText(tuple(residues), tuple(atoms), _polymer_type(block, chain_id))


def _check_release_date(history: _Category) -> None:
    """Raises if there is no date: the official program reads no template without one."""
    try:
        datetime.date.fromisoformat(min(filter(None, history["revision_date"])))
    except (KeyError, TypeError, ValueError):
        raise TemplateError(
            "has no release date; give one as "
            "_pdbx_audit_revision_history.revision_date, such as 1989-11-17"
        ) from None


def _first_model(sites: _Category) -> _Category:
    models = sites["pdbx_PDB_model_num"]
    rows = [row for row, model in enumerate(models) if model == models[0]]
    return {name: [sites[name][row] for row in rows] for name in _ATOM_COLUMNS}


def _polymer_chains(
    scheme: _Category, sequence: _Category, sites: _Category
) -> dict[str, list[_Residue]]:
    """Returns the residues of each polymer chain, with those not seen.

    They are listed in `_pdbx_poly_seq_scheme`, or else in `_entity_poly_seq`, or else are those
    that have atoms.
    """
    if all(scheme.get(column) for column in ("asym_id", "seq_id", "mon_id")):
        rows = zip(scheme["asym_id"], scheme["seq_id"], scheme["mon_id"], strict=True)
    else:
        seen = (sites[f"label_{column}_id"] for column in ("asym", "seq", "comp"))
        rows = [row for row in zip(*seen, strict=True) if row[1]]
        chain_ids = {chain_id for chain_id, _, _ in rows}
        is_listed = all(sequence.get(column) for column in ("entity_id", "num", "mon_id"))
        if is_listed and len(chain_ids) == len(set(sequence["entity_id"])) == 1:
            listed = zip(sequence["num"], sequence["mon_id"], strict=True)
            rows = [(*chain_ids, *residue) for residue in listed]
    chains: dict[str, list[_Residue]] = defaultdict(list)
    for chain_id, number, name in dict.fromkeys(rows):
        chains[chain_id].append((number, name))
    return chains


def _chain_atoms(sites: _Category, chain_id: str) -> list[TemplateAtom]:
    """Returns the polymer atoms of a chain in the order of the file."""
    chains_and_numbers = zip(sites["label_asym_id"], sites["label_seq_id"], strict=True)
    rows = [
        row
        for row, (chain, number) in enumerate(chains_and_numbers)
        if chain == chain_id and number
    ]

    def texts(column: str) -> list[str]:
        return [sites[column][row] or "" for row in rows]

    def numbers(column: str) -> list[float]:
        try:
            return [float(sites[column][row]) for row in rows]
        except (TypeError, ValueError):
            raise TemplateError(f"_atom_site.{column} holds something else than numbers") from None

    columns = [numbers(column) for column in _COORDINATES]
    if not all(abs(value) < _FARTHEST for column in columns for value in column):
        raise TemplateError("has atoms at infinity")
    residues = zip(texts("label_seq_id"), texts("label_comp_id"), strict=True)
    positions = zip(*columns, strict=True)
    names, locations = texts("label_atom_id"), texts("label_alt_id")
    atoms = zip(names, locations, residues, positions, numbers("occupancy"), strict=True)
    return list(map(TemplateAtom._make, atoms))


def _listed_only(atoms: list[TemplateAtom], residues: list[_Residue]) -> list[TemplateAtom]:
    """Returns the atoms of the residues that are listed.

    A file may list one residue of several that share a number, but it must list one.
    """
    is_listed = set(residues)
    kept = [atom for atom in atoms if atom.residue in is_listed]
    seen = {atom.residue[0] for atom in kept}
    for atom in atoms:
        if atom.residue[0] not in seen:
            number, name = atom.residue
            raise TemplateError(f"has atoms of residue {number}, {name}, which it does not list")
    return kept


def _polymer_type(block: gemmi.cif.Block, chain_id: str) -> str | None:
    """Returns the `_entity_poly.type` of a chain, `None` if it has none."""

    def values_of(category: str, key: str, value: str) -> dict[str, str]:
        columns = block.get_mmcif_category(f"_{category}.")
        return dict(zip(columns.get(key, ()), columns.get(value, ()), strict=False))

    entities = values_of("struct_asym", "id", "entity_id") or values_of(
        "atom_site", "label_asym_id", "label_entity_id"
    )
    return values_of("entity_poly", "entity_id", "type").get(entities.get(chain_id))
