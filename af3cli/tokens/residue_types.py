"""The residue classes that the network reads, and which residues are tokens by themselves."""

from __future__ import annotations

from af3cli.chemistry import one_letter
from af3cli.job.alphabets import ALPHABETS
from af3cli.tokens.types import MoleculeType

_PROTEIN, _RNA, _DNA = (ALPHABETS[kind].components for kind in ("protein", "rna", "dna"))
_CLASSES = (
    *(*_PROTEIN.items(), ("X", "UNK"), ("-", "-")),
    *(*_RNA.items(), *_DNA.items(), ("N", "N")),
)
CLASS_LETTERS = "".join(letter for letter, _ in _CLASSES)
"""The letter of each class."""

RESIDUE_TYPES = tuple(component for _, component in _CLASSES)
"""The component of each class; 21 is the gap, 30 an unknown nucleotide."""

CLASS_OF = {code: i for i, code in enumerate(RESIDUE_TYPES)} | {"DN": RESIDUE_TYPES.index("N")}
"""The class of each standard component."""

STANDARD_RESIDUES = frozenset(CLASS_OF) - {"-"}
"""Components without bond features: their bonds go without saying."""

_WHOLE_AMINO_ACIDS = frozenset([*_PROTEIN.values(), "UNK", "MSE"])
_WHOLE_NUCLEOTIDES = STANDARD_RESIDUES - _WHOLE_AMINO_ACIDS

CENTRES = {MoleculeType.PROTEIN: "CA", MoleculeType.RNA: "C1'", MoleculeType.DNA: "C1'"}
"""The atom that stands for a residue of each kind of polymer."""

UNKNOWN_COMPONENTS = ("UNK", "N", "DN", "UNL")


def sequence_components(sequence: str, molecule_type: MoleculeType) -> list[str]:
    """Returns the component of each letter of a polymer; letters not known are unknown residues."""
    return [ALPHABETS[molecule_type].component(letter) for letter in sequence]


def residue_type(code: str, molecule_type: MoleculeType) -> int:
    """Returns the class of a component in a chain of this type: that of its standard parent."""
    if molecule_type == MoleculeType.LIGAND:
        return CLASS_OF["UNK"]
    return CLASS_OF[ALPHABETS[molecule_type].component(one_letter(code))]


def is_whole_token(code: str, molecule_type: MoleculeType) -> bool:
    """Whether the residue is one token, and not one for each atom."""
    if molecule_type == MoleculeType.PROTEIN:
        return code in _WHOLE_AMINO_ACIDS
    return molecule_type != MoleculeType.LIGAND and code in _WHOLE_NUCLEOTIDES
