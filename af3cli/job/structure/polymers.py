"""Sequences of polymers given as components: letters, and what is modified."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi

from af3cli.job.alphabets import ALPHABETS
from af3cli.job.types import Modification


def polymer_kind(polymer_type: str, codes: Sequence[str]) -> str | None:
    """`protein`, `rna` or `dna` of an mmCIF polymer type; `None` of what a job cannot say.

    A hybrid of DNA and RNA is what most of its residues are.
    """
    if polymer_type.startswith("polypeptide") or polymer_type == "cyclic-pseudo-peptide":
        return "protein"
    if polymer_type == "polydeoxyribonucleotide/polyribonucleotide hybrid":
        num_dna = sum(code in ALPHABETS["dna"].letters for code in codes)
        num_rna = sum(code in ALPHABETS["rna"].letters for code in codes)
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
        letter = ALPHABETS[kind].letters.get(code)
        if letter is None:
            letter = _parent_letter(kind, code, parents)
            if code not in plain:
                modifications.append(Modification(code, position))
        letters.append(letter)
    return "".join(letters), tuple(modifications)


def _parent_letter(kind: str, code: str, parents: dict[str, str]) -> str:
    alphabet = ALPHABETS[kind]
    if parents.get(code) in alphabet.letters:
        return alphabet.letters[parents[code]]
    letter = gemmi.find_tabulated_residue(code).one_letter_code.upper()
    return letter if letter in alphabet.components else alphabet.unknown
