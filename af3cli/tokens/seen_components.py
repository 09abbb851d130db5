"""Whether the components of a structure file are those that the dictionary has by their names."""

from __future__ import annotations

from collections import Counter

from af3cli.chemistry import Component
from af3cli.job import SeenComponent

# Names that programs give to any ligand.
_PLACEHOLDERS = ("LIG", "DRG", "INH", "MOL")
# Residues of which nobody knew all: the dictionary has what is common to them.
_UNKNOWN_RESIDUES = ("UNK", "N", "DN", "ASX", "GLX")
# Elements that files without a column for them show by an atom's name: not metals, as which names
# in other columns are read.
_ORGANIC = ("C", "N", "O", "P", "S", "F")


def other_molecule(seen: SeenComponent, component: Component) -> str | None:
    """Why what a file has of a component cannot be it, or `None`.

    It can if each element is there as often at most, and if the names are those of the dictionary
    where no more than half of the atoms are there. Placeholders must have just the same atoms.
    """
    if seen.code in _UNKNOWN_RESIDUES or not seen.atoms:
        return None
    there = dict(seen.atoms)
    heavy = component.heavy
    names = set(component.atom_name[heavy].tolist())
    elements = Counter(element.upper() for element in component.element[heavy].tolist())
    surplus = Counter(there.values()) - elements
    num_known = len(names & there.keys())
    few = 2 * len(there) <= len(names) and 2 * num_known < len(there)
    differs = seen.code in _PLACEHOLDERS and names != there.keys()
    if not (few or differs or any(surplus[element] for element in _ORGANIC)):
        return None
    called = component.description.name.lower()
    return (
        f"{seen.code} in the component dictionary is another molecule{called and f', {called}'}: "
        f"it has {len(names)} heavy atoms, and of the {len(there)} in the file {num_known} are of "
        "their names; change the name in the file, or convert the file to JSON and change it there"
    )
