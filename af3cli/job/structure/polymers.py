"""Sequences of polymers given as components: letters, and what is modified."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi

from af3cli.job.types import Modification

_AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
STANDARD_LETTERS = {
    "protein": {
        gemmi.expand_one_letter(letter, gemmi.ResidueKind.AA): letter for letter in _AMINO_ACIDS
    }
    | {"UNK": "X"},
    "rna": {"A": "A", "C": "C", "G": "G", "U": "U", "N": "N"},
    "dna": {"DA": "A", "DC": "C", "DG": "G", "DT": "T", "DN": "N"},
}
_UNKNOWN = {"protein": "X", "rna": "N", "dna": "N"}


def polymer_kind(polymer_type: str, codes: Sequence[str]) -> str | None:
    """`protein`, `rna` or `dna` of an mmCIF polymer type; `None` of what a job cannot say.

    A hybrid of DNA and RNA is what most of its residues are.
    """
    if polymer_type.startswith("polypeptide") or polymer_type == "cyclic-pseudo-peptide":
        return "protein"
    if polymer_type == "polydeoxyribonucleotide/polyribonucleotide hybrid":
        num_dna = sum(code in STANDARD_LETTERS["dna"] for code in codes)
        num_rna = sum(code in STANDARD_LETTERS["rna"] for code in codes)
        return "dna" if num_dna > num_rna else "rna"
    return {"polyribonucleotide": "rna", "polydeoxyribonucleotide": "dna"}.get(polymer_type)


def spell(
    kind: str, codes: Sequence[str], parents: dict[str, str], plain: frozenset[str] = frozenset()
) -> tuple[str, tuple[Modification, ...]]:
    """The letters of a polymer, and as modifications the components that letters cannot say.

    A modified residue has the letter of its parent: the file's own word (`parents`, by component),
    else gemmi's table, else unknown. Components in `plain` are replaced by their parents.
    """
    letters, modifications = [], []
    for position, code in enumerate(codes, start=1):
        letter = STANDARD_LETTERS[kind].get(code)
        if letter is None:
            letter = _parent_letter(kind, code, parents)
            if code not in plain:
                modifications.append(Modification(code, position))
        letters.append(letter)
    return "".join(letters), tuple(modifications)


def _parent_letter(kind: str, code: str, parents: dict[str, str]) -> str:
    standard = STANDARD_LETTERS[kind]
    if parents.get(code) in standard:
        return standard[parents[code]]
    letter = gemmi.find_tabulated_residue(code).one_letter_code.upper()
    return letter if letter in standard.values() else _UNKNOWN[kind]
