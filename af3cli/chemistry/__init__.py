"""Chemical components: the dictionary, users' own ones, molecules and reference conformers."""

from af3cli.chemistry.component import Component
from af3cli.chemistry.conformers import Conformers, reference_conformers
from af3cli.chemistry.dictionary import (
    ComponentDictionary,
    DictionaryRecord,
    JobComponents,
    open_dictionary,
)
from af3cli.chemistry.molecules import Molecule, molecule
from af3cli.chemistry.one_letter import one_letter

__all__ = [
    "Component",
    "ComponentDictionary",
    "Conformers",
    "DictionaryRecord",
    "JobComponents",
    "Molecule",
    "molecule",
    "one_letter",
    "open_dictionary",
    "reference_conformers",
]
