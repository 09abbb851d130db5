"""The covalent links that a structure file states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import gemmi

from af3cli.job.structure.tables import Chain, rows_of

_COVALENT = ("covale", "covale_base", "covale_phosphate", "covale_sugar", "disulf")
_IDENTITY = "1_555"
_END_TAGS = tuple(
    (
        f"ptnr{end}_label_asym_id",
        f"ptnr{end}_label_comp_id",
        f"ptnr{end}_label_seq_id",
        f"ptnr{end}_auth_seq_id",
        f"pdbx_ptnr{end}_PDB_ins_code",
        f"ptnr{end}_label_atom_id",
        f"ptnr{end}_symmetry",
    )
    for end in (1, 2)
)


@dataclass(frozen=True, slots=True)
class LinkEnd:
    """One end of a covalent link: chain label, 1-based residue, its component, and the atom."""

    chain: str
    residue: int
    code: str
    atom: str


@dataclass(frozen=True, slots=True)
class Link:
    """A covalent link; `is_symmetric` if its ends are in different copies of the crystal's unit."""

    ends: tuple[LinkEnd, LinkEnd]
    is_symmetric: bool


def read_links(block: gemmi.cif.Block, chains: list[Chain]) -> tuple[list[Link], int]:
    """The covalent links between residues that the file states, each once.

    The number is of those between two chains, a ligand perhaps, that are left out as one of their
    ends is no residue of `chains`, or without an atom's name.
    """
    by_label = {chain.label: chain for chain in chains}
    links: dict[tuple[LinkEnd, LinkEnd], Link] = {}
    num_lost = 0
    for row in rows_of(block, "_struct_conn.", "conn_type_id", *_END_TAGS[0], *_END_TAGS[1]):
        if row[0].lower() not in _COVALENT:
            continue
        ends = tuple(_link_end(by_label, *row[first : first + 6]) for first in (1, 8))
        num_lost += None in ends and _is_of_ligand(by_label, row[1], row[8])
        if None in ends or ends[0] == ends[1] or ends in links or ends[::-1] in links:
            continue
        links[ends] = Link(ends, is_symmetric=(row[7] or _IDENTITY) != (row[14] or _IDENTITY))
    for ends in _branch_links(block, chains):
        if ends not in links and ends[::-1] not in links:
            links[ends] = Link(ends, is_symmetric=False)
    return list(links.values()), num_lost


def _is_of_ligand(chains: dict[str, Chain], *labels: str) -> bool:
    """Whether a link joins two chains that are not both known to be polymers."""
    polymers = [label for label in labels if label in chains and chains[label].is_polymer]
    return labels[0] != labels[1] and len(polymers) < 2


def _link_end(
    chains: dict[str, Chain],
    label: str,
    code: str,
    label_number: str,
    number: str,
    insertion: str,
    atom: str,
) -> LinkEnd | None:
    chain = chains.get(label)
    if chain is None:
        return None
    author_number = number + insertion if number else label_number
    position = chain.positions.get(label_number if chain.is_polymer else author_number)
    if not number and len(chain.residues) == 1:
        position = 1
    if not atom or position is None or chain.residues[position - 1].code != code:
        return None
    return LinkEnd(label, position, code, atom)


def _branch_links(block: gemmi.cif.Block, chains: list[Chain]) -> Iterator[tuple[LinkEnd, LinkEnd]]:
    """Links inside branched entities, from the tables that describe the entity."""
    columns = ("entity_branch_list_num", "comp_id", "atom_id")
    tags = ["entity_id", *(f"{column}_{end}" for end in (1, 2) for column in columns)]
    inside: dict[str, list[list[str]]] = {}
    for entity_id, *ends in rows_of(block, "_pdbx_entity_branch_link.", *tags):
        if ends[0].isdecimal() and ends[3].isdecimal():
            inside.setdefault(entity_id, []).append(ends)
    for chain in chains:
        codes = dict(enumerate((residue.code for residue in chain.residues), start=1))
        for number_1, code_1, atom_1, number_2, code_2, atom_2 in inside.get(chain.entity_id, ()):
            first = LinkEnd(chain.label, int(number_1), code_1, atom_1)
            second = LinkEnd(chain.label, int(number_2), code_2, atom_2)
            if all(codes.get(end.residue) == end.code for end in (first, second)):
                yield first, second
