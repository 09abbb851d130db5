"""The residue classes that the network reads, and which residues are tokens by themselves."""

from __future__ import annotations

from af3cli.chemistry import one_letter
from af3cli.tokens.types import MoleculeType

# one-letter codes and components of the classes 0 to 19, 22 to 25 and 26 to 29
_AMINO_ACIDS = {
    "A": "ALA", "R": "ARG", "N": "ASN", "D": "ASP", "C": "CYS", "Q": "GLN", "E": "GLU",
    "G": "GLY", "H": "HIS", "I": "ILE", "L": "LEU", "K": "LYS", "M": "MET", "F": "PHE",
    "P": "PRO", "S": "SER", "T": "THR", "W": "TRP", "Y": "TYR", "V": "VAL",
}  # fmt: skip
_RNA = {letter: letter for letter in "AGCU"}
_DNA = {letter: f"D{letter}" for letter in "AGCT"}

RESIDUE_TYPES = (*_AMINO_ACIDS.values(), "UNK", "-", *_RNA.values(), *_DNA.values(), "N")
"""The component of each class; 21 is the gap, 30 an unknown nucleotide."""

_CLASS = {code: number for number, code in enumerate(RESIDUE_TYPES)}
_COMPONENTS = {
    MoleculeType.PROTEIN: (_AMINO_ACIDS, "UNK"),
    MoleculeType.RNA: (_RNA, "N"),
    MoleculeType.DNA: (_DNA, "DN"),
}

STANDARD_RESIDUES = frozenset(RESIDUE_TYPES) - {"-"} | {"DN"}
"""Components without bond features: their bonds go without saying."""

_WHOLE_AMINO_ACIDS = frozenset([*_AMINO_ACIDS.values(), "UNK", "MSE"])
_WHOLE_NUCLEOTIDES = STANDARD_RESIDUES - _WHOLE_AMINO_ACIDS

CENTRES = {MoleculeType.PROTEIN: "CA", MoleculeType.RNA: "C1'", MoleculeType.DNA: "C1'"}
"""The atom that stands for a residue of each kind of polymer."""

UNKNOWN_COMPONENTS = ("UNK", "N", "DN", "UNL")


def sequence_components(sequence: str, molecule_type: MoleculeType) -> list[str]:
    """Returns the component of each letter of a polymer; letters not known are unknown residues."""
    components, unknown = _COMPONENTS[molecule_type]
    return [components.get(letter, unknown) for letter in sequence]


def residue_type(code: str, molecule_type: MoleculeType) -> int:
    """Returns the class of a component in a chain of this type: that of its standard parent."""
    if molecule_type == MoleculeType.LIGAND:
        return _CLASS["UNK"]
    components, unknown = _COMPONENTS[molecule_type]
    return _CLASS[components.get(one_letter(code), "N" if unknown == "DN" else unknown)]


def is_whole_token(code: str, molecule_type: MoleculeType) -> bool:
    """Whether the residue is one token, and not one for each atom."""
    if molecule_type == MoleculeType.PROTEIN:
        return code in _WHOLE_AMINO_ACIDS
    return molecule_type != MoleculeType.LIGAND and code in _WHOLE_NUCLEOTIDES
