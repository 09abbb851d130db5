"""Structure files (mmCIF, BinaryCIF, PDB) as jobs: the complex that was deposited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gemmi

from af3cli.errors import InputError
from af3cli.job.limits import DEFAULT_SEED, MAX_TEMPLATES
from af3cli.job.names import is_smiles_code
from af3cli.job.options import StructureOptions
from af3cli.job.places import POLYMERS
from af3cli.job.structure.alternatives import alternative_ligands
from af3cli.job.structure.assembly import assembly_copies
from af3cli.job.structure.links import Link, read_links
from af3cli.job.structure.models import model_notes
from af3cli.job.structure.own_templates import chain_template
from af3cli.job.structure.polymers import spell
from af3cli.job.structure.seen import seen_components
from af3cli.job.structure.selection import (
    WATERS,
    Instance,
    assign_ids,
    broken_polymers,
    chain_kind,
    chain_title,
    merge_linked_ligands,
    renaming_notes,
    select_chains,
    sequence_notes,
)
from af3cli.job.structure.simulation_names import simulation_names
from af3cli.job.structure.tables import Chain, is_predicted, read_block, read_chains
from af3cli.job.types import AtomAddress, ChainSource, Entity, Job, Ligand, Protein
from af3cli.wording import some

_MAX_LISTED = 20


def structure_job(
    content: str | bytes, source: str, options: StructureOptions | None = None
) -> Job:
    """The job of a structure file: mmCIF or PDB text, or BinaryCIF.

    Polymers have their full sequences, seen or not; branched entities are ligands of several
    components; covalent links with a ligand are bonds. What is left out and renamed is in the job's
    `notes`, the file's own chain names and residue numbers in its `sources`. Raises `InputError` if
    the file is not usable.
    """
    options = options or StructureOptions()
    if waters := ", ".join(sorted(options.keep & WATERS)):
        raise InputError(f"{source}: --keep {waters}: waters are always left out of a job")
    block = read_block(content, source)
    deposited = read_chains(block)
    links, num_lost = read_links(block, deposited)
    chains, links, notes = _select(block, deposited, links, options, source)
    copies, absent = _copies(block, chains, options.assembly, source)
    notes += absent
    ids = assign_ids(chains, copies, is_predicted=is_predicted(block))
    if not ids:
        raise InputError(f"{source}: has no molecule for a job; {'; '.join(notes)}")
    bonds, num_symmetric = _bonds(links, chains, copies, ids)
    lost_bonds = {
        "between crystal copies": num_symmetric,
        "with an end that is no residue of the job": num_lost,
    }
    return Job(
        name=block.name.strip() or Path(source).name.split(".")[0],
        seeds=(DEFAULT_SEED,),
        entities=_entities(block, chains, ids, options),
        bonds=bonds,
        sources=_sources(chains, ids),
        seen=seen_components(block),
        notes=(
            *model_notes(block, deposited),
            *notes,
            *sequence_notes(chains),
            *renaming_notes(chains, ids),
            *(f"left out: bonds {which} ({n})" for which, n in lost_bonds.items() if n),
        ),
    )


def _select(
    block: gemmi.cif.Block,
    chains: list[Chain],
    links: list[Link],
    options: StructureOptions,
    source: str,
) -> tuple[list[Chain], list[Link], list[str]]:
    """The chains that are for a job, links, and notes of what is left out.

    Raises `InputError` if it cannot be told what the chains are.
    """
    if not block.find_values("_pdbx_nonpoly_scheme.asym_id"):
        chains, links = merge_linked_ligands(chains, links)
    chains, notes = select_chains(chains, links, options, is_predicted=is_predicted(block))
    _refuse_broken_polymers(chains, links, source)
    _refuse_simulation_names(block, chains, source)
    chains, of_alternatives = _without_alternatives(block, chains)
    return chains, links, [*notes, *of_alternatives]


def _copies(
    block: gemmi.cif.Block, chains: list[Chain], assembly: str | None, source: str
) -> tuple[dict[str, list[str]], list[str]]:
    """The operators that make the copies of each chain, by its label, and a note of lost chains."""
    if assembly is None:
        return {chain.label: [""] for chain in chains}, []
    operators = assembly_copies(block, assembly, source)
    copies = {chain.label: operators.get(chain.label, []) for chain in chains}
    absent = [chain_title(chain) for chain in chains if not copies[chain.label]]
    return copies, [f"not in assembly {assembly}: {some(absent, _MAX_LISTED)}"] if absent else []


def _without_alternatives(
    block: gemmi.cif.Block, chains: list[Chain]
) -> tuple[list[Chain], list[str]]:
    """The chains, of ligands at one place the first alone, and a note of the others."""
    alternatives = alternative_ligands(block, chains)
    if not alternatives:
        return chains, []
    titles = some([chain_title(chain) for chain in alternatives], _MAX_LISTED)
    note = f"left out, as the file has another ligand at the same place: {titles}"
    return [chain for chain in chains if chain not in alternatives], [note]


def _refuse_broken_polymers(chains: list[Chain], links: list[Link], source: str) -> None:
    """Raises `InputError` if a chain that is no polymer by its tables looks like one."""
    if broken := [chain_title(chain) for chain in broken_polymers(chains, links)]:
        raise InputError(
            f"{source}: cannot tell polymers from ligands: several residues of a polymer are one "
            f"ligand at {some(broken)}; give every chain a name and end it with TER (PDB), or "
            "state its entity (mmCIF)"
        )


def _refuse_simulation_names(block: gemmi.cif.Block, chains: list[Chain], source: str) -> None:
    """Raises `InputError` if names are not those of the component dictionary."""
    if found := simulation_names(block, chains):
        names = ", ".join(f"{name} to {meant}" for name, meant in found.items())
        raise InputError(
            f"{source}: has residue names of molecular dynamics, which in the component dictionary "
            f"are those of other molecules, or of none; change {names}"
        )


def _entities(
    block: gemmi.cif.Block,
    chains: list[Chain],
    ids: dict[Instance, str],
    options: StructureOptions,
) -> tuple[Entity, ...]:
    """The entities, chains that are alike in one of them, in the order of the file."""
    parents = _parents(block)
    members: dict[Entity, list[Chain]] = {}
    for chain in chains:
        if (chain.label, 0) in ids:
            members.setdefault(_entity(block, chain, parents, options.drop), []).append(chain)
    entities = []
    for entity, alike in members.items():
        labels = {chain.label for chain in alike}
        entity = replace(entity, ids=tuple(ids[key] for key in ids if key[0] in labels))
        if options.as_templates and isinstance(entity, Protein):
            found = (chain_template(block, chain) for chain in alike)
            templates = tuple(template for template in found if template)[:MAX_TEMPLATES]
            entity = replace(entity, unpaired_msa="", paired_msa="", templates=templates)
        entities.append(entity)
    return tuple(entities)


def _entity(
    block: gemmi.cif.Block, chain: Chain, parents: dict[str, str], plain: frozenset[str]
) -> Entity:
    """The entity that a chain is of, without chain ids."""
    kind = chain_kind(chain)
    codes = [residue.code for residue in chain.residues]
    if kind in POLYMERS:
        sequence, modifications = spell(kind, codes, parents, plain)
        return POLYMERS[kind]((), sequence, modifications, description=chain.description)
    if is_smiles_code(codes[0]) and (smiles := _smiles(block, codes[0])):
        return Ligand((), smiles=smiles)
    return Ligand((), tuple(codes))


def _parents(block: gemmi.cif.Block) -> dict[str, str]:
    """The unmodified component of each modified residue, where the file states it."""
    table = block.find("_pdbx_struct_mod_residue.", ["label_comp_id", "parent_comp_id"])
    return {row.str(0): row.str(1) for row in table}


def _smiles(block: gemmi.cif.Block, code: str) -> str:
    """SMILES of a component that AlphaFold 3 named after its chain, as its outputs state it."""
    for row in block.find("_chem_comp.", ["id", "pdbx_smiles"]):
        if row.str(0) == code:
            return row.str(1)
    return ""


def _sources(chains: list[Chain], ids: dict[Instance, str]) -> tuple[ChainSource, ...]:
    by_label = {chain.label: chain for chain in chains}
    sources = []
    for (label, _), identifier in ids.items():
        chain = by_label[label]
        numbers = tuple(residue.author_number for residue in chain.residues)
        sources.append(ChainSource(identifier, label, chain.author, numbers))
    return tuple(sources)


def _bonds(
    links: list[Link],
    chains: list[Chain],
    copies: dict[str, list[str]],
    ids: dict[Instance, str],
) -> tuple[tuple[tuple[AtomAddress, AtomAddress], ...], int]:
    """Bonds that have a ligand at one end at least, and how many are between crystal copies."""
    kinds = {chain.label: chain_kind(chain) for chain in chains}
    bonds: list[tuple[AtomAddress, AtomAddress]] = []
    num_symmetric = 0
    for link in links:
        link_kinds = [kinds.get(end.chain) for end in link.ends]
        if "ligand" not in link_kinds or None in link_kinds:
            continue
        if link.is_symmetric:
            num_symmetric += 1
            continue
        bonds += _link_copies(link, copies, ids)
    return tuple(bonds), num_symmetric


def _link_copies(
    link: Link, copies: dict[str, list[str]], ids: dict[Instance, str]
) -> Iterator[tuple[AtomAddress, AtomAddress]]:
    """The bond in every copy in which both ends are moved by the same operator."""
    first, second = link.ends
    for copy, operator in enumerate(copies[first.chain]):
        if operator in copies[second.chain]:
            other = copies[second.chain].index(operator)
            yield (
                AtomAddress(ids[first.chain, copy], first.residue, first.atom),
                AtomAddress(ids[second.chain, other], second.residue, second.atom),
            )
