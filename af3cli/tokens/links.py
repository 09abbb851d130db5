"""Which chains, covalent bonds and terminal atoms of a job reach the model.

The official program first makes a sketch of the complex: of each residue the atoms that the job
bonds, or else one stand-in. It then removes from the sketch what it does not want, and a chain
that has lost all its sketched atoms is gone. What is left decides which bonds count, which
residues keep a C-terminal oxygen, and which sugars keep their anomeric one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from af3cli.chemistry import JobComponents
from af3cli.errors import InputError
from af3cli.job import AtomAddress, Job
from af3cli.tokens.chains import Chain, atom_source, job_chains
from af3cli.tokens.residue_types import UNKNOWN_COMPONENTS
from af3cli.tokens.types import MoleculeType

Bond = tuple[AtomAddress, AtomAddress]
Residue = tuple[str, int]
"""A chain id and a 1-based residue number."""

_ANOMERIC = "O1"
_TERMINAL = "OXT"
_PHOSPHATE = "OP3"


@dataclass(frozen=True)
class Links:
    """What the model sees of a job's chains and bonds.

    Bonds are in the job's order. `terminal` are residues that keep OXT wherever they stand,
    `anomeric` the sugars that keep O1.
    """

    chains: tuple[Chain, ...]
    polymer_ligand: tuple[Bond, ...]
    ligand_ligand: tuple[Bond, ...]
    terminal: frozenset[Residue]
    anomeric: frozenset[Residue]


def job_links(job: Job, components: JobComponents) -> Links:
    """Returns what is left of a job's chains, in the official order, and of its bonds."""
    return find_links(job_chains(job), job.bonds, components)


def find_links(chains: Sequence[Chain], bonds: Sequence[Bond], components: JobComponents) -> Links:
    """Returns what is left of chains and bonds.

    Raises:
        InputError: A bond names an atom that its residue does not have.
    """
    whole = _Complex(chains, components)
    sketch = whole.sketch(bonds)
    known = replace(whole, chains=[chain for chain in chains if not _is_unknown(chain)])
    bonds = [bond for bond in bonds if known.counts(bond)]
    anomeric = frozenset(known.bonded_anomeric(bonds))

    def stays(atom: AtomAddress) -> bool:
        dropped = known.is_sugar(atom) and atom.atom_name == _ANOMERIC
        return known.is_heavy(atom) and (not dropped or _residue(atom) in anomeric)

    bonds = [bond for bond in bonds if all(map(stays, bond))]
    known.check_phosphates(bonds)
    num_ligands = [sum(map(known.is_ligand, bond)) for bond in bonds]
    return Links(
        chains=tuple(chain for chain in known.chains if any(map(stays, _atoms_of(chain, sketch)))),
        polymer_ligand=tuple(b for b, n in zip(bonds, num_ligands, strict=True) if n == 1),
        ligand_ligand=tuple(b for b, n in zip(bonds, num_ligands, strict=True) if n == 2),
        terminal=frozenset(residue for residue, names in sketch.items() if _TERMINAL in names),
        anomeric=anomeric,
    )


@dataclass(frozen=True)
class _Complex:
    """Chains, and what their components say of an atom."""

    chains: Sequence[Chain]
    components: JobComponents

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {chain.chain_id: chain for chain in self.chains})

    def sketch(self, bonds: Iterable[Bond]) -> dict[Residue, list[str]]:
        """Returns the sketched atoms of each residue; raises `InputError` for unknown ones."""
        sketch: dict[Residue, list[str]] = {}
        for atom in (atom for bond in bonds for atom in bond):
            self._check(atom)
            sketch.setdefault(_residue(atom), []).append(atom.atom_name)
        stand_ins = {
            code: self._stand_in(code) for code in {code for c in self.chains for code in c.codes}
        }
        for chain in self.chains:
            for number, code in enumerate(chain.codes, start=1):
                sketch.setdefault((chain.chain_id, number), [stand_ins[code]])
        return sketch

    def counts(self, bond: Bond) -> bool:
        """Whether a bond is between heavy atoms of two residues, of which one is a ligand."""
        return (
            all(atom.chain_id in self._by_id for atom in bond)
            and _residue(bond[0]) != _residue(bond[1])
            and any(map(self.is_ligand, bond))
            and all(map(self.is_heavy, bond))
        )

    def bonded_anomeric(self, bonds: Iterable[Bond]) -> Iterator[Residue]:
        """Yields the residues of sugars whose O1 is bonded.

        A bond to an atom that an earlier bond of its kind had already does not count here.
        """
        used: dict[int, set[AtomAddress]] = {1: set(), 2: set()}
        for bond in bonds:
            if not any(map(self.is_glycan, bond)):
                continue
            of_kind = used[sum(map(self.is_ligand, bond))]
            if of_kind.isdisjoint(bond):
                yield from (_residue(atom) for atom in bond if atom.atom_name == _ANOMERIC)
            of_kind.update(bond)

    def check_phosphates(self, bonds: Iterable[Bond]) -> None:
        """Raises `InputError` if a bond is to an OP3 that a nucleotide inside a chain has not."""
        for atom in (atom for bond in bonds for atom in bond):
            kind = self._by_id[atom.chain_id].molecule_type
            is_nucleic = kind in (MoleculeType.RNA, MoleculeType.DNA)
            if is_nucleic and atom.atom_name == _PHOSPHATE and atom.residue_id > 1:
                raise InputError(
                    f"bondedAtomPairs: residue {atom.residue_id} of chain {atom.chain_id} has no "
                    f"atom {_PHOSPHATE!r}: it is bonded to the residue before it instead"
                )

    def is_ligand(self, atom: AtomAddress) -> bool:
        return self._by_id[atom.chain_id].molecule_type == MoleculeType.LIGAND

    def is_glycan(self, atom: AtomAddress) -> bool:
        return self.components.is_glycan(self._code(atom))

    def is_sugar(self, atom: AtomAddress) -> bool:
        return self.is_ligand(atom) and self.is_glycan(atom)

    def is_heavy(self, atom: AtomAddress) -> bool:
        """Whether the atom is one that the model may see: none of UNK's side chain, say."""
        component = self.components.get(atom_source(self._code(atom)))
        row = component.atom_row.get(atom.atom_name)
        return row is not None and component.element[row] not in ("H", "D")

    def _stand_in(self, code: str) -> str:
        """Returns a component's first atom; its second, if the first is O1.

        A molecule from SMILES is not left out for beginning with a hydrogen.
        """
        component = self.components.get(atom_source(code))
        names = component.atom_name
        if not len(names):
            raise InputError(f"component {code!r} has no atoms")
        if component.smiles is not None:
            names = names[component.heavy] if len(component.heavy) else names
        return names[1] if names[0] == _ANOMERIC and len(names) > 1 else names[0]

    def _code(self, atom: AtomAddress) -> str:
        return self._by_id[atom.chain_id].codes[atom.residue_id - 1]

    def _check(self, atom: AtomAddress) -> None:
        code = self._code(atom)
        names = self.components.get(code).atom_row
        if atom.atom_name not in names:
            close = get_close_matches(atom.atom_name, names, n=3, cutoff=0.3) or list(names)[:8]
            raise InputError(
                f"bondedAtomPairs: residue {atom.residue_id} of chain {atom.chain_id} is {code}, "
                f"which has no atom {atom.atom_name!r}; it has {', '.join(close)}"
            )


def _is_unknown(chain: Chain) -> bool:
    """Whether all residues are the same unknown one."""
    return chain.codes[0] in UNKNOWN_COMPONENTS and len(set(chain.codes)) == 1


def _residue(atom: AtomAddress) -> Residue:
    return atom.chain_id, atom.residue_id


def _atoms_of(chain: Chain, sketch: dict[Residue, list[str]]) -> Iterator[AtomAddress]:
    for number in range(1, len(chain.codes) + 1):
        for name in sketch[chain.chain_id, number]:
            yield AtomAddress(chain.chain_id, number, name)
