"""What a user asks for: the entities of one complex, as plain immutable values.

Positions and residue numbers are 1-based, as in the AlphaFold 3 input format
(google-deepmind/alphafold3, docs/input.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Modification:
    """A residue of a polymer that is replaced by another chemical component."""

    ccd_code: str
    position: int


@dataclass(frozen=True, slots=True)
class Template:
    """One single-chain structure and which query residue each of its residues stands for.

    `query_indices` and `template_indices` are 0-based and of equal length, as in the input format.
    """

    mmcif: str
    query_indices: tuple[int, ...]
    template_indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Protein:
    """A protein entity.

    An alignment of `None` is wanted but not given; an empty one is deliberately none.
    Templates likewise: `None` is wanted, `()` is none.
    """

    ids: tuple[str, ...]
    sequence: str
    modifications: tuple[Modification, ...] = ()
    unpaired_msa: str | None = None
    paired_msa: str | None = None
    templates: tuple[Template, ...] | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Rna:
    """An RNA entity; an alignment of `None` is wanted but not given, an empty one is none."""

    ids: tuple[str, ...]
    sequence: str
    modifications: tuple[Modification, ...] = ()
    unpaired_msa: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Dna:
    """One strand of DNA."""

    ids: tuple[str, ...]
    sequence: str
    modifications: tuple[Modification, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Ligand:
    """A ligand or ion: component codes (several make a branched molecule), or a SMILES string."""

    ids: tuple[str, ...]
    ccd_codes: tuple[str, ...] = ()
    smiles: str | None = None
    description: str | None = None


Entity = Protein | Rna | Dna | Ligand


@dataclass(frozen=True, slots=True)
class AtomAddress:
    """One atom of a job: chain id, 1-based residue number in that chain, atom name."""

    chain_id: str
    residue_id: int
    atom_name: str


@dataclass(frozen=True, slots=True)
class ChainSource:
    """What a chain of a job is called in the structure file that it was read from.

    `author_residue_ids` has the author's number, with its insertion code, of each residue; it is
    empty for one that has none.
    """

    chain_id: str
    label_chain_id: str
    author_chain_id: str
    author_residue_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenComponent:
    """What a structure file has of a component: names and elements of heavy atoms.

    They are those of the residue with most of them; elements are upper case.
    """

    code: str
    atoms: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Job:
    """One complex to be embedded or predicted, with the seeds to do it for.

    `sources`, `seen` and `notes` say how the job came out of a file of another kind: what its
    chains are called there, which atoms its components have there, and what was left out or
    renamed. They are no part of what is asked for, and jobs that differ in them only are equal.
    """

    name: str
    seeds: tuple[int, ...]
    entities: tuple[Entity, ...]
    bonds: tuple[tuple[AtomAddress, AtomAddress], ...] = ()
    user_ccd: str | None = None
    sources: tuple[ChainSource, ...] = field(default=(), compare=False)
    seen: tuple[SeenComponent, ...] = field(default=(), compare=False)
    notes: tuple[str, ...] = field(default=(), compare=False)
