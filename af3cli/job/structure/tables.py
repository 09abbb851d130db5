"""The chains of a structure file, as the file states them.

Formats: PDBx/mmCIF (wwPDB dictionary), as text or BinaryCIF, and PDB 3.3. Files without the tables
that describe entities are completed by gemmi from their atoms, and so are PDB files.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import gemmi

from af3cli.errors import InputError
from af3cli.job.chain_ids import chain_id
from af3cli.job.problems import first_line
from af3cli.job.structure.binary import binary_document
from af3cli.job.structure.pdb import read_pdb
from af3cli.job.textfile import beginning

_REQUIRED = ("_atom_site.label_asym_id", "_struct_asym.entity_id", "_entity.type")
_TELLING_OF_ENTITIES = ("_struct_asym.id", "_entity.id", "_entity_poly.entity_id")
_MISSING = ("", ".", "?")
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Residue:
    """One residue of a chain: component, and the author's number with its insertion code."""

    code: str
    author_number: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of a structure file: a polymer, a ligand of one or more residues, or waters.

    `residues` are all that the chain has, seen or not, in order; if not `has_sequence`, the file
    does not say which were not seen. `positions` tells which of them (from 1) a label number
    (polymers) or an author number (others) means. `author` is empty if the author gave no name.
    """

    label: str
    author: str
    entity_id: str
    entity_type: str
    polymer_type: str
    description: str | None
    residues: tuple[Residue, ...]
    positions: dict[str, int]
    has_sequence: bool = True

    @property
    def is_polymer(self) -> bool:
        return self.entity_type == "polymer"


def read_block(content: str | bytes, source: str) -> gemmi.cif.Block:
    """The tables of a structure file: BinaryCIF, if it is bytes, or mmCIF or PDB text.

    Raises `InputError` if it is none of them, or has no atoms.
    """
    try:
        if (document := _read_cif(content, source)) is not None:
            block = _block_with_atoms(document, source)
            _number_residues(block)
            if _is_complete(block):
                return block
            structure = gemmi.make_structure_from_block(block)
            if any(block.find_values(tag) for tag in _TELLING_OF_ENTITIES):
                return _complete(structure, block.name, source, _sequences(block))
            _forget_labels(structure)
            return _complete(structure, block.name, source)
        structure = read_pdb(content, source)
        return _complete(structure, _pdb_entry(structure), source)
    except (ValueError, RuntimeError, IndexError) as error:
        raise InputError(f"{source}: is no readable structure file: {first_line(error)}") from None


def is_predicted(block: gemmi.cif.Block) -> bool:
    """Whether a structure is a model of a program (ModelCIF), which has only what it was given."""
    return bool(block.find_values("_ma_model_list.model_id"))


def read_chains(block: gemmi.cif.Block) -> list[Chain]:
    """The chains of a structure, in the file's order, those without coordinates too."""
    entity_types = _pairs(block, "_entity.", "id", "type")
    descriptions = _pairs(block, "_entity.", "id", "pdbx_description")
    polymer_types = _pairs(block, "_entity_poly.", "entity_id", "type")
    residues = _scheme_residues(block)
    observed = _observed_residues(block)
    chains = []
    for label, entity_id in rows_of(block, "_struct_asym.", "id", "entity_id"):
        seen = observed.get(label, [])
        stated = residues.get(label) or _sequence_residues(block, entity_id, seen)
        rows = stated or seen
        if not rows:
            continue
        chains.append(
            Chain(
                label=label,
                author=(seen or rows)[0].author_chain,
                entity_id=entity_id,
                entity_type=entity_types.get(entity_id, "").lower(),
                polymer_type=_spelled(polymer_types.get(entity_id, "")),
                description=descriptions.get(entity_id),
                residues=tuple(Residue(row.code, row.author_number) for row in rows),
                positions={row.key: position for position, row in enumerate(rows, start=1)},
                has_sequence=bool(stated),
            )
        )
    return chains


def _spelled(polymer_type: str) -> str:
    """A polymer type as the dictionary spells it: in small letters but for the handedness."""
    return polymer_type.lower().replace("(l)", "(L)").replace("(d)", "(D)")


@dataclass(frozen=True, slots=True)
class _Row:
    """A residue with what identifies it: `key` is its label number or its author number."""

    key: str
    code: str
    author_chain: str
    author_number: str


def _scheme_residues(block: gemmi.cif.Block) -> dict[str, list[_Row]]:
    """Residues by chain label, in order, from the tables that map label to author numbers.

    Of several components at one place (microheterogeneity) the first is taken.
    """
    schemes = (
        ("_pdbx_poly_seq_scheme.", "seq_id", "pdb_strand_id", "pdb_ins_code"),
        ("_pdbx_branch_scheme.", "num", "pdb_asym_id", None),
        ("_pdbx_nonpoly_scheme.", "ndb_seq_num", "pdb_strand_id", "pdb_ins_code"),
    )
    residues: dict[str, dict[str, _Row]] = {}
    for category, number_tag, strand_tag, insertion_tag in schemes:
        tags = ("asym_id", number_tag, "mon_id", strand_tag, "pdb_seq_num")
        rows = rows_of(block, category, *tags, *([insertion_tag] if insertion_tag else []))
        for row in sorted(rows, key=lambda row: row[1].zfill(_MAX_DIGITS)):
            label, number, code, strand, author_number, *insertion = row
            author = author_number + "".join(insertion)
            key = number if category == "_pdbx_poly_seq_scheme." else author
            residues.setdefault(label, {}).setdefault(key, _Row(key, code, strand, author))
    return {label: list(rows.values()) for label, rows in residues.items()}


def _observed_residues(block: gemmi.cif.Block) -> dict[str, list[_Row]]:
    """Residues by chain label that have atoms in the first model."""
    tags = ("label_asym_id", "label_comp_id", "label_seq_id", "auth_asym_id", "auth_seq_id")
    residues: dict[str, dict[str, _Row]] = {}
    first_model: str | None = None
    optional = ("pdbx_PDB_ins_code", "pdbx_PDB_model_num")
    has_authors = bool(block.find_values("_atom_site.auth_asym_id"))
    for label, code, number, strand, author_number, insertion, model in rows_of(
        block, "_atom_site.", *tags, *optional
    ):
        first_model = model if first_model is None else first_model
        if model != first_model:
            continue
        author = author_number + insertion
        key = number or author
        row = _Row(key, code, strand if has_authors else label, author)
        residues.setdefault(label, {}).setdefault(key, row)
    return {label: list(rows.values()) for label, rows in residues.items()}


def _sequence_residues(block: gemmi.cif.Block, entity_id: str, observed: list[_Row]) -> list[_Row]:
    """The entity's sequence with the author numbers of what was seen; none if it has none."""
    by_number = {row.key: row for row in observed}
    sequence: dict[str, _Row] = {}
    for entity, number, code in rows_of(block, "_entity_poly_seq.", "entity_id", "num", "mon_id"):
        if entity == entity_id and number not in sequence:
            seen = by_number.get(number)
            author_chain = observed[0].author_chain if observed else ""
            sequence[number] = _Row(number, code, author_chain, seen.author_number if seen else "")
    return list(sequence.values())


def rows_of(block: gemmi.cif.Block, category: str, *tags: str) -> Iterator[list[str]]:
    """The rows of some columns of a table, unquoted; missing values and columns are empty."""
    first, *others = tags
    table = block.find(category, [first, *(f"?{tag}" for tag in others)])
    for row in table:
        yield ["" if not row.has(i) or row[i] in _MISSING else row.str(i) for i in range(len(tags))]


def _pairs(block: gemmi.cif.Block, category: str, key: str, value: str) -> dict[str, str]:
    return {row[0]: row[1] for row in rows_of(block, category, key, value) if row[1]}


def _read_cif(content: str | bytes, source: str) -> gemmi.cif.Document | None:
    """The data blocks, `None` if this is no CIF."""
    if isinstance(content, bytes):
        return binary_document(content, source)
    if beginning(content, 5).lower() == "data_":
        return gemmi.cif.read_string(content)
    return None


def _block_with_atoms(document: gemmi.cif.Document, source: str) -> gemmi.cif.Block:
    blocks = [block for block in document if block.find_values("_atom_site.label_comp_id")]
    if len(blocks) > 1:
        names = ", ".join(block.name for block in blocks[:4])
        raise InputError(f"{source}: has {len(blocks)} structures ({names}); put each in a file")
    if blocks:
        return blocks[0]
    hint = ""
    if any(block.find_values("_chem_comp_atom.atom_id") for block in document):
        hint = "; it describes chemical components, which a job takes through userCCDPath"
    raise InputError(f"{source}: has no atoms (_atom_site){hint}")


def _is_complete(block: gemmi.cif.Block) -> bool:
    """Whether a file describes its entities, and the polymers among them, if there are any."""
    has_polymers = "polymer" in map(str.lower, block.find_values("_entity.type"))
    required = (*_REQUIRED, "_entity_poly.type") if has_polymers else _REQUIRED
    return all(block.find_values(tag) for tag in required)


def _pdb_entry(structure: gemmi.Structure) -> str:
    return dict(structure.info.items()).get("_entry.id", "")


def _forget_labels(structure: gemmi.Structure) -> None:
    """Takes away labels without tables behind them: many programs write author's names there."""
    for residue in (res for model in structure for chain in model for res in chain):
        residue.subchain = residue.entity_id = ""
        residue.label_seq = None
        residue.entity_type = gemmi.EntityType.Unknown


def _number_residues(block: gemmi.cif.Block) -> None:
    """Gives residues author's numbers in a file that has none: label numbers, or else counted.

    A residue begins where the component changes, or an atom comes again.
    """
    tags = ("label_asym_id", "label_comp_id", "label_seq_id", "label_atom_id", "label_alt_id")
    loop = block.find_loop("_atom_site.label_comp_id").get_loop()
    if loop is None or any(row for (row,) in rows_of(block, "_atom_site.", "auth_seq_id")):
        return
    numbers: list[str] = []
    counts: dict[str, int] = {}
    before: tuple[str, ...] = ()
    atoms: set[tuple[str, str]] = set()
    for label, code, number, atom, location in rows_of(block, "_atom_site.", *tags):
        residue = label, code, number
        if residue != before or (atom, location) in atoms:
            counts[label] = counts.get(label, 0) + 1
            before, atoms = residue, set()
        atoms.add((atom, location))
        numbers.append(number or str(counts[label]))
    if "_atom_site.auth_seq_id" not in loop.tags:
        loop.add_columns(["_atom_site.auth_seq_id"], "?")
    column = block.find_values("_atom_site.auth_seq_id")
    for i, number in enumerate(numbers):
        column[i] = number


def _sequences(block: gemmi.cif.Block) -> dict[str, list[str]]:
    """The components of each polymer entity; where there are several at a place, the first."""
    residues: dict[str, dict[str, str]] = {}
    for entity, number, code in rows_of(block, "_entity_poly_seq.", "entity_id", "num", "mon_id"):
        residues.setdefault(entity, {}).setdefault(number, code)
    return {entity: list(codes.values()) for entity, codes in residues.items()}


def _complete(
    structure: gemmi.Structure,
    name: str,
    source: str,
    sequences: Mapping[str, list[str]] = MappingProxyType({}),
) -> gemmi.cif.Block:
    """Tables of a structure whose entities gemmi works out from its atoms.

    `sequences` are those of entities, by name, that the file states beside them.
    """
    if len(structure) == 0 or not any(len(chain) for chain in structure[0]):
        raise InputError(f"{source}: is neither mmCIF nor PDB, or has no atoms")
    _setup_entities(structure)
    for entity in structure.entities:
        entity.full_sequence = entity.full_sequence or sequences.get(entity.name, [])
    unstated = [
        entity
        for entity in structure.entities
        if entity.entity_type == gemmi.EntityType.Polymer and not entity.full_sequence
    ]
    for entity in unstated:
        polymer = structure[0].get_subchain(entity.subchains[0])
        entity.full_sequence = [residue.name for residue in polymer.first_conformer()]
    structure.assign_label_seq_id()
    for entity in unstated:
        entity.full_sequence = []
    block = structure.make_mmcif_document()[0]
    block.name = name
    _name_linked_atoms(block, structure)
    return block


def _name_linked_atoms(block: gemmi.cif.Block, structure: gemmi.Structure) -> None:
    """States the atoms of links that gemmi leaves out, as it finds none at their location."""
    names = {link.name: (link.partner1, link.partner2) for link in structure.connections}
    for row in block.find("_struct_conn.", ["id", "ptnr1_label_atom_id", "ptnr2_label_atom_id"]):
        for i, partner in enumerate(names.get(row.str(0), ()), start=1):
            if row[i] in _MISSING and partner.atom_name:
                row[i] = gemmi.cif.quote(partner.atom_name)


def _setup_entities(structure: gemmi.Structure) -> None:
    """Finds the entities, those of chains too that have no name or one with another polymer."""
    structure.add_entity_types()
    taken = {chain.name for model in structure for chain in model}
    taken |= {entity.name for entity in structure.entities}
    renamed: list[tuple[gemmi.Chain, str]] = []
    for model in structure:
        free = (name for name in map(chain_id, itertools.count()) if name not in taken)
        names: set[str] = set()
        for chain in model:
            is_polymer = chain[0].entity_type == gemmi.EntityType.Polymer
            if not chain.name or (is_polymer and chain.name in names):
                renamed.append((chain, chain.name))
                chain.name = next(free)
            names.add(chain.name)
    structure.setup_entities()
    for chain, name in renamed:
        chain.name = name
