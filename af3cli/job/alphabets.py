"""The letters of polymers, and what each of them means."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Alphabet:
    """The letters of one kind of polymer.

    `components` are the standard residues by letter, in the order of the network's classes. Other
    letters mean the residue `unknown_component`, which `unknown` stands for. In alignments, a
    letter of `alike` means the standard residue that is close to its own.
    """

    components: Mapping[str, str]
    unknown: str
    unknown_component: str
    alike: Mapping[str, str] = field(default_factory=dict)

    def component(self, letter: str) -> str:
        """The residue that a letter of a sequence means."""
        return self.components.get(letter, self.unknown_component)

    @cached_property
    def letters(self) -> dict[str, str]:
        """The letter of each residue, that of the unknown one among them."""
        standard = {component: letter for letter, component in self.components.items()}
        return standard | {self.unknown_component: self.unknown}

    @cached_property
    def in_sequence(self) -> dict[int, str]:
        """A table for `str.translate`: capital letters as they are read in a sequence."""
        others = set(string.ascii_uppercase) - self.components.keys()
        return str.maketrans(dict.fromkeys(others, self.unknown))

    @cached_property
    def in_alignment(self) -> dict[int, str]:
        """A table for `str.translate`: capital letters as they are read in an alignment."""
        return self.in_sequence | str.maketrans(dict(self.alike))


ALPHABETS = {
    "protein": Alphabet(
        {
            "A": "ALA", "R": "ARG", "N": "ASN", "D": "ASP", "C": "CYS", "Q": "GLN", "E": "GLU",
            "G": "GLY", "H": "HIS", "I": "ILE", "L": "LEU", "K": "LYS", "M": "MET", "F": "PHE",
            "P": "PRO", "S": "SER", "T": "THR", "W": "TRP", "Y": "TYR", "V": "VAL",
        },
        unknown="X",
        unknown_component="UNK",
        alike={"B": "D", "U": "C", "Z": "E"},
    ),
    "rna": Alphabet({letter: letter for letter in "AGCU"}, "N", "N"),
    "dna": Alphabet({letter: f"D{letter}" for letter in "AGCT"}, "N", "DN"),
}  # fmt: skip
"""By the kind of polymer (`entity_kind`)."""
