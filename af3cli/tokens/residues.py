"""The atoms of one residue, and how they make tokens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int32, Shaped

from af3cli.chemistry import JobComponents
from af3cli.tokens.chains import Chain, atom_source
from af3cli.tokens.links import Links
from af3cli.tokens.residue_types import CENTRES, is_whole_token, residue_type
from af3cli.tokens.types import MoleculeType

MAX_ATOMS_PER_TOKEN = 24


@dataclass(frozen=True)
class ResidueAtoms:
    """The heavy atoms that the model predicts of a residue, in the order of its component.

    `centre` is the row of CA or C1', or of the first atom if there is none.
    """

    code: str
    residue_type: int
    is_whole_token: bool
    name: Shaped[np.ndarray, "atom"]
    element: Shaped[np.ndarray, "atom"]
    slot: Int32[np.ndarray, "atom"]
    centre: int

    @cached_property
    def num_tokens(self) -> int:
        return min(len(self.name), 1) if self.is_whole_token else len(self.name)

    @cached_property
    def token(self) -> Int32[np.ndarray, "atom"]:
        """Which of the residue's tokens each atom belongs to."""
        own = np.arange(len(self.name), dtype=np.int32)
        return np.zeros_like(own) if self.is_whole_token else own


class ResidueBuilder:
    """Makes `ResidueAtoms`; those of equal residues are made once."""

    def __init__(
        self, links: Links, components: JobComponents, terminal_atoms: bool = True
    ) -> None:
        """Without `terminal_atoms`, residues of one token have no OXT or OP3 at a chain's ends."""
        self._links = links
        self._components = components
        self._terminal_atoms = terminal_atoms
        self._made: dict[tuple[str, MoleculeType, frozenset[str]], ResidueAtoms] = {}

    def chain(self, chain: Chain) -> list[ResidueAtoms]:
        """Returns the residues of a chain."""
        residues = []
        for number, code in enumerate(chain.codes, start=1):
            key = code, chain.molecule_type, self._absent(chain, number)
            if key not in self._made:
                self._made[key] = _residue_atoms(*key, self._components)
            residues.append(self._made[key])
        return residues

    def _absent(self, chain: Chain, number: int) -> frozenset[str]:
        """Returns the atoms that a residue has lost to its neighbours, or is not to have."""
        residue, code = (chain.chain_id, number), chain.codes[number - 1]
        is_whole = is_whole_token(code, chain.molecule_type)
        keeps_ends = self._terminal_atoms or not is_whole
        if chain.molecule_type == MoleculeType.PROTEIN:
            is_end = number == len(chain.codes) and keeps_ends
            keeps = is_end or residue in self._links.terminal
            return frozenset() if keeps else frozenset(["OXT"])
        if chain.molecule_type == MoleculeType.LIGAND:
            is_glycan = self._components.is_glycan(code)
            loses = is_glycan and residue not in self._links.anomeric
            return frozenset(["O1"]) if loses else frozenset()
        return frozenset() if number == 1 and keeps_ends else frozenset(["OP3"])


def _residue_atoms(
    code: str,
    molecule_type: MoleculeType,
    absent: frozenset[str],
    components: JobComponents,
) -> ResidueAtoms:
    component = components.get(atom_source(code))
    names = component.atom_name[component.heavy]
    is_whole = is_whole_token(code, molecule_type)
    is_present = ~np.isin(names, list(absent))
    if is_whole:
        is_present[MAX_ATOMS_PER_TOKEN:] = False
    slot = np.flatnonzero(is_present).astype(np.int32)
    name = names[slot]
    is_centre = name == CENTRES.get(molecule_type)
    return ResidueAtoms(
        code=code,
        residue_type=residue_type(code, molecule_type),
        is_whole_token=is_whole,
        name=name,
        element=component.element[component.heavy][slot],
        slot=slot if is_whole else np.zeros_like(slot),
        centre=int(is_centre.argmax()) if is_centre.any() else 0,
    )
