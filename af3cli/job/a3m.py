"""Alignments in the A3M format: FASTA with `-` for gaps and lower case for insertions."""

from __future__ import annotations

import string
from collections.abc import Mapping

from af3cli.job.alphabets import ALPHABETS
from af3cli.job.places import entity_kind
from af3cli.job.types import Modification, Protein, Rna

_DROP_INSERTIONS = str.maketrans("", "", string.ascii_lowercase)
_DROP_VALID = str.maketrans("", "", string.ascii_letters + "-")


def parse_a3m(a3m: str) -> tuple[list[str], list[str]]:
    """Returns the descriptions and the rows (gaps and insertions kept) of an A3M text.

    Lines before the first `>` belong to no row and are ignored, as are empty lines.
    """
    descriptions: list[str] = []
    rows: list[list[str]] = []
    for line in a3m.split("\n"):
        line = line.strip()
        if line.startswith(">"):
            descriptions.append(line[1:])
            rows.append([])
        elif rows:
            rows[-1].append(line)
    return descriptions, ["".join(parts) for parts in rows]


def without_insertions(row: str) -> str:
    """Returns the aligned columns of a row."""
    return row.translate(_DROP_INSERTIONS)


def a3m_problem(a3m: str, chain: Protein | Rna) -> str | None:
    """What is wrong with an alignment of a chain, or `None`.

    Every row must have as many aligned columns as the chain has residues, and the first must be
    the chain's sequence. Residues with a modification are left out of that comparison: which letter
    stands for them depends on the component, see `modified_residue_problem`.
    """
    if not a3m:
        return None
    descriptions, rows = parse_a3m(a3m)
    if not rows:
        hint = "" if "\n" in a3m.strip() else "; a file is named with the key that ends in Path"
        return f'has no sequence: A3M lines start with ">"{hint}'
    length = len(chain.sequence)
    for number, row in enumerate(rows, start=1):
        if wrong := row.translate(_DROP_VALID):
            name = descriptions[number - 1][:40]
            return f"row {number} ({name!r}) has {wrong[0]!r}, which is neither letter nor gap '-'"
        columns = len(without_insertions(row))
        if columns != length:
            name = descriptions[number - 1][:40]
            return (
                f"row {number} ({name!r}) has {columns} aligned columns (upper case and '-'), "
                f"but the sequence has {length} residues"
            )
    return _query_problem(without_insertions(rows[0]), chain)


def modified_residue_problem(
    a3m: str, chain: Protein | Rna, parents: Mapping[Modification, str]
) -> str | None:
    """What is wrong with an alignment's first row at modified residues, or `None`.

    It must have the letter of the residue's parent there, or one that the network reads alike.
    Nothing is said of residues that it does not have.
    """
    alike = ALPHABETS[entity_kind(chain)].in_alignment
    _, rows = parse_a3m(a3m)
    first_row = without_insertions(rows[0]) if rows else ""
    for modification, parent in parents.items():
        letter = first_row[modification.position - 1 : modification.position]
        wanted = parent.translate(alike)
        if letter and letter.translate(alike) != wanted:
            return (
                f"the first row must have the letter of its parent for a modified residue, but at "
                f"residue {modification.position} ({modification.ccd_code}) it has {letter} where "
                f"{wanted} is wanted"
            )
    return None


def _query_problem(first_row: str, chain: Protein | Rna) -> str | None:
    """Compares the first row with the sequence as the network reads them."""
    alphabet = ALPHABETS[entity_kind(chain)]
    expected = chain.sequence.translate(alphabet.in_sequence)
    found = first_row.translate(alphabet.in_alignment)
    modified = {modification.position for modification in chain.modifications}
    for position, (wanted, letter) in enumerate(zip(expected, found, strict=True), start=1):
        if wanted != letter and position not in modified:
            own = chain.sequence[position - 1]
            reason = (
                ""
                if own == wanted
                else f"; {own} is read as unknown, so the row must have {wanted}"
            )
            return (
                "the first row must be the sequence itself, but at residue "
                f"{position} ({own}) it has {first_row[position - 1]}{reason}"
            )
    return None
