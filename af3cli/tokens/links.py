"""Which chains, covalent bonds and terminal atoms of a job reach the model.

The official program first makes a sketch of the complex: of each residue the atoms that the job
bonds, or else one stand-in. It then removes from the sketch what it does not want, and a chain
that has lost all its sketched atoms is gone. What is left decides which bonds count, which
residues keep a C-terminal oxygen, and which sugars keep their anomeric one.

A peptide A of SER, ASN, GLY with a ligand B of two NAG, of which the job bonds A 2 ND2 to B 1 C1
and B 1 O4 to B 2 C1, has the sketch

    A 1 N    A 2 ND2    A 3 N    B 1 C1    B 1 O4    B 2 C1

of which nothing is removed. The first bond is between a polymer and a ligand, the second inside a
ligand, and neither sugar keeps O1. Were the first bond to B 1 O1, the sugar B 1 would keep it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _AtomFacts:
    """What a sketched atom is of, and whether the model may see it.

    It may see no hydrogen, and of UNK, which has glycine's atoms, no side chain.
    """

    molecule_type: MoleculeType
    is_glycan: bool
    is_heavy: bool

    @property
    def is_ligand(self) -> bool:
        return self.molecule_type == MoleculeType.LIGAND


_Sketch = Mapping[AtomAddress, _AtomFacts]


def job_links(job: Job, components: JobComponents) -> Links:
    """Returns what is left of a job's chains, in the official order, and of its bonds.

    Raises:
        InputError: A bond names an atom that its residue does not have.
    """
    chains = job_chains(job)
    sketch = _sketch(chains, job.bonds, components)
    unknown = {chain.chain_id for chain in chains if _is_unknown(chain)}
    sketch = {atom: facts for atom, facts in sketch.items() if atom.chain_id not in unknown}
    counted = [bond for bond in job.bonds if _counts(bond, sketch)]
    anomeric = _bonded_anomeric(counted, sketch)
    kept = _kept_atoms(sketch, anomeric)
    bonds = [bond for bond in counted if kept.issuperset(bond)]
    _check_phosphates(bonds, sketch)
    present = {atom.chain_id for atom in kept}
    return Links(
        chains=tuple(chain for chain in chains if chain.chain_id in present),
        polymer_ligand=tuple(bond for bond in bonds if _num_ligands(bond, sketch) == 1),
        ligand_ligand=tuple(bond for bond in bonds if _num_ligands(bond, sketch) == 2),
        terminal=frozenset(_residue(atom) for atom in sketch if atom.atom_name == _TERMINAL),
        anomeric=anomeric,
    )


def _sketch(chains: Sequence[Chain], bonds: Sequence[Bond], components: JobComponents) -> _Sketch:
    """Returns the sketched atoms; raises `InputError` for bonded ones that are unknown."""
    by_id = {chain.chain_id: chain for chain in chains}
    sketch = {}
    for atom in (atom for bond in bonds for atom in bond):
        chain = by_id[atom.chain_id]
        code = chain.codes[atom.residue_id - 1]
        _check_atom(atom, code, components)
        sketch[atom] = _facts(chain, code, atom.atom_name, components)
    bonded = set(map(_residue, sketch))
    for chain in chains:
        names = {code: _stand_in(code, components) for code in set(chain.codes)}
        facts = {code: _facts(chain, code, name, components) for code, name in names.items()}
        for number, code in enumerate(chain.codes, start=1):
            if (chain.chain_id, number) not in bonded:
                sketch[AtomAddress(chain.chain_id, number, names[code])] = facts[code]
    return sketch


def _facts(chain: Chain, code: str, atom_name: str, components: JobComponents) -> _AtomFacts:
    component = components.get(atom_source(code))
    row = component.atom_row.get(atom_name)
    is_heavy = row is not None and component.element[row] not in ("H", "D")
    return _AtomFacts(chain.molecule_type, components.is_glycan(code), is_heavy)


def _stand_in(code: str, components: JobComponents) -> str:
    """Returns a component's first atom; its second, if the first is O1.

    A molecule from SMILES is not left out for beginning with a hydrogen.
    """
    component = components.get(atom_source(code))
    names = component.atom_name
    if not len(names):
        raise InputError(f"component {code!r} has no atoms")
    if component.smiles is not None and len(component.heavy):
        names = names[component.heavy]
    return names[1] if names[0] == _ANOMERIC and len(names) > 1 else names[0]


def _is_unknown(chain: Chain) -> bool:
    """Whether all residues are the same unknown one."""
    return chain.codes[0] in UNKNOWN_COMPONENTS and len(set(chain.codes)) == 1


def _counts(bond: Bond, sketch: _Sketch) -> bool:
    """Whether a bond is between heavy atoms of two residues, of which one is a ligand."""
    return (
        all(atom in sketch and sketch[atom].is_heavy for atom in bond)
        and _residue(bond[0]) != _residue(bond[1])
        and _num_ligands(bond, sketch) > 0
    )


def _bonded_anomeric(bonds: Iterable[Bond], sketch: _Sketch) -> frozenset[Residue]:
    """Returns the residues of sugars whose O1 is bonded.

    A bond to an atom that an earlier bond of its kind had already does not count here.
    """
    used: dict[int, set[AtomAddress]] = {1: set(), 2: set()}
    found = set()
    for bond in bonds:
        if any(sketch[atom].is_glycan for atom in bond):
            of_kind = used[_num_ligands(bond, sketch)]
            if of_kind.isdisjoint(bond):
                found.update(_residue(atom) for atom in bond if atom.atom_name == _ANOMERIC)
            of_kind.update(bond)
    return frozenset(found)


def _kept_atoms(sketch: _Sketch, anomeric: frozenset[Residue]) -> set[AtomAddress]:
    """Returns the heavy atoms, without O1 of sugars that are not `anomeric`."""

    def is_lost(atom: AtomAddress, facts: _AtomFacts) -> bool:
        is_sugar = facts.is_ligand and facts.is_glycan
        return is_sugar and atom.atom_name == _ANOMERIC and _residue(atom) not in anomeric

    return {atom for atom, facts in sketch.items() if facts.is_heavy and not is_lost(atom, facts)}


def _check_atom(atom: AtomAddress, code: str, components: JobComponents) -> None:
    names = components.get(code).atom_row
    if atom.atom_name not in names:
        close = get_close_matches(atom.atom_name, names, n=3, cutoff=0.3) or list(names)[:8]
        raise InputError(
            f"bondedAtomPairs: residue {atom.residue_id} of chain {atom.chain_id} is {code}, "
            f"which has no atom {atom.atom_name!r}; it has {', '.join(close)}"
        )


def _check_phosphates(bonds: Iterable[Bond], sketch: _Sketch) -> None:
    """Raises `InputError` if a bond is to an OP3 that a nucleotide inside a chain has not."""
    for atom in (atom for bond in bonds for atom in bond):
        is_nucleic = sketch[atom].molecule_type in (MoleculeType.RNA, MoleculeType.DNA)
        if is_nucleic and atom.atom_name == _PHOSPHATE and atom.residue_id > 1:
            raise InputError(
                f"bondedAtomPairs: residue {atom.residue_id} of chain {atom.chain_id} has no "
                f"atom {_PHOSPHATE!r}: it is bonded to the residue before it instead"
            )


def _num_ligands(bond: Bond, sketch: _Sketch) -> int:
    return sum(sketch[atom].is_ligand for atom in bond)


def _residue(atom: AtomAddress) -> Residue:
    return atom.chain_id, atom.residue_id
